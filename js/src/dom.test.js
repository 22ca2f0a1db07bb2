import { expect, test, vi } from 'vitest';
import { element, keyed, link, part, parts, setAttribute, setText } from './dom.js';

test('what looks like markup stays text', () => {
  const made = element('p', { title: '"><b>' }, '<img src=x onerror=alert(1)>', null, false, undefined, element('b', {}, '&amp;'));
  expect(made.querySelector('img')).toBe(null);
  expect(made.textContent).toBe('<img src=x onerror=alert(1)>&amp;');
  expect(made.title).toBe('"><b>');
});

test('attributes are there, empty or away', () => {
  const made = element('input', { hidden: true, disabled: false, value: 0 });
  expect(made.outerHTML).toBe('<input hidden="" value="0">');
  setAttribute(made, 'hidden', null);
  setAttribute(made, 'value', undefined);
  expect(made.outerHTML).toBe('<input>');
});

test('text and attributes that stay are not touched', async () => {
  const made = element('p', { class: 'a' }, 'same');
  const changes = [];
  const observer = new MutationObserver((list) => changes.push(...list));
  observer.observe(made, { attributes: true, childList: true, characterData: true, subtree: true });
  setText(made, 'same');
  setAttribute(made, 'class', 'a');
  await Promise.resolve();
  expect(changes).toEqual([]);
});

test('elements of items that stay are kept, in the order of the items', () => {
  const list = element('ul');
  const draw = (names) => keyed(list, names, { key: (name) => name, create: (name) => element('li', {}, name) });
  draw(['a', 'b', 'c']);
  const [a, , c] = list.children;
  draw(['c', 'd', 'a']);
  expect([...list.children].map(({ textContent }) => textContent)).toEqual(['c', 'd', 'a']);
  expect(list.children[0]).toBe(c);
  expect(list.children[2]).toBe(a);
});

test('a part that the page lacks is named', () => {
  const root = element('div', {}, element('p', { 'data-role': 'x' }));
  expect(parts(root, ['x']).x).toBe(root.firstChild);
  expect(() => part(root, 'y')).toThrow('no part called y');
});

test('a plain click goes there within the page, one with a key is left to the browser', () => {
  const go = vi.fn();
  const made = link({ href: '#a', go, class: 'x' }, 'text');
  const plain = new MouseEvent('click', { cancelable: true });
  made.dispatchEvent(plain);
  expect(go).toHaveBeenCalledTimes(1);
  expect(plain.defaultPrevented).toBe(true);
  for (const how of [{ ctrlKey: true }, { metaKey: true }, { shiftKey: true }, { altKey: true }, { button: 1 }]) {
    const special = new MouseEvent('click', { cancelable: true, ...how });
    made.dispatchEvent(special);
    expect(special.defaultPrevented).toBe(false);
  }
  expect(go).toHaveBeenCalledTimes(1);
  expect(link({ href: '', go }).getAttribute('href')).toBe('./');
});
