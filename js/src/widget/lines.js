// From an answer to the lines of a graph: overall, every important child, and the rest as one. Pure.
import { column, readColumns } from '../columns.js';
import { isAdditive, isRatio, terms } from '../metrics.js';
import { label, pathName, samePath } from '../paths.js';
import { isSummable, weightMetric } from './options.js';
import { seriesOf, sum } from './points.js';

/** Names that no path has. */
export const OTHER = '[other]';
export const BEFORE = '[before]';
const WHEN_NONE_IS_IMPORTANT = 5;

/**
 * -> `{starts, lines, additive}`. A line is `{name, path, label, isOverall, values, total}`; its name is `OTHER` for what is left
 * of overall without the children that are drawn.
 */
export function linesOf(answer, { metric, metrics, threshold, limit }, node) {
  if (metrics.length > 1) return severalMetrics(answer, metrics, node);
  const columns = columnsOf(answer, metric, node);
  const [overall] = columns.series.filter(({ isOverall }) => isOverall);
  const additive = isAdditive(metric);
  if (overall === undefined) return { starts: [], lines: [], additive };
  const heavy = weightMetric(metric);
  const weights = weighed(heavy === metric ? columns.series : columnsOf(answer, heavy, node).series);
  const children = columns.series.filter((one) => !one.isOverall && one.values.some((n) => n));
  const drawn = important(children, weights, { threshold, limit });
  const other = additive ? otherLine(overall, drawn, children, node) : [];
  // A line that equals overall in every bucket would only cover it.
  const seen = drawn.filter(({ values }) => values.some((n, index) => n !== overall.values[index]));
  return { starts: columns.starts, lines: [overall, ...seen, ...other], additive };
}

function columnsOf(answer, metric, node) {
  const plain = Object.fromEntries(Object.entries(answer).filter(([, metrics]) => metrics[metric]).map(([name, metrics]) => {
    const { points, total } = seriesOf(metrics[metric]);
    return [name, { [metric]: { points: withoutEmpty(points, metrics, metric), total: total ?? totalOf(metrics, metric) } }];
  }));
  const { starts, series } = readColumns(plain, { node, metric });
  return { starts, series: series.map((one) => ({ ...one, label: labelBelow(one.path, node) })) };
}

// A ratio of nothing is nothing, and not 0.
function withoutEmpty(points, metrics, metric) {
  if (!isRatio(metric) || !isSummable(metric)) return points;
  const below = new Map(seriesOf(metrics[terms(metric)[1]] ?? []).points);
  return points.map(([start, n]) => [start, below.get(start) ? n : null]);
}

/** The number of the whole period, from the points. */
function totalOf(metrics, metric) {
  const amount = (name) => sum(column(seriesOf(metrics[name] ?? []).points, 1));
  if (!isRatio(metric)) return amount(metric);
  const [above, below] = terms(metric).map(amount);
  return below === 0 ? 0 : above / below;
}

function weighed(series) {
  return new Map(series.map(({ path, total }) => [pathName(path), Math.abs(total)]));
}

// A child is important by its share of the node right above it. Among many there may be none: then the largest are worth a look.
function important(children, weights, { threshold, limit }) {
  const weight = ({ path }) => weights.get(pathName(path)) ?? 0;
  const above = ({ path }) => weights.get(pathName(path.slice(0, -1))) ?? 0;
  const ordered = [...children].sort((a, b) => weight(b) - weight(a));
  const chosen = ordered.filter((child) => above(child) === 0 || weight(child) >= threshold * above(child));
  const many = chosen.length === 0 && children.length > limit;
  return (many ? ordered.slice(0, WHEN_NONE_IS_IMPORTANT) : chosen).slice(0, limit);
}

// What is left of overall. Where children overlap, as properties of the same events do, nothing is.
function otherLine(overall, drawn, children, node) {
  const direct = drawn.filter(({ path }) => path.length === node.length + 1);
  const all = children.filter(({ path }) => path.length === node.length + 1);
  if (direct.length === 0 || direct.length === all.length) return [];
  const rest = overall.values.map((n, index) => sum([n, ...direct.map(({ values }) => -values[index])]));
  const signs = new Set(rest.filter((n) => n !== 0).map(Math.sign));
  if (signs.size !== 1 || !signs.has(Math.sign(overall.total))) return [];
  return [{ name: OTHER, path: [...node, OTHER], label: 'other', isOverall: false, values: rest, total: sum(rest) }];
}

function severalMetrics(answer, metrics, node) {
  const columns = metrics.map((metric) => [metric, columnsOf(answer, metric, node)]);
  const starts = columns[0][1].starts;
  const lines = columns.flatMap(([metric, { series }]) => series.filter(({ isOverall }) => isOverall)
    .map((one) => ({ ...one, name: pathName(['metric', metric]), path: [metric], label: metric, isOverall: false })));
  return { starts, lines, additive: false };
}

function labelBelow(path, node) {
  if (samePath(path, node)) return node.length ? label(node) : 'overall';
  return path.slice(node.length).map((name) => label([name])).join(' / ');
}
