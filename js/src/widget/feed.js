// Live answers: one source a question, however many graphs ask it. A stream while it works, looks at the server while it does
// not, and nothing while nobody can see the page. Fetches, never draws.
import { Api, address, ServerError } from '../api.js';
import { mayPass } from '../sentences.js';
import { isSliding } from './periods.js';
import { merge } from './points.js';

/** Milliseconds between two looks at the server where there is no stream, and until a stream is tried again. */
export const LOOK_EVERY = 10_000;
export const STREAM_AGAIN = 60_000;
/** No page looks more often than this, and no clock waits for longer than the next. */
export const LOOK_AT_MOST_EVERY = 250;
const LONGEST = 1e9;
const MOST_FAILURES = 3;
const WAIT = 1_000;
// A browser keeps six connections to a server: four streams leave room for everything else of the page.
const MOST_STREAMS = 4;
const CLOSED = 2;

// Clocks take numbers that are too large, or none, for no time at all.
const waiting = (live) => (live > LOOK_AT_MOST_EVERY ? Math.min(live, LONGEST) : LOOK_AT_MOST_EVERY);

export class Feeds {
  /** `window` gives `fetch`, `EventSource`, `document` and clocks. */
  constructor(window) {
    this.window = window;
    this.sources = new Map();
    this.streams = 0;
  }

  /** -> the server at `host`, to be asked with `key`. */
  api(host, key) {
    return new Api({ base: baseOf(host, this.window.document.baseURI), key, fetch: (...given) => this.window.fetch(...given) });
  }

  /**
   * Asks `question` of the server at `host`, and as long as `live` holds again: true for a stream, a number of milliseconds
   * for looks at the server, false for once. `answered(answer)` and `failed(error)` are called; -> how to stop that.
   */
  watch({ host, key, live = true, question }, watcher) {
    const name = JSON.stringify([host, key, live, question]);
    let source = this.sources.get(name);
    if (source === undefined) {
      source = new Source(this, { host, key, live, question });
      this.sources.set(name, source);
    }
    source.join(watcher);
    return () => {
      if (source.leave(watcher)) this.sources.delete(name);
    };
  }
}

/** The address that paths of a server are relative to. */
export function baseOf(host, page) {
  return new URL(host === '' || host.endsWith('/') ? host : `${host}/`, page).href;
}

class Source {
  #watchers = new Set();
  #answer = null;
  #failures = 0;
  #stream = null;
  #timer = 0;
  #request = null;
  #streamFrom = 0;
  #seen = () => (this.#isHidden() ? this.#rest() : this.#look());

  constructor(feeds, { host, key, live, question }) {
    this.feeds = feeds;
    this.window = feeds.window;
    this.api = feeds.api(host, key);
    this.key = key;
    this.live = live;
    this.question = question;
    this.every = typeof live === 'number' ? waiting(live) : LOOK_EVERY;
    this.streams = live === true && !question.totals && typeof this.window.EventSource === 'function';
  }

  join(watcher) {
    this.#watchers.add(watcher);
    if (this.#answer !== null) watcher.answered(this.#answer);
    if (this.#watchers.size > 1) return;
    this.window.document.addEventListener('visibilitychange', this.#seen);
    this.#look();
  }

  /** -> whether nobody is left. */
  leave(watcher) {
    if (!this.#watchers.delete(watcher) || this.#watchers.size > 0) return false;
    this.window.document.removeEventListener('visibilitychange', this.#seen);
    this.#rest();
    return true;
  }

  #isHidden() {
    return this.window.document.visibilityState === 'hidden';
  }

  #rest() {
    this.window.clearTimeout(this.#timer);
    this.#request?.abort();
    this.#request = null;
    this.#hangUp();
  }

  async #look() {
    this.#rest();
    const request = new AbortController();
    this.#request = request;
    let answer = null;
    let error = null;
    try {
      answer = await this.api.ask('plotpoints', this.question, request.signal);
    } catch (caught) {
      error = caught;
    }
    if (request.signal.aborted) return;
    this.#request = null;
    if (error === null) this.#told(answer);
    else this.#failed(error);
    // Whoever was told may have left.
    if (!request.signal.aborted && this.#watchers.size > 0) this.#goOn(error);
  }

  // What comes after a look: a stream, another look, or nothing where no look would change anything.
  #goOn(error) {
    if (this.live === false || this.#isHidden() || (error !== null && !mayPass(error) && error.status !== 429)) return;
    const mayStream = this.streams && Date.now() >= this.#streamFrom && this.feeds.streams < MOST_STREAMS;
    if (error === null && mayStream) this.#listen();
    else this.#later(this.every, () => this.#look());
  }

  #later(milliseconds, then) {
    this.window.clearTimeout(this.#timer);
    this.#timer = this.window.setTimeout(then, milliseconds);
  }

  #listen() {
    const stream = new this.window.EventSource(new URL(address('stream', { ...this.question, key: this.key }), this.api.base).href);
    this.#stream = stream;
    this.feeds.streams += 1;
    const on = (name, heard) => stream.addEventListener(name, ({ data }) => {
      this.#failures = 0;
      heard(JSON.parse(data));
    });
    on('all', (answer) => this.#told(answer));
    on('points', (changed) => this.#told(merge(this.#answer, changed, { sliding: isSliding(this.question.period) })));
    on('problem', ({ error: { message, code, field } }) => this.#failed(new ServerError(String(message), { code, field })));
    stream.onerror = () => this.#broken(stream);
  }

  // A browser comes back by itself, unless the answer was no stream at all.
  #broken(stream) {
    this.#failures += 1;
    if (this.#failures >= MOST_FAILURES) {
      this.#failures = 0;
      this.#streamFrom = Date.now() + STREAM_AGAIN;
      this.#look();
    } else if (stream.readyState === CLOSED) {
      this.#hangUp();
      this.#later(WAIT, () => this.#listen());
    }
  }

  #hangUp() {
    if (this.#stream === null) return;
    this.#stream.close();
    this.#stream = null;
    this.feeds.streams -= 1;
  }

  #told(answer) {
    this.#answer = answer;
    for (const watcher of [...this.#watchers]) watcher.answered(answer);
  }

  #failed(error) {
    for (const watcher of [...this.#watchers]) watcher.failed(error);
  }
}
