// A graph: options, a source of answers and a picture, joined. `graph()` is what pages call.
import uPlot from 'uplot';
import { samePath } from '../paths.js';
import { watchTheme } from '../theme.js';
import { beforeLine, periodBefore } from './before.js';
import { Feeds } from './feed.js';
import { linesOf } from './lines.js';
import { readMarks, SERVER } from './marks.js';
import { complete, questionOf } from './options.js';
import { home } from './origin.js';
import { isPast } from './periods.js';
import { Picture } from './picture.js';
import { rehearseOnce } from './rehearsal.js';
import { trouble } from './trouble.js';

/** Milliseconds between two looks at the annotations of the server, at the least. */
export const ANNOTATIONS_AGAIN = 60_000;
const feedsOf = new WeakMap();

/** The sources of a window: graphs in it that ask the same share one. */
export function sharedFeeds(window) {
  if (!feedsOf.has(window)) feedsOf.set(window, new Feeds(window));
  return feedsOf.get(window);
}

/**
 * Draws into `target`, an element or a selector, what `options` ask for. -> `{update(options), destroy(), redraw()}`.
 * What was in the target stands there again after `destroy()`.
 */
export function graph(target, options = {}, surroundings = {}) {
  const place = typeof target === 'string' ? document.querySelector(target) : target?.jquery ? target[0] : target;
  if (!place) throw new TypeError(`there is no element ${target} to draw into`);
  return new Graph(place, options, surroundings);
}

class Graph {
  #given;
  #stop = () => {};
  #asked = '';
  #answer = null;
  #before = null;
  #beforeFrom = null;
  #request = null;
  #marks = [];
  #marksAsked = 0;
  #old;

  constructor(target, options, { window = globalThis.window, feeds = sharedFeeds(window), createPlot = (...all) => new uPlot(...all), now } = {}) {
    this.#given = { ...options };
    const checked = complete(this.#given);
    this.target = target;
    this.feeds = feeds;
    this.node = checked.dimensions;
    this.#old = [...target.childNodes];
    target.replaceChildren();
    this.picture = new Picture(target, {
      window, createPlot, now,
      actions: { open: (path) => this.open(path), clicked: (point) => this.#clicked(point) },
    });
    this.unwatch = watchTheme(window, () => this.redraw());
    this.#ask(checked);
    const isWaiting = () => this.#asked !== '' && this.#answer === null;
    rehearseOnce(this.picture.root, checked, isWaiting, { window, createPlot, now });
  }

  /** Changes some options; only a change of the question asks the server again. */
  update(options) {
    const given = { ...this.#given, ...options };
    const checked = complete(given);
    if (!samePath(checked.dimensions, this.options.dimensions)) this.node = checked.dimensions;
    this.#given = given;
    this.#ask(checked);
  }

  /** Draws again, after a change of style or size that nothing tells of. */
  redraw() {
    this.picture.redraw();
  }

  /** Takes away everything: the drawing, its listeners, its share of a stream; what was in the target comes back. */
  destroy() {
    this.#asked = '';
    this.#stop();
    this.#request?.abort();
    this.unwatch();
    this.picture.destroy();
    this.target.replaceChildren(...this.#old);
  }

  /** Goes to another node, below or above. */
  open(path) {
    this.node = path;
    this.#ask(this.options);
  }

  #ask(options) {
    this.options = options;
    const question = questionOf(options, this.node);
    const host = options.host || home();
    const live = options.live === true && isPast(options.period) ? false : options.live;
    const asked = JSON.stringify([host, options.key, live, question]);
    if (asked === this.#asked) {
      this.#show();
      return;
    }
    this.#asked = asked;
    this.#stop();
    this.#request?.abort();
    this.#answer = null;
    this.#before = null;
    this.#beforeFrom = null;
    this.#marks = [];
    this.#marksAsked = 0;
    this.api = this.feeds.api(host, options.key);
    this.picture.expect(options, this.node);
    this.#stop = this.feeds.watch({ host, key: options.key, live, question }, {
      answered: (answer) => {
        this.#answer = answer;
        this.picture.say('');
        this.#show();
      },
      failed: (error) => this.#failed(error),
    });
  }

  #show() {
    if (this.#answer === null) return;
    const { options, node } = this;
    const answer = linesOf(this.#answer, options, node);
    const before = options.compare && this.#before ? beforeLine(this.#before, node, answer.starts.length) : null;
    const annotations = options.annotations === SERVER ? this.#marks : options.annotations;
    this.picture.show({ options: { ...options, annotations }, node, answer, before });
    if (options.annotations === SERVER) this.#annotate(answer.starts);
    if (options.compare && options.metrics.length === 1) this.#compare(answer.starts);
  }

  // They come with a new question, and again while answers come.
  async #annotate([since = 0]) {
    const asked = this.#asked;
    if (Date.now() - this.#marksAsked < ANNOTATIONS_AGAIN) return;
    this.#marksAsked = Date.now();
    try {
      const { annotations } = await this.api.ask('annotations', { pk: questionOf(this.options).pk, since: Math.floor(since / 1_000) });
      if (asked !== this.#asked) return;
      this.#marks = readMarks(annotations);
      this.#show();
    } catch (error) {
      // The graph is poorer without them, not broken.
      this.options.onerror?.(error);
    }
  }

  // The period before does not change: it is asked for once for each first bucket.
  async #compare(starts) {
    const past = periodBefore(starts);
    if (past === null || past.from === this.#beforeFrom) return;
    this.#beforeFrom = past.from;
    this.#request?.abort();
    const request = new AbortController();
    this.#request = request;
    const { metrics, pk, dimensions, tz } = questionOf({ ...this.options, kind: 'number' }, this.node);
    try {
      const answer = await this.api.ask('plotpoints', { pk, dimensions, metrics, tz, period: past.period, totals: 1 }, request.signal);
      this.#before = linesOf(answer, this.options, this.node).lines;
      this.#show();
    } catch (error) {
      if (!request.signal.aborted) this.#failed(error);
    }
  }

  #failed(error) {
    this.picture.say(trouble(error), this.#answer === null);
    this.options.onerror?.(error);
  }

  #clicked({ isChild, ...point }) {
    if (this.options.onclick?.(point) === false) return;
    if (isChild && this.options.drill) this.open(point.path);
  }
}
