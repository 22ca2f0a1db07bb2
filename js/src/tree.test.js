import { beforeEach, expect, test, vi } from 'vitest';
import { element } from './dom.js';
import { Tree } from './tree.js';
import { texts } from '../dev/browser.js';

const entry = (pk, children = 0) => ({ pk, metrics: ['hits'], children });
const below = (pk, count) => Array.from({ length: count }, (_, i) => entry([...pk, String(i + 1)]));
let root;
let tree;
let opened;
let failed;
const names = () => texts(root.querySelectorAll('[data-role=pk]'));
const twist = (name) => root.querySelector(`[aria-label*="${name} ("]`);

beforeEach(() => {
  root = element('nav');
  opened = vi.fn();
  failed = vi.fn();
  const load = async (pk) => {
    if (pk[0] === 'broken') throw new Error('away');
    return pk.length === 1 ? [entry([...pk, 'deep'], 2), ...below(pk, 59)] : below(pk, 2);
  };
  tree = new Tree(root, { load, open: opened, href: (pk) => `#${pk.join('-')}`, failed });
  tree.show([entry(['b'], 60), entry(['a']), entry(['broken'], 3)]);
});

test('names are in order and lead to what was counted', () => {
  expect(names()).toEqual(['a', 'b', 'broken']);
  root.querySelector('[data-role=pk]').click();
  expect(opened).toHaveBeenCalledWith(['a']);
  expect(root.querySelector('[data-role=pk]').getAttribute('href')).toBe('#a');
});

test('a level opens and closes, and only where there is one', async () => {
  expect(twist('a').disabled).toBe(true);
  twist('b').click();
  await vi.waitFor(() => expect(twist('b').getAttribute('aria-expanded')).toBe('true'));
  expect(names()).toHaveLength(53);
  twist('b').click();
  expect(names()).toHaveLength(3);
});

test('a level that cannot be read is told, not thrown', async () => {
  twist('broken').click();
  await vi.waitFor(() => expect(failed).toHaveBeenCalledWith(new Error('away')));
});

test('the chosen pk is marked, the levels above it are open, and it is shown however many come before it', async () => {
  await tree.choose(['b', '59']);
  expect(root.querySelector('[aria-current=page]').textContent).toBe('59');
  await tree.choose(['b', 'deep', '2']);
  expect(root.querySelectorAll('[aria-current=page]')).toHaveLength(1);
  expect(root.querySelector('[aria-current=page]').title).toBe('b / deep / 2');
  await tree.choose(['nowhere', 'x', 'y']);
  expect(root.querySelector('[aria-current=page]')).toBe(null);
});

test('names of the first level may be long ones, and the chosen pk is found below them', async () => {
  tree.show([entry(['b', 'deep'], 2), entry(['c', 'x', ' ']), entry(['a'])]);
  expect(names()).toEqual(['a', 'b / deep', 'c / x / “ ”']);
  await tree.choose(['b', 'deep', '2']);
  expect(names()).toEqual(['a', 'b / deep', '1', '2', 'c / x / “ ”']);
  expect(root.querySelector('[aria-current=page]').title).toBe('b / deep / 2');
  await tree.choose(['c', 'x', ' ']);
  expect(root.querySelector('[aria-current=page]').textContent).toBe('c / x / “ ”');
});

test('what was closed stays closed when the same pk is shown anew', async () => {
  await tree.choose(['b', '3']);
  twist('b').click();
  await tree.choose(['b', '3']);
  expect(names()).toHaveLength(3);
});

test('open levels survive new names above them', async () => {
  await tree.choose(['b', '3']);
  tree.show([entry(['b'], 60), entry(['new'])]);
  expect(names()).toContain('3');
  expect(names()).toContain('new');
});

test('many names can be searched and shown bit by bit', () => {
  tree.show(below([], 1000));
  const [search] = root.querySelectorAll('input');
  const more = root.querySelector('.level > button');
  expect(search.hidden).toBe(false);
  expect(names()).toHaveLength(50);
  more.click();
  expect(names()).toHaveLength(200);
  search.value = '99';
  search.dispatchEvent(new Event('input'));
  expect(names()).toContain('990');
  expect(names()).toHaveLength(19);
  expect(more.hidden).toBe(true);
});
