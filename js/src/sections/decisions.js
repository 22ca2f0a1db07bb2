// Decisions: which there are, what each visitor would be shown now and why, and what was shown over time. Looking counts nothing.
import { element, setText } from '../dom.js';
import { compareNames, label, pathName, samePath } from '../paths.js';
import { graph } from '../widget/graph.js';
import { decisionOf, findDecisions, firstFormula } from './deciding.js';
import { figures } from './figures.js';
import { choice, field, fill, line, readTexts, say } from './fields.js';
import { axisRow, scaleOf, strip } from './forest.js';
import { Kept } from './kept.js';
import { Own } from './own.js';
import { Pace } from './pace.js';
import { Reply } from './reply.js';
import { METRIC, Shares } from './shares.js';
import { dimensionsOf, entryOf, option } from './splits.js';
import { twin } from './table.js';

const MOST_DIMENSIONS = 8;
const MOST_VALUES = 200;
const MOST_OPTIONS = 1_000;
const MOST_ROWS = 50;
const MOST_DRAWN = 8;
const PERIOD = '1h:7d';
const FORMULA = 'value/hits';
const OWN = ['formula', 'best', 'visitor', 'anyway'];

export class Decisions {
  /** `createPlot` draws the graph (uPlot unless given). */
  constructor(root, { api, locale, state, go, now, window, createPlot }) {
    Object.assign(this, { root, api, locale, now, window, createPlot });
    this.own = new Own(state, go);
    this.format = figures(locale);
    this.pace = new Pace(now);
    this.kept = new Kept(now);
    this.values = new Kept(now);
    this.reply = new Reply('decision-answer', 'Deciding…');
    this.graph = null;
    this.graphed = '';
    this.graphedPk = [];
    this.#build();
  }

  async show(state, signal) {
    this.own.state = state;
    this.asked = null;
    const asked = await this.#question(state, signal);
    // A graph of another decision does not stay.
    if (asked === null || !samePath(asked.pk, this.graphedPk)) this.#endGraph();
    if (asked === null) return;
    this.asked = asked;
    this.reply.await(asked);
    await this.#answer(signal);
  }

  async tick(signal) {
    if (this.pace.isEarly()) return;
    if (this.asked === null) {
      await this.show(this.own.state, signal);
      return;
    }
    await this.#answer(signal);
    this.shares?.look();
  }

  destroy() {
    this.#endGraph();
    this.root.replaceChildren();
  }

  #build() {
    const set = (key) => this.own.setter(key);
    this.title = element('h1', { 'data-role': 'decision-title' }, 'Decisions');
    this.pk = choice('decision-pk', (name) => this.own.leave(name, OWN));
    this.formula = line('decision-formula', set('formula'), { placeholder: FORMULA });
    this.best = choice('decision-best', set('best'));
    this.fields = element('div', { class: 'fields' }, field('Decision', this.pk), field('What counts', this.formula), field('Best is', this.best));
    this.visitor = element('div', { class: 'fields', role: 'group', 'aria-label': 'The visitor', 'data-role': 'decision-visitor' });
    this.controls = element('div', { class: 'controls', hidden: true }, this.fields, this.visitor);
    this.note = element('p', { class: 'note', 'data-role': 'decision-note', hidden: true });
    this.place = element('div', { 'data-role': 'decision-graph' });
    this.graphTitle = element('h2', {}, 'Shown over time');
    this.graphNote = element('p', { class: 'note' });
    this.options = element('section', { class: 'card', hidden: true }, this.graphTitle, this.graphNote, this.place);
    this.root.dataset.view = 'decisions';
    this.root.replaceChildren(this.title, this.controls, this.note, this.reply.place, this.options);
  }

  // What is asked, and the choices around it; null where there is no decision.
  async #question(state, signal) {
    const { decisions, partly } = await this.kept.of(pathName(state.pk ?? []), () => findDecisions(this.api, state.pk, signal));
    const own = decisionOf(decisions, state.pk) ?? await this.#anyway(state.pk, signal);
    const chosen = own ?? decisions[0];
    this.#notice(state.pk, own, partly);
    this.controls.hidden = chosen === undefined;
    if (chosen === undefined) {
      this.#say('No decision was counted yet.', 'A decision chooses what a visitor is shown, and learns from what that brings: Whale.decide(\'page\', \'headline\', [\'bold\', \'plain\'], \'signups/hits\', {\'country\': \'UK\'}) in Python, /decide over HTTP. Count what was shown with /count_decision.');
      return null;
    }
    // All that is shown around an answer changes at once.
    const known = await this.#drawVisitor(chosen.pk, signal);
    setText(this.title, `Decision ${option(chosen.pk)[1]}`);
    fill(this.pk, decisions.map(({ pk }) => option(pk)), pathName(chosen.pk));
    const formula = this.own.get('formula') || firstFormula(chosen.metrics);
    say(this.formula, formula);
    fill(this.best, [['', 'the most'], ['min', 'the least']], this.own.get('best'));
    this.chosen = chosen;
    return {
      pk: chosen.pk, options: chosen.options.slice(0, MOST_OPTIONS), by_metric: formula || null, goal: this.own.get('best') || null,
      dimensions: Object.keys(known).length ? known : null, explain: true,
      // A browser that is driven by a program asks for a visitor, too.
      bot: false,
    };
  }

  // Decisions on visitors of whom nothing is known leave no mark.
  async #anyway(pk, signal) {
    if (pk === null || this.own.get('anyway') === '') return undefined;
    const [entry, below] = await Promise.all([entryOf(this.api, pk, signal), this.api.pks(pk, signal)]);
    if (below.length === 0) return undefined;
    return { pk, metrics: entry.metrics, options: below.map((one) => one.pk[one.pk.length - 1]) };
  }

  #notice(pk, own, partly) {
    const missed = pk !== null && own === undefined;
    this.note.hidden = !missed && !partly;
    this.note.replaceChildren(
      partly ? 'There are more names than were looked at: choose one at the side to look for decisions below it. ' : '',
      ...(missed ? [`Nothing was decided about ${option(pk)[1]}, as far as its marks tell. `,
        element('button', { type: 'button', class: 'quiet', onclick: () => this.own.set({ anyway: '1' }) }, 'Take the names below it for options')] : []),
    );
  }

  async #dimensions(pk, signal) {
    const names = (await dimensionsOf(this.api, pk, signal)).slice(0, MOST_DIMENSIONS);
    return { names, values: await Promise.all(names.map((name) => this.api.subdimensions(pk, [name], signal))) };
  }

  async #drawVisitor(pk, signal) {
    const { names, values } = await this.values.of(pathName(pk), () => this.#dimensions(pk, signal));
    const given = readTexts(this.own.get('visitor'));
    const known = Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)));
    const before = JSON.stringify(names);
    if (this.visitor.dataset.names !== before) {
      this.visitor.dataset.names = before;
      this.lists = names.map((name) => choice('decision-dimension', (value) => this.#know(name, value)));
      this.visitor.replaceChildren(...names.map((name, place) => field(label([name]), this.lists[place])));
    }
    names.forEach((name, place) => {
      const some = values[place].map((path) => path[path.length - 1]).sort(compareNames).slice(0, MOST_VALUES);
      fill(this.lists[place], [['', 'not known'], ...some.map((value) => [value, label([value])])], Object.hasOwn(known, name) ? known[name] : '');
    });
    this.visitor.hidden = names.length === 0;
    return known;
  }

  #know(name, value) {
    const { [name]: _, ...others } = readTexts(this.own.get('visitor'));
    const known = value === '' ? others : { ...others, [name]: value };
    this.own.set({ visitor: Object.keys(known).length ? JSON.stringify(known) : '' });
  }

  async #answer(signal) {
    const answer = await this.reply.take(() => this.pace.timed(() => this.api.post('decide', this.asked, signal)));
    if (answer !== null) {
      const { weights, reasons, warning } = answer;
      this.reply.draw([weights, reasons, warning], () => [this.#draw(answer)]);
    }
    // What was shown is known, whether or not the server can decide.
    this.#drawGraph(answer === null ? {} : answer.weights);
  }

  #say(head, text) {
    this.reply.say(element('section', { class: 'card' }, element('h2', {}, head), element('p', { 'data-role': 'decisions-none' }, text)));
  }

  #who() {
    const { dimensions } = this.asked;
    if (dimensions === null) return 'visitors of whom nothing is known';
    return `visitors with ${Object.entries(dimensions).map(([name, value]) => `${label([name])} ${label([value])}`).join(', ')}`;
  }

  // The option that comes is drawn by lot each time, and says nothing: only what is known is shown.
  #draw({ weights, reasons = [], warning }) {
    const known = reasons.map((reason) => ({ ...reason, weight: weights[reason.option], point: reason.interval === null ? null : reason.mean }));
    const rows = known.slice(0, MOST_ROWS);
    const scale = scaleOf(rows, { zero: false });
    const [first] = [...known].sort((a, b) => b.weight - a.weight);
    const anyDrawn = rows.some(({ point }) => point !== null);
    return element('section', { class: 'card', 'data-role': 'decision' },
      first && element('p', { class: 'reading', 'data-role': 'decision-reading' }, this.#reading(first)),
      this.#unseen(known),
      warning && element('p', { class: 'error', 'data-role': 'decision-warning' }, `${warning}.`),
      element('div', { class: 'versions', role: 'list', 'aria-label': 'Options' }, rows.map((row) => this.#option(row, scale))),
      anyDrawn && axisRow(scale, this.format.exact),
      known.length > rows.length && element('p', { class: 'note' }, `The best ${rows.length} of ${this.format.exact(known.length)} options.`),
      element('p', { class: 'note' }, 'The bar below a name is its weight: the share of such visitors who are shown it now. The line beside it is what it is worth to them, with a chance of 90 %. Looking here counts nothing.'),
      this.#twin(rows));
  }

  #reading({ option: name, weight, best }) {
    const sure = best === null || best === undefined ? '' : ` It is the best of all with a chance of ${this.format.chance(best)}.`;
    return `${this.format.percent(weight)} of ${this.#who()} are shown “${label([name])}”.${sure}`;
  }

  // Visitors are told apart by all that is known of them together.
  #unseen(known) {
    if (known.some(({ exposure }) => exposure > 0) || this.lists.length < 2) return null;
    const open = this.lists.filter((list) => list.value === '').map((list) => list.closest('label').firstChild.textContent);
    return element('p', { 'data-role': 'decision-unseen' }, 'No visitor of whom just this is known was counted: it is decided by what is known of others. ',
      open.length > 0 && `Choose ${open.join(' and ')} as well to see what such visitors are shown.`);
  }

  #worth({ mean, point, interval }) {
    const { exact } = this.format;
    return point === null ? 'not known yet' : `${exact(mean)} (${exact(interval[0])} to ${exact(interval[1])})`;
  }

  #option(row, scale) {
    const { exact, percent } = this.format;
    const share = element('span');
    share.style.width = `${row.weight * 100}%`;
    const pair = (role, name, text, value) => element('div', {}, element('dt', {}, name), element('dd', { 'data-role': role, 'data-value': value }, text));
    return element('div', { class: 'version', role: 'listitem', 'data-role': 'option', 'data-name': row.option },
      element('div', { class: 'version-name' },
        element('strong', { dir: 'auto' }, label([row.option])),
        element('span', { class: 'version-rate', 'data-role': 'weight', 'data-value': row.weight }, percent(row.weight)),
        element('span', { class: 'bar', 'aria-hidden': 'true' }, share)),
      element('div', { class: 'version-drawn' },
        row.point !== null && strip({ ...row, zero: false }, scale, this.#worth(row)),
        element('dl', { class: 'figures' },
          pair('mean', 'Worth', this.#worth(row), row.mean),
          pair('best', 'Chance to be best', row.best === null ? '–' : this.format.chance(row.best), row.best),
          pair('exposure', 'Shown to just such', exact(row.exposure), row.exposure),
          pair('reward', 'Brought', exact(row.reward), row.reward))));
  }

  #twin(rows) {
    const { exact, percent } = this.format;
    return twin({
      name: 'options', summary: 'The options as a table', caption: `What ${this.#who()} are shown, and why`, rows,
      columns: [
        ['Option', (row) => label([row.option])], ['Weight', ({ weight }) => percent(weight)], ['Shown', ({ exposure }) => exact(exposure)],
        ['Brought', ({ reward }) => exact(reward)], ['Worth, 90 % interval', (row) => this.#worth(row)],
        ['Chance to be best', ({ best }) => (best === null ? '–' : this.format.chance(best))],
      ],
    });
  }

  // One graph for a question, whose lines stay the same while the weights change.
  #drawGraph(weights) {
    const { pk, options, dimensions } = this.asked;
    const known = Object.entries(dimensions ?? {});
    const node = known.length === 1 ? known[0] : [];
    const settings = { period: this.own.state.period ?? PERIOD, tz: this.own.state.zone };
    const wanted = JSON.stringify([pk, options, node, settings]);
    if (wanted === this.graphed) return;
    this.#endGraph();
    this.graphed = wanted;
    this.graphedPk = pk;
    this.options.hidden = false;
    const weight = (name) => (Object.hasOwn(weights, name) ? weights[name] : 0);
    const drawn = [...options].sort((a, b) => weight(b) - weight(a)).slice(0, MOST_DRAWN);
    setText(this.graphTitle, `Shown over time${node.length ? ` to ${this.#who()}` : ''}`);
    setText(this.graphNote, `The share of all showings that each option had${options.length > drawn.length ? `, among the ${drawn.length} with the largest weights` : ''}.`);
    this.shares = new Shares(this.api, { pk, options: drawn, node });
    this.graph = graph(this.place, {
      pk, metric: METRIC, kind: 'area', offset: 'expand', threshold: 0, limit: MOST_DRAWN, drill: false, title: '', locale: this.locale ?? '', ...settings,
    }, { window: this.window, feeds: this.shares, now: this.now, ...(this.createPlot && { createPlot: this.createPlot }) });
  }

  #endGraph() {
    this.graph?.destroy();
    this.graph = null;
    this.graphed = '';
    this.graphedPk = [];
    this.options.hidden = true;
    this.shares = null;
  }
}
