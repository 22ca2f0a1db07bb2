import { expect, test } from 'vitest';
import { element } from './dom.js';
import { label } from './paths.js';
import { drawTooltip, placeTooltip, tooltipRows } from './tooltip.js';
import { texts } from '../dev/browser.js';

const one = (name, value, isOverall = false) => ({ name, path: [name], isOverall, values: [null, value] });
const rows = (series, hidden = []) => tooltipRows({ series, hidden: new Set(hidden), hues: new Map([['a', 0], ['b', 1]]), index: 1, labelOf: label });

test('overall comes first, then the largest value, nothing that is hidden', () => {
  const series = [one('a', 1), one('all', 0, true), one('b', 9), one('c', null), one('d', null)];
  expect(rows(series, ['d']).map(({ label: text, className }) => [text, className])).toEqual([
    ['all', 'swatch overall'], ['b', 'swatch hue-1'], ['a', 'swatch hue-0'], ['c', 'swatch hue-undefined'],
  ]);
});

test('the values at the cursor are texts beside their names', () => {
  const root = element('div', { hidden: true });
  drawTooltip(root, { title: 'Monday', rows: rows([one('a', 1)]), format: (n) => `${n}!` });
  expect(root.hidden).toBe(false);
  expect(texts([root])).toEqual(['Mondaya1!']);
});

test('it stands where there is room and never leaves the graph', () => {
  const root = element('div');
  Object.defineProperty(root, 'offsetWidth', { value: 100 });
  const at = (left, width) => {
    placeTooltip(root, { left, width });
    return root.style.transform;
  };
  expect([at(10, 600), at(590, 600), at(60, 120)]).toEqual(['translateX(24px)', 'translateX(476px)', 'translateX(0px)']);
});
