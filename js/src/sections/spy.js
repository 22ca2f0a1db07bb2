// The last events, as they come in: the newest first, looked at every two seconds until somebody pauses to read.
import { ServerError } from '../api.js';
import { element, keyed, setAttribute, setText } from '../dom.js';
import { numberFormats } from '../numbers.js';
import { compareNames, label, parsePathName, pathName } from '../paths.js';
import { sentence } from '../sentences.js';
import { browserZone } from '../times.js';
import { dimensionWords, MOST_EVENTS, merged, metricWords, textOf } from './events.js';
import { choice, field, fill, line, say } from './fields.js';
import { Own } from './own.js';
import { option } from './splits.js';

/** Milliseconds between two looks. */
export const EVERY = 2_000;
const MOST_NAMES = 500;
const COLUMNS = ['Time', 'Counted', 'Dimensions', 'Metrics', 'Id'];

export class Spy {
  constructor(root, { api, locale, state, go, window }) {
    Object.assign(this, { root, api, locale, window, document: root.ownerDocument });
    this.own = new Own(state, go);
    this.formats = numberFormats(locale);
    this.rows = [];
    this.keys = 0;
    this.asked = null;
    this.paused = false;
    this.first = true;
    this.timer = 0;
    this.request = null;
    this.onVisible = () => this.#later();
    this.document.addEventListener('visibilitychange', this.onVisible);
    this.#build();
  }

  async show(state, signal) {
    this.own.state = state;
    this.window.clearTimeout(this.timer);
    this.request?.abort();
    this.time = new Intl.DateTimeFormat(this.locale, {
      hour: '2-digit', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3, timeZone: browserZone(state.zone),
    });
    const pk = this.own.get('from') === '' ? null : parsePathName(this.own.get('from'));
    const uid = this.own.get('uid') || null;
    const asked = JSON.stringify([pk, uid]);
    if (asked !== this.asked) this.#begin();
    this.asked = asked;
    this.question = { pk, uid, limit: MOST_EVENTS };
    say(this.uid, uid ?? '');
    say(this.find, this.own.get('find'));
    await this.#names(state.pk, pk, signal);
    this.#take(await this.#ask(signal));
    this.#later();
  }

  /** The section looks by itself, more often than that. */
  async tick() {
    if (this.timer === 0) this.#later();
  }

  destroy() {
    this.document.removeEventListener('visibilitychange', this.onVisible);
    this.window.clearTimeout(this.timer);
    this.request?.abort();
    this.destroyed = true;
    this.root.replaceChildren();
  }

  #build() {
    const set = (key) => this.own.setter(key);
    this.from = choice('spy-from', set('from'));
    this.uid = line('spy-uid', set('uid'), { placeholder: 'any' });
    this.find = line('spy-find', set('find'), { type: 'search', placeholder: 'a text' });
    this.find.addEventListener('input', () => this.#draw());
    this.pause = element('button', { type: 'button', class: 'quiet pause', 'data-role': 'spy-pause', 'aria-pressed': 'false', onclick: () => this.#toggle() }, 'Pause');
    this.said = element('p', { class: 'note', 'data-role': 'spy-said' });
    this.trouble = element('p', { class: 'error', role: 'alert', 'data-role': 'spy-trouble', hidden: true });
    this.body = element('tbody', { role: 'rowgroup', 'data-role': 'spy-events' });
    this.table = element('table', { class: 'events', role: 'table' },
      element('caption', { class: 'unseen' }, 'The last events, the newest first'),
      element('thead', { role: 'rowgroup' }, element('tr', { role: 'row' }, COLUMNS.map((text) => element('th', { scope: 'col', role: 'columnheader' }, text)))),
      this.body);
    this.root.dataset.view = 'spy';
    this.root.replaceChildren(
      element('h1', {}, 'What comes in'),
      element('div', { class: 'controls' }, element('div', { class: 'fields' },
        field('Counted', this.from), field('Visitor (uid)', this.uid), field('Find in these', this.find), this.pause)),
      this.trouble,
      element('section', { class: 'card', 'aria-label': 'Events' }, this.said, this.table));
  }

  async #names(chosen, pk, signal) {
    const top = (await this.api.pks(null, signal)).map((entry) => entry.pk).sort((a, b) => compareNames(label(a), label(b))).slice(0, MOST_NAMES);
    const also = [chosen, pk].filter((path) => path !== null && path.length > 1);
    const options = [['', 'everything'], ...[...top, ...also].map(option)];
    fill(this.from, [...new Map(options)], pk === null ? '' : pathName(pk));
  }

  #begin() {
    this.rows = [];
    this.first = true;
    this.body.replaceChildren();
  }

  async #ask(signal) {
    return (await this.api.ask('spy', this.question, signal)).events;
  }

  #toggle() {
    this.paused = !this.paused;
    setAttribute(this.pause, 'aria-pressed', String(this.paused));
    setText(this.pause, this.paused ? 'Go on' : 'Pause');
    this.#words();
    if (this.paused) {
      this.window.clearTimeout(this.timer);
      this.timer = 0;
      this.request?.abort();
    } else {
      this.#look();
    }
  }

  // Nothing is asked while somebody reads, or while nobody can see the page.
  #later() {
    this.window.clearTimeout(this.timer);
    this.timer = 0;
    if (this.destroyed || this.paused || this.document.visibilityState === 'hidden') return;
    this.timer = this.window.setTimeout(() => this.#look(), EVERY);
  }

  async #look() {
    const request = new AbortController();
    this.request = request;
    try {
      const events = await this.#ask(request.signal);
      if (request.signal.aborted) return;
      this.trouble.hidden = true;
      this.#take(events);
    } catch (error) {
      if (request.signal.aborted) return;
      if (!(error instanceof ServerError)) throw error;
      setText(this.trouble, sentence(error));
      this.trouble.hidden = false;
    }
    this.#later();
  }

  #take(events) {
    this.rows = merged(this.rows, events, () => String(this.keys += 1));
    if (this.first) this.rows = this.rows.map((row) => ({ ...row, isNew: false }));
    this.first = false;
    this.#draw();
  }

  #draw() {
    const wanted = this.find.value.trim().toLowerCase();
    this.seen = this.rows.filter(({ event }) => textOf(event).includes(wanted));
    keyed(this.body, this.seen, {
      key: ({ key }) => key,
      create: ({ event }) => this.#row(event),
      update: (row, { isNew }) => row.classList.toggle('fresh', isNew),
    });
    this.table.hidden = this.seen.length === 0;
    this.#words();
  }

  #words() {
    const { length } = this.seen;
    const { exact } = this.formats;
    const all = this.rows.length === length ? '' : ` of ${exact(this.rows.length)}`;
    const where = this.paused ? 'Paused: nothing moves until you go on.' : 'New ones come in at the top.';
    setText(this.said, length === 0
      ? `${this.rows.length ? 'None of the events holds this text.' : 'Nothing has come in by /count lately; what is counted at once (/count_now) is not told here.'} ${where}`
      : `${exact(length)}${all} events. ${where}`);
    setAttribute(this.said, 'data-value', length);
  }

  #row({ at, pk, dimensions, metrics, id = '' }) {
    const cell = (role, ...children) => element('td', { role: 'cell', 'data-role': role }, ...children);
    const words = (texts) => texts.map((text) => element('span', { class: 'word', dir: 'auto' }, text));
    return element('tr', { role: 'row', 'data-role': 'spy-event' },
      cell('spy-time', element('time', { datetime: new Date(at).toISOString() }, this.time.format(at))),
      cell('spy-pk', element('bdi', {}, pk.map((name) => label([name])).join(' / '))),
      cell('spy-dimensions', ...words(dimensionWords(dimensions))),
      cell('spy-metrics', ...words(metricWords(metrics, this.formats.exact))),
      cell('spy-id', element('bdi', {}, id)));
  }
}
