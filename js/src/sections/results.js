// Results of a split test: what is compared, what the server reads from it, and every interval drawn.
import { element, setText } from '../dom.js';
import { label, pathName } from '../paths.js';
import { figures } from './figures.js';
import { choice, field, fill, line, readList, say, switches } from './fields.js';
import { axisRow, scaleOf, strip } from './forest.js';
import { Kept } from './kept.js';
import { Own } from './own.js';
import { Pace } from './pace.js';
import { Reply } from './reply.js';
import { dimensionsOf, findSplits, option, versionsOf } from './splits.js';
import { twin } from './table.js';
import { allocationOf, goalsAmong, methodOf, tablesOf } from './verdicts.js';

const FIRST_SENTENCES = 6;
/** The keys of the state that are this section's own. */
const OWN = ['split', 'goals', 'control', 'versions', 'better', 'segment', 'span'];

export class Results {
  constructor(root, { api, locale, state, go, now }) {
    this.api = api;
    this.own = new Own(state, go);
    this.format = figures(locale);
    this.pace = new Pace(now);
    this.kept = new Kept(now);
    this.reply = new Reply('results-answer', 'Comparing…');
    this.#build(root);
  }

  async show(state, signal) {
    this.own.state = state;
    this.asked = null;
    const asked = await this.#question(state, signal);
    if (asked === null) return;
    this.asked = asked;
    this.reply.await(asked);
    await this.#answer(signal);
  }

  async tick(signal) {
    if (this.pace.isEarly()) return;
    if (this.asked === null) await this.show(this.own.state, signal);
    else await this.#answer(signal);
  }

  destroy() {
    this.root.replaceChildren();
  }

  #build(root) {
    this.root = root;
    const set = (key) => this.own.setter(key);
    const chips = (role, text) => {
      const list = element('span', { class: 'chips', 'data-role': role });
      const group = element('div', { class: 'control', role: 'group', 'aria-label': text }, element('span', { class: 'caption', 'aria-hidden': 'true' }, text), list);
      return { list, group };
    };
    this.title = element('h1', { 'data-role': 'results-title' }, 'Results');
    this.pk = choice('results-pk', (name) => this.own.leave(name, OWN));
    this.split = choice('results-split', (value) => this.own.set({ split: value, versions: '', control: '' }));
    this.control = choice('results-control', set('control'));
    this.better = choice('results-better', set('better'));
    this.segment = choice('results-segment', set('segment'));
    this.goal = line('results-goal', (text) => this.#addGoal(text), { placeholder: 'earned/spent' });
    this.span = line('results-span', set('span'), { placeholder: 'year', title: 'the whole life of the test: year, or two dates, as 2026-11-01/2026-11-22' });
    this.goals = chips('results-goals', 'Goals');
    this.versions = chips('results-versions', 'Versions');
    this.controls = element('div', { class: 'controls', hidden: true },
      element('div', { class: 'fields' },
        field('Split', this.pk), field('Versions are', this.split), field('Compared with', this.control),
        field('Better is', this.better), field('For each', this.segment), field('Period', this.span), field('Another goal', this.goal)),
      this.goals.group, this.versions.group);
    root.dataset.view = 'results';
    root.replaceChildren(this.title, this.controls, this.reply.place);
  }

  // What is asked, and the choices around it; null where there is nothing to ask.
  async #question(state, signal) {
    const split = this.own.get('split');
    const { splits, dimensions, versions } = await this.kept.of(JSON.stringify([state.pk, split]), () => this.#choices(state.pk, split, signal));
    const [chosen] = splits;
    this.controls.hidden = chosen === undefined;
    if (chosen === undefined) {
      this.#say('There is no split yet.', 'A split is a name with its versions below it: count each visitor once, as in pk=["button","red"], with what came of the visit.');
      return null;
    }
    setText(this.title, `Results of ${option(chosen.pk)[1]}`);
    fill(this.pk, splits.map(({ pk }) => option(pk)), pathName(chosen.pk));
    fill(this.split, [['', `the names below ${label(chosen.pk)}`], ...dimensions.map((name) => [name, `the values of ${label([name])}`])], split);
    const segments = dimensions.filter((name) => name !== split).map((name) => [name, label([name])]);
    fill(this.segment, [['', 'none'], ...segments], this.own.get('segment'));
    fill(this.better, [['', 'higher'], ['min', 'lower']], this.own.get('better'));
    say(this.span, this.own.get('span'));
    say(this.goal, '');
    this.#drawGoals(goalsAmong(chosen.metrics));
    this.#drawVersions(versions);
    if (versions.length < 2) {
      this.#say('Nothing can be compared here.', split === ''
        ? `There are not two names below ${label(chosen.pk)}. Choose another split, or let the values of a dimension be the versions.`
        : `There are not two values of ${split}.`);
      return null;
    }
    const named = readList(this.own.get('versions'));
    const goals = readList(this.own.get('goals'));
    return {
      pk: chosen.pk, split: split || null, goals: goals.length ? goals : null, variants: named.length ? named : null,
      control: this.own.get('control') || null, goal: this.own.get('better') || null, by: this.own.get('segment') || null,
      period: this.own.get('span') || null, tz: state.zone || null,
    };
  }

  async #choices(pk, split, signal) {
    const splits = await findSplits(this.api, pk, signal);
    if (splits.length === 0) return { splits };
    const [dimensions, versions] = await Promise.all([
      dimensionsOf(this.api, splits[0].pk, signal), versionsOf(this.api, splits[0].pk, split, signal),
    ]);
    return { splits, dimensions, versions };
  }

  // No goal chosen is all of them; so with the versions.
  #drawGoals(known) {
    const goals = readList(this.own.get('goals'));
    const all = [...new Set([...known, ...goals])];
    this.goals.group.hidden = all.length === 0;
    switches(this.goals.list, all, {
      chosen: (name) => goals.length === 0 || goals.includes(name),
      toggle: (name) => this.#toggle('goals', name, all),
    });
  }

  #drawVersions(versions) {
    const named = readList(this.own.get('versions'));
    const chosen = (name) => named.length === 0 || named.includes(name);
    switches(this.versions.list, versions, { chosen, toggle: (name) => this.#toggle('versions', name, versions), text: (name) => label([name]) });
    fill(this.control, [['', 'control, or the first'], ...versions.filter(chosen).map((name) => [name, label([name])])], this.own.get('control'));
  }

  #toggle(key, name, all) {
    const before = readList(this.own.get(key));
    const on = before.length === 0 ? all : before;
    const after = on.includes(name) ? on.filter((one) => one !== name) : [...on, name];
    const whole = after.length === 0 || (key === 'versions' && all.every((one) => after.includes(one)));
    const gone = key === 'versions' && !whole && !after.includes(this.own.get('control')) ? { control: '' } : {};
    this.own.set({ [key]: whole ? '' : JSON.stringify(after), ...gone });
  }

  #addGoal(text) {
    if (text === '') return;
    const goals = readList(this.own.get('goals'));
    this.own.set({ goals: JSON.stringify([...goals.filter((one) => one !== text), text]) });
  }

  async #answer(signal) {
    const answer = await this.reply.take(() => this.pace.timed(() => this.api.post('results', this.asked, signal)));
    if (answer !== null) this.reply.draw(answer, () => this.#draw(answer));
  }

  #say(head, text) {
    this.reply.say(element('section', { class: 'card' }, element('h2', {}, head), element('p', { 'data-role': 'results-none' }, text)));
  }

  #draw(answer) {
    const tables = tablesOf(answer);
    return [readingCard(answer.reading), tables.flatMap((table) => this.#table(table)), this.#methods(answer, tables[0])];
  }

  #table(table) {
    const { title, shares, goals } = table;
    return [
      title && element('h2', { class: 'segment-title', 'data-role': 'results-segment-title' }, title),
      shares && this.#shares(shares),
      ...goals.map((goal) => this.#goal(goal, title)),
    ].filter(Boolean);
  }

  #shares({ counts, expected, p, mismatch, missing: lacks }) {
    const { exact, probability, percent } = this.format;
    const all = Object.values(counts).reduce((a, b) => a + b, 0);
    const named = Object.entries(counts).map(([name, n]) => `${label([name])} ${exact(n)} (${percent(all ? n / all : 0)}, planned ${percent(expected[name] / (all || 1))})`);
    if (mismatch) {
      return element('div', { class: 'error', role: 'alert', 'data-role': 'sample-ratio', 'data-mismatch': 'true' },
        element('strong', {}, 'The split is off: trust no number here before you know why. '), `Counted: ${named.join(', ')}; p ${probability(p)}.`);
    }
    return element('p', { class: 'note', 'data-role': 'sample-ratio', 'data-mismatch': 'false' },
      lacks ? 'Whether visitors were split as planned cannot be said yet. ' : `Visitors were split as planned (p ${probability(p)}): `, named.join(', '), '.');
  }

  #goal(goal, title) {
    const { name, kind, better, refusal, rows, reading } = goal;
    const head = element('div', { class: 'card-head' }, element(title ? 'h3' : 'h2', {}, name), element('span', { class: 'note' }, [kind, `${better} is better`].filter(Boolean).join(', ')));
    if (refusal) {
      return element('section', { class: 'card', 'data-role': 'goal', 'data-name': name }, head, element('p', { 'data-role': 'refusal' }, `This goal cannot be compared: ${refusal}.`));
    }
    const scale = scaleOf(rows);
    const anyDrawn = rows.some(({ point }) => point !== null);
    return element('section', { class: 'card', 'data-role': 'goal', 'data-name': name }, head,
      reading && element('p', {}, reading),
      element('div', { class: 'versions', role: 'list', 'aria-label': `Versions by ${name}` },
        rows.map((row) => this.#version(row, goal, scale))),
      anyDrawn && axisRow(scale, this.#change(goal)),
      anyDrawn && element('p', { class: 'note' }, 'The bar is the always-valid interval: it holds however often you look. The fainter one within is for a single look at a planned end.'),
      this.#twin(goal, title));
  }

  #change({ measure, kind }) {
    if (measure === 'lift') return this.format.change;
    return kind === 'binomial' ? this.format.points : this.format.difference;
  }

  #version(row, goal, scale) {
    const { exact } = this.format;
    const rate = this.#rate(row, goal);
    return element('div', { class: 'version', role: 'listitem', 'data-role': 'version', 'data-name': row.name },
      element('div', { class: 'version-name' },
        element('strong', { dir: 'auto' }, label([row.name])), row.isControl && element('span', { class: 'tag' }, 'control'),
        element('span', { class: 'version-rate', 'data-role': 'rate', 'data-value': row.rate }, rate),
        element('span', { class: 'note' }, goal.kind === 'binomial' ? `${exact(row.total)} of ${exact(row.n)} visitors` : `${exact(row.total)} by ${exact(row.n)} visitors`)),
      element('div', { class: 'version-drawn' },
        row.point !== null && strip(row, scale, this.#interval(row, goal)),
        row.isControl && element('p', { class: 'note' }, 'The others are compared with it.'),
        row.why && element('p', { 'data-role': 'not-enough' }, row.why),
        row.point !== null && this.#figures(row, goal),
        row.cautions.map((caution) => element('p', { class: 'note' }, caution))));
  }

  #rate({ rate }, { kind }) {
    if (rate === null) return '–';
    return kind === 'binomial' ? this.format.percent(rate) : this.format.exact(rate);
  }

  #interval({ point, interval }, goal) {
    const change = this.#change(goal);
    return `${change(point)} (${interval[0] === null ? 'no lower end' : change(interval[0])} to ${interval[1] === null ? 'no upper end' : change(interval[1])})`;
  }

  #loss({ loss, unbelieved }, { kind }) {
    if (loss === null) return unbelieved || '–';
    return this.format.loss(loss, kind === 'binomial');
  }

  #figures(row, goal) {
    const { probability } = this.format;
    const { p, p_adjusted: adjusted } = row.verdict;
    const pair = (role, name, text, value) => element('div', {}, element('dt', {}, name), element('dd', { 'data-role': role, 'data-value': value }, text));
    return element('dl', { class: 'figures' },
      pair('lift', goal.measure === 'lift' ? 'Lift' : 'Difference', this.#interval(row, goal), row.point),
      pair('p', adjusted === p ? 'Always-valid p' : 'Always-valid p, corrected', probability(adjusted), adjusted),
      pair('chance', 'Chance to win', row.chance === null ? row.unbelieved || '–' : this.format.chance(row.chance), row.chance),
      pair('loss', 'Expected loss', this.#loss(row, goal), row.loss));
  }

  #twin(goal, title) {
    const { exact, probability } = this.format;
    const change = this.#change(goal);
    const name = JSON.stringify([title, goal.name]);
    const ends = (pair, format) => (pair === null ? '–' : pair.map((n) => (n === null ? '∞' : format(n))).join(' to '));
    const columns = [
      ['Version', ({ name: version }) => label([version])], ['Visitors', ({ n }) => exact(n)], ['Total', ({ total }) => exact(total)],
      ['Rate', (row) => this.#rate(row, goal)],
      [goal.measure === 'lift' ? 'Lift' : 'Difference', ({ point }) => (point === null ? '–' : change(point))],
      ['Always-valid interval', ({ interval }) => ends(interval, change)],
      ['Interval for one look', ({ fixed }) => ends(fixed, change)],
      ['Always-valid p', ({ verdict }) => (verdict ? probability(verdict.p) : '–')],
      ['Corrected p', ({ verdict }) => (verdict ? probability(verdict.p_adjusted) : '–')],
      ['Chance to win', ({ chance }) => (chance === null ? '–' : this.format.chance(chance))],
      ['Expected loss', (row) => (row.loss === null ? '–' : this.#loss(row, goal))],
      ['Reading', (row) => row.why || row.reading || '–'],
    ];
    return twin({ name, caption: [goal.name, title].filter(Boolean).join(', '), summary: `${goal.name} as a table`, columns, rows: goal.rows });
  }

  #methods({ allocation, correction, alpha, period, left_out: leftOut }, first) {
    const methods = methodOf(first);
    return element('section', { class: 'card', 'data-role': 'methods' },
      element('h2', {}, 'How it was compared'),
      element('p', { 'data-role': 'allocation', 'data-value': allocation }, `Who saw what: ${allocationOf(allocation)}`),
      methods.map(({ name, method, why, exact }) => element('p', {}, `${name}: ${method}${exact ? ', exact' : ''} – ${why}.`)),
      element('p', { class: 'note' }, `Chance of any false winner: ${this.format.percent(alpha)}, corrected for several comparisons by ${correction}. Period: ${period}.`),
      leftOut > 0 && element('p', { class: 'note' }, `Smaller segments that are left out: ${this.format.exact(leftOut)}.`));
  }
}

function readingCard(sentences) {
  const [first = 'Nothing was counted that could be compared.', ...rest] = sentences;
  return element('section', { class: 'card', 'aria-label': 'In words' },
    element('p', { class: 'reading', 'data-role': 'reading' }, first),
    rest.slice(0, FIRST_SENTENCES).map((sentence) => element('p', { 'data-role': 'reading' }, sentence)),
    rest.length > FIRST_SENTENCES && element('details', { 'data-name': 'reading' }, element('summary', {}, `${rest.length - FIRST_SENTENCES} more sentences`),
      rest.slice(FIRST_SENTENCES).map((sentence) => element('p', { 'data-role': 'reading' }, sentence))));
}
