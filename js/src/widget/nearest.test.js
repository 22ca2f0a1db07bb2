import { expect, test } from 'vitest';
import { nearest } from './nearest.js';

const edges = [{ name: 'a', y: 100 }, { name: 'b', y: 50 }, { name: 'c', y: NaN }];

test('a click means the line next to it, unless all are far', () => {
  expect([nearest(edges, 90, false), nearest(edges, 60, false), nearest(edges, 0, false), nearest([], 0, false)]).toEqual(['a', 'b', null, null]);
});

test('a click into an area means that area', () => {
  expect([nearest(edges, 99, true), nearest(edges, 180, true), nearest(edges, 20, true)]).toEqual(['b', 'a', null]);
});
