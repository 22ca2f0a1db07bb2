import { beforeEach, expect, test, vi } from 'vitest';
import { Breakdown } from './breakdown.js';
import { numberFormats } from './numbers.js';
import { openPage, role, roles, texts, type } from '../dev/browser.js';

const row = (label, value, weight = value) => ({ name: label, path: [label], label, value, weight });
const MODEL = {
  node: 'p', title: 'By country', rows: [row('UK', 30), row('US', 60.5), row('DE', 0)], sort: '-weight', value: 'hits', weight: null,
  total: 120, hues: new Map([['US', 3]]), formats: numberFormats('en-US'), note: '',
};
let breakdown;
let open;
let sort;
const heads = () => [...role('rows-head').children];

beforeEach(() => {
  openPage();
  open = vi.fn();
  sort = vi.fn();
  breakdown = new Breakdown(document.body, { open, sort, href: (path) => `#${path}` });
  breakdown.show(MODEL);
});

test('every child is a row with its exact number, sorted, and leads to itself', () => {
  expect(texts(roles('row-name'))).toEqual(['US', 'UK', 'DE']);
  expect(texts(roles('row-total'))).toEqual(['60.50', '30', '0']);
  expect(roles('row-total').map((cell) => cell.dataset.value)).toEqual(['60.5', '30', '0']);
  roles('row-name')[0].click();
  expect(open).toHaveBeenCalledWith(['US']);
});

test('shares are parts of the total', () => {
  expect(texts(document.querySelectorAll('.percent'))).toEqual(['50.4%', '25%', '0%']);
  expect(document.querySelectorAll('.bar > span')[1].style.width).toBe('25%');
});

test('what is drawn has the colour of its line', () => {
  expect([...document.querySelectorAll('[data-role=row] .swatch')].map((one) => one.className)).toEqual(['swatch hue-3', 'swatch none', 'swatch none']);
});

test('a ratio has a weight and no shares', () => {
  breakdown.show({ ...MODEL, rows: [row('UK', 3, 10), row('US', 2, 20)], value: 'delay/flights', weight: 'flights', total: null });
  expect(texts(heads())).toEqual(['Name', 'delay/flights', 'flights']);
  expect(heads()[2].getAttribute('aria-sort')).toBe('descending');
  expect(texts(roles('row')[0].querySelectorAll('td:not([hidden])'))).toEqual(['2', '20']);
  breakdown.show({ ...MODEL, total: null });
  expect(texts(document.querySelectorAll('.percent'))).toEqual(['', '', '']);
});

test('the columns that can be sorted say how they are', () => {
  expect(heads().map((head) => head.getAttribute('aria-sort'))).toEqual([null, 'descending', null]);
  heads()[0].querySelector('button').click();
  expect(sort).toHaveBeenCalledWith('name');
  expect(heads()[2].querySelector('button')).toBe(null);
  breakdown.show({ ...MODEL, sort: 'name' });
  expect(heads()[0].getAttribute('aria-sort')).toBe('ascending');
});

test('a thousand children are shown bit by bit and can be searched', () => {
  const rows = Array.from({ length: 1000 }, (_, i) => row(`page-${i}`, 1000 - i));
  breakdown.show({ ...MODEL, rows });
  expect(roles('row')).toHaveLength(25);
  role('rows-more').click();
  expect(roles('row')).toHaveLength(100);
  expect(role('rows-more').textContent).toBe('Show more (100 of 1000)');
  role('rows-more').click();
  role('rows-more').click();
  expect(roles('row')).toHaveLength(1000);
  expect(role('rows-more').hidden).toBe(true);
  type(role('rows-search'), 'page-99', 'insertText');
  expect(roles('row')).toHaveLength(11);
  breakdown.show({ ...MODEL, rows, node: 'another' });
  expect(role('rows-search').value).toBe('');
  expect(roles('row')).toHaveLength(25);
});

test('a node without children says so, and a note is shown where there is one', () => {
  breakdown.show({ ...MODEL, rows: [], note: 'Only what is drawn.' });
  expect([role('rows-none').hidden, role('rows-table').hidden, role('rows-note').hidden]).toEqual([false, true, false]);
  expect(role('rows-note').textContent).toBe('Only what is drawn.');
});
