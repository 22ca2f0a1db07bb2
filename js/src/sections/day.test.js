import { expect, test } from 'vitest';
import { readDay } from './day.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const at = (text) => Date.parse(text);
/** 50 hours up to that of `now`; each holds the number of its place, 1 for the oldest. */
const hoursUntil = (now) => Array.from({ length: 50 }, (_, index) => [Math.floor(now / HOUR) * HOUR - (49 - index) * HOUR, index + 1]);

test('full hours of today stand beside the same ones of the day before', () => {
  const now = at('2026-11-24T05:48:30Z');
  const day = readDay({ hours: hoursUntil(now), minutes: null, now, zone: '' });
  expect(day.soFar).toBe(45 + 46 + 47 + 48 + 49 + 50);
  expect(day.today).toEqual({ now: 45 + 46 + 47 + 48 + 49, before: 21 + 22 + 23 + 24 + 25, from: at('2026-11-24T00:00Z'), until: at('2026-11-24T05:00Z') });
  expect(day.hour).toEqual({ now: 49, before: 25, from: at('2026-11-24T04:00Z'), until: at('2026-11-24T05:00Z') });
  expect(day.minutes).toBe(null);
});

test('the last full minutes stand beside an average of the same hour a day before', () => {
  const now = at('2026-11-24T05:48:30Z');
  const minutes = Array.from({ length: 7 }, (_, index) => [at('2026-11-24T05:42Z') + index * MINUTE, 10 ** index]);
  const { minutes: found } = readDay({ hours: hoursUntil(now), minutes, now, zone: '' });
  expect(found).toEqual({ now: 111_110, before: 26 / 12, from: at('2026-11-24T05:43Z'), until: at('2026-11-24T05:48Z'), hour: at('2026-11-23T05:00Z') });
});

test('after midnight nothing of today is over, and the last hour is that of the day before', () => {
  const now = at('2026-11-24T00:10Z');
  const day = readDay({ hours: hoursUntil(now), minutes: [], now, zone: '' });
  expect(day.today).toBe(null);
  expect(day.hour).toMatchObject({ now: 49, before: 25, from: at('2026-11-23T23:00Z') });
  expect(day.minutes.now).toBe(0);
});

test('a day begins where its zone says, on the half hour too', () => {
  const now = at('2026-11-24T05:48Z');
  const day = readDay({ hours: hoursUntil(now), minutes: null, now, zone: 'Asia/Kolkata' });
  // 11:18 there; the first hour of the day that began at 18:30 is counted from 19:00 on.
  expect(day.today).toMatchObject({ from: at('2026-11-23T19:00Z'), until: at('2026-11-24T05:00Z') });
  expect(day.today.before).toBe(Array.from({ length: 10 }, (_, index) => 16 + index).reduce((a, b) => a + b));
});

test('what is not known is not compared', () => {
  const now = at('2026-11-24T05:48Z');
  expect(readDay({ hours: [], minutes: [], now, zone: '' })).toEqual({ soFar: 0, today: null, hour: null, minutes: null });
  expect(readDay({ hours: hoursUntil(now).slice(-3), minutes: [], now, zone: '' })).toMatchObject({ soFar: 147, today: null, hour: null, minutes: null });
});
