import { expect, test } from 'vitest';
import { isPast, isSliding, periodWords } from './periods.js';

test('a period is told in words', () => {
  expect(['1h:7d', '5m:1d', '30d', '1d:3mo', 'thirty', 'today', '0d', '2026-11-01/2026-11-07'].map(periodWords)).toEqual([
    'the last 7 days', 'the last day', 'the last 30 days', 'the last 3 months', 'the last 30 days', 'today', '0d', '2026-11-01/2026-11-07',
  ]);
});

test('yesterday and dates are over', () => {
  expect(['yesterday', '1h:yesterday', '2026-11-22', '11/22/2026', '1m:2026-11-01/2026-11-02'].every(isPast)).toBe(true);
  expect(['1h:7d', 'today', '60:3600', '1h:10000h'].some(isPast)).toBe(false);
});

test('a period of a length slides, one from a day on grows', () => {
  expect(['1h:7d', '7d', '60:3600', '60x3600', 'year'].every(isSliding)).toBe(true);
  expect(['today', 'mtd', '1h:wtd'].some(isSliding)).toBe(false);
});
