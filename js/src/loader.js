// From a state to the data that its view needs: what to ask, and the answers joined. Fetches, never draws.
import { ServerError } from './api.js';
import { branchesAmong, clearestBranch, MOST_BRANCHES } from './branches.js';
import { drawnSeries, readColumns } from './columns.js';
import { HUES } from './hues.js';
import { DEFAULT_METRIC, firstMetric, isRatio, weightOf } from './metrics.js';
import { pathName, samePath } from './paths.js';
import { FIRST_PERIODS, firstPeriod } from './periods.js';
import { childRows } from './rows.js';
import { sentence } from './sentences.js';

/** What is asked for: the state with everything chosen that it left to the page. */
export function question(state, { metrics, first, period }) {
  return {
    pk: state.pk,
    zone: state.zone,
    period: state.period ?? period,
    dimension: state.dimension ?? first ?? [],
    metric: state.metric ?? firstMetric(metrics),
  };
}

export class Loader {
  constructor(api) {
    this.api = api;
    this.forget();
  }

  /** Drops what is remembered of names and branches, so that new ones are seen. */
  forget() {
    this.levels = new Map();
    this.branchings = new Map();
  }

  /** -> `[{pk, metrics, children}]` one level below a path; the first level for []. */
  async entries(under, signal) {
    const name = pathName(under);
    if (!this.levels.has(name)) this.levels.set(name, await this.api.pks(under.length ? under : null, signal));
    return this.levels.get(name);
  }

  /** -> the entry of a pk; for one that is not listed, an entry with the metrics of the nearest pk above it. */
  async entry(pk, signal) {
    const above = pk.slice(0, -1);
    const found = (await this.entries(above, signal)).find((entry) => samePath(entry.pk, pk));
    if (found) return found;
    return { pk, metrics: above.length ? (await this.entry(above, signal)).metrics : [], children: 0 };
  }

  /** -> `{branches, first, period}`: the dimensions that overall can be broken down by, which one and which period to start with. */
  async branching(pk, signal) {
    const name = pathName(pk);
    if (!this.branchings.has(name)) this.branchings.set(name, await this.#findBranches(pk, signal));
    return this.branchings.get(name);
  }

  async #findBranches(pk, signal) {
    try {
      const children = await this.api.subdimensions(pk, [], signal);
      const few = children.length > MOST_BRANCHES ? [] : children;
      const totals = await this.api.totals({
        pk, dimensions: [[], ...few], metrics: [DEFAULT_METRIC], periods: FIRST_PERIODS,
      }, signal);
      const hits = FIRST_PERIODS.map((text) => [text, totals[text][pathName([])][DEFAULT_METRIC]]);
      const branches = branchesAmong(few, totals[FIRST_PERIODS[FIRST_PERIODS.length - 1]]);
      const sizes = await Promise.all(branches.map(async (path) => (await this.api.subdimensions(pk, path, signal)).length));
      return { branches, first: clearestBranch(branches, sizes), period: firstPeriod(Object.fromEntries(hits)) };
    } catch (error) {
      // Without branches the page is poorer, not broken; what is really wrong, the next question says.
      if (error instanceof ServerError) return { branches: [], first: null, period: firstPeriod({}) };
      throw error;
    }
  }

  /** -> `{starts, drawn, total, rows, weight, note}` for a question; `metrics` are those of its pk. */
  async answer(asked, metrics, signal) {
    const heavy = isRatio(asked.metric) ? weightOf(asked.metric, metrics) : null;
    const [answer, ranked, weighed] = await Promise.all([
      this.api.plotpoints({ ...asked, limit: HUES, sort: `-${heavy ?? asked.metric}` }, signal),
      this.#ranked(asked, signal),
      heavy === null ? { rows: null, note: '' } : this.#ranked({ ...asked, metric: heavy }, signal),
    ]);
    const weights = new Map((weighed.rows ?? []).map(({ dimension, value }) => [pathName([dimension].flat()), value]));
    const columns = readColumns(answer, { node: asked.dimension, metric: asked.metric, weights });
    return {
      starts: columns.starts,
      drawn: drawnSeries(columns),
      total: columns.series.find(({ isOverall }) => isOverall)?.total ?? 0,
      rows: childRows({ node: asked.dimension, ranked: ranked.rows ?? [], weighed: weighed.rows, series: columns.series }),
      weight: heavy,
      note: ranked.note,
    };
  }

  // The ranking lists every child; without it those that are drawn are still listed.
  async #ranked(asked, signal) {
    try {
      return { rows: await this.api.rank(asked, signal), note: '' };
    } catch (error) {
      if (error instanceof ServerError) return { rows: null, note: `Only what is drawn is listed. ${sentence(error)}` };
      throw error;
    }
  }
}
