import { beforeEach, expect, test, vi } from 'vitest';
import jQuery from 'jquery';
import { Stream } from '../../dev/browser.js';
import { loader } from './loading.js';
import { install } from './plugin.js';

const $ = jQuery;
const ANSWER = { _: { hits: [[0, 1]] } };
let graph;
let asked;
let load;

beforeEach(() => {
  document.body.innerHTML = '<div id="a"></div><div id="b"></div>';
  graph = vi.fn(() => ({ update: vi.fn(), redraw: vi.fn(), destroy: vi.fn() }));
  load = vi.fn(async () => ({ graph }));
  asked = [];
  const window = {
    document, EventSource: Stream, setTimeout, clearTimeout,
    fetch: async (url) => {
      asked.push(String(url));
      return Response.json(ANSWER);
    },
  };
  install($, { load, window, home: 'http://whale.test/' });
});

const settle = () => new Promise((done) => { setTimeout(done); });
const last = () => graph.mock.results.at(-1).value;

test('each chosen element is drawn into, when the drawing is there', async () => {
  expect($('div').hailwhale({ pk: 'shop', metric: 'dollars/hits' })).toHaveLength(2);
  expect(graph).not.toHaveBeenCalled();
  await settle();
  expect(graph.mock.calls.map(([place, options]) => [place.id, options])).toEqual([
    ['a', { pk: 'shop', metric: 'dollars/hits' }], ['b', { pk: 'shop', metric: 'dollars/hits' }],
  ]);
});

test('a graph does what its methods say', async () => {
  $('#a').hailwhale();
  await settle();
  const one = last();
  $('#a').hailwhale('update', { depth: 2 }).hailwhale('redraw').hailwhale('destroy').hailwhale('destroy');
  expect([one.update.mock.lastCall, one.redraw.mock.calls.length, one.destroy.mock.calls.length]).toEqual([[{ depth: 2 }], 1, 1]);
});

test('what is said before the drawing is there holds', async () => {
  $('#a').hailwhale({ pk: 'shop' }).hailwhale('update', { depth: 2 });
  $('#b').hailwhale({ pk: 'shop' }).hailwhale('destroy');
  await settle();
  expect(graph.mock.calls.map(([, options]) => options)).toEqual([{ pk: 'shop', depth: 2 }]);
});

test('drawing again takes the old graph away, and what a graph cannot do is said', async () => {
  $('#a').hailwhale({ pk: 'shop' });
  await settle();
  const one = last();
  $('#a').hailwhale({ pk: 'other' });
  expect(one.destroy).toHaveBeenCalled();
  expect(() => $('#a').hailwhale('explode')).toThrow('a graph cannot explode: destroy, redraw, update');
});

test('a server adds graphs and graphs with tables', async () => {
  const server = $.hailwhale('http://other.test', 'key');
  const graphs = await server.add_graph('div', { pk: 'shop' });
  expect(graphs).toBe(graph.mock.results[0].value);
  await server.graph_tables($('#b'), { pk: 'shop' });
  expect(graph.mock.calls.map(([, options]) => options)).toEqual([
    { host: 'http://other.test', key: 'key', pk: 'shop' }, { host: 'http://other.test', key: 'key', pk: 'shop' },
    { host: 'http://other.test', key: 'key', pk: 'shop', table: true },
  ]);
  await $.hailwhale().add_graph('#a', { pk: 'shop' });
  expect(graph.mock.lastCall[1]).toEqual({ pk: 'shop' });
});

test('a server answers without anything being drawn', async () => {
  const server = $.hailwhale();
  expect(await server.ask('totals', { pk: 'shop' })).toEqual(ANSWER);
  const answered = vi.fn();
  const stop = server.watch({ pk: 'shop', period: '1h:1h' }, answered);
  await settle();
  stop();
  expect(answered).toHaveBeenCalledWith(ANSWER);
  expect(asked).toEqual(['http://whale.test/totals?pk=shop', 'http://whale.test/plotpoints?pk=shop&period=1h%3A1h']);
  expect(load).not.toHaveBeenCalled();
  $.hailwhale('http://other.test').watch({ pk: 'x' }, answered)();
});

test('a failed look is no trouble to who does not ask', async () => {
  install($, { load, window: { document, setTimeout, clearTimeout, fetch: async () => Response.json({ error: { message: 'no', code: 'x' } }, { status: 400 }) } });
  const failed = vi.fn();
  $.hailwhale('http://other.test').watch({ pk: 'x' }, () => {});
  $.hailwhale('http://other.test').watch({ pk: 'y' }, () => {}, failed);
  await settle();
  expect(failed).toHaveBeenCalledTimes(1);
});

test('the drawing is loaded once, unless it is there', async () => {
  const window = { document };
  const get = loader(window, 'http://whale.test/static/hailwhale.iife.js');
  const [one, other] = [get(), get()];
  const scripts = () => [...document.head.querySelectorAll('script')];
  expect(scripts().map(({ src }) => src)).toEqual(['http://whale.test/static/hailwhale.iife.js']);
  window.HailWhale = { graph };
  scripts()[0].onload();
  expect(await one).toBe(window.HailWhale);
  expect(await other).toBe(window.HailWhale);
  expect(await loader(window, 'never')()).toBe(window.HailWhale);
  scripts()[0].remove();
});

test('a drawing that cannot be loaded is tried again', async () => {
  const get = loader({ document }, 'http://whale.test/gone.js');
  const first = get();
  document.head.querySelector('script').onerror();
  await expect(first).rejects.toThrow('http://whale.test/gone.js cannot be loaded');
  get();
  expect(document.head.querySelectorAll('script')).toHaveLength(1);
  document.head.querySelector('script').remove();
});
