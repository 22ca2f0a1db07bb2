import { expect, test } from 'vitest';
import { axisLabels, browserZone, isUnfinished, timeFormat, unitOfStarts } from './times.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text) => Date.parse(text);
const plain = (text) => text.replaceAll('\u202f', ' ');

test('a bucket is named in the zone that was asked for', () => {
  const noon = at('2026-01-05T12:00:00Z');
  expect(plain(timeFormat('hour', 'Asia/Kathmandu', 'en-US')(noon))).toBe('Mon, Jan 5, 5:45 PM');
  expect(timeFormat('day', '', 'en-US')(noon)).toBe('Mon, Jan 5, 2026');
  expect(timeFormat('week', '', 'en-US')(noon)).toBe('Week of Jan 5, 2026');
});

test('a zone that only the server knows is shown in UTC', () => {
  expect(browserZone('UTC-05:00 or so')).toBe('UTC');
  expect(browserZone('America/New_York')).toBe('America/New_York');
});

test.each([[30_000, 'second'], [300_000, 'minute'], [HOUR, 'hour'], [23 * HOUR, 'day'], [7 * DAY, 'week'], [31 * DAY, 'month'], [365 * DAY, 'year']])(
  'buckets %d ms apart are of a %s', (width, unit) => expect(unitOfStarts([0, width])).toBe(unit),
);

test('a single bucket is taken for an hour and never for unfinished', () => {
  expect(unitOfStarts([0])).toBe('hour');
  expect(isUnfinished([0], 1)).toBe(false);
});

test('the bucket of now is unfinished until its end', () => {
  expect(isUnfinished([0, 1000], 1999)).toBe(true);
  expect(isUnfinished([0, 1000], 2000)).toBe(false);
  expect(isUnfinished([0, 1000], 999)).toBe(false);
});

test('the axis names a day or a year once, where it begins', () => {
  const hours = [at('2026-01-05T22:00Z'), at('2026-01-06T00:00Z'), at('2026-01-06T02:00Z')];
  expect(axisLabels(hours, 2 * HOUR, '', 'en-GB')).toEqual(['22:00\n5 Jan', '0:00\n6 Jan', '2:00']);
  expect(axisLabels([at('2025-12-01T00:00Z'), at('2026-01-01T00:00Z')], 31 * DAY, '', 'en-US')).toEqual(['Dec\n2025', 'Jan\n2026']);
  expect(axisLabels([at('2025-01-01T00:00Z'), at('2026-01-01T00:00Z')], 366 * DAY, '', 'en-US')).toEqual(['2025', '2026']);
});
