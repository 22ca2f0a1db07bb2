// Which children rose or fell most against the period before. Pure: answers in, rows out.
import { readColumns } from '../columns.js';
import { score } from './changes.js';

/** Children of a node that are looked at, the largest of both periods together. */
export const LOOKED_AT = 100;
/** By period: how wide its buckets are here, and how many there are; few enough that both periods come in one answer. */
const COMPARED = { hour: [5, 'm', 12], day: [1, 'h', 24], seven: [1, 'd', 7], thirty: [1, 'd', 30] };
const WORDS = { m: 'minutes', h: 'hours', d: 'days' };

/** -> `{text, count, words}`: the period that holds a period, as much before it, and the bucket that is not over; or null. */
export function bothPeriods(period) {
  if (!Object.hasOwn(COMPARED, period)) return null;
  const [width, unit, count] = COMPARED[period];
  const words = `${width * count} full ${WORDS[unit]}`;
  return { text: `${width}${unit}:${width * (2 * count + 1)}${unit}`, count, words };
}

/**
 * `answers` are those of /plotpoints, `[{node, answer}]`, for both periods; -> `{rose, fell, truncated}`, at most `most` rows of
 * each, the clearest change first. A row is `{path, node, now, before, score}`.
 */
export function movers(answers, { metric, count, most }) {
  const rows = answers.flatMap(({ node, answer }) => childrenOf(answer, node, metric, count));
  const changed = rows.filter((row) => row.score !== 0).sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
  return {
    rose: changed.filter((row) => row.score > 0).slice(0, most),
    fell: changed.filter((row) => row.score < 0).slice(0, most),
    truncated: answers.some(({ answer }) => Object.keys(answer).length > LOOKED_AT),
  };
}

function childrenOf(answer, node, metric, count) {
  const { series } = readColumns(answer, { node, metric });
  return series.filter(({ isOverall }) => !isOverall).map(({ path, values }) => {
    // The last bucket still grows.
    const full = values.slice(0, -1);
    const now = sum(full.slice(-count));
    const before = sum(full.slice(-2 * count, -count));
    return { path, node, now, before, score: score(now, before) };
  });
}

function sum(values) {
  return values.reduce((all, n) => all + n, 0);
}
