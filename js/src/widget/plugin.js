// The jQuery plug-in: it joins data and drawing, and loads the drawing when something is to be drawn.
import { Feeds } from './feed.js';

const DATA = 'hailwhale';

/**
 * Gives `$` its methods. `load()` promises the drawing, `{graph}`; `home` is the server that the plug-in came from.
 *
 * `$(el).hailwhale(options)` draws, `$(el).hailwhale('destroy')`, `'redraw'` and `'update', options` are what a graph can do;
 * `$.hailwhale(host)` speaks to a server.
 */
export function install($, { load, window, home = '' }) {
  const feeds = new Feeds(window);
  const draw = (place, options) => {
    end(place);
    const waiting = { given: [], ended: false };
    $.data(place, DATA, waiting);
    return load().then(({ graph }) => {
      if (waiting.ended) return null;
      waiting.graph = graph(place, Object.assign({}, options, ...waiting.given));
      return waiting.graph;
    });
  };
  const end = (place) => {
    const there = $.data(place, DATA);
    if (!there) return;
    there.ended = true;
    there.graph?.destroy();
    $.removeData(place, DATA);
  };
  const call = (place, method, options) => {
    const there = $.data(place, DATA);
    if (!there) return;
    if (method === 'destroy') end(place);
    else if (!['redraw', 'update'].includes(method)) throw new TypeError(`a graph cannot ${method}: destroy, redraw, update`);
    else if (there.graph) there.graph[method](options);
    else there.given.push(options);
  };

  $.fn.hailwhale = function hailwhale(options = {}, ...given) {
    return this.each((_, place) => {
      if (typeof options === 'string') call(place, options, ...given);
      else draw(place, options);
    });
  };

  $.hailwhale = (host = '', key = '') => {
    const api = feeds.api(host || home, key);
    const all = (target, options, more) => $.when(...$(target).toArray().map((place) => draw(place, { ...(host && { host }), ...(key && { key }), ...options, ...more })));
    return {
      /** Draws; -> a promise of the graphs. */
      add_graph: (target, options) => all(target, options),
      /** Draws, with the table below it open. */
      graph_tables: (target, options) => all(target, options, { table: true }),
      /** What a path answers: `ask('totals', {pk, metrics, periods})`. */
      ask: (path, question) => api.ask(path, question),
      /** Points as they change; -> how to stop that. */
      watch: (question, answered, failed = () => {}) => feeds.watch({ host: host || home, key, question }, { answered, failed }),
    };
  };
}
