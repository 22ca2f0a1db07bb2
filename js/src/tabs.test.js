import { beforeEach, expect, test } from 'vitest';
import { openPage, role } from '../dev/browser.js';
import { VIEWS } from './state.js';
import { SECTIONS } from './sections.js';
import { Tabs } from './tabs.js';

let gone;
let tabs;

beforeEach(() => {
  openPage();
  gone = [];
  tabs = new Tabs(role('tabs'), (view) => gone.push(view));
});

test('there is a tab for each view, in order, and each has its section', () => {
  expect(tabs.links.map(({ dataset }) => dataset.view)).toEqual([...VIEWS]);
  expect(Object.keys(SECTIONS)).toEqual(VIEWS.filter((view) => view !== 'explore'));
  expect(Object.values(SECTIONS).map(({ title }) => title)).toEqual(
    tabs.links.map(({ textContent }) => textContent).filter((text) => text !== 'Explore'),
  );
});

test('one tab is the current one, and comes into sight when it becomes so', () => {
  const spy = tabs.links[4];
  Object.defineProperties(spy, { offsetLeft: { value: 400 }, offsetWidth: { value: 40 } });
  Object.defineProperty(tabs.root, 'clientWidth', { value: 300 });
  tabs.show('spy', (view) => `#view=${view}&pk=a`);
  expect(tabs.links.filter((link) => link.getAttribute('aria-current') === 'page')).toEqual([spy]);
  expect(spy.getAttribute('href')).toBe('#view=spy&pk=a');
  expect(tabs.root.scrollLeft).toBe(270);
  tabs.root.scrollLeft = 0;
  tabs.show('spy', (view) => `#view=${view}`);
  expect(tabs.root.scrollLeft).toBe(0);
});

test('a click goes there, and one for another window is left to the browser', () => {
  tabs.links[2].click();
  const other = new MouseEvent('click', { ctrlKey: true, cancelable: true, bubbles: true });
  document.addEventListener('click', (event) => event.preventDefault(), { once: true });
  tabs.links[3].dispatchEvent(other);
  expect(gone).toEqual(['results']);
});
