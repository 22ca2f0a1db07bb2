import { expect, test } from 'vitest';
import { describePeriod, firstPeriod, isLive, isNamed, unitOf } from './periods.js';

test.each([
  ['hour', 'minute'], ['24h', 'hour'], ['year', 'day'], ['5m:1d', 'minute'], ['1mo:1y', 'month'], ['m:h', 'minute'],
  ['2026-01-01/2026-02-01', null], ['3600', null],
])('the buckets of %s are of a %s', (text, unit) => expect(unitOf(text)).toBe(unit));

test('only buckets of an hour or less that reach up to now change while one looks', () => {
  expect(['hour', 'day', '30s:1h', 'today'].map(isLive)).toEqual([true, true, true, true]);
  expect(['yesterday', 'thirty', '1d:1y', '1h:2026-01-01/2026-01-02'].map(isLive)).toEqual([false, false, false, false]);
});

test('named periods have words, own ones are shown as they are', () => {
  expect(describePeriod('thirty')).toBe('the last 30 days');
  expect(describePeriod('1h:7d')).toBe('1h:7d');
  expect([isNamed('wtd'), isNamed('1h:7d')]).toEqual([true, false]);
});

test('a page starts with the shortest period that holds everything', () => {
  expect(firstPeriod({ day: 3, thirty: 3, year: 3 })).toBe('day');
  expect(firstPeriod({ day: 1, thirty: 3, year: 3 })).toBe('thirty');
  expect(firstPeriod({ day: 1, thirty: 2, year: 3 })).toBe('year');
  expect(firstPeriod({ day: 0, thirty: 0, year: 0 })).toBe('year');
  expect(firstPeriod({})).toBe('year');
});

test.each(['constructor', 'toString', '__proto__'])('%s is no period of the page', (text) => {
  expect([isNamed(text), describePeriod(text), unitOf(text)]).toEqual([false, text, null]);
});
