// The period before: what to ask for it, and its values below those of now. Pure.
import { BEFORE } from './lines.js';
import { samePath } from '../paths.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
// Up to which width of a bucket its interval is told in what; a day may have 23 hours, a month 28 days.
const INTERVALS = [[HOUR, MINUTE, 'm'], [22 * HOUR, HOUR, 'h'], [6.5 * DAY, DAY, 'd'], [27 * DAY, 7 * DAY, 'w'], [360 * DAY, 30.4 * DAY, 'mo'], [Infinity, 365 * DAY, 'y']];

/** -> `{period, from}` for as many buckets right before `starts`; null where there are too few to tell their width. */
export function periodBefore(starts) {
  if (starts.length < 2) return null;
  const width = starts[1] - starts[0];
  const [, unit, letter] = INTERVALS.find(([limit]) => width < limit);
  const until = starts[0];
  const from = until - (starts[starts.length - 1] - starts[0] + width);
  return { period: `${Math.round(width / unit)}${letter}:${moment(from)}/${moment(until)}`, from };
}

function moment(ms) {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The line of before: `lines` are those of its answer; its last buckets stand below the last ones of now. */
export function beforeLine(lines, node, length) {
  const overall = lines.find(({ path, isOverall }) => isOverall && samePath(path, node));
  if (overall === undefined) return null;
  const missing = Math.max(0, length - overall.values.length);
  const values = [...Array(missing).fill(null), ...overall.values.slice(-length)];
  return { name: BEFORE, path: [...node, BEFORE], label: 'the period before', isOverall: false, values, total: overall.total };
}
