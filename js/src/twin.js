// The drawn numbers as a table, for those who cannot see the graph or want to copy it; newest first.
import { element } from './dom.js';

const MOST_ROWS = 1000;

/** Nothing is made before somebody opens it: `details` is the element that holds the table. */
export class Twin {
  constructor(details) {
    this.details = details;
    this.table = details.querySelector('table');
    this.note = details.querySelector('[data-role="twin-note"]');
    this.model = null;
    details.addEventListener('toggle', () => this.#draw());
  }

  /** `caption` names the table; `time(ms)` and `format(n)` make its texts. */
  show(model) {
    this.model = model;
    this.#draw();
  }

  #draw() {
    if (!this.details.open || this.model === null) return;
    const { starts, series, caption, labelOf, time, format } = this.model;
    const latest = starts.map((_, index) => index).reverse().slice(0, MOST_ROWS);
    this.table.replaceChildren(
      element('caption', {}, caption),
      element('thead', {}, element('tr', {}, ...['Time', ...series.map(({ path }) => labelOf(path))]
        .map((text) => element('th', { scope: 'col' }, text)))),
      element('tbody', {}, ...latest.map((index) => element('tr', {},
        element('th', { scope: 'row' }, time(starts[index])),
        ...series.map(({ values }) => element('td', {}, format(values[index])))))),
    );
    this.note.hidden = latest.length === starts.length;
    this.note.textContent = `The newest ${latest.length} of ${starts.length} rows.`;
  }
}
