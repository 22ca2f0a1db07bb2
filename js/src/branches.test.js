import { expect, test } from 'vitest';
import { branchesAmong, clearestBranch } from './branches.js';

const totals = (whole, children) => ({ _: { hits: whole }, ...Object.fromEntries(Object.entries(children).map(([name, hits]) => [name, { hits }])) });

test('properties that every event has are branches', () => {
  expect(branchesAmong([['route'], ['hour']], totals(10, { route: 10, hour: 10 }))).toEqual([['route'], ['hour']]);
  expect(branchesAmong([['route']], totals(10, { route: 10 }))).toEqual([['route']]);
});

test('a few events with two values do not make branches of them', () => {
  expect(branchesAmong([['UK'], ['US']], totals(100, { UK: 41, US: 60 }))).toEqual([]);
});

test('values that share the hits among them are no branches', () => {
  expect(branchesAmong([['UK'], ['US']], totals(10, { UK: 4, US: 6 }))).toEqual([]);
  expect(branchesAmong([['UK']], totals(10, { UK: 4 }))).toEqual([]);
  expect(branchesAmong([], totals(10, {}))).toEqual([]);
  expect(branchesAmong(Array.from({ length: 13 }, (_, i) => [`${i}`]), {})).toEqual([]);
  expect(branchesAmong([['a'], ['b']], {})).toEqual([]);
});

test('the branch with the fewest children that can be compared is the clearest', () => {
  expect(clearestBranch([['hour'], ['route'], ['all'], ['user']], [20, 3, 1, 5000])).toEqual(['route']);
  expect(clearestBranch([['user']], [5000])).toBe(null);
});
