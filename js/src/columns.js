// From an answer of the server to columns: one list of bucket starts, one list of values a series.
import { isWithin, parsePathName, pathName, samePath } from './paths.js';

/**
 * -> `{starts, series}`; `starts` in epoch milliseconds, ascending. A series is
 * `{name, path, isOverall, values, total}`, the asked node first, what lies below it after it, the largest total first;
 * a value is null where the answer has none.
 */
export function readColumns(answer, { node, metric, weights = new Map() }) {
  const found = Object.entries(answer)
    .map(([name, metrics]) => ({ path: parsePathName(name), answered: metrics[metric] }))
    .filter(({ path, answered }) => answered && isWithin(path, node));
  const { starts, same } = unionOfStarts(found.map(({ answered }) => answered.points));
  const series = found.map(({ path, answered }) => ({
    name: pathName(path),
    path,
    isOverall: samePath(path, node),
    values: same ? column(answered.points, 1) : aligned(answered.points, starts),
    total: answered.total,
  }));
  const weight = ({ name, total }) => weights.get(name) ?? total;
  series.sort((a, b) => b.isOverall - a.isOverall || weight(b) - weight(a));
  return { starts, series };
}

function unionOfStarts(lists) {
  // Nearly always all series have the same buckets, in order: then the first list is the answer.
  const first = column(lists[0] ?? [], 0);
  const same = isAscending(first) && lists.every((points) => startAt(points, first));
  const starts = same ? first : [...new Set(lists.flatMap((points) => column(points, 0)))].sort((a, b) => a - b);
  return { starts, same };
}

function isAscending(starts) {
  let i = 1;
  while (i < starts.length && starts[i] > starts[i - 1]) i += 1;
  return i >= starts.length;
}

function startAt(points, starts) {
  if (points.length !== starts.length) return false;
  let i = 0;
  while (i < points.length && points[i][0] === starts[i]) i += 1;
  return i === points.length;
}

/**
 * The first or the second of all points, which are pairs. A plain loop: the first graph of a page is drawn by code that the
 * browser has not made quick yet, and to call a function for each of thousands of points takes as long as to draw them.
 */
export function column(points, place) {
  const found = new Array(points.length);
  for (let i = 0; i < points.length; i += 1) found[i] = points[i][place];
  return found;
}

function aligned(points, starts) {
  const byStart = new Map(points);
  return starts.map((start) => byStart.get(start) ?? null);
}

/** The series worth a line of their own: one that equals the overall line in every bucket would only cover it. */
export function drawnSeries({ series }) {
  const overall = series.find(({ isOverall }) => isOverall);
  return series.filter((one) => one.isOverall || !overall || one.values.some((n, i) => n !== overall.values[i]));
}

/** True when any bucket of any series holds something. */
export function hasValues({ series }) {
  return series.some(({ values }) => values.some((n) => n !== null && n !== 0));
}
