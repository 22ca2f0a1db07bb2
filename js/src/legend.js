// The legend: a button a line, which hides it and brings it back.
import { element, keyed, setAttribute, setText } from './dom.js';

/** `series` `{name, path, isOverall, total}`; `toggle(name)` hides or shows. */
export function drawLegend(root, { series, hidden, hues, labelOf, formats, toggle }) {
  keyed(root, series, {
    key: ({ name }) => name,
    create: ({ name }) => element('button', { type: 'button', class: 'key', onclick: () => toggle(name) },
      element('span', {}), element('span', { class: 'name' }), element('span', { class: 'amount' })),
    update: (key, { name, path, isOverall, total }) => {
      const [swatch, text, amount] = key.children;
      setAttribute(swatch, 'class', isOverall ? 'swatch overall' : `swatch hue-${hues.get(name)}`);
      setText(text, labelOf(path));
      setText(amount, formats.short(total));
      setAttribute(key, 'aria-pressed', String(!hidden.has(name)));
      setAttribute(key, 'title', `${hidden.has(name) ? 'Show' : 'Hide'} ${labelOf(path)}`);
    },
  });
}
