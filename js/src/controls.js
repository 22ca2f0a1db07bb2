// The controls over the graph: metric or formula, period, time zone, and what to break down by.
import { element, keyed, link, parts, setAttribute, setText } from './dom.js';
import { suggestions } from './metrics.js';
import { isNamed, MAIN_PERIODS, MORE_PERIODS } from './periods.js';
import { label, pathName, samePath } from './paths.js';

const MOST_CHIPS = 10;
const OWN = 'own';

/** `change({metric | period | zone})` is called with what was chosen; `openDimension(path)` and `href(path)` for branches. */
export class Controls {
  constructor(root, { change, openDimension, href, zones }) {
    this.actions = { change, openDimension, href };
    this.parts = parts(root, ['metrics', 'formula', 'formulas', 'periods', 'period-more', 'period-own', 'zone', 'zones', 'branches', 'branches-row']);
    this.#makePeriods();
    this.parts.zones.append(...zones.map((zone) => element('option', { value: zone })));
    this.#bindText(this.parts.formula, (metric) => change({ metric: metric || null }), () => this.offered);
    this.#bindText(this.parts.zone, (zone) => change({ zone }), () => zones);
    this.#bindText(this.parts['period-own'], (period) => period && change({ period }), () => []);
    this.offered = [];
  }

  /** `branches` are the paths that overall can be broken down by; none hides that row. */
  show({ metric, metrics, period, zone, dimension, branches }) {
    this.#showMetrics(metric, metrics);
    this.#showPeriod(period);
    setValue(this.parts.zone, zone);
    this.#showBranches(dimension, branches);
  }

  #makePeriods() {
    const { periods, 'period-more': more } = this.parts;
    periods.append(...MAIN_PERIODS.map(({ text, short, label: words }) => element('button', {
      type: 'button', 'data-period': text, title: capital(words), 'aria-label': `${short}, ${words}`,
      onclick: () => this.actions.change({ period: text }),
    }, short)));
    more.append(
      element('option', { value: '' }, 'More…'),
      ...MORE_PERIODS.map(({ text, short }) => element('option', { value: text }, short)),
      element('option', { value: OWN }, 'Own period…'),
    );
    more.addEventListener('change', () => this.#chooseMore(more.value));
  }

  #chooseMore(value) {
    const own = this.parts['period-own'];
    own.hidden = value !== OWN;
    if (value === OWN) own.focus();
    else if (value !== '') this.actions.change({ period: value });
  }

  // A text counts when it is confirmed (Enter, leaving the field) or taken from the suggestions.
  #bindText(input, apply, offered) {
    input.addEventListener('change', () => apply(input.value.trim()));
    input.addEventListener('input', (event) => {
      const typed = event.inputType?.startsWith('insertText') || event.inputType?.startsWith('delete');
      if (!typed && offered().includes(input.value)) apply(input.value);
    });
  }

  #showMetrics(metric, metrics) {
    keyed(this.parts.metrics, metrics.slice(0, MOST_CHIPS), {
      key: (name) => name,
      create: (name) => element('button', {
        type: 'button', onclick: () => this.actions.change({ metric: name }),
      }, name),
      update: (chip, name) => setAttribute(chip, 'aria-pressed', String(name === metric)),
    });
    this.offered = suggestions(metrics);
    const named = metrics.length > MOST_CHIPS ? [...metrics, ...this.offered] : this.offered;
    keyed(this.parts.formulas, named, { key: (text) => text, create: (text) => element('option', { value: text }) });
    const isChip = metrics.slice(0, MOST_CHIPS).includes(metric);
    setValue(this.parts.formula, isChip ? '' : metric);
    this.parts.formula.classList.toggle('chosen', !isChip);
    setAttribute(this.parts.formula, 'placeholder', this.offered[0] ?? 'a/b');
  }

  #showPeriod(period) {
    for (const button of this.parts.periods.children) {
      setAttribute(button, 'aria-pressed', String(button.dataset.period === period));
    }
    const { 'period-more': more, 'period-own': own } = this.parts;
    const listed = MORE_PERIODS.some(({ text }) => text === period);
    const isOwn = !isNamed(period);
    more.value = isOwn ? OWN : listed ? period : '';
    more.classList.toggle('chosen', isOwn || listed);
    own.hidden = !isOwn;
    if (isOwn) setValue(own, period);
  }

  #showBranches(dimension, branches) {
    this.parts['branches-row'].hidden = branches.length === 0;
    const choices = branches.length === 0 ? [] : [[], ...branches];
    keyed(this.parts.branches, choices, {
      key: pathName,
      create: (path) => link({ href: this.actions.href(path), go: () => this.actions.openDimension(path) }),
      update: (choice, path) => {
        setText(choice, label(path, 'nothing'));
        setAttribute(choice, 'aria-current', isChosen(dimension, path) ? 'true' : null);
      },
    });
  }
}

function isChosen(dimension, path) {
  return path.length === 0 ? dimension.length === 0 : samePath(dimension.slice(0, 1), path);
}

// What somebody is typing is theirs: a refresh does not take it away.
function setValue(input, value) {
  if (input.ownerDocument.activeElement !== input && input.value !== value) input.value = value;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
