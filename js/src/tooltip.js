// The values at the cursor, beside it.
import { element } from './dom.js';

const GAP = 14;

/** -> `[{name, label, value, className}]`: overall first, then the largest value first. */
export function tooltipRows({ series, hidden, hues, index, labelOf }) {
  const seen = series.filter(({ name }) => !hidden.has(name));
  const rows = seen.map(({ name, path, isOverall, values }) => ({
    name, label: labelOf(path), value: values[index], isOverall,
    className: isOverall ? 'swatch overall' : `swatch hue-${hues.get(name)}`,
  }));
  // Nothing comes after every number, negative ones too.
  const size = ({ value }) => value ?? -Infinity;
  return rows.sort((a, b) => b.isOverall - a.isOverall || size(b) - size(a));
}

export function drawTooltip(root, { title, rows, format }) {
  root.replaceChildren(
    element('strong', {}, title),
    element('ul', {}, ...rows.map(({ label, value, className }) => element('li', {},
      element('span', { class: className }), element('span', { class: 'name' }, label), element('b', {}, format(value))))),
  );
  root.hidden = false;
}

/** Stands right of the cursor, or left of it where there is no room, and never leaves the graph. */
export function placeTooltip(root, { left, width }) {
  const own = root.offsetWidth;
  const fitsRight = left + GAP + own <= width;
  const wanted = fitsRight ? left + GAP : left - GAP - own;
  const x = Math.max(0, Math.min(wanted, width - own));
  root.style.setProperty('transform', `translateX(${Math.round(x)}px)`);
}
