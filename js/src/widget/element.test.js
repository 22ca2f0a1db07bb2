import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { element } from '../dom.js';
import { define, HailGraph } from './element.js';

const answer = {};
const asked = () => fetch.mock.calls.map(([url]) => new URL(url).searchParams.get('pk'));

beforeEach(() => {
  vi.stubGlobal('fetch', vi.fn(async () => Response.json(answer)));
  define();
});

afterEach(() => {
  document.body.replaceChildren();
  vi.unstubAllGlobals();
});

test('an element draws what its attributes say while it stands in a page', () => {
  const graph = element('hail-graph', { pk: 'shop', live: 'false' });
  expect(graph).toBeInstanceOf(HailGraph);
  expect(graph.graph).toBe(null);
  document.body.append(graph);
  expect(graph.querySelector('.hailwhale').shadowRoot).not.toBe(null);
  graph.setAttribute('pk', 'shop');
  graph.setAttribute('pk', 'other');
  expect(asked()).toEqual(['["shop"]', '["other"]']);
  graph.remove();
  expect([graph.graph, graph.querySelector('.hailwhale')]).toEqual([null, null]);
  graph.setAttribute('pk', 'third');
  expect(asked()).toHaveLength(2);
});

test('a mistake is said in its place', () => {
  const graph = element('hail-graph', { pk: 'shop', kind: 'pie' });
  document.body.append(graph);
  expect(graph.textContent).toContain('kind is one of');
  graph.remove();
});

test('it is made known once, where elements can be made known', () => {
  const registry = { get: vi.fn(), define: vi.fn() };
  define(registry);
  expect(registry.define).toHaveBeenCalledWith('hail-graph', HailGraph);
  define(null);
});

test('where there is no document the module can be read', async () => {
  vi.stubGlobal('HTMLElement', undefined);
  vi.resetModules();
  expect((await import('./element.js')).HailGraph).toBeTypeOf('function');
});
