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
  const starts = unionOfStarts(found.map(({ answered }) => answered.points));
  const series = found.map(({ path, answered }) => ({
    name: pathName(path),
    path,
    isOverall: samePath(path, node),
    values: aligned(answered.points, starts),
    total: answered.total,
  }));
  const weight = ({ name, total }) => weights.get(name) ?? total;
  series.sort((a, b) => b.isOverall - a.isOverall || weight(b) - weight(a));
  return { starts, series };
}

function unionOfStarts(lists) {
  // Nearly always all series have the same buckets: then the first list is the answer.
  const first = (lists[0] ?? []).map(([start]) => start);
  const same = lists.every((points) => points.length === first.length && points.every(([start], i) => start === first[i]));
  const all = same ? first : [...new Set(lists.flatMap((points) => points.map(([start]) => start)))];
  return all.sort((a, b) => a - b);
}

function aligned(points, starts) {
  if (points.length === starts.length && points.every(([start], index) => start === starts[index])) return points.map(([, n]) => n);
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
