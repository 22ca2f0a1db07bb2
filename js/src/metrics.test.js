import { expect, test } from 'vitest';
import { firstMetric, isAdditive, isRatio, suggestions, terms, weightOf } from './metrics.js';

test('a page starts with hits where they are counted', () => {
  expect(firstMetric(['delay', 'hits'])).toBe('hits');
  expect(firstMetric(['delay'])).toBe('delay');
  expect(firstMetric([])).toBe('hits');
});

test('every ratio of two metrics is suggested, hits after the others', () => {
  expect(suggestions(['hits', 'revenue', 'sales'])).toEqual([
    'revenue/sales', 'revenue/hits', 'sales/revenue', 'sales/hits', 'hits/revenue', 'hits/sales',
    'revenue:cumulative', 'sales:cumulative', 'hits:cumulative',
  ]);
  expect(suggestions(Array.from({ length: 64 }, (_, i) => `m${i}`))).toHaveLength(60);
});

test('a slash within quotes divides nothing', () => {
  expect(terms('"a/b" / c')).toEqual(['"a/b"', 'c']);
  expect(terms('')).toEqual([]);
  expect(isRatio('"a/b"')).toBe(false);
  expect(isRatio('a/b')).toBe(true);
});

test('only plain metrics of children add up to their parent', () => {
  expect(['hits', 'a/b', 'hits:cumulative', '_count'].map(isAdditive)).toEqual([true, false, false, false]);
});

test('a ratio is weighed by what it is divided by, anything unknown by hits', () => {
  const metrics = ['delay', 'flights'];
  expect(weightOf('delay/flights', metrics)).toBe('flights');
  expect(weightOf('delay/"flights"', metrics)).toBe('flights');
  expect(weightOf('delay/hours', metrics)).toBe('hits');
  expect(weightOf('delay:sum', metrics)).toBe('delay');
  expect(weightOf('_count', metrics)).toBe('hits');
});
