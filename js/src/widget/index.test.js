import { expect, test, vi } from 'vitest';
import { begin, defaults, graph, HailGraph, scan } from './index.js';

test('a page gets the element and what it asks for by attributes', async () => {
  vi.stubGlobal('fetch', vi.fn(async () => Response.json({})));
  document.body.innerHTML = '<div data-hailwhale-pk="shop" data-hailwhale-live="false"></div>';
  begin();
  await Promise.resolve();
  expect(customElements.get('hail-graph')).toBe(HailGraph);
  expect(document.querySelector('.hailwhale')).not.toBe(null);
  expect([defaults.period, typeof graph, typeof scan]).toEqual(['1h:7d', 'function', 'function']);
  vi.unstubAllGlobals();
});
