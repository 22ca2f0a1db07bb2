// Numbers that are drawn, as a table, for those who do not see the drawing or want to copy them.
import { element } from '../dom.js';

/** `columns` are `[head, text(row)]`, the first one names the row; `name` tells this table from others that can be opened. */
export function twin({ name, caption, summary, columns, rows }) {
  return element('details', { class: 'twin', 'data-name': name, 'data-role': 'section-twin' },
    element('summary', {}, summary),
    element('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption },
      element('table', {},
        element('caption', {}, caption),
        element('thead', {}, element('tr', {}, columns.map(([head]) => element('th', { scope: 'col' }, head)))),
        element('tbody', {}, rows.map((row) => element('tr', {}, columns.map(([, text], index) => (
          index === 0 ? element('th', { scope: 'row' }, text(row)) : element('td', {}, text(row))))))))));
}

/** -> the names of what is open in a place. */
export function opened(place) {
  return new Set([...place.querySelectorAll('details[open]')].map(({ dataset }) => dataset.name));
}

/** Replaces what is in a place; what can be opened and was open before, there or by `also`, is open again. */
export function renew(place, children, also = new Set()) {
  const open = new Set([...opened(place), ...also]);
  place.replaceChildren(...children.flat().filter(Boolean));
  for (const details of place.querySelectorAll('details')) details.open = open.has(details.dataset.name);
}
