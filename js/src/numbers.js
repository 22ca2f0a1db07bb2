// Numbers for people, in the language of the browser.
import { formatter } from './formatters.js';

/** -> `{exact(n), short(n), axis(n), percent(part)}`; `short` where there is little room, `axis` for round numbers. */
export function numberFormats(locale) {
  const format = (options) => formatter('NumberFormat', locale, options);
  const whole = format({ maximumFractionDigits: 0 });
  // Always two digits: numbers below one another are compared by their width.
  const fraction = format({ minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const few = format({ maximumFractionDigits: 3 });
  const small = format({ maximumSignificantDigits: 3 });
  const compact = format({ notation: 'compact', maximumSignificantDigits: 3 });
  const percent = format({ style: 'percent', maximumFractionDigits: 1 });
  const exact = (n) => {
    if (n === null || n === undefined) return '–';
    if (Number.isInteger(n)) return whole(n);
    return Math.abs(n) < 1 ? small(n) : fraction(n);
  };
  const axis = (n) => (Math.abs(n) >= 10_000 ? compact : few)(n);
  const short = (n) => (Math.abs(n) >= 10_000 ? compact(n) : exact(n));
  return { exact, short, axis, percent: (part) => (part === null ? '' : percent(part)) };
}
