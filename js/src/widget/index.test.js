import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { begin, defaults, graph, HailGraph, scan } from './index.js';

let idle;

beforeEach(() => {
  idle = vi.fn();
  vi.stubGlobal('requestIdleCallback', idle);
  vi.stubGlobal('fetch', vi.fn(async () => Response.json({})));
});
afterEach(() => vi.unstubAllGlobals());

test('a page gets the element and what it asks for by attributes', async () => {
  document.body.innerHTML = '<div data-hailwhale-pk="shop" data-hailwhale-live="false"></div>';
  begin();
  await Promise.resolve();
  expect(customElements.get('hail-graph')).toBe(HailGraph);
  expect(document.querySelector('.hailwhale')).not.toBe(null);
  expect([defaults.period, typeof graph, typeof scan]).toEqual(['1h:7d', 'function', 'function']);
});

test('once there is nothing else to do a graph is rehearsed, and no page hears of it where that fails', async () => {
  begin();
  await Promise.resolve();
  expect(idle).toHaveBeenCalledOnce();
  const [[rehearsal]] = idle.mock.calls;
  vi.spyOn(console, 'error').mockReturnValue();
  // There are no canvases here.
  expect(await rehearsal()).toBe(undefined);
  expect(document.querySelectorAll('[inert]')).toHaveLength(0);
});

test('a browser that does not tell when there is nothing to do has a moment for it', async () => {
  vi.stubGlobal('requestIdleCallback', undefined);
  const later = vi.fn();
  vi.stubGlobal('setTimeout', later);
  begin();
  await Promise.resolve();
  expect(later).toHaveBeenCalledOnce();
});
