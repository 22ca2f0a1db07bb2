import { expect, test, vi } from 'vitest';
import { drawCrumbs } from './crumbs.js';
import { element } from './dom.js';
import { texts } from '../dev/browser.js';

test('every pk and node above the shown one can be gone back to', () => {
  const root = element('nav');
  const actions = { openPk: vi.fn(), openDimension: vi.fn(), href: () => '#' };
  drawCrumbs(root, { pk: ['flights', 'UA'], dimension: ['route', 'JFK'] }, actions);
  const crumbs = [...root.querySelectorAll('a')];
  expect(texts(crumbs)).toEqual(['flights', 'UA', 'route', 'JFK']);
  expect(crumbs[3].getAttribute('aria-current')).toBe('page');
  crumbs.forEach((crumb) => crumb.click());
  expect(actions.openPk.mock.calls).toEqual([[['flights']]]);
  expect(actions.openDimension.mock.calls).toEqual([[[]], [['route']], [['route', 'JFK']]]);
});

test('a single crumb is not shown', () => {
  const root = element('nav');
  drawCrumbs(root, { pk: ['flights'], dimension: [] }, { href: () => '#' });
  expect(root.hidden).toBe(true);
});
