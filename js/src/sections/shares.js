// Hits of the options of a decision over time, as a graph reads them: a source that is asked when its section looks. Fetches, never draws.
import { pathName } from '../paths.js';

export const METRIC = 'hits';

/** A source for `graph()`: the pks below `pk` named in `options` stand for the children of one node. */
export class Shares {
  /** `node` is the dimension that is looked at, of each option. */
  constructor(server, { pk, options, node }) {
    Object.assign(this, { server, pk, options, node, watcher: null });
  }

  /** -> whom to ask what else is to be drawn. */
  api() {
    return this.server;
  }

  /** Called by the graph; -> how to stop. */
  watch({ question: { period, tz } }, watcher) {
    const request = new AbortController();
    this.watcher = { ...watcher, period, tz, request };
    this.look();
    return () => request.abort();
  }

  /** Asks once more, and tells the graph. */
  async look() {
    const { answered, failed, period, tz, request: { signal } } = this.watcher;
    try {
      const answers = await Promise.all(this.options.map((option) => this.server.ask('plotpoints', {
        pk: [...this.pk, option], dimensions: this.node.length ? this.node : null, metrics: [METRIC], period, tz,
      }, signal)));
      if (!signal.aborted) answered(joined(this.options, answers.map((answer) => answer[pathName(this.node)][METRIC])));
    } catch (error) {
      if (!signal.aborted) failed(error);
    }
  }
}

/** -> an answer as /plotpoints gives it, of a node whose children are the options, with their sum. */
export function joined(options, columns) {
  const sums = columns[0].map(([start], index) => [start, columns.reduce((sum, points) => sum + points[index][1], 0)]);
  return Object.fromEntries([['_', { [METRIC]: sums }], ...options.map((option, place) => [pathName([option]), { [METRIC]: columns[place] }])]);
}
