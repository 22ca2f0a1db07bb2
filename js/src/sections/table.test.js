import { expect, test } from 'vitest';
import { element } from '../dom.js';
import { renew, twin } from './table.js';

test('rows are named by their first cell', () => {
  const table = twin({ name: 'a', caption: 'All', summary: 'Open', columns: [['Name', ({ name }) => name], ['N', ({ n }) => String(n)]], rows: [{ name: '<b>', n: 3 }] });
  expect(table.querySelector('tbody th').textContent).toBe('<b>');
  expect(table.querySelector('td').textContent).toBe('3');
  expect(table.querySelector('caption').textContent).toBe('All');
});

test('what was open is open again', () => {
  const place = element('div');
  const details = (name) => element('details', { 'data-name': name });
  renew(place, [details('a'), [details('b')], null]);
  place.lastChild.open = true;
  renew(place, [details('a'), details('b')]);
  expect([...place.children].map(({ open }) => open)).toEqual([false, true]);
});
