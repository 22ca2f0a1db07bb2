// What the overview asks: which names are busy, what was counted under them, what moved, what ranks first. Fetches, never draws.
import { ServerError } from '../api.js';
import { OVERALL, pathName, samePath } from '../paths.js';
import { HOURS_PERIOD, MINUTES_PERIOD, readDay } from './day.js';
import { bothPeriods, LOOKED_AT, movers } from './movers.js';

/** Names of the first level whose numbers are looked at, and how many of them are shown. */
export const MOST_NAMES = 12;
export const SHOWN_NAMES = 4;
const RANKED = 10;
const SPIED = 500;
const SHOWN_MOVERS = 6;

/** True for an error of one question that leaves the others alone: what is asked is not kept, not counted or not allowed. */
export function isOfQuestion(error) {
  return error instanceof ServerError && [400, 403, 404, 413, 422].includes(error.status);
}

/** -> the value of a promise, or `otherwise(error)` where only its question has no answer. */
export async function unless(promise, otherwise) {
  try {
    return await promise;
  } catch (error) {
    if (isOfQuestion(error)) return otherwise(error);
    throw error;
  }
}

/**
 * The names of the first level that may be busy, at most MOST_NAMES of `entries`: where there are more, those of the newest
 * events first.
 */
export async function candidates(api, entries, signal) {
  if (entries.length <= MOST_NAMES) return entries;
  const { events } = await unless(api.ask('spy', { limit: SPIED }, signal), () => ({ events: [] }));
  const seen = new Map();
  for (const { pk: [name] } of events) seen.set(name, (seen.get(name) ?? 0) + 1);
  const busy = ({ pk: [name] }) => seen.get(name) ?? 0;
  return [...entries].sort((a, b) => busy(b) - busy(a)).slice(0, MOST_NAMES);
}

/** -> `[{entry, metric, hours}]` of the busiest among entries, the chosen one first; `metricOf(entry)` is what is counted. */
export async function busiest(api, entries, { chosen, metricOf, zone }, signal) {
  const all = await Promise.all(entries.map(async (entry) => {
    const metric = metricOf(entry);
    return { entry, metric, hours: await pointsOf(api, { pk: entry.pk, metric, period: HOURS_PERIOD, zone }, signal) };
  }));
  const size = ({ hours }) => hours.reduce((sum, [, n]) => sum + Math.abs(n), 0);
  const isChosen = ({ entry }) => chosen !== null && samePath(entry.pk, chosen);
  return all.sort((a, b) => isChosen(b) - isChosen(a) || size(b) - size(a)).slice(0, SHOWN_NAMES);
}

/** -> what `readDay` reads for a name; `hours` where they are known already. */
export async function dayOf(api, { pk, metric, zone, now, hours = null }, signal) {
  const [ofHours, minutes] = await Promise.all([
    hours ?? pointsOf(api, { pk, metric, period: HOURS_PERIOD, zone }, signal),
    unless(pointsOf(api, { pk, metric, period: MINUTES_PERIOD, zone }, signal), () => null),
  ]);
  return readDay({ hours: ofHours, minutes, now: now(), zone });
}

async function pointsOf(api, { pk, metric, period, zone }, signal) {
  const answer = await api.ask('plotpoints', { pk, metrics: [metric], period, tz: zone }, signal);
  return answer[pathName(OVERALL)][metric];
}

/** -> what `movers` finds among the children of `nodes`. */
export async function moversOf(api, { pk, nodes, metric, period, zone }, signal) {
  const { text, count } = bothPeriods(period);
  const answers = await Promise.all(nodes.map(async (node) => {
    const question = { pk, dimensions: node, metrics: [metric], period: text, depth: 1, limit: LOOKED_AT, sort: `-${metric}`, totals: 1, tz: zone };
    return { node, answer: await api.ask('plotpoints', question, signal) };
  }));
  return movers(answers, { metric, count, most: SHOWN_MOVERS });
}

/** -> `[{path, value}]`, the first RANKED children of a node. */
export async function ranked(api, { pk, dimension, metric, period, zone }, signal) {
  const { rows } = await api.ask('rank', { pk, dimension, metric, period, depth: 1, limit: RANKED, tz: zone }, signal);
  // The node itself is a row, too: overall, whose name is no path.
  const below = rows.filter(({ dimension: path }) => Array.isArray(path) && path.length === dimension.length + 1);
  return below.map(({ dimension: path, value }) => ({ path, value }));
}
