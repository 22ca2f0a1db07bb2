// The page put together: address -> state -> question -> answer -> view, and again whenever one of them changes.
import { ServerError } from './api.js';
import { Controls } from './controls.js';
import { drawCrumbs } from './crumbs.js';
import { isForBrowser, parts, setAttribute, setText } from './dom.js';
import { Loader, question } from './loader.js';
import { compareNames, label } from './paths.js';
import { isLive } from './periods.js';
import { mayPass, sentence } from './sentences.js';
import { loaded, SECTIONS, Stage } from './sections.js';
import {
  asksTheSame, change, formatState, INITIAL, openDimension, openPk, openView, parseState, sortBy, toggleHidden,
} from './state.js';
import { Tabs } from './tabs.js';
import { Tree } from './tree.js';
import { drawWelcome } from './welcome.js';

/** Milliseconds between two looks at the server. */
export const REFRESH = 10_000;
const NAMES_EVERY = 6;

export class App {
  /** `window` gives address, history and clock; `api` answers; `createPlot` draws (uPlot unless given); `sections` by view. */
  constructor({ window, api, locale, zones, copy = null, createPlot, sections = SECTIONS }) {
    this.window = window;
    this.document = window.document;
    this.loader = new Loader(api);
    this.state = parseState(window.location.hash);
    this.shown = null;
    this.failed = null;
    this.request = null;
    this.ticks = 0;
    // What was a section's own when it was left, so that a tab leads back to it.
    this.left = new Map();
    const root = this.document;
    this.parts = parts(root, [
      'error', 'welcome', 'view', 'crumbs', 'controls', 'pks', 'side', 'chosen', 'main', 'tabs', 'brand', 'to-board', 'stage',
    ]);
    this.tree = new Tree(this.parts.pks, {
      load: (pk) => this.loader.entries(pk),
      open: (pk) => this.#openPk(pk),
      href: (pk) => formatState(openPk({ ...INITIAL, view: this.state.view }, pk)),
      failed: (error) => this.#fail(error, true),
    });
    const href = (path) => formatState(openDimension(this.state, path));
    const open = (path) => this.go(openDimension(this.state, path));
    this.controls = new Controls(this.parts.controls, {
      change: (part) => this.go({ ...this.state, ...part }), openDimension: open, href, zones,
    });
    this.view = null;
    this.drawing = {
      locale, createPlot, now: () => Date.now(),
      actions: {
        open, href, toggle: (name) => this.go(toggleHidden(this.state, name)), sort: (column) => this.#sort(column),
      },
    };
    this.tabs = new Tabs(this.parts.tabs, (view) => this.go(this.#beside(view)));
    this.#within(this.parts.brand, () => INITIAL);
    this.#within(this.parts['to-board'], () => this.#toBoard());
    this.stage = new Stage(this.parts.stage, {
      api, locale, window, now: () => Date.now(),
      go: (part) => this.go(change(this.state, part)), href: (part) => formatState(change(this.state, part)) || './',
    }, sections);
    drawWelcome(this.parts.welcome, { base: this.document.baseURI, copy });
    this.onAddress = () => this.#follow(parseState(window.location.hash));
    this.onVisible = () => this.document.visibilityState === 'visible' && this.tick();
  }

  async start() {
    this.window.addEventListener('popstate', this.onAddress);
    this.document.addEventListener('visibilitychange', this.onVisible);
    this.timer = this.window.setInterval(() => this.tick(), REFRESH);
    this.parts.side.open = !this.#isNarrow();
    await this.reload({ names: true });
  }

  destroy() {
    this.window.removeEventListener('popstate', this.onAddress);
    this.document.removeEventListener('visibilitychange', this.onVisible);
    this.window.clearInterval(this.timer);
    this.request?.abort();
    this.view?.destroy();
    this.stage.leave();
  }

  /** Shows another state and puts it into the address. */
  go(state) {
    const { history, location } = this.window;
    // Nothing at all would leave the address as it is.
    history.pushState(null, '', formatState(state) || `${location.pathname}${location.search}`);
    return this.#follow(state);
  }

  redraw() {
    this.view?.redraw();
  }

  /** A look at the server for what may have changed; what is hidden from its reader, or just loading, is left alone. */
  async tick() {
    if (this.document.visibilityState !== 'visible' || this.request !== null) return;
    this.ticks += 1;
    const empty = this.failed === null && (this.shown === null || !this.parts.welcome.hidden) && !this.stage.has(this.state.view);
    const again = this.failed === null ? this.#isLive() : mayPass(this.failed);
    const names = empty || again && this.failed !== null || this.ticks % NAMES_EVERY === 0;
    if (names || again) await this.reload({ names, quiet: true });
  }

  #isLive() {
    return this.state.view === 'explore' ? this.shown !== null && isLive(this.shown.asked.period) : this.stage.has(this.state.view);
  }

  /** Asks again; `names` also for what has been counted, `quiet` leaves the old numbers on the page meanwhile. */
  async reload({ names = false, quiet = false } = {}) {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    if (!quiet) setAttribute(this.parts.main, 'aria-busy', 'true');
    try {
      await this.#load({ names, quiet, signal: request.signal });
    } catch (error) {
      if (request.signal.aborted) return;
      if (!(error instanceof ServerError)) throw error;
      this.#fail(error, quiet);
    } finally {
      if (this.request === request) {
        this.request = null;
        setAttribute(this.parts.main, 'aria-busy', null);
      }
    }
  }

  async #load({ names, quiet, signal }) {
    if (names) this.loader.forget();
    const { view } = this.state;
    this.tabs.show(view, (other) => formatState(this.#beside(other)) || './');
    if (view !== 'explore') {
      await this.#loadSection(this.stage.sections[view], { quiet, signal });
      return;
    }
    this.stage.leave();
    const [top] = await Promise.all([this.loader.entries([], signal), this.#draw()]);
    this.tree.show(top);
    if (top.length === 0 && this.state.pk === null) {
      this.#welcome();
      return;
    }
    if (this.state.pk === null) this.state = { ...this.state, pk: firstPk(top) };
    const { state } = this;
    const [entry, branching] = await Promise.all([
      this.loader.entry(state.pk, signal), this.loader.branching(state.pk, signal), this.tree.choose(state.pk),
    ]);
    const asked = question(state, { ...branching, metrics: entry.metrics });
    this.#surround({ asked, entry, branching });
    const answer = await this.loader.answer(asked, entry.metrics, signal);
    this.shown = { asked, answer, branches: branching.branches };
    this.#succeed();
    this.view.show({ ...this.shown, state: this.state });
  }

  // What draws is most of the code: who looks at something else does not wait for it.
  async #draw() {
    const { View } = await loaded(import('./view.js'));
    this.view ??= new View(this.parts.view, this.drawing);
  }

  async #loadSection({ title, ofPk }, { quiet, signal }) {
    const { view, pk } = this.state;
    const isOld = quiet && this.failed === null && this.stage.has(view);
    if (!isOld) this.#makeRoom(title, ofPk);
    if (ofPk) {
      const top = await this.loader.entries([], signal);
      this.tree.show(top);
      if (top.length === 0 && pk === null && view === 'overview') {
        this.stage.leave();
        this.#welcome();
        return;
      }
      this.parts.side.hidden = top.length === 0;
      await this.tree.choose(pk ?? []);
    }
    await (isOld ? this.stage.tick(signal) : this.stage.show(this.state, signal));
    if (!signal.aborted) this.#succeed();
  }

  #makeRoom(title, ofPk) {
    this.parts.welcome.hidden = true;
    this.parts.view.hidden = true;
    this.parts.stage.hidden = false;
    this.parts.side.hidden ||= !ofPk;
    setText(this.parts.chosen, this.state.pk ? `: ${this.state.pk.join(' / ')}` : '');
    this.document.title = `${title} – HailWhale`;
    this.shown = null;
    this.asked = null;
  }

  // Everything around the graph follows at once, before the answer is there.
  #surround({ asked, entry, branching }) {
    this.asked = { asked, branches: branching.branches };
    this.parts.welcome.hidden = true;
    this.parts.side.hidden = false;
    setText(this.parts.chosen, `: ${asked.pk.join(' / ')}`);
    this.parts.view.hidden = false;
    this.parts.stage.hidden = true;
    setAttribute(this.parts['to-board'], 'href', formatState(this.#toBoard()));
    this.controls.show({ ...asked, metrics: entry.metrics, branches: branching.branches });
    drawCrumbs(this.parts.crumbs, asked, {
      openPk: (pk) => this.#openPk(pk),
      openDimension: (path) => this.go(openDimension(this.state, path)),
      href: (pk, dimension) => formatState({ ...openPk(this.state, pk), dimension }),
    });
  }

  #welcome() {
    this.shown = null;
    this.#succeed();
    this.parts.welcome.hidden = false;
    this.parts.view.hidden = true;
    this.parts.stage.hidden = true;
    this.parts.side.hidden = true;
  }

  #succeed() {
    this.failed = null;
    this.parts.error.hidden = true;
    setText(this.parts.error, '');
  }

  #fail(error, quiet) {
    this.failed = error;
    this.parts.error.hidden = false;
    setText(this.parts.error, sentence(error));
    // Numbers that are only older stay; numbers of another question would be taken for the answer to this one.
    if (!quiet && this.asked) {
      this.shown = null;
      this.view.clear(this.asked);
    }
  }

  #follow(state) {
    const before = this.state;
    this.state = state;
    if (before.view !== state.view) {
      this.left.set(before.view, before);
      this.shown = null;
      this.tree.redraw();
    }
    if (this.shown !== null && this.request === null && asksTheSame(before, state)) {
      this.view.show({ ...this.shown, state });
      return null;
    }
    return this.reload();
  }

  /** The state of another view, about the same as what the address names. */
  #beside(view) {
    const named = parseState(this.window.location.hash);
    if (view === named.view) return named;
    const left = this.left.get(view);
    return openView(named, view, left && JSON.stringify(left.pk) === JSON.stringify(named.pk) ? left.more : INITIAL.more);
  }

  // What is drawn, as options of a graph.
  #toBoard() {
    const { pk, dimension, metric, period, zone } = this.asked.asked;
    const add = { pk, dimensions: dimension, metric, period, ...(zone && { tz: zone }) };
    return openView(this.state, 'boards', { add: JSON.stringify(add) });
  }

  #within(anchor, state) {
    anchor.addEventListener('click', (event) => {
      if (isForBrowser(event)) return;
      event.preventDefault();
      this.go(state());
    });
  }

  #openPk(pk) {
    if (this.#isNarrow()) this.parts.side.open = false;
    return this.go(openPk(this.state, pk));
  }

  // On a phone the list would push away what was chosen from it.
  #isNarrow() {
    return this.window.matchMedia('(max-width: 760px)').matches;
  }

  #sort(column) {
    const plain = this.shown?.answer.weight === null ? this.state.sort.replace('weight', 'value') : this.state.sort;
    return this.go(sortBy({ ...this.state, sort: plain }, column));
  }
}

function firstPk(entries) {
  return [...entries].sort((a, b) => compareNames(label(a.pk), label(b.pk)))[0].pk;
}
