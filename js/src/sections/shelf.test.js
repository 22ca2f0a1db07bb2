import { beforeEach, expect, test } from 'vitest';
import { Shelf } from './shelf.js';

const board = (title, ...graphs) => ({ title, graphs });
let shelf;
const titles = () => new Shelf(window).all().map(({ title }) => title);

beforeEach(() => {
  localStorage.clear();
  shelf = new Shelf(window);
});

test('boards are kept for the next time, the newest first, each under a title of its own', () => {
  expect(shelf.add(board('a', { pk: 'x' }))).toEqual(board('a', { pk: 'x' }));
  expect(shelf.add(board('a'))).toEqual(board('a 2'));
  expect(shelf.add(board('a')).title).toBe('a 3');
  expect(titles()).toEqual(['a 3', 'a 2', 'a']);
  expect(new Shelf(window).find('a')).toEqual(board('a', { pk: 'x' }));
});

test('a board is changed in its place, renamed and taken away', () => {
  ['c', 'b', 'a'].forEach((title) => shelf.add(board(title)));
  expect(shelf.replace('b', board('b', { pk: 'x' }))).toEqual(board('b', { pk: 'x' }));
  expect(shelf.replace('b', board('a', { pk: 'x' })).title).toBe('a 2');
  shelf.remove('c');
  expect(titles()).toEqual(['a', 'a 2']);
  expect(shelf.find('b')).toBe(undefined);
});

test('what others wrote there is read as far as it holds', () => {
  localStorage.setItem('hailwhale-boards', JSON.stringify([board('a'), board('', {}), board('b', { key: 'hw_1' })]));
  expect(titles()).toEqual(['a']);
  localStorage.setItem('hailwhale-boards', '{');
  expect(titles()).toEqual([]);
});

test('a browser that keeps nothing has them as long as the page lasts', () => {
  const full = new Shelf({ localStorage: { getItem: () => null, setItem() { throw new DOMException('full', 'QuotaExceededError'); } } });
  full.add(board('a'));
  full.add(board('b'));
  expect([full.isKept, full.all().map(({ title }) => title)]).toEqual([false, ['b', 'a']]);
  const forbidden = new Shelf({ get localStorage() { throw new DOMException('no', 'SecurityError'); } });
  expect(forbidden.all()).toEqual([]);
});
