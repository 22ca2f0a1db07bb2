// The periods a page offers, and what a period's text says about its buckets.

const period = (text, short, label, unit) => ({ text, short, label, unit });

/** Shown as buttons, in this order. `short` fits a phone, `label` ends a sentence, `unit` is that of the buckets. */
export const MAIN_PERIODS = [
  period('hour', '1 h', 'the last hour', 'minute'),
  period('day', '24 h', 'the last 24 hours', 'hour'),
  period('seven', '7 d', 'the last 7 days', 'day'),
  period('thirty', '30 d', 'the last 30 days', 'day'),
  period('year', '1 y', 'the last year', 'day'),
];

/** Shown in the list beside them. */
export const MORE_PERIODS = [
  period('today', 'Today', 'today', 'hour'),
  period('yesterday', 'Yesterday', 'yesterday', 'hour'),
  period('wtd', 'This week', 'this week', 'day'),
  period('mtd', 'This month', 'this month', 'day'),
  period('ytd', 'This year', 'this year', 'day'),
];

/** What a page may start with, shortest first; the longest decides what there is to see. */
export const FIRST_PERIODS = ['day', 'thirty', 'year'];

const UNITS = { s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week', mo: 'month', y: 'year' };
const LIVE_UNITS = ['second', 'minute', 'hour'];
const OTHER_SPELLINGS = new Map([['24h', 'day']]);

function named(text) {
  return [...MAIN_PERIODS, ...MORE_PERIODS].find((one) => one.text === (OTHER_SPELLINGS.get(text) ?? text));
}

/** True for a period that one of the page's buttons or list entries stands for. */
export function isNamed(text) {
  return named(text) !== undefined;
}

/** A period in words, fit for the end of a sentence: `'thirty'` -> `'the last 30 days'`. */
export function describePeriod(text) {
  return named(text)?.label ?? text;
}

/** The unit of a period's buckets, `'minute'` for `'5m:1d'`; null where the text does not tell. */
export function unitOf(text) {
  const match = /^\d*(mo|[smhdwy]):/.exec(text);
  return named(text)?.unit ?? (match && UNITS[match[1]]);
}

/** True when the graph changes while one looks: buckets of an hour or less that reach up to now. */
export function isLive(text) {
  return text !== 'yesterday' && !/\d{4}/.test(text) && LIVE_UNITS.includes(unitOf(text));
}

/** The shortest first period that holds all that the longest holds; `totals` is `{period: number}`. */
export function firstPeriod(totals) {
  const most = FIRST_PERIODS[FIRST_PERIODS.length - 1];
  return FIRST_PERIODS.find((text) => totals[text] > 0 && totals[text] === totals[most]) ?? most;
}
