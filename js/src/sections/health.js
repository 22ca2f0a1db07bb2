// How the server is: a sentence, and each figure with a word for it and the threshold behind that word.
import { ServerError } from '../api.js';
import { element, keyed, setAttribute, setText } from '../dom.js';
import { sentence } from '../sentences.js';
import { isLacking, lackingCard } from './lacking.js';
import { readSamples } from './prometheus.js';
import { figuresOf, summaryOf } from './signs.js';

const WORDS = { fine: 'fine', look: 'look at it', wrong: 'wrong', none: '' };

export class Health {
  constructor(root, { api, locale, now }) {
    Object.assign(this, { root, api, locale, now });
    this.before = null;
    this.#build();
  }

  async show(_state, signal) {
    await this.#look(signal);
  }

  async tick(signal) {
    await this.#look(signal);
  }

  destroy() {
    this.root.replaceChildren();
  }

  #build() {
    this.title = element('h1', {}, 'How the server is');
    this.summary = element('p', { class: 'summary', role: 'status', 'data-role': 'health-summary' });
    this.reasons = element('ul', { class: 'reasons', 'data-role': 'health-reasons' });
    this.lacking = element('div', { 'data-role': 'health-lacking' });
    this.groups = element('div', { 'data-role': 'health-groups' });
    this.note = element('p', { class: 'note' }, 'What was taken and answered is of the process that was asked, since it started; what the engine tells is of the whole store. Rates are of the time between two looks of this page, ten seconds apart.');
    this.root.dataset.view = 'health';
    this.root.replaceChildren(this.title, element('section', { class: 'card', 'aria-label': 'In a sentence' }, this.summary, this.reasons), this.lacking, this.groups, this.note);
  }

  async #look(signal) {
    const [ready, told] = await Promise.all([this.#ready(signal), this.#metrics(signal)]);
    const groups = told.samples ? figuresOf(told, this.before, this.locale) : [];
    if (told.samples) this.before = told;
    this.lacking.replaceChildren(...(told.card ? [told.card] : []));
    this.#draw(summaryOf(ready, groups), groups);
  }

  // -> why no requests are to be sent there; none where it is ready.
  async #ready(signal) {
    try {
      await this.api.ask('readyz', {}, signal);
      return [];
    } catch (error) {
      if (!(error instanceof ServerError) || [401, 403].includes(error.status)) throw error;
      return [error.code === 'not_ready' ? error.message.replace(/^not ready: /, '') : sentence(error)];
    }
  }

  // Numbers take a library and a key for everything; without them it is known all the same whether the server is ready.
  async #metrics(signal) {
    try {
      const samples = readSamples(await this.api.text('metrics', signal));
      return { samples, at: this.now() };
    } catch (error) {
      if (!(error instanceof ServerError)) throw error;
      if (isLacking(error)) return { card: lackingCard(error) };
      // That it does not answer has been said.
      if (error.code === 'unreachable' || error.status >= 500) return {};
      return { card: element('section', { class: 'card' }, element('p', { 'data-role': 'health-refused' }, `Its numbers cannot be read: ${sentence(error)}`)) };
    }
  }

  #draw({ word, text, reasons }, groups) {
    setAttribute(this.summary, 'data-word', word);
    setText(this.summary, text);
    keyed(this.reasons, reasons.map((reason, place) => [String(place), reason]), {
      key: ([place]) => place, create: () => element('li'), update: (item, [, reason]) => setText(item, reason),
    });
    keyed(this.groups, groups, {
      key: ({ title }) => title,
      create: ({ title }) => element('section', { class: 'card' }, element('h2', {}, title), element('dl', { class: 'signs' })),
      update: (card, { figures }) => keyed(card.lastElementChild, figures, { key: ({ name }) => name, create: makeSign, update: fillSign }),
    });
  }
}

function makeSign({ name, role }) {
  return element('div', { class: 'sign', 'data-role': `sign-${role}` },
    element('dt', {}, name),
    element('dd', {}, element('strong', { 'data-role': 'sign-value' }), element('span', { class: 'sign-word' }), element('span', { class: 'note' })));
}

function fillSign(sign, { text, value, word, threshold }) {
  const [number, said, note] = sign.lastElementChild.children;
  setText(number, text);
  setAttribute(number, 'data-value', value);
  setAttribute(sign, 'data-word', word);
  setText(said, WORDS[word]);
  setText(note, threshold);
}
