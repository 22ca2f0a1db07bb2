// Answers of the server: `{dimension: {metric: [[ms, n], ...]}}`, joined with what has changed in them.

const MILLION = 1e6;

/** The points of one series, with or without its total: -> `{points, total}`, total undefined where it is not told. */
export function seriesOf(answered) {
  return Array.isArray(answered) ? { points: answered, total: undefined } : answered;
}

/** The sum of amounts, exact to the sixth digit after the point, as the server adds them. */
export function sum(values) {
  let whole = 0;
  let millionths = 0;
  // By places: the first graph of a page is drawn by code that the browser has not made quick yet.
  for (let i = 0; i < values.length; i += 1) {
    const n = values[i];
    const floor = Math.trunc(n);
    whole += floor;
    if (floor !== n) millionths += Math.round((n - floor) * MILLION);
  }
  return millionths === 0 ? whole : whole + millionths / MILLION;
}

/**
 * `answer` with the buckets of `changed` put in: a new object, the old one stays. What has no number in a new bucket has 0
 * there; with `sliding` there are as many buckets as before, the latest ones.
 */
export function merge(answer, changed, { sliding = true } = {}) {
  const known = startsOf(answer);
  const there = new Set(known);
  const come = startsOf(changed).filter((start) => !there.has(start));
  const all = come.length === 0 ? known : [...known, ...come].sort((a, b) => a - b);
  const starts = sliding && known.length > 0 ? all.slice(-known.length) : all;
  // A name may be __proto__, or constructor.
  const merged = Object.create(null);
  for (const name of new Set([...Object.keys(answer), ...Object.keys(changed)])) {
    merged[name] = Object.create(null);
    const [before, after] = [answer, changed].map((one) => own(one, name) ?? {});
    for (const metric of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const old = own(before, metric);
      const fresh = own(after, metric);
      merged[name][metric] = come.length === 0 && old && !fresh ? old : joined(starts, pointsOf(old), pointsOf(fresh));
    }
  }
  return merged;
}

function own(one, name) {
  return Object.hasOwn(one, name) ? one[name] : undefined;
}

function pointsOf(answered) {
  return answered === undefined ? [] : seriesOf(answered).points;
}

function joined(starts, old, fresh) {
  const values = new Map(old);
  for (const [start, n] of fresh) values.set(start, n);
  return starts.map((start) => [start, values.get(start) ?? 0]);
}

function startsOf(answer) {
  const all = new Set();
  let known = [];
  for (const answered of Object.values(answer).flatMap((metrics) => Object.values(metrics))) {
    const { points } = seriesOf(answered);
    // Nearly always all series have the same buckets.
    if (points.length === known.length && points[0]?.[0] === known[0]?.[0] && points.at(-1)?.[0] === known.at(-1)?.[0]) continue;
    known = points;
    for (const point of points) all.add(point[0]);
  }
  return [...all].sort((a, b) => a - b);
}
