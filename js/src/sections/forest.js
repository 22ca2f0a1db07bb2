// Intervals drawn one below the other on one scale: a line at zero, the interval, a fainter one, and the point.
import { element } from '../dom.js';

const NAMESPACE = 'http://www.w3.org/2000/svg';
const TICKS = 6;
// An interval much longer than all that is known by it would press everything else together: it is cut, with an arrow.
const MOST_BEYOND = 3;
const MARGIN = 0.06;

/** `svg('line', {x1: '5%'})`; null, undefined and false children are left out. */
export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children.flat().filter(Boolean));
  return made;
}

/**
 * The scale of some rows `{point, interval, fixed}`; ends that are null are endless, rows without a point are passed over.
 * `at(n)` -> from 0 to 1, cut at both ends; `zero` whether 0 has to be on it.
 */
export function scaleOf(rows, { zero = true } = {}) {
  const known = rows.filter(({ point }) => point !== null);
  const near = known.flatMap(({ point, fixed }) => [point, ...(fixed ?? [])]).filter((n) => n !== null);
  const reach = MOST_BEYOND * Math.max(...near.map(Math.abs), Number.MIN_VALUE);
  const ends = known.flatMap(({ interval }) => interval).filter((n) => n !== null)
    .map((n) => Math.min(Math.max(n, -reach), reach));
  const all = [...near, ...ends, ...(zero ? [0] : [])];
  let [low, high] = all.length ? [Math.min(...all), Math.max(...all)] : [0, 0];
  if (low === high) [low, high] = [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2];
  const margin = MARGIN * (high - low);
  [low, high] = [low - margin, high + margin];
  const at = (n) => Math.min(Math.max((n - low) / (high - low), 0), 1);
  return { low, high, at, ticks: ticksOf(low, high) };
}

/** Round numbers from `low` to `high`, about five. */
export function ticksOf(low, high) {
  const rough = (high - low) / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((n) => n * power >= rough) * power;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, index) => (first + index) * step);
}

const percent = (part) => `${(part * 100).toFixed(2)}%`;

/** One row; `label` says it for those who do not see it, `look` is a class: better, worse or undecided. */
export function strip({ point, interval, fixed = null, look = 'undecided', zero = true }, scale, label) {
  const place = (n, otherwise) => percent(n === null ? otherwise : scale.at(n));
  const bar = (ends, name) => svg('line', { class: name, x1: place(ends[0], 0), x2: place(ends[1], 1), y1: '50%', y2: '50%' });
  const [low, high] = interval;
  return svg('svg', { class: `forest ${look}`, role: 'img', 'aria-label': label, height: 34, width: '100%' },
    zero && svg('line', { class: 'zero', x1: place(0), x2: place(0), y1: 0, y2: '100%' }),
    fixed && bar(fixed, 'fixed'),
    bar(interval, 'always'),
    low === null || low < scale.low ? arrow('0%', 'M 8 11 L 1 17 L 8 23') : cap(place(low)),
    high === null || high > scale.high ? arrow('100%', 'M -8 11 L -1 17 L -8 23') : cap(place(high)),
    svg('circle', { class: 'point', cx: place(point), cy: '50%', r: 5 }));
}

function cap(x) {
  return svg('line', { class: 'cap', x1: x, x2: x, y1: 11, y2: 23 });
}

function arrow(x, d) {
  return svg('svg', { x, overflow: 'visible' }, svg('path', { class: 'arrow', d }));
}

/** The numbers below the rows; they are in the rows' own words for those who do not see them. */
export function axisRow(scale, format) {
  return element('div', { class: 'version axis-row', 'aria-hidden': 'true' }, element('div', { class: 'version-name' }),
    element('div', { class: 'version-drawn' }, axis(scale, format)));
}

function axis(scale, format) {
  return svg('svg', { class: 'forest axis', height: 20, width: '100%' }, scale.ticks.map((n) => {
    const at = scale.at(n);
    const anchor = at < 0.08 ? 'start' : at > 0.92 ? 'end' : 'middle';
    return svg('text', { x: percent(at), y: 14, 'text-anchor': anchor }, format(n));
  }));
}
