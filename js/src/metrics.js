// Metrics and formulas as texts: what can be suggested, and what a formula is a ratio of.

export const DEFAULT_METRIC = 'hits';
const MOST_SUGGESTED = 60;

/** The metric a page starts with: `hits` where it is counted, else the first one there is. */
export function firstMetric(metrics) {
  return metrics.length === 0 || metrics.includes(DEFAULT_METRIC) ? DEFAULT_METRIC : metrics[0];
}

/** Formulas worth offering: every ratio of two metrics, `hits` after all others, then running totals. */
export function suggestions(metrics) {
  const ordered = [...metrics].sort((a, b) => (a === DEFAULT_METRIC) - (b === DEFAULT_METRIC));
  const ratios = ordered.flatMap((above) => ordered.filter((below) => below !== above).map((below) => `${above}/${below}`));
  return [...ratios, ...ordered.map((name) => `${name}:cumulative`)].slice(0, MOST_SUGGESTED);
}

/** Splits at the `/` that is not inside double quotes: `'a/b'` -> `['a', 'b']`, `'a'` -> `['a']`. */
export function terms(formula) {
  return (formula.match(/(?:"[^"]*"|[^/"])+/g) ?? []).map((term) => term.trim());
}

export function isRatio(formula) {
  return terms(formula).length > 1;
}

/** True when the values of children can be added up to that of their parent. */
export function isAdditive(formula) {
  return !isRatio(formula) && !formula.includes(':') && !formula.startsWith('_');
}

/**
 * The metric that tells how much stands behind a formula's value: what a ratio is divided by, else the formula itself.
 * Children are chosen and ordered by it: the highest ratio is mostly that of whoever was counted twice.
 */
export function weightOf(formula, metrics) {
  const [above, below] = terms(formula).map((term) => term.replace(/:.*$/, '').replace(/^"(.*)"$/, '$1'));
  if (below !== undefined && metrics.includes(below)) return below;
  if (below === undefined && metrics.includes(above)) return above;
  return DEFAULT_METRIC;
}
