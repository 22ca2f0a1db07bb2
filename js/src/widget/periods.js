// Periods in words, and which of them are over.
import { describePeriod } from '../periods.js';

const UNITS = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' };

/** A period, fit for the end of a sentence: `'1h:7d'` -> `'the last 7 days'`; what is no length stays as it is. */
export function periodWords(text) {
  const match = /(?:^|:)(\d+)(mo|[smhdwy])$/.exec(text);
  if (match === null || match[1] === '0') return describePeriod(text);
  const [, count, letter] = match;
  return Number(count) === 1 ? `the last ${UNITS[letter]}` : `the last ${count} ${UNITS[letter]}s`;
}

/** True for a period that is over: nothing more will be counted in it. */
export function isPast(text) {
  return /(?:^|:)yesterday$/.test(text) || /\d{4}-\d\d|\d\/\d{4}/.test(text);
}

const NAMED_LENGTHS = ['hour', 'day', '24h', 'seven', 'thirty', 'year'];

/** True for a period that reaches from now so far back: a new bucket pushes the oldest one out. */
export function isSliding(text) {
  return NAMED_LENGTHS.includes(text) || /^(?:[^:]*[:x])?\d+(?:mo|[smhdwy])?$/.test(text);
}
