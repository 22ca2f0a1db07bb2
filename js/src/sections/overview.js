// The overview: what is happening now, what moved, what ranks first.
import { element, keyed, link, setAttribute, setText } from '../dom.js';
import { Loader } from '../loader.js';
import { firstMetric, isAdditive } from '../metrics.js';
import { numberFormats } from '../numbers.js';
import { label, parsePathName, pathName, samePath } from '../paths.js';
import { describePeriod, MAIN_PERIODS } from '../periods.js';
import { sentence } from '../sentences.js';
import { browserZone } from '../times.js';
import { graph } from '../widget/graph.js';
import { busiest, candidates, dayOf, isOfQuestion, MOST_NAMES, moversOf, ranked } from './activity.js';
import { BY_CHANCE, changeFormat, signed } from './changes.js';
import { NOW_MINUTES } from './day.js';
import { bothPeriods, LOOKED_AT } from './movers.js';
import { Choice } from './selects.js';

const FIRST_PERIOD = 'day';
/** The numbers of now are asked for at every tick, the rest at every so manyth. */
const REST_EVERY = 6;
const COUNTS = 'hits';

export class Overview {
  constructor(root, { api, locale, go, href, now, window }, draw = graph) {
    Object.assign(this, { api, locale, go, href, now, window, draw, root });
    this.loader = new Loader(api);
    this.formats = numberFormats(locale);
    this.change = changeFormat(locale);
    this.signed = signed(locale);
    this.rough = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    this.sparklines = new Map();
    this.names = [];
    this.ticks = 0;
    this.#build();
  }

  async show(state, signal) {
    this.state = state;
    this.ticks = 0;
    this.loader.forget();
    await this.#load(signal);
  }

  async tick(signal) {
    this.ticks += 1;
    if (this.ticks % REST_EVERY === 0) {
      this.loader.forget();
      await this.#load(signal);
    } else {
      await this.#days(this.names.map(({ entry, metric }) => ({ entry, metric })), signal);
    }
  }

  destroy() {
    for (const { picture } of this.sparklines.values()) picture.destroy();
    this.sparklines.clear();
    this.root.replaceChildren();
  }

  #build() {
    const card = (role, title, ...children) => {
      this[role] = element('section', { class: 'card', 'aria-label': title, 'data-role': role },
        element('div', { class: 'card-head' }, element('h2', {}, title)), ...children);
      return this[role];
    };
    const note = (role) => element('p', { class: 'note', 'data-role': role, hidden: true });
    this.title = element('h1', { 'data-role': 'overview-title' });
    this.days = element('div', { class: 'days', 'data-role': 'days' });
    this.daysNote = note('days-note');
    this.about = new Choice('About', 'about', (name) => this.go({ pk: parsePathName(name), dimension: null, metric: null }));
    this.metric = new Choice('Metric', 'overview-metric', (metric) => this.go({ metric }));
    this.period = new Choice('Period', 'overview-period', (period) => this.go({ period }));
    this.dimension = new Choice('By', 'overview-dimension', (name) => this.go({ dimension: parsePathName(name) }));
    this.moved = element('div', { class: 'moved' });
    this.moversNote = note('movers-note');
    this.rows = element('ol', { class: 'ranking', 'data-role': 'ranking-rows' });
    this.rankNote = note('ranking-note');
    this.rest = element('div', {},
      element('div', { class: 'choices', role: 'group', 'aria-label': 'What to look at' }, this.about.root, this.metric.root, this.period.root),
      card('movers', 'What moved', this.moved, this.moversNote),
      card('ranking', 'Ranking', this.rows, this.rankNote));
    this.ranking.firstChild.append(this.dimension.root);
    this.root.replaceChildren(
      element('div', { class: 'headline' }, this.title, element('p', { class: 'live' }, element('span', { class: 'pulse' }), 'live')),
      this.days, this.daysNote, this.rest);
  }

  async #load(signal) {
    const { state } = this;
    const top = await this.loader.entries([], signal);
    const looked = await candidates(this.api, top, signal);
    const chosen = state.pk === null ? null : await this.loader.entry(state.pk, signal);
    const entries = [...(chosen === null ? [] : [chosen]), ...looked.filter(({ pk }) => chosen === null || !samePath(pk, chosen.pk))];
    const metricOf = (entry) => (entry === chosen && state.metric !== null && isAdditive(state.metric) ? state.metric : firstMetric(entry.metrics));
    this.names = await busiest(this.api, entries, { chosen: state.pk, metricOf, zone: state.zone }, signal);
    setText(this.title, state.pk === null ? 'What is happening now' : `What is happening now: ${state.pk.map((name) => label([name])).join(' / ')}`);
    setText(this.daysNote, `Looked at are ${MOST_NAMES} of ${this.formats.exact(top.length)} names, those of the newest events first. The list beside has all of them.`);
    this.daysNote.hidden = top.length <= MOST_NAMES;
    this.rest.hidden = this.names.length === 0;
    if (this.names.length === 0) return;
    const [{ entry }] = this.names;
    await Promise.all([this.#days(this.names, signal), this.#rest(entry, entries, signal)]);
  }

  async #days(names, signal) {
    const { zone } = this.state;
    const days = await Promise.all(names.map(async ({ entry, metric, hours }) => (
      { entry, metric, day: await dayOf(this.api, { pk: entry.pk, metric, zone, now: this.now, hours }, signal) })));
    if (!signal.aborted) this.#drawDays(days);
  }

  #drawDays(days) {
    const nameOf = ({ entry, metric }) => JSON.stringify([entry.pk, metric, this.state.zone]);
    const names = days.map(nameOf);
    for (const [name, { picture }] of this.sparklines) {
      if (names.includes(name)) continue;
      picture.destroy();
      this.sparklines.delete(name);
    }
    keyed(this.days, days, { key: nameOf, create: (one) => this.#dayCard(one, nameOf(one)), update: (card, one) => this.#fillDay(card, one) });
  }

  #dayCard({ entry, metric }, name) {
    const place = element('div', { class: 'spark' });
    this.sparklines.set(name, { picture: this.draw(place, {
      host: new URL('.', this.api.base).href, key: this.api.key, pk: entry.pk, metric, period: 'day', kind: 'sparkline', title: '',
      tz: this.state.zone, locale: this.locale,
    }) });
    return element('article', { class: 'card day', 'data-role': 'day', 'data-name': pathName(entry.pk) },
      element('h2', {}, this.#toExplore({ pk: entry.pk, dimension: null, metric: null }, entry.pk.map((one) => label([one])).join(' / '))),
      element('p', { class: 'number' }, element('strong', { 'data-role': 'so-far' }), element('span', {}, `${metric} today so far`)),
      place,
      element('p', { class: 'note' }, `${metric}, the last 24 hours`),
      element('table', { class: 'compared' },
        element('caption', { class: 'aside' }, `${metric} beside the same time of the day before`),
        element('thead', {}, element('tr', {}, ['Compared', 'now', 'a day before', 'change'].map((text) => element('th', { scope: 'col' }, text)))),
        element('tbody', {}, ['today', 'hour', 'minutes'].map((which) => element('tr', { 'data-role': `compared-${which}` },
          element('th', { scope: 'row' }), element('td'), element('td'), element('td'))))));
  }

  #fillDay(card, { day }) {
    const number = card.querySelector('[data-role=so-far]');
    setText(number, this.formats.exact(day.soFar));
    setAttribute(number, 'data-value', day.soFar);
    const clock = new Intl.DateTimeFormat(this.locale, { hour: 'numeric', minute: '2-digit', timeZone: browserZone(this.state.zone) });
    const words = {
      today: ({ until }) => `Today until ${clock.format(until)}`,
      hour: ({ from, until }) => clock.formatRange(from, until),
      minutes: () => `The last ${NOW_MINUTES} minutes`,
    };
    for (const [which, text] of Object.entries(words)) {
      const row = card.querySelector(`[data-role=compared-${which}]`);
      const compared = day[which];
      row.hidden = compared === null;
      if (compared === null) continue;
      const { now, before } = compared;
      const [name, ...cells] = row.children;
      setText(name, text(compared));
      // Minutes of the day before are gone: an average of its hour stands for them, and is no count.
      const about = which === 'minutes' && before > 0 ? '≈ ' : '';
      const shown = [this.formats.exact(now), about + this.rough.format(before), this.change(now, before)];
      cells.forEach((cell, index) => setText(cell, shown[index]));
      cells.forEach((cell, index) => setAttribute(cell, 'data-value', [now, before, now - before][index]));
      setAttribute(row, 'title', which === 'minutes' ? `Beside an average ${NOW_MINUTES} minutes of ${clock.formatRange(compared.hour, compared.hour + 3_600_000)} the day before` : null);
    }
  }

  async #rest(entry, entries, signal) {
    const { state } = this;
    const { pk, metrics } = entry;
    const metric = state.metric ?? firstMetric(metrics);
    const period = state.period ?? FIRST_PERIOD;
    const { branches, first } = await this.loader.branching(pk, signal);
    const dimension = state.dimension ?? first ?? [];
    const asked = { pk, metric, period, zone: state.zone, dimension };
    const path = (one) => [pathName(one), one.map((name) => label([name])).join(' / ')];
    this.about.show(entries.map((one) => path(one.pk)), pathName(pk));
    this.metric.show(metrics.map((name) => [name, name]), metric);
    this.period.show(MAIN_PERIODS.map(({ text, label: words }) => [text, words]), period);
    this.dimension.show([...(branches.length ? [] : [['_', 'overall']]), ...branches.map(path), ...(dimension.length ? [path(dimension)] : [['_', 'overall']])]
      .filter(([name], index, all) => all.findIndex(([other]) => other === name) === index), pathName(dimension));
    await Promise.all([
      this.#move({ ...asked, nodes: branches.length ? branches : [[]] }, signal),
      this.#rank(asked, signal),
    ]);
  }

  async #move(asked, signal) {
    const { metric, period } = asked;
    const both = bothPeriods(period);
    if (both === null || !isAdditive(metric)) {
      this.#drawMoved(asked, { rose: [], fell: [] });
      this.#say(this.moversNote, both === null
        ? 'What moved is told of the last hour, the last 24 hours, 7 days and 30 days: choose one of these periods.'
        : `What moved is told of what adds up, and ${metric} does not: choose another metric.`);
      return;
    }
    try {
      const found = await moversOf(this.api, asked, signal);
      if (signal.aborted) return;
      this.#drawMoved(asked, found);
      const few = metric === COUNTS ? ' What is pale could be chance: of changes that mean nothing, one in twenty is larger.' : '';
      const largest = found.truncated ? ` Of each dimension the largest ${LOOKED_AT} are looked at.` : '';
      this.#say(this.moversNote, `${metric} in the last ${both.words}, and in the ${both.words} before; the clearest change first.${few}${largest}`);
    } catch (error) {
      this.#refused(error, signal, this.moversNote, () => this.#drawMoved(asked, { rose: [], fell: [] }));
    }
  }

  #drawMoved(asked, { rose, fell }) {
    const told = this.moved.querySelector(':focus')?.closest('[data-key]')?.dataset.key;
    const lists = [['rose', 'Rose', rose], ['fell', 'Fell', fell]].map(([role, title, rows]) => element('div', { class: 'movers' },
      element('h3', {}, title),
      rows.length === 0 && element('p', { class: 'note' }, `Nothing ${role}.`),
      rows.length > 0 && element('table', { class: 'rows', 'data-role': role },
        element('thead', {}, element('tr', {}, ['Name', 'now', 'before', 'change'].map((text) => element('th', { scope: 'col' }, text)))),
        element('tbody', {}, rows.map((row) => this.#mover(row, asked))))));
    this.moved.replaceChildren(...lists);
    [...this.moved.querySelectorAll('[data-key]')].find(({ dataset }) => dataset.key === told)?.querySelector('a').focus();
  }

  #mover({ path, node, now, before, score }, asked) {
    const { exact } = this.formats;
    const pale = asked.metric === COUNTS && Math.abs(score) < BY_CHANCE;
    return element('tr', { class: pale && 'pale', 'data-role': 'mover', 'data-key': pathName(path) },
      element('th', { scope: 'row' },
        this.#toExplore({ ...asked, dimension: path }, label(path)),
        node.length > 0 && element('span', { class: 'note' }, ` ${label(node)}`),
        pale && element('span', { class: 'aside' }, ' (could be chance)')),
      element('td', { 'data-value': now }, exact(now)), element('td', { 'data-value': before }, exact(before)),
      element('td', { 'data-value': now - before }, element('span', { class: 'amount' }, this.signed(now - before)), ' ', element('b', {}, this.change(now, before))));
  }

  async #rank(asked, signal) {
    try {
      const rows = await ranked(this.api, asked, signal);
      if (signal.aborted) return;
      this.#drawRanking(asked, rows);
      this.#say(this.rankNote, rows.length === 0
        ? `Nothing was counted below this in ${describePeriod(asked.period)}.`
        : `The first ${rows.length} by ${asked.metric} in ${describePeriod(asked.period)}.`);
    } catch (error) {
      this.#refused(error, signal, this.rankNote, () => this.#drawRanking(asked, []));
    }
  }

  #drawRanking(asked, rows) {
    const most = Math.max(...rows.map(({ value }) => Math.abs(value)));
    keyed(this.rows, rows, {
      key: ({ path }) => JSON.stringify([asked.pk, path, asked.metric, asked.period]),
      create: ({ path }) => element('li', { 'data-role': 'ranked' }, this.#toExplore({ ...asked, dimension: path }, label(path)),
        element('span', { class: 'bar' }, element('span')), element('b')),
      update: (row, { value }) => {
        const [, bar, number] = row.children;
        bar.firstChild.style.width = `${most > 0 ? Math.abs(value) / most * 100 : 0}%`;
        setText(number, this.formats.short(value));
        setAttribute(number, 'data-value', value);
      },
    });
  }

  // What one card cannot be told leaves the others alone.
  #refused(error, signal, note, clear) {
    if (signal.aborted || !isOfQuestion(error)) throw error;
    clear();
    this.#say(note, sentence(error));
  }

  #say(note, text) {
    setText(note, text);
    note.hidden = false;
  }

  #toExplore({ pk, dimension, metric, period = null }, text) {
    const part = { view: 'explore', pk, dimension, metric, ...(period && { period }) };
    return link({ href: this.href(part), go: () => this.go(part) }, text);
  }
}
