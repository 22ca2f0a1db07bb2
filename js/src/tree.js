// The tree of what has been counted: names to open, one level below another, however many there are.
import { element, keyed, link, setAttribute, setText } from './dom.js';
import { compareNames, isWithin, label, pathName, prefixes, samePath } from './paths.js';

const SHOWN_AT_FIRST = 50;
const SEARCHABLE = 12;

/** `load(pk)` answers the entries below a pk, `failed(error)` hears when it cannot; `open(pk)` goes there; `href(pk)` is its link. */
export class Tree {
  constructor(root, actions) {
    this.actions = actions;
    this.chosen = null;
    this.top = new Level(this, []);
    root.replaceChildren(this.top.root);
  }

  /** Shows the first level; levels below stay open. */
  show(entries) {
    this.top.show(entries);
  }

  /** After a change of what the links lead to. */
  redraw() {
    this.top.mark();
  }

  /** Marks the pk that the page shows, and opens the levels above it. */
  async choose(pk) {
    // What somebody closed stays closed when the same pk is only shown anew.
    if (this.chosen !== null && samePath(this.chosen, pk)) return;
    this.chosen = pk;
    this.top.mark();
    let level = this.top;
    // A name of the first level may be a long one: that of a key which is for nothing above it.
    const first = level.entries.find((entry) => isWithin(pk, entry.pk));
    const length = first?.pk.length ?? 1;
    for (const above of prefixes(pk).slice(length - 1, -1)) {
      level = await level.open(above);
      if (level === null) return;
    }
  }
}

class Level {
  constructor(tree, under) {
    this.tree = tree;
    this.under = under;
    this.entries = [];
    this.below = new Map();
    this.limit = SHOWN_AT_FIRST;
    this.search = element('input', {
      type: 'search', class: 'search', placeholder: 'Find a name', oninput: () => this.#draw(), hidden: true,
      'aria-label': under.length ? `Find below ${label(under)}` : 'Find what was counted',
    });
    this.list = element('ul', { class: 'tree' });
    this.more = element('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => this.#showMore() });
    this.root = element('div', { class: 'level' }, this.search, this.list, this.more);
  }

  show(entries) {
    this.entries = [...entries].sort((a, b) => compareNames(this.#name(a.pk), this.#name(b.pk)));
    this.#draw();
  }

  mark() {
    this.#draw();
    for (const level of this.below.values()) level.mark();
  }

  /** Opens the level below a pk; -> that level, or null where there is no such pk. */
  async open(pk) {
    const entry = this.entries.find((one) => samePath(one.pk, pk));
    if (!entry || entry.children === 0) return null;
    const name = pathName(pk);
    if (!this.below.has(name)) {
      const entries = await this.tree.actions.load(pk);
      const level = new Level(this.tree, pk);
      level.show(entries);
      this.below.set(name, level);
      this.#draw();
    }
    return this.below.get(name);
  }

  #showMore() {
    this.limit *= 4;
    this.#draw();
  }

  #draw() {
    const wanted = this.search.value.trim().toLowerCase();
    const found = this.entries.filter(({ pk }) => this.#name(pk).toLowerCase().includes(wanted));
    const shown = found.filter(({ pk }, index) => index < this.limit || this.#holdsChosen(pk));
    this.search.hidden = this.entries.length <= SEARCHABLE;
    keyed(this.list, shown, {
      key: ({ pk }) => pathName(pk),
      create: (entry) => this.#item(entry),
      update: (item, entry) => this.#fill(item, entry),
    });
    this.more.hidden = shown.length === found.length;
    setText(this.more, `Show more of ${found.length}`);
  }

  #name(pk) {
    return pk.slice(this.under.length).map((name) => label([name])).join(' / ');
  }

  #holdsChosen(pk) {
    return this.tree.chosen !== null && isWithin(this.tree.chosen, pk);
  }

  #item({ pk }) {
    const { href, open } = this.tree.actions;
    return element('li', {},
      element('div', { class: 'tree-row' },
        element('button', { type: 'button', class: 'twist', onclick: () => this.#toggle(pk) }),
        link({ href: href(pk), go: () => open(pk), 'data-role': 'pk', title: pk.join(' / ') }, this.#name(pk))));
  }

  #fill(item, { pk, children }) {
    const [twist, anchor] = item.firstChild.children;
    const level = this.below.get(pathName(pk));
    const isOpen = level !== undefined;
    setAttribute(twist, 'aria-expanded', String(isOpen));
    setAttribute(twist, 'aria-label', `${isOpen ? 'Close' : 'Open'} ${this.#name(pk)} (${children} below)`);
    twist.classList.toggle('leaf', children === 0);
    twist.disabled = children === 0;
    setAttribute(anchor, 'href', this.tree.actions.href(pk));
    setAttribute(anchor, 'aria-current', this.tree.chosen && samePath(pk, this.tree.chosen) ? 'page' : null);
    if (isOpen && level.root.parentNode !== item) item.append(level.root);
  }

  async #toggle(pk) {
    const name = pathName(pk);
    if (this.below.has(name)) {
      this.below.get(name).root.remove();
      this.below.delete(name);
      this.#draw();
    } else {
      await this.open(pk).catch(this.tree.actions.failed);
    }
  }
}
