import { expect, test } from 'vitest';
import { isStackable, stack } from './stack.js';

const lines = [{ values: [1, 2, 0] }, { values: [3, null, 0] }];

test('lines lie on one another', () => {
  expect(stack(lines, 'zero')).toEqual({ base: [0, 0, 0], tops: [[1, 2, 0], [4, 2, 0]] });
  expect(stack([], 'zero')).toEqual({ base: [], tops: [] });
});

test('expand makes a whole of every bucket that has something', () => {
  expect(stack(lines, 'expand').tops).toEqual([[0.25, 1, 0], [1, 1, 0]]);
});

test('a silhouette lies around the middle', () => {
  expect(stack(lines, 'silhouette')).toEqual({ base: [-2, -1, -0], tops: [[-1, 1, 0], [2, 1, 0]] });
});

test('a wiggle moves its ground against the slopes', () => {
  const { base, tops } = stack([{ values: [1, 1] }, { values: [1, 3] }], 'wiggle');
  expect(base[1]).toBeCloseTo(-(0 * 1 + 1 * 3) / 4);
  expect(tops[1][1] - base[1]).toBe(4);
  expect(stack(lines, 'wiggle').base[2]).toBe(stack(lines, 'wiggle').base[1]);
});

test('only what is not below zero is stacked', () => {
  expect([isStackable(lines), isStackable([{ values: [-1] }]), isStackable([])]).toEqual([true, false, false]);
});
