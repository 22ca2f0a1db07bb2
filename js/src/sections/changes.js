// Changes: how much, by which share, and how far beyond chance. Pure.

/** Below this a change of counts is no wonder: one in twenty is as large by chance alone. */
export const BY_CHANCE = 2;

/** The change on a scale on which few counts weigh little: for counts that come by chance, a normal deviate. */
export function score(now, before) {
  const size = Math.abs(now) + Math.abs(before);
  return size === 0 ? 0 : (now - before) / Math.sqrt(size);
}

/** -> `format(now, before)`: `'+12 %'`, `'new'`, `'gone'`, `'the same'`. */
export function changeFormat(locale) {
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 0, signDisplay: 'exceptZero' });
  const fine = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1, signDisplay: 'exceptZero' });
  return (now, before) => {
    if (now === before) return 'the same';
    if (before === 0) return 'new';
    if (now === 0) return 'gone';
    const change = (now - before) / Math.abs(before);
    return (Math.abs(change) < 0.1 ? fine : percent).format(change);
  };
}

/** -> `format(n)`: a number with its sign. */
export function signed(locale) {
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 2, signDisplay: 'exceptZero' });
  return (n) => whole.format(n);
}
