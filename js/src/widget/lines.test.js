import { expect, test } from 'vitest';
import { linesOf, OTHER } from './lines.js';

const points = (...values) => values.map((n, index) => [index * 1000, n]);
const read = (answer, options = {}, node = []) => linesOf(answer, { metric: 'hits', metrics: ['hits'], threshold: 0.1, limit: 8, ...options }, node);
const hits = (answer) => Object.fromEntries(Object.entries(answer).map(([name, values]) => [name, { hits: points(...values) }]));
const brief = ({ lines }) => lines.map(({ label, values, total }) => [label, values, total]);

test('overall comes first, then every child with a tenth of it, and the rest as one', () => {
  const { starts, lines, additive } = read(hits({ a: [5, 0], b: [2, 2], c: [1, 0], d: [0, 0], _: [8.5, 2] }), { threshold: 0.2 });
  expect([starts, additive]).toEqual([[0, 1000], true]);
  expect(brief({ lines })).toEqual([['overall', [8.5, 2], 10.5], ['a', [5, 0], 5], ['b', [2, 2], 4], ['other', [1.5, 0], 1.5]]);
  expect(lines[3].name).toBe(OTHER);
});

test('a loss is important by its size', () => {
  expect(brief(read(hits({ a: [12], b: [-2], c: [0.5], _: [10] }))).map(([label]) => label)).toEqual(['overall', 'a', 'b']);
});

test('where none of many children is important the largest are drawn', () => {
  const children = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`c${index}`, [index + 1, 1]]));
  const { lines } = read(hits({ ...children, _: [1000, 20] }));
  expect(lines.map(({ label }) => label)).toEqual(['overall', 'c19', 'c18', 'c17', 'c16', 'c15', 'other']);
  expect(read(hits({ ...children, _: [1000, 20] }), { threshold: 0, limit: 2 }).lines).toHaveLength(4);
  expect(read(hits({ a: [4], b: [3], _: [9] }), { threshold: 0.5 }).lines.map(({ label }) => label)).toEqual(['overall']);
});

test('children that overlap leave no rest', () => {
  expect(brief(read(hits({ a: [9], b: [8], c: [0.5], _: [10] }))).map(([label]) => label)).toEqual(['overall', 'a', 'b']);
});

test('an only child that equals overall is not drawn over it', () => {
  expect(brief(read(hits({ a: [3], _: [3] })))).toEqual([['overall', [3], 3]]);
});

test('a ratio has nothing where nothing was counted, and its children the weight of what it is divided by', () => {
  const ratio = (above, below) => ({
    'd/hits': points(...above.map((n, index) => (below[index] ? n / below[index] : 0))), d: points(...above), hits: points(...below),
  });
  const answer = { _: ratio([10, 0], [4, 0]), a: ratio([6, 0], [3, 0]), b: ratio([4, 0], [0.1, 0]), c: ratio([1, 1], [0, 0]) };
  const { lines, additive } = read(answer, { metric: 'd/hits', metrics: ['d/hits'] });
  expect(brief({ lines })).toEqual([['overall', [2.5, null], 2.5], ['a', [2, null], 2]]);
  expect(additive).toBe(false);
  expect(brief(read({ _: { 'd/hits': points(0) } }, { metric: 'd/hits', metrics: ['d/hits'] }))).toEqual([['overall', [null], 0]]);
});

test('deeper levels are named by all of their path, and important by their share of what is right above', () => {
  const { lines } = read(hits({ 's': [100], '["s", "a"]': [60], '["s", "b"]': [40], '["s", "a", "x"]': [7], '["s", "a", "y"]': [3] }), { depth: 2 }, ['s']);
  expect(lines.map(({ label }) => label)).toEqual(['s', 'a', 'b', 'a / x']);
});

test('a total that the answer has is taken', () => {
  expect(brief(read({ _: { 'a:last': { points: points(1, 2), total: 2 } } }, { metric: 'a:last', metrics: ['a:last'] }))).toEqual([['overall', [1, 2], 2]]);
  expect(brief(read({ s: { 'hits/hours': { points: points(1), total: 3 } } }, { metric: 'hits/hours', metrics: ['hits/hours'] }, ['s']))).toEqual([['s', [1], 3]]);
});

test('several metrics are a line each', () => {
  const { lines } = read({ _: { hits: points(1, 2), d: points(5, 5) } }, { metrics: ['hits', 'd'] });
  expect(lines.map(({ label, total, isOverall }) => [label, total, isOverall])).toEqual([['hits', 3, false], ['d', 10, false]]);
});

test('an empty answer has no lines', () => {
  expect(read({})).toEqual({ starts: [], lines: [], additive: true });
});

test('a child whose weight is not known yet is of no weight', () => {
  const answer = { s: { 'd/hits': points(1), d: points(4), hits: points(4) }, '["s", "a", "x"]': { 'd/hits': { points: points(2), total: 2 } } };
  const { lines } = read(answer, { metric: 'd/hits', metrics: ['d/hits'] }, ['s']);
  expect(lines.map(({ label }) => label)).toEqual(['s']);
  answer['["s", "a", "x"]'] = { ...answer['["s", "a", "x"]'], d: points(2), hits: points(1) };
  expect(read(answer, { metric: 'd/hits', metrics: ['d/hits'] }, ['s']).lines.map(({ label }) => label)).toEqual(['s', 'a / x']);
  const strange = { s: { 'hits/hours': points(1), hits: points(4) }, '["s", "a"]': { 'hits/hours': points(2) } };
  expect(read(strange, { metric: 'hits/hours', metrics: ['hits/hours'] }, ['s']).lines).toHaveLength(1);
});
