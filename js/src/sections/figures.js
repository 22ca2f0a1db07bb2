// Numbers of tests and decisions for people, in the language of the browser.
import { numberFormats } from '../numbers.js';

const LEAST = 0.0001;
const SURE = 0.999;

/**
 * -> `{exact, percent, chance, change, points, loss, difference, probability}`; a change has its sign, points are of percent; a chance
 * is never said to be all or nothing.
 */
export function figures(locale) {
  const { exact } = numberFormats(locale);
  const percents = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 2, maximumSignificantDigits: 3, roundingPriority: 'lessPrecision' });
  const changes = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1, signDisplay: 'exceptZero' });
  const signed = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3, signDisplay: 'exceptZero' });
  const plain = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
  const small = new Intl.NumberFormat(locale, { maximumSignificantDigits: 2 });
  return {
    exact,
    percent: (part) => percents.format(part),
    chance: (part) => (part > SURE ? `over ${percents.format(SURE)}` : part < 1 - SURE ? `below ${percents.format(1 - SURE)}` : percents.format(part)),
    change: (part) => changes.format(part),
    points: (part) => `${plain.format(part * 100)} %-points`,
    loss: (n, isPart) => (n < LEAST ? `below ${isPart ? percents.format(LEAST) : small.format(LEAST)}` : isPart ? `${plain.format(n * 100)} %-points` : exact(n)),
    difference: (n) => signed.format(n),
    probability: (p) => (p < LEAST ? `below ${small.format(LEAST)}` : small.format(p)),
  };
}
