// What was counted just now and today, beside the same time of the day before. Pure: points in, numbers out.
import { browserZone } from '../times.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** Minutes that stand for just now. */
export const NOW_MINUTES = 5;
/** What is asked for: today, the day before, and the one before that as far as the last full hour may need it. */
export const HOURS_PERIOD = '1h:50h';
export const MINUTES_PERIOD = `1m:${NOW_MINUTES + 1}m`;

/**
 * `hours` and `minutes` are points `[ms, n]` of those periods, oldest first; `minutes` is null where none are kept.
 * -> `{soFar, today, hour, minutes}`: the number of today, and three comparisons `{now, before, from, until}`, each null where
 * there is nothing to compare. Only what is over is compared: full hours, full minutes.
 */
export function readDay({ hours, minutes, now, zone }) {
  const local = localTime(zone);
  const buckets = hours.map(([at, n]) => ({ at, n, ...local(at) }));
  const over = buckets.filter(({ at }) => at + HOUR <= now);
  const today = local(now).date;
  const dates = [...new Set(buckets.map(({ date }) => date))];
  const dayBefore = (date) => dates[dates.indexOf(date) - 1];
  const sameTime = ({ date, clock }) => buckets.find((one) => one.date === dayBefore(date) && one.clock === clock);
  const ofToday = over.filter(({ date }) => date === today);
  const last = over[over.length - 1];
  const current = buckets.findLast(({ at }) => at <= now);
  return {
    soFar: sum(buckets.filter(({ date }) => date === today)),
    today: ofToday.length === 0 || dayBefore(today) === undefined ? null : {
      now: sum(ofToday),
      before: sum(buckets.filter(({ date, clock }) => date === dayBefore(today) && clock < last.clock + HOUR)),
      from: ofToday[0].at,
      until: last.at + HOUR,
    },
    hour: last && sameTime(last) ? { now: last.n, before: sameTime(last).n, from: last.at, until: last.at + HOUR } : null,
    minutes: minutes === null || !current || !sameTime(current) ? null : justNow(minutes, now, sameTime(current)),
  };
}

// Minutes are kept for a day, and the same ones of the day before are gone: its hour stands for them.
function justNow(minutes, now, { n, at }) {
  const until = Math.floor(now / MINUTE) * MINUTE;
  const from = until - NOW_MINUTES * MINUTE;
  const full = minutes.filter(([start]) => start >= from && start < until);
  return { now: sum(full.map(([, amount]) => ({ n: amount }))), before: n * NOW_MINUTES * MINUTE / HOUR, from, until, hour: at };
}

function localTime(zone) {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: browserZone(zone), hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit',
  });
  return (ms) => {
    const { year, month, day, hour, minute } = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return { date: `${year}-${month}-${day}`, clock: hour * HOUR + minute * MINUTE };
  };
}

function sum(buckets) {
  return buckets.reduce((all, { n }) => all + n, 0);
}
