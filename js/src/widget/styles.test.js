import { expect, test } from 'vitest';
import { dressRoot } from './styles.js';

test('a root is dressed in light or dark, in sheets that all roots share', () => {
  const [one, other] = [{}, {}];
  dressRoot(one, false);
  dressRoot(other, true);
  expect([one.adoptedStyleSheets.length, other.adoptedStyleSheets.length]).toEqual([2, 3]);
  expect(other.adoptedStyleSheets[0]).toBe(one.adoptedStyleSheets[0]);
  expect(one.adoptedStyleSheets[0].text).toContain('--overall');
  expect(other.adoptedStyleSheets[1]).not.toBe(one.adoptedStyleSheets[1]);
});
