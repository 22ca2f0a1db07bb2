import { expect, test } from 'vitest';
import { segment, shortage, variant, verdict, WHOLE } from '../../dev/experiment.js';
import { allocationOf, goalsAmong, methodOf, missing, tablesOf } from './verdicts.js';

test('overall, all visitors and segments are tables of their own', () => {
  const parts = { ...WHOLE, everyone: segment([]), segments: [segment([], { path: ['country', 'UK'] })] };
  expect(tablesOf(parts).map(({ title }) => title)).toEqual(['Hold-out', 'All visitors', 'country / UK']);
  expect(tablesOf(WHOLE).map(({ title }) => title)).toEqual(['']);
});

const rowsOf = (...variants) => tablesOf({ ...WHOLE, overall: segment([variant('a'), ...variants]) })[0].goals[0];

test('a version has its interval and what is thought of it', () => {
  const { measure, rows: [control, red] } = rowsOf(variant('red', { headline: verdict({ winner: 'red' }) }));
  expect(measure).toBe('lift');
  expect(control).toMatchObject({ isControl: true, point: null, chance: null });
  expect(red).toMatchObject({ point: 0.4, interval: [0.1, 0.8], fixed: [0.2, 0.6], chance: 0.98, loss: 0.001, look: 'better', isControl: false });
});

test('a version that loses, or none does, looks so', () => {
  expect(rowsOf(variant('red', { headline: verdict({ winner: 'a' }) })).rows[1].look).toBe('worse');
  expect(rowsOf(variant('red', { headline: verdict({ winner: null }), once: null })).rows[1]).toMatchObject({ look: 'undecided', fixed: null });
});

test('without a lift differences are compared', () => {
  const none = verdict({ lift: null, lift_ci: null });
  expect(rowsOf(variant('red', { headline: verdict({ lift_ci: null }) })).measure).toBe('difference');
  expect(rowsOf(variant('red', { headline: none }))).toMatchObject({ measure: 'difference', rows: [{}, { point: 0.05, interval: [0.01, 0.09] }] });
});

test('what is missing is a sentence', () => {
  const few = { not_enough_data: [shortage('red', 'conversions', 2, 5), shortage('red', 'visitors', 1, 2), shortage('all', 'goals', 0, 1)] };
  expect(rowsOf(variant('red', { headline: few, belief: few })).rows[1]).toMatchObject({
    point: null, why: 'Not enough data: red needs 3 more conversions and 1 more visitor; the split needs 1 more goal.',
    unbelieved: 'red needs 3 more conversions and 1 more visitor; the split needs 1 more goal.', chance: null,
  });
  const none = { no_valid_method: { why: 'it was adaptive', needs: ['bounds', 'a hold-out'] } };
  expect(rowsOf(variant('red', { headline: none, belief: null })).rows[1].why).toBe('No valid method: it was adaptive (it takes bounds; or a hold-out).');
  expect(missing([shortage('b', 'visitors', 1.5, 9)])).toBe('b needs 8 more visitors.');
});

test('a goal that is refused says why', () => {
  const { goals: [goal] } = tablesOf({ ...WHOLE, overall: segment([], { refusal: { why: 'no squares', way_out: 'count them' } }) })[0];
  expect(goal.refusal).toBe('no squares (count them)');
});

test('methods are told once for each goal, with who saw what', () => {
  const [table] = tablesOf({ ...WHOLE, overall: segment([variant('a'), variant('b', { headline: verdict() }), variant('c', { headline: verdict() })]) });
  expect(methodOf(table)).toEqual([{ name: 'signups', method: 'e process', why: 'it holds', exact: true }]);
  expect([allocationOf('fixed').slice(0, 15), allocationOf('adaptive').slice(0, 16), allocationOf('other')]).toEqual(['By chance alone', 'What was counted', 'other']);
  expect(goalsAmong(['*a', 'a', 'a*a', 'hits'])).toEqual(['a']);
});
