// The picture of a graph in its shadow root: title, number, canvas, legend, table. Columns in, nothing fetched.
import { Chart, heightFor } from '../chart.js';
import { hasValues } from '../columns.js';
import { element, keyed, setAttribute, setText } from '../dom.js';
import { assignHues } from '../hues.js';
import { drawLegend } from '../legend.js';
import { isRatio } from '../metrics.js';
import { numberFormats } from '../numbers.js';
import { label, prefixes, samePath } from '../paths.js';
import { unitOf } from '../periods.js';
import { readTheme } from '../theme.js';
import { isUnfinished, timeFormat, unitOfStarts } from '../times.js';
import { drawTooltip, placeTooltip, tooltipRows } from '../tooltip.js';
import { Twin } from '../twin.js';
import { dress } from './dress.js';
import { BEFORE, OTHER } from './lines.js';
import { marksIn } from './marks.js';
import { nearest } from './nearest.js';
import { isSmall } from './options.js';
import { periodWords } from './periods.js';
import { isDark } from './scheme.js';
import { isStackable, stack } from './stack.js';
import { dressRoot } from './styles.js';
import { Zoom } from './zoom.js';

const BASE = '[base]';
const SPARKLINE = 48;

export class Picture {
  /** `actions`: `open(path)` goes to a node, `clicked({path, metric, at, value})` hears of a click on a line. */
  constructor(target, { actions, window, createPlot, now = () => Date.now() }) {
    this.target = target;
    this.actions = actions;
    this.window = window;
    this.now = now;
    this.hidden = new Set();
    this.hues = new Map();
    this.model = null;
    this.printing = false;
    this.#build();
    this.twin = new Twin(this.parts.twin);
    this.zoom = new Zoom(() => { this.parts.whole.hidden = this.zoom.range === null; });
    this.chart = new Chart(this.parts.plot, {
      pointed: (at) => this.#point(at),
      create: (options, data, place) => createPlot(dress(options, this.look, this.zoom, (plot) => this.#click(plot)), data, place),
      height: (width) => this.#height(width),
    });
    this.onPrint = ({ type }) => {
      this.printing = type === 'beforeprint';
      this.redraw();
    };
    window.addEventListener('beforeprint', this.onPrint);
    window.addEventListener('afterprint', this.onPrint);
  }

  /** `{options, node, answer: {starts, lines, additive}, before}`: what is to be seen now; a form that changed is drawn anew. */
  show(model) {
    const form = JSON.stringify(['kind', 'offset', 'annotations', 'height', 'locale'].map((name) => model.options[name]));
    if (form !== this.form) this.chart.clear();
    this.form = form;
    this.model = model;
    const { options, answer } = model;
    this.locale = options.locale || undefined;
    this.formats = numberFormats(this.locale);
    this.time = timeFormat(unitOf(options.period) ?? unitOfStarts(answer.starts), options.tz, this.locale);
    this.#assignHues();
    setAttribute(this.parts.frame, 'aria-busy', null);
    this.redraw();
  }

  /** The title and the way back at once, before there is an answer. */
  expect(options, node) {
    setAttribute(this.parts.frame, 'data-kind', options.kind);
    setAttribute(this.parts.frame, 'aria-busy', 'true');
    this.#name(options, node);
    this.#crumbs(options, node);
    this.zoom.range = null;
    this.parts.whole.hidden = true;
    this.parts.twin.open = options.table;
    dressRoot(this.root, this.#isDark(options));
  }

  redraw() {
    if (this.model === null) return;
    dressRoot(this.root, this.#isDark(this.model.options));
    this.#draw();
  }

  /** A sentence instead of the numbers, or above old ones; '' takes it away. `gone` says that the numbers are of something else. */
  say(text, gone = false) {
    setText(this.parts.trouble, text);
    this.parts.trouble.hidden = text === '';
    setAttribute(this.parts.frame, 'aria-busy', null);
    if (!gone) return;
    this.model = null;
    this.chart.clear();
    this.parts.body.hidden = true;
  }

  destroy() {
    this.chart.destroy();
    this.window.removeEventListener('beforeprint', this.onPrint);
    this.window.removeEventListener('afterprint', this.onPrint);
    this.host.remove();
  }

  #build() {
    this.host = element('div', { class: 'hailwhale' });
    this.root = this.host.attachShadow({ mode: 'open' });
    const named = (role, tag, attributes = {}, ...children) => {
      this.parts[role] = element(tag, { class: role, 'data-role': role, ...attributes }, ...children);
      return this.parts[role];
    };
    this.parts = {};
    this.root.append(named('frame', 'div', { role: 'group' },
      named('title', 'p', { hidden: true }),
      named('crumbs', 'nav', { 'aria-label': 'Where the graph is', hidden: true }),
      named('trouble', 'p', { role: 'status', hidden: true }),
      named('body', 'div', { hidden: true },
        named('number', 'p', {}, named('total', 'strong'), named('total-label', 'span'), named('change', 'span')),
        named('chart', 'figure', {},
          named('plot', 'div', { tabindex: 0, role: 'group' }),
          named('tooltip', 'div', { role: 'status', hidden: true }),
          named('nothing', 'p', { hidden: true })),
        named('keys', 'div', {},
          named('legend', 'span', { role: 'group', 'aria-label': 'Lines' }),
          named('whole', 'button', { type: 'button', hidden: true, onclick: () => this.zoom.leave(this.chart.plot) }, 'Whole period')),
        named('deeper', 'p', { hidden: true }, element('span', {}, 'Look into '), named('doors', 'span')),
        named('twin', 'details', {},
          element('summary', {}, 'The graph as a table'),
          element('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Drawn numbers' }, element('table')),
          element('p', { class: 'note', 'data-role': 'twin-note', hidden: true })))));
    this.target.append(this.host);
  }

  #isDark({ theme }) {
    return !this.printing && isDark(theme, this.target, this.window);
  }

  #height(width) {
    const { options } = this.model;
    if (Number(options.height) > 0) return Number(options.height);
    return isSmall(options) ? SPARKLINE : heightFor(width);
  }

  #assignHues() {
    const { answer, options } = this.model;
    const children = answer.lines.filter(({ isOverall, name }) => !isOverall && name !== OTHER).map(({ name }) => name);
    this.hues = assignHues(children, this.hues);
    this.hues.set(OTHER, 'other').set(BEFORE, 'before').set(BASE, 'base');
    this.labels = new Map([...answer.lines, this.model.before].filter(Boolean).map(({ path, label: text }) => [path, text]));
    this.several = options.metrics.length > 1;
  }

  // What is drawn of what is known: lines as they are, or put on top of one another.
  #layers() {
    const { answer, options, before } = this.model;
    const seen = answer.lines.filter(({ name }) => !this.hidden.has(name));
    const parts = seen.filter(({ isOverall }) => !isOverall);
    const stacked = ['area', 'bars'].includes(options.kind) && answer.additive && parts.length > 0 && isStackable(parts);
    const dashed = before && !this.hidden.has(BEFORE) && options.offset === 'zero' ? [{ ...before, isDashed: true }] : [];
    if (isSmall(options)) return { stacked: false, drawn: [...answer.lines.filter(({ isOverall }) => isOverall || this.several), ...dashed] };
    if (!stacked) return { stacked, drawn: [...answer.lines, ...dashed] };
    const { base, tops } = stack(parts, options.offset);
    const layers = parts.map((line, index) => ({ ...line, values: tops[index] }));
    // Bars stand one before the other, the highest at the back; areas lie between two lines.
    if (options.kind === 'bars') return { stacked, drawn: [...layers.reverse(), ...dashed] };
    const ground = { name: BASE, path: [], isOverall: false, isBase: true, values: base };
    return { stacked, drawn: [ground, ...layers, ...dashed] };
  }

  #draw() {
    const { options, answer, node } = this.model;
    const { starts } = answer;
    const { stacked, drawn } = this.#layers();
    const theme = readTheme(this.parts.frame);
    Object.assign(theme.hues, { other: theme.faint, before: theme.ink, base: theme.grid });
    const colours = drawn.map(({ name, isOverall }) => (isOverall ? theme.ink : theme.hues[this.hues.get(name)]));
    this.look = {
      kind: options.kind, offset: options.offset, stacked, drawn, colours, theme, marks: options.annotations,
      small: isSmall(options), ratio: isRatio(options.metric),
    };
    const formats = stacked && options.offset === 'expand' ? { ...this.formats, axis: this.formats.percent } : this.formats;
    const form = JSON.stringify([stacked, drawn.map(({ name }) => name)]);
    // Bands and bars belong to their place in the order.
    if (form !== this.layered) this.chart.clear();
    this.layered = form;
    const { parts } = this;
    parts.body.hidden = false;
    setAttribute(parts.frame, 'data-kind', options.kind);
    if (starts.length > 0) {
      this.chart.draw({
        starts, series: drawn, hidden: this.hidden, hues: this.hues, zone: options.tz, theme, formats, locale: this.locale,
        unfinished: !stacked && options.kind !== 'bars' && isUnfinished(starts, this.now()),
      });
    } else {
      this.chart.clear();
    }
    this.#words(options, answer, node);
  }

  #words(options, answer, node) {
    const { parts } = this;
    const { before } = this.model;
    const [first] = answer.lines;
    const period = periodWords(options.period);
    const name = this.#name(options, node);
    parts.total.hidden = this.several;
    setText(parts.total, first ? this.formats.exact(first.total) : '');
    setAttribute(parts.total, 'data-value', this.several ? null : first?.total);
    setText(parts['total-label'], `${options.metrics.join(', ')} · ${period}`);
    this.#change(first, before);
    parts.nothing.hidden = hasValues({ series: answer.lines });
    setText(parts.nothing, `Nothing was counted in ${period}.`);
    const known = [...answer.lines, ...(before ? [before] : [])];
    parts.legend.hidden = !options.legend || isSmall(options) || known.length < 2;
    // What lies on top of one another adds up to overall, which is no layer of its own.
    const keys = this.look.stacked ? known.filter(({ isOverall }) => !isOverall) : known;
    const common = { series: keys, hidden: this.hidden, hues: this.hues, labelOf: this.#labelOf, formats: this.formats };
    drawLegend(parts.legend, { ...common, toggle: (name) => this.#toggle(name) });
    this.#doors(options, answer);
    this.twin.show({
      starts: answer.starts, series: known, labelOf: this.#labelOf, time: this.time, format: this.formats.exact,
      caption: `${options.metrics.join(', ')}, ${period}${options.tz ? `, ${options.tz}` : ''}`,
    });
    setAttribute(parts.plot, 'aria-label', `${name}, ${period}: `
      + `${known.map((line) => `${line.label} ${this.formats.exact(line.total)}`).join(', ')}. The arrow keys read it bucket by bucket.`);
  }

  // Its title, or else what it is for those who hear of it.
  #name(options, node) {
    const { title, frame } = this.parts;
    const text = titleOf(options, node);
    const name = text || options.metrics.join(', ');
    setText(title, text);
    title.hidden = text === '';
    setAttribute(frame, 'aria-label', name);
    return name;
  }

  #labelOf = (path) => this.labels.get(path);

  #change(first, before) {
    const { change } = this.parts;
    const known = first && before && before.total > 0;
    change.hidden = !known;
    if (!known) return;
    const part = first.total / before.total - 1;
    const size = this.formats.percent(Math.abs(part));
    const same = size === this.formats.percent(0);
    setText(change, same ? 'as in the period before' : `${part > 0 ? '▲' : '▼'} ${size} against the period before`);
    setAttribute(change, 'data-value', part);
  }

  #toggle(name) {
    if (!this.hidden.delete(name)) this.hidden.add(name);
    this.redraw();
  }

  #doors(options, answer) {
    const doors = options.drill && !isSmall(options) && !this.several ? answer.lines.filter(({ isOverall, name }) => !isOverall && name !== OTHER) : [];
    this.parts.deeper.hidden = doors.length === 0;
    keyed(this.parts.doors, doors, {
      key: ({ name }) => name,
      create: ({ path }) => element('button', { type: 'button', class: 'door', onclick: () => this.actions.open(path) }),
      update: (door, line) => setText(door, line.label),
    });
  }

  #crumbs({ dimensions }, node) {
    const { crumbs } = this.parts;
    const above = [dimensions, ...prefixes(node).filter((path) => path.length > dimensions.length)];
    crumbs.hidden = samePath(dimensions, node);
    crumbs.replaceChildren(element('ol', {}, ...above.map((path, index) => element('li', {}, index === above.length - 1
      ? element('span', { 'aria-current': 'page' }, label(path))
      : element('button', { type: 'button', class: 'door', onclick: () => this.actions.open(path) }, label(path))))));
  }

  #click(plot) {
    const { idx, top } = plot.cursor;
    if (this.model === null || idx === null || idx === undefined) return;
    const { answer, options } = this.model;
    const edges = this.look.drawn.filter(({ name, isBase }) => !isBase && !this.hidden.has(name))
      .map(({ name, values }) => ({ name, y: values[idx] === null ? NaN : plot.valToPos(values[idx], 'y') }));
    const name = nearest(edges, top, this.look.stacked);
    const line = answer.lines.find((one) => one.name === name);
    if (line === undefined) return;
    this.actions.clicked({
      path: name === OTHER ? null : line.path, label: line.label, metric: this.several ? line.label : options.metric,
      at: answer.starts[idx], value: line.values[idx], isChild: !line.isOverall && name !== OTHER && !this.several,
    });
  }

  #point({ index, left, width }) {
    const { tooltip } = this.parts;
    if (index === null || this.model === null) {
      tooltip.hidden = true;
      return;
    }
    const { answer, before, options } = this.model;
    const { starts } = answer;
    const soFar = index === starts.length - 1 && isUnfinished(starts, this.now()) ? ' (so far)' : '';
    const words = [this.time(starts[index]) + soFar, ...marksIn(options.annotations, starts, index)];
    const series = isSmall(options) ? answer.lines.slice(0, this.several ? undefined : 1) : answer.lines;
    drawTooltip(tooltip, {
      title: words.join(' · '),
      rows: tooltipRows({ series: [...series, ...(before ? [before] : [])], hidden: this.hidden, hues: this.hues, index, labelOf: this.#labelOf }),
      format: this.formats.exact,
    });
    placeTooltip(tooltip, { left, width });
  }
}

/** The title that the options give, or else one of what is drawn. */
export function titleOf({ title, metrics, pk }, node) {
  if (title !== null && title !== undefined) return String(title);
  const where = node.map((name) => label([name])).join(' / ');
  const counted = pk.map((name) => label([name])).join(' / ');
  return [metrics.join(', '), [counted, where].filter(Boolean).join(': ')].filter(Boolean).join(' – ');
}
