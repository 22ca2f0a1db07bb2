// Moments for people: what the tooltip, the axis and the table say about a bucket, in the zone that is asked for.
import { formatter } from './formatters.js';

const MINUTE = 60_000;
const DAY = 86_400_000;
const DATE = { day: 'numeric', month: 'short' };
const CLOCK = { hour: 'numeric', minute: '2-digit' };
const YEAR = { year: 'numeric' };
const MOMENT = { weekday: 'short', ...DATE, ...CLOCK };
const PARTS = {
  second: { ...MOMENT, second: '2-digit' },
  minute: MOMENT,
  hour: MOMENT,
  day: { weekday: 'short', ...DATE, ...YEAR },
  week: { ...DATE, ...YEAR },
  month: { month: 'long', ...YEAR },
  year: YEAR,
};
const FINEST_FIRST = [
  [MINUTE, 'second'], [60 * MINUTE, 'minute'], [DAY * 0.9, 'hour'], [DAY * 6.5, 'day'], [DAY * 27, 'week'], [DAY * 360, 'month'],
];

/** The unit of buckets from their starts, for periods whose text does not tell it. */
export function unitOfStarts(starts) {
  if (starts.length < 2) return 'hour';
  const width = starts[1] - starts[0];
  return FINEST_FIRST.find(([limit]) => width < limit)?.[1] ?? 'year';
}

/** -> `format(ms)`; a zone that the browser does not know (the server may) falls back to UTC. */
export function timeFormat(unit, zone, locale) {
  const text = formatter('DateTimeFormat', locale, { ...PARTS[unit], timeZone: browserZone(zone) });
  return unit === 'week' ? (ms) => `Week of ${text(ms)}` : text;
}

/** The zone for the browser's own arithmetic. */
export function browserZone(zone) {
  if (!zone) return 'UTC';
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone;
  } catch {
    return 'UTC';
  }
}

/** True when `now` lies within the bucket that starts last: its number will still grow. */
export function isUnfinished(starts, now) {
  if (starts.length < 2) return false;
  const last = starts[starts.length - 1];
  return last <= now && now < last + (last - starts[starts.length - 2]);
}

// Up to which distance of labels they say what, and what the line below them adds.
const AXIS_PARTS = [
  [MINUTE, { ...CLOCK, second: '2-digit' }, DATE],
  [DAY * 0.9, CLOCK, DATE],
  [DAY * 27, DATE, YEAR],
  [DAY * 360, { month: 'short' }, YEAR],
  [Infinity, YEAR, null],
];

/** Labels below the time axis: a second line names the day or year where it begins, and at the first label. */
export function axisLabels(moments, step, zone, locale) {
  const timeZone = browserZone(zone);
  const [, small, large] = AXIS_PARTS.find(([limit]) => step < limit);
  const smallFormat = formatter('DateTimeFormat', locale, { ...small, timeZone });
  const largeFormat = large && formatter('DateTimeFormat', locale, { ...large, timeZone });
  let before = null;
  return moments.map((ms) => {
    const upper = smallFormat(ms);
    const lower = largeFormat ? largeFormat(ms) : '';
    const text = lower === '' || lower === before ? upper : `${upper}\n${lower}`;
    before = lower;
    return text;
  });
}
