import { expect, test, vi } from 'vitest';
import { element } from './dom.js';
import { drawLegend } from './legend.js';
import { numberFormats } from './numbers.js';
import { label } from './paths.js';

test('each line has a button that hides it and says so', () => {
  const root = element('div');
  const toggle = vi.fn();
  const series = [{ name: '_', path: ['All'], isOverall: true, total: 50_000 }, { name: 'UK', path: ['UK'], isOverall: false, total: 3 }];
  const draw = (hidden) => drawLegend(root, { series, hidden: new Set(hidden), hues: new Map([['UK', 4]]), labelOf: label, formats: numberFormats('en-US'), toggle });
  draw([]);
  const [all, uk] = root.children;
  expect([all.textContent, uk.textContent]).toEqual(['All50K', 'UK3']);
  expect([all.firstChild.className, uk.firstChild.className]).toEqual(['swatch overall', 'swatch hue-4']);
  uk.click();
  expect(toggle).toHaveBeenCalledWith('UK');
  draw(['UK']);
  expect(root.children[1]).toBe(uk);
  expect([uk.getAttribute('aria-pressed'), uk.title]).toEqual(['false', 'Show UK']);
});
