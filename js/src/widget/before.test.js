import { expect, test } from 'vitest';
import { beforeLine, periodBefore } from './before.js';

const at = (text) => Date.parse(text);

test('the period before has as many buckets of the same width, up to the first of now', () => {
  expect(periodBefore([at('2026-11-02T10:00Z'), at('2026-11-02T11:00Z'), at('2026-11-02T12:00Z')])).toEqual({
    period: '1h:2026-11-02T07:00:00Z/2026-11-02T10:00:00Z', from: at('2026-11-02T07:00Z'),
  });
  const widths = [[1, 'm'], [5, 'm'], [6 * 60, 'h'], [24 * 60, 'd'], [7 * 24 * 60, 'w'], [31 * 24 * 60, 'mo'], [365 * 24 * 60, 'y']];
  expect(widths.map(([minutes]) => periodBefore([0, minutes * 60_000]).period.split(':')[0])).toEqual(['1m', '5m', '6h', '1d', '1w', '1mo', '1y']);
});

test('one bucket tells no width', () => {
  expect(periodBefore([5])).toBe(null);
});

test('its last buckets stand below the last ones of now', () => {
  const overall = { path: ['s'], isOverall: true, values: [1, 2, 3], total: 6 };
  expect(beforeLine([overall], ['s'], 2).values).toEqual([2, 3]);
  expect(beforeLine([overall], ['s'], 4)).toMatchObject({ values: [null, 1, 2, 3], total: 6, isOverall: false });
  expect(beforeLine([], ['s'], 4)).toBe(null);
});
