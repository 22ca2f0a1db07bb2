import { expect, test } from 'vitest';
import { assignHues } from './hues.js';

test('a name keeps its hue when the order changes, and new names take what is free', () => {
  const first = assignHues(['a', 'b', 'c']);
  expect([...first]).toEqual([['a', 0], ['b', 1], ['c', 2]]);
  expect([...assignHues(['c', 'd', 'a'], first)]).toEqual([['c', 2], ['d', 1], ['a', 0]]);
});

test('more names than hues share them', () => {
  expect(assignHues(Array.from({ length: 9 }, (_, i) => `n${i}`)).get('n8')).toBe(0);
});
