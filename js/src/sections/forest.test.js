import { expect, test } from 'vitest';
import { axisRow, scaleOf, strip, svg, ticksOf } from './forest.js';

const row = (point, interval, fixed = null) => ({ point, interval, fixed });

test('all rows share a scale with zero on it, and a margin at both ends', () => {
  const scale = scaleOf([row(0.4, [0.1, 0.9], [0.2, 0.6]), row(null, null), row(0.2, [0.1, 0.3])]);
  expect(scale.at(0)).toBeGreaterThan(0);
  expect(scale.at(0.9)).toBeLessThan(1);
  expect(scale.at(0.45)).toBeCloseTo(0.5);
  expect([scale.at(-9), scale.at(9)]).toEqual([0, 1]);
  expect(scale.ticks).toContain(0);
  expect(scaleOf([row(0.4, [0.3, 0.5])], { zero: false }).at(0)).toBe(0);
});

test('what is endless, or much longer than all else, is cut', () => {
  const scale = scaleOf([row(0.5, [-40, 90], [0.1, 0.9]), row(0.1, [null, null], [null, 0.3])]);
  expect(scale.low).toBeGreaterThan(-4);
  expect(scale.high).toBeLessThan(4);
});

test('nothing, or one number alone, has a scale too', () => {
  expect(scaleOf([]).at(0)).toBe(0.5);
  expect(scaleOf([row(4, [4, 4])], { zero: false }).at(4)).toBe(0.5);
});

test('ticks are round', () => {
  expect(ticksOf(-0.42, 0.83)).toEqual([0, 0.5]);
  expect(ticksOf(0, 6)).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(ticksOf(0.058, 0.15).map((n) => n.toFixed(2))).toEqual(['0.06', '0.08', '0.10', '0.12', '0.14']);
});

test('a row is drawn where its numbers are, and said', () => {
  const rows = [row(0.5, [0.25, 0.75], [0.4, 0.6])];
  const scale = scaleOf(rows);
  const drawn = strip({ ...rows[0], look: 'better' }, scale, 'half');
  expect(drawn.getAttribute('aria-label')).toBe('half');
  expect(drawn.getAttribute('class')).toBe('forest better');
  const x = (name) => parseFloat(drawn.querySelector(`.${name}`).getAttribute('x1')) / 100;
  expect(x('zero')).toBeCloseTo(scale.at(0), 3);
  expect(x('always')).toBeCloseTo(scale.at(0.25), 3);
  expect(x('fixed')).toBeCloseTo(scale.at(0.4), 3);
  expect(drawn.querySelectorAll('.cap')).toHaveLength(2);
  expect(drawn.querySelectorAll('.arrow')).toHaveLength(0);
});

test('ends beyond the scale, or without end, are arrows', () => {
  const rows = [row(0.5, [-90, 90]), row(0.5, [null, null])];
  const scale = scaleOf(rows);
  for (const one of rows) {
    const drawn = strip({ ...one, zero: false }, scale, '');
    expect(drawn.querySelectorAll('.arrow')).toHaveLength(2);
    expect([drawn.querySelector('.zero'), drawn.querySelector('.fixed')]).toEqual([null, null]);
    expect(drawn.querySelector('.always').getAttribute('x1')).toBe('0.00%');
    expect(drawn.querySelector('.always').getAttribute('x2')).toBe('100.00%');
  }
});

test('numbers stand below the rows, the outer ones within the edges', () => {
  const texts = [...axisRow({ ticks: [0, 1, 2], at: (n) => n / 2 }, (n) => `${n}!`).querySelectorAll('text')];
  expect(texts.map((text) => [text.textContent, text.getAttribute('text-anchor')])).toEqual([['0!', 'start'], ['1!', 'middle'], ['2!', 'end']]);
});

test('children that are not there are left out', () => {
  expect(svg('g', {}, null, [undefined, svg('line')], false).childNodes).toHaveLength(1);
});
