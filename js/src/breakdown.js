// The breakdown: every child of the node that is shown, with its total, to sort, to search and to open.
import { element, keyed, link, parts, setAttribute, setText } from './dom.js';
import { findRows, share, sortRows } from './rows.js';

const SHOWN_AT_FIRST = 25;
const SEARCHABLE = 12;

/** `open(path)` drills down, `href(path)` is the link, `sort(column)` was asked for. */
export class Breakdown {
  constructor(root, { open, href, sort }) {
    this.actions = { open, href, sort };
    this.root = root;
    this.parts = parts(root, ['rows', 'rows-title', 'rows-head', 'rows-search', 'rows-more', 'rows-note', 'rows-none', 'rows-table']);
    this.limit = SHOWN_AT_FIRST;
    this.node = '';
    this.parts['rows-search'].addEventListener('input', () => this.#draw());
    this.parts['rows-more'].addEventListener('click', () => this.#showMore());
  }

  /**
   * `rows` as childRows makes them; `value` and `weight` name their columns (weight null: none); `total` is what shares
   * are parts of (null: no shares); `hues` marks what is drawn; `note` is said under the table.
   */
  show({ node, title, rows, sort, value, weight, total, hues, formats, note }) {
    if (node !== this.node) {
      this.node = node;
      this.limit = SHOWN_AT_FIRST;
      this.parts['rows-search'].value = '';
    }
    this.model = { rows, sort, value, weight, total, hues, formats };
    setText(this.parts['rows-title'], title);
    setText(this.parts['rows-note'], note);
    this.parts['rows-note'].hidden = note === '';
    this.#drawHead();
    this.#draw();
  }

  #showMore() {
    this.limit = this.limit < 200 ? this.limit * 4 : Infinity;
    this.#draw();
  }

  #drawHead() {
    const { sort, value, weight, total } = this.model;
    const columns = [['name', 'Name'], ['value', value], weight && ['weight', weight], total !== null && ['share', 'Share']];
    keyed(this.parts['rows-head'], columns.filter(Boolean), {
      key: ([column]) => column,
      create: ([column]) => this.#headCell(column),
      update: (cell, [column, text]) => {
        setText(cell.firstChild, text);
        setAttribute(cell, 'aria-sort', sortOf(column, weight === null ? sort.replace('weight', 'value') : sort));
      },
    });
  }

  #headCell(column) {
    const sortable = column !== 'share';
    return element('th', { scope: 'col', class: `column-${column}` },
      sortable ? element('button', { type: 'button', onclick: () => this.actions.sort(column) }) : element('span'));
  }

  #draw() {
    const { rows, sort } = this.model;
    const found = sortRows(findRows(rows, this.parts['rows-search'].value), sort);
    const shown = found.slice(0, this.limit);
    this.parts['rows-search'].hidden = rows.length <= SEARCHABLE;
    this.parts['rows-table'].hidden = rows.length === 0;
    this.parts['rows-none'].hidden = rows.length > 0;
    keyed(this.parts.rows, shown, {
      key: ({ name }) => name,
      create: (row) => this.#row(row),
      update: (line, row) => this.#fill(line, row),
    });
    this.parts['rows-more'].hidden = shown.length === found.length;
    setText(this.parts['rows-more'], `Show more (${shown.length} of ${found.length})`);
  }

  #row({ path, label }) {
    const { open, href } = this.actions;
    return element('tr', { 'data-role': 'row' },
      element('th', { scope: 'row' }, element('div', { class: 'row-name' },
        element('span'), link({ href: href(path), go: () => open(path), 'data-role': 'row-name' }, label))),
      element('td', { 'data-role': 'row-total' }),
      element('td', { class: 'column-weight' }),
      element('td', { class: 'column-share' }, element('div', { class: 'share' },
        element('span', { class: 'bar' }, element('span', {})), element('span', { class: 'percent' }))));
  }

  #fill(line, { name, value, weight: heavy }) {
    const { weight, total, hues, formats } = this.model;
    const [head, amount, weightCell, shareCell] = line.children;
    setAttribute(head.querySelector('span'), 'class', hues.has(name) ? `swatch hue-${hues.get(name)}` : 'swatch none');
    setText(amount, formats.exact(value));
    setAttribute(amount, 'data-value', value);
    weightCell.hidden = weight === null;
    setText(weightCell, weight === null ? '' : formats.exact(heavy));
    shareCell.hidden = total === null;
    const part = total === null ? null : share(value, total);
    setText(shareCell.querySelector('.percent'), formats.percent(part));
    shareCell.querySelector('.bar > span').style.setProperty('width', `${((part ?? 0) * 100).toFixed(2)}%`);
  }
}

function sortOf(column, sort) {
  if (sort.replace(/^-/, '') !== column) return null;
  return sort.startsWith('-') ? 'descending' : 'ascending';
}
