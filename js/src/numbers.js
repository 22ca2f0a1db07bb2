// Numbers for people, in the language of the browser.

/** -> `{exact(n), short(n), axis(n), percent(part)}`; `short` where there is little room, `axis` for round numbers. */
export function numberFormats(locale) {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
  // Always two digits: numbers below one another are compared by their width.
  const fraction = new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const few = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
  const small = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
  const compact = new Intl.NumberFormat(locale, { notation: 'compact', maximumSignificantDigits: 3 });
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const exact = (n) => {
    if (n === null || n === undefined) return '–';
    if (Number.isInteger(n)) return whole.format(n);
    return Math.abs(n) < 1 ? small.format(n) : fraction.format(n);
  };
  const axis = (n) => (Math.abs(n) >= 10_000 ? compact : few).format(n);
  const short = (n) => (Math.abs(n) >= 10_000 ? compact.format(n) : exact(n));
  return { exact, short, axis, percent: (part) => (part === null ? '' : percent.format(part)) };
}
