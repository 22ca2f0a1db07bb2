// What a graph is told: the options with their defaults, and the question that follows from them.
import { isAdditive, isRatio, terms, weightOf } from '../metrics.js';
import { parsePathName } from '../paths.js';
import { readMarks } from './marks.js';

/** Every option and its default; docs/graphs.rst says what they mean. A page may change `host`, `key` and others once for all. */
export const defaults = {
  host: '', key: '', pk: '', metric: 'hits', metrics: null, dimensions: [], depth: 1, period: '1h:7d', tz: '',
  threshold: 0.1, limit: 8, kind: 'line', offset: 'zero', compare: false, annotations: [], title: null, height: 0,
  legend: true, table: false, live: true, locale: '', theme: 'auto', drill: true, onclick: null, onerror: null,
};

const KINDS = ['line', 'area', 'bars', 'sparkline', 'number'];
const OFFSETS = ['zero', 'expand', 'silhouette', 'wiggle'];
const THEMES = ['auto', 'light', 'dark'];
const TEXTS = ['host', 'key', 'period', 'tz', 'title', 'locale'];
const SMALL_KINDS = ['sparkline', 'number'];
// What stands in a formula without having been counted.
const CONSTANT = /^(?:[\d.]+|_.*|seconds|minutes|hours|days|weeks|months|years)$/;
// Among so many children are the important ones looked for: more than are drawn, for a loss may be important and comes last.
const LOOKED_AT = 25;

/** Options as they hold: defaults filled in, other spellings read, mistakes refused with a sentence. */
export function complete(given) {
  const known = { ...given };
  if (known.dimension !== undefined) known.dimensions ??= known.dimension;
  delete known.dimension;
  for (const name of Object.keys(known)) {
    if (!Object.hasOwn(defaults, name)) throw new TypeError(`no option is called ${name} (there are ${Object.keys(defaults).join(', ')})`);
    if (known[name] === undefined) delete known[name];
  }
  const options = { ...defaults, ...known };
  for (const [name, values] of [['kind', KINDS], ['offset', OFFSETS], ['theme', THEMES]]) {
    if (!values.includes(options[name])) throw new TypeError(`${name} is one of ${values.join(', ')}, not ${options[name]}`);
  }
  for (const name of TEXTS) {
    if (typeof (options[name] ?? '') === 'object') throw new TypeError(`${name} is a text, not ${JSON.stringify(options[name])}`);
  }
  try {
    Intl.getCanonicalLocales(options.locale || []);
  } catch {
    throw new TypeError(`locale is a language, as de-CH, not ${options.locale}`);
  }
  const metrics = [options.metrics ?? options.metric].flat().map(String);
  const annotations = readMarks(options.annotations);
  return { ...options, pk: toPath(options.pk), dimensions: toPath(options.dimensions), metrics, metric: metrics[0], annotations };
}

/** `'sales'`, `['sales', 42]`, `'["sales", "42"]'`, `{sales: 42}` -> a path; `'_'`, `''` and null are overall. */
export function toPath(given) {
  if (given === null || given === undefined || given === '') return [];
  if (Array.isArray(given)) return given.map(String);
  if (typeof given !== 'object') return parsePathName(String(given));
  const [entry] = Object.entries(given);
  return entry === undefined ? [] : [entry[0], ...toPath(entry[1])];
}

/** True for forms that show one line and no more. */
export function isSmall({ kind }) {
  return SMALL_KINDS.includes(kind);
}

/** The counted metric that shares are measured in: the metric itself, or what a ratio is divided by. */
export function weightMetric(metric) {
  return weightOf(metric, counted(metric));
}

/** True when the total of the metric follows from its points, or from those of its two terms. */
export function isSummable(metric) {
  return isAdditive(metric) || (terms(metric).length === 2 && counted(metric).length === 2 && !metric.includes(':'));
}

function counted(metric) {
  return terms(metric).map(nameOf).filter((name) => !CONSTANT.test(name));
}

/** A term without its quotes and its modifier. */
export function nameOf(term) {
  return term.replace(/^"([^"]*)".*$/, '$1').replace(/:.*$/, '');
}

/** What /plotpoints and /stream are asked for a node: all that the drawing needs, in one answer. */
export function questionOf(options, node = options.dimensions) {
  const { metric, metrics, pk, period, tz, limit } = options;
  const alone = isSmall(options) || metrics.length > 1;
  const depth = alone ? 0 : Number(options.depth);
  const weights = depth > 0 ? [weightMetric(metric)] : [];
  const asked = [...new Set([...metrics, ...weights, ...metrics.filter(isSummable).filter(isRatio).flatMap((one) => terms(one))])];
  return {
    pk: pk.length ? pk : '', dimensions: node.length ? node : '', metrics: asked, period, tz,
    ...(depth > 0 && { depth, sort: `-${weights[0]}`, limit: depth > 1 ? limit + 1 : Math.max(limit + 1, LOOKED_AT) }),
    ...(!metrics.every(isSummable) && { totals: 1 }),
  };
}
