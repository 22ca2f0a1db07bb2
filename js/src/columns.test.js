import { expect, test } from 'vitest';
import { drawnSeries, hasValues, readColumns } from './columns.js';

const points = (...values) => values.map((n, index) => [index * 1000, n]);
const read = (answer, more) => readColumns(
  Object.fromEntries(Object.entries(answer).map(([name, [list, total]]) => [name, { hits: { points: list, total } }])),
  { node: [], metric: 'hits', ...more },
);

test('the asked node comes first and its children by their totals, whatever order names made of the answer', () => {
  const { starts, series } = read({ 5: [points(1, 1), 2], 7: [points(3, 0), 3], _: [points(4, 1), 5] });
  expect(starts).toEqual([0, 1000]);
  expect(series.map(({ name, values, total }) => [name, values, total])).toEqual([['_', [4, 1], 5], ['7', [3, 0], 3], ['5', [1, 1], 2]]);
});

test('weights order the children of a ratio', () => {
  const { series } = read({ a: [points(9), 9], b: [points(1), 1], _: [points(5), 5] }, { weights: new Map([['a', 2], ['b', 80]]) });
  expect(series.map(({ name }) => name)).toEqual(['_', 'b', 'a']);
});

test('only the node and what lies below it are read, and only the asked metric', () => {
  const answer = { route: [points(1), 1], '["route", "JFK"]': [points(2), 2], '["route", "JFK", "LAX"]': [points(1), 1], hour: [points(1), 1] };
  expect(read(answer, { node: ['route'] }).series.map(({ path }) => path)).toEqual([['route'], ['route', 'JFK'], ['route', 'JFK', 'LAX']]);
  expect(read(answer, { metric: 'miles' })).toEqual({ starts: [], series: [] });
});

test('buckets that only one series has are null in the others', () => {
  const { starts, series } = read({ _: [[[0, 1], [2000, 1]], 2], a: [[[1000, 5]], 5] });
  expect(starts).toEqual([0, 1000, 2000]);
  expect(series.map(({ values }) => values)).toEqual([[1, null, 1], [null, 5, null]]);
});

test('a child that equals the overall line in every bucket is not drawn over it', () => {
  const columns = read({ _: [points(1, 2), 3], route: [points(1, 2), 3], hour: [points(1, 1), 2] });
  expect(drawnSeries(columns).map(({ name }) => name)).toEqual(['_', 'hour']);
  expect(drawnSeries(read({ a: [points(1), 1] }))).toHaveLength(1);
});

test('zeros alone are nothing', () => {
  expect(hasValues(read({ _: [points(0, 0), 0] }))).toBe(false);
  expect(hasValues(read({ _: [points(0, -1), -1] }))).toBe(true);
});
