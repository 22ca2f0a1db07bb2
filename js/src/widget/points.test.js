import { expect, test } from 'vitest';
import { merge, seriesOf, sum } from './points.js';

test('amounts are added to the digit', () => {
  expect(sum([0.1, 0.2, -0.3, 5])).toBe(5);
  expect(sum(Array(10).fill(0.1))).toBe(1);
  expect(sum([1.25, 2])).toBe(3.25);
});

test('points come with a total or without', () => {
  expect(seriesOf([[0, 1]])).toEqual({ points: [[0, 1]], total: undefined });
  expect(seriesOf({ points: [], total: 3 })).toEqual({ points: [], total: 3 });
});

test('a changed bucket goes to its place, and the answer before stays as it was', () => {
  const answer = { _: { hits: [[0, 1], [1, 2]] }, a: { hits: [[0, 1], [1, 1]] } };
  const merged = merge(answer, { _: { hits: [[1, 5]] } });
  expect(merged._.hits).toEqual([[0, 1], [1, 5]]);
  expect(merged.a.hits).toBe(answer.a.hits);
  expect(answer._.hits).toEqual([[0, 1], [1, 2]]);
});

test('a new bucket pushes the oldest out, of those too that have nothing in it', () => {
  const answer = { _: { hits: [[0, 1], [1, 2]] }, a: { hits: [[0, 1], [1, 1]] } };
  expect(merge(answer, { _: { hits: [[2, 7]] } })).toEqual({ _: { hits: [[1, 2], [2, 7]] }, a: { hits: [[1, 1], [2, 0]] } });
  expect(merge(answer, { _: { hits: [[2, 7]] } }, { sliding: false })._.hits).toEqual([[0, 1], [1, 2], [2, 7]]);
});

test('a child that is new had nothing before', () => {
  const merged = merge({ _: { hits: [[0, 1], [1, 2]] } }, { b: { hits: [[1, 3]], dollars: [[1, 4]] } });
  expect(merged.b).toEqual({ hits: [[0, 0], [1, 3]], dollars: [[0, 0], [1, 4]] });
  expect(merge({}, { _: { hits: [[0, 1]] } })).toEqual({ _: { hits: [[0, 1]] } });
});

test.each(['constructor', 'toString', '__proto__'])('what was not counted as %s has no points of that name', (name) => {
  const counted = (points) => Object.fromEntries([['hits', points], [name, points]]);
  const answer = { _: counted([[0, 1]]), ...Object.fromEntries([[name, counted([[0, 1]])]]) };
  const merged = merge(answer, { _: { hits: [[1, 5]] } });
  expect(merged[name][name]).toEqual([[1, 0]]);
  expect(merged._[name]).toEqual([[1, 0]]);
  expect(merge({ _: { name: [[0, 1]] } }, Object.fromEntries([[name, { name: [[0, 3]] }]]))[name].name).toEqual([[0, 3]]);
});
