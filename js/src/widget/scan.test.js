import { expect, test, vi } from 'vitest';
import { whenRead } from './reading.js';
import { scan } from './scan.js';

test('every element that names a pk is drawn into, once', () => {
  document.body.innerHTML = '<div data-hailwhale-pk="shop" data-hailwhale-depth="2"></div><p data-hailwhale-metric="hits"></p><i data-hailwhale-pk=""></i>';
  const draw = vi.fn(() => ({ update: vi.fn(), redraw: vi.fn(), destroy: vi.fn() }));
  const [first, second] = scan(document, draw);
  expect(draw.mock.calls.map(([place, options]) => [place.localName, options])).toEqual([['div', { pk: 'shop', depth: 2 }], ['i', { pk: '' }]]);
  expect(scan(document.body, draw)).toEqual([]);
  first.update({ depth: 1 });
  first.redraw();
  first.destroy();
  const [{ value: one }] = draw.mock.results;
  expect([one.update.mock.lastCall, one.redraw.mock.calls.length, one.destroy.mock.calls.length]).toEqual([[{ depth: 1 }], 1, 1]);
  expect(scan(document, draw)).toHaveLength(1);
  second.destroy();
});

test('a mistake in one place is said there as text, and leaves the others alone', () => {
  document.body.innerHTML = '<div data-hailwhale-pk="a" data-hailwhale-kind="<b>"></div><div data-hailwhale-pk="b"></div>';
  const draw = vi.fn((_, { kind }) => {
    if (kind) throw new TypeError(`kind is ${kind}`);
    return { destroy: vi.fn() };
  });
  expect(scan(document, draw)).toHaveLength(1);
  expect(document.body.firstChild.innerHTML).toBe('kind is &lt;b&gt;');
  document.body.firstChild.removeAttribute('data-hailwhale-kind');
  expect(scan(document, draw)).toHaveLength(1);
});

test('an empty page has no graphs', () => {
  document.body.replaceChildren();
  expect(scan()).toEqual([]);
});

test('a page is looked at when it is read', async () => {
  const page = Object.assign(new EventTarget(), { readyState: 'loading' });
  const then = vi.fn();
  whenRead(page, then);
  await Promise.resolve();
  expect(then).not.toHaveBeenCalled();
  page.dispatchEvent(new Event('DOMContentLoaded'));
  page.dispatchEvent(new Event('DOMContentLoaded'));
  expect(then).toHaveBeenCalledTimes(1);
  page.readyState = 'interactive';
  whenRead(page, then);
  expect(then).toHaveBeenCalledTimes(1);
  await Promise.resolve();
  expect(then).toHaveBeenCalledTimes(2);
});
