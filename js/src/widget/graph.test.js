import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createPlot, media, observers, Plot, press, Stream, streams, texts } from '../../dev/browser.js';
import { element } from '../dom.js';
import { Feeds } from './feed.js';
import { ANNOTATIONS_AGAIN, graph } from './graph.js';
import { cameFrom } from './origin.js';

const HOUR = 3_600_000;
const START = Date.parse('2026-11-02T10:00Z');
const points = (...values) => values.map((n, index) => [START + index * HOUR, n]);
const named = (metric, answer) => Object.fromEntries(Object.entries(answer).map(([name, values]) => [name, { [metric]: points(...values) }]));
const SHOP = { _: [10, 20, 2], sales: [8, 12, 1], services: [2, 7, 1], '<b>x</b>': [0, 1, 0] };
let answers;
let asked;
let target;
let window;
let made;

beforeEach(() => {
  asked = [];
  answers = () => named('dollars', SHOP);
  document.body.replaceChildren(target = element('div', { id: 'here' }, 'before'));
  window = Object.assign(new EventTarget(), {
    document, getComputedStyle: (...given) => getComputedStyle(...given), matchMedia, EventSource: Stream,
    setTimeout: (...given) => setTimeout(...given), clearTimeout: (id) => clearTimeout(id),
    fetch: async (url) => {
      asked.push(new URL(url));
      const answer = answers(new URL(url).searchParams);
      return answer instanceof Response ? answer : Response.json(answer);
    },
  });
  made = [];
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { value: 600, configurable: true });
});

afterEach(() => {
  made.forEach((one) => one.destroy());
  media.matching.clear();
  for (const stream of [...streams]) stream.close();
});

const settle = async () => {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
  await new Promise((done) => { setTimeout(done); });
};
const part = (role) => target.firstElementChild.shadowRoot.querySelector(`[data-role=${role}]`);

async function draw(options) {
  const one = graph(target, { pk: 'shop', metric: 'dollars', period: '1h:3h', live: false, title: 'Shop', ...options }, {
    window, createPlot, feeds: new Feeds(window), now: () => START + 2.5 * HOUR,
  });
  made.push(one);
  await settle();
  return one;
}

test('while it waits for its answer a graph is rehearsed out of sight', async () => {
  const idle = vi.fn();
  window.requestIdleCallback = idle;
  const made = Plot.made;
  const one = graph(target, { pk: 'shop', live: false }, { window, createPlot, feeds: { api: () => null, watch: () => () => {} } });
  expect(idle).toHaveBeenCalledOnce();
  idle.mock.calls[0][0]({ timeRemaining: () => 50 });
  expect(Plot.made).toBe(made + 1);
  await settle();
  expect(Plot.last.destroyed).toBe(true);
  expect(part('body').hidden).toBe(true);
  one.destroy();
});

test('one that is gone or has its answer is not', async () => {
  const idle = vi.fn();
  window.requestIdleCallback = idle;
  const one = await draw();
  const made = Plot.made;
  idle.mock.calls[0][0]({ timeRemaining: () => 50 });
  expect(Plot.made).toBe(made);
  one.destroy();
  idle.mock.calls[0][0]({ timeRemaining: () => 50 });
  expect(Plot.made).toBe(made);
});

test('overall and the important children are drawn, said and kept as a table', async () => {
  await draw();
  expect(Plot.last.data.slice(1)).toEqual([SHOP._, SHOP.sales, SHOP.services, SHOP['<b>x</b>']]);
  expect(texts(part('legend').querySelectorAll('.name'))).toEqual(['overall', 'sales', 'services', 'other']);
  expect([part('title').textContent, part('total').textContent, part('total-label').textContent]).toEqual(['Shop', '32', 'dollars · the last 3 hours']);
  expect(part('plot').getAttribute('aria-label')).toBe('Shop, the last 3 hours: overall 32, sales 21, services 10, other 1. The arrow keys read it bucket by bucket.');
  part('twin').open = true;
  part('twin').dispatchEvent(new Event('toggle'));
  expect(texts(part('twin').querySelectorAll('tbody tr')).length).toBe(3);
});

test('without a title there is one, and an empty one is none', async () => {
  const one = await draw({ title: null, dimensions: ['a', 'b'] });
  expect(part('title').textContent).toBe('dollars – shop: a / b');
  one.update({ title: '' });
  await settle();
  expect([part('title').textContent, part('title').hidden, part('frame').getAttribute('aria-label')]).toEqual(['', true, 'dollars']);
  one.update({ pk: '', title: undefined, dimensions: [] });
  await settle();
  expect(part('title').textContent).toBe('dollars');
  expect(part('title').hidden).toBe(false);
});

test('a change that comes before the answer holds', async () => {
  const drawing = draw({ period: '2026-11-02' });
  made[0].update({ kind: 'bars' });
  await drawing;
  expect(part('frame').dataset.kind).toBe('bars');
  expect(asked).toHaveLength(1);
});

test('only a change of the question asks again', async () => {
  const one = await draw();
  one.update({ kind: 'area', theme: 'dark' });
  await settle();
  expect(asked).toHaveLength(1);
  expect(part('frame').dataset.kind).toBe('area');
  one.update({ metric: 'hits' });
  await settle();
  expect(asked).toHaveLength(2);
  expect(() => one.update({ kind: 'pie' })).toThrow('kind is one of');
  expect(() => one.update({ annotations: [{ at: 'never' }] })).toThrow('not a moment');
});

test('an area stacks what is not hidden, and has no key for the whole', async () => {
  await draw({ kind: 'area' });
  expect(Plot.last.data.slice(1)).toEqual([[0, 0, 0], [8, 12, 1], [10, 19, 2], [10, 20, 2]]);
  expect(texts(part('legend').querySelectorAll('.name'))).toEqual(['sales', 'services', 'other']);
  part('legend').querySelector('button').click();
  expect(Plot.last.data.slice(1)).toEqual([[0, 0, 0], [2, 7, 1], [2, 8, 1]]);
  part('legend').querySelector('button').click();
  expect(Plot.last.data).toHaveLength(5);
});

test('shares of an area are told in percent', async () => {
  await draw({ kind: 'area', offset: 'expand' });
  expect(Plot.last.options.axes[1].values(null, [0.5])).toEqual(['50%']);
});

test('bars stand one before the other, the highest at the back', async () => {
  await draw({ kind: 'bars', dimensions: [] });
  expect(Plot.last.data.slice(1)).toEqual([[10, 20, 2], [10, 19, 2], [8, 12, 1]]);
});

test('a small form has one line and no legend', async () => {
  answers = () => named('dollars', { _: [1, 2, 3] });
  await draw({ kind: 'number' });
  expect(Plot.last.data.slice(1)).toEqual([[1, 2, 3]]);
  expect([part('legend').hidden, part('deeper').hidden, Plot.last.height]).toEqual([true, true, 48]);
  expect(asked[0].searchParams.has('depth')).toBe(false);
  press(part('plot'), 'End');
  expect(part('tooltip').textContent).toContain('3');
});

test('several metrics are a line each, and no one number', async () => {
  answers = () => ({ _: { hits: points(1, 2, 3), dollars: points(4, 5, 6) } });
  const one = await draw({ metrics: ['hits', 'dollars'], title: null });
  expect([part('total').hidden, part('title').textContent]).toEqual([true, 'hits, dollars – shop']);
  expect(texts(part('legend').querySelectorAll('.name'))).toEqual(['hits', 'dollars']);
  one.update({ kind: 'sparkline', title: '' });
  await settle();
  expect(Plot.last.data).toHaveLength(3);
  expect(part('plot').getAttribute('aria-label')).toContain('hits, dollars, the last 3 hours');
  press(part('plot'), 'Home');
  expect(texts(part('tooltip').querySelectorAll('.name'))).toEqual(['dollars', 'hits']);
});

test('the tooltip tells the bucket, what happened in it, and every line', async () => {
  await draw({ annotations: [{ at: START + HOUR, text: 'Release' }], tz: 'UTC', locale: 'en-US' });
  press(part('plot'), 'End');
  expect(part('tooltip').querySelector('strong').textContent).toBe('Mon, Nov 2, 12:00 PM (so far)');
  press(part('plot'), 'ArrowLeft');
  expect(part('tooltip').querySelector('strong').textContent).toBe('Mon, Nov 2, 11:00 AM · Release');
  expect(texts(part('tooltip').querySelectorAll('.name'))).toEqual(['overall', 'sales', 'services', 'other']);
  press(part('plot'), 'Escape');
  expect(part('tooltip').hidden).toBe(true);
});

test('the period before is drawn dashed and told', async () => {
  answers = (query) => named('dollars', query.get('period').includes('/') ? { _: [8, 6, 2] } : SHOP);
  const one = await draw({ compare: true });
  expect(asked[1].searchParams.get('period')).toBe('1h:2026-11-02T07:00:00Z/2026-11-02T10:00:00Z');
  expect(Plot.last.data.at(-1)).toEqual([8, 6, 2]);
  expect(part('change').textContent).toBe('▲ 100% against the period before');
  press(part('plot'), 'Home');
  expect(texts(part('tooltip').querySelectorAll('.name'))).toContain('the period before');
  expect(asked).toHaveLength(2);
  [...part('legend').querySelectorAll('button')].at(-1).click();
  expect(Plot.last.data).toHaveLength(5);
  one.update({ kind: 'area' });
  expect(Plot.last.data).toHaveLength(5);
  one.update({ compare: false });
  expect(part('change').hidden).toBe(true);
});

test('as much as before is said so, less with an arrow down', async () => {
  answers = (query) => named('dollars', query.get('period').includes('/') ? { _: [0, 32, 0] } : SHOP);
  const one = await draw({ compare: true });
  expect(part('change').textContent).toBe('as in the period before');
  answers = (query) => named('dollars', query.get('period').includes('/') ? { _: [0, 64, 0] } : SHOP);
  one.update({ tz: 'Asia/Tokyo' });
  await settle();
  expect(part('change').textContent).toBe('▼ 50% against the period before');
});

test('a period before that is not kept is said, and the numbers stay', async () => {
  answers = (query) => (query.get('period').includes('/')
    ? Response.json({ error: { code: 'not_kept', message: 'not kept any more', field: 'period' } }, { status: 422 }) : named('dollars', SHOP));
  await draw({ compare: true });
  expect(part('trouble').textContent).toBe('This period cannot be used: not kept any more.');
  expect([part('trouble').hidden, part('body').hidden]).toEqual([false, false]);
});

test('an answer of before that comes after the end is not told', async () => {
  let later;
  const heard = vi.fn();
  answers = (query) => (query.get('period').includes('/') ? null : named('dollars', SHOP));
  const plain = window.fetch;
  window.fetch = (url, options) => (String(url).includes('%2F') ? new Promise((_, failed) => {
    later = failed;
    options.signal.addEventListener('abort', () => failed(new DOMException('', 'AbortError')));
  }) : plain(url));
  const one = await draw({ compare: true, onerror: heard });
  expect(later).toBeTypeOf('function');
  one.destroy();
  made.pop();
  await settle();
  expect(heard).not.toHaveBeenCalled();
});

test('a door leads down, and crumbs lead back', async () => {
  await draw();
  expect(texts(part('doors').children)).toEqual(['sales', 'services']);
  answers = () => named('dollars', { sales: [8, 12, 1], '["sales", "tea"]': [8, 11, 1] });
  part('doors').querySelector('button').click();
  await settle();
  expect(asked[1].searchParams.get('dimensions')).toBe('["sales"]');
  expect(texts(part('crumbs').querySelectorAll('li'))).toEqual(['overall', 'sales']);
  expect(texts(part('legend').querySelectorAll('.name'))).toEqual(['sales', 'tea']);
  answers = () => named('dollars', SHOP);
  part('crumbs').querySelector('button').click();
  await settle();
  expect([part('crumbs').hidden, asked.length]).toEqual([true, 3]);
});

test('another node in the options leaves where one had gone', async () => {
  const one = await draw();
  one.open(['sales']);
  one.update({ dimensions: ['services'] });
  await settle();
  expect(asked.at(-1).searchParams.get('dimensions')).toBe('["services"]');
});

const click = (index, top) => {
  Plot.last.valToPos = (value, scale) => (scale === 'y' ? 100 - value : 0);
  Plot.last.cursor = { idx: index, top };
  Plot.last.over.click();
};

test('a click on a line is told and leads down, unless the page says no', async () => {
  const onclick = vi.fn(() => false);
  const one = await draw({ onclick });
  click(1, 88);
  expect(onclick).toHaveBeenLastCalledWith({ path: ['sales'], label: 'sales', metric: 'dollars', at: START + HOUR, value: 12 });
  click(1, 80);
  expect(onclick.mock.lastCall[0].label).toBe('overall');
  click(1, 99);
  expect(onclick.mock.lastCall[0]).toMatchObject({ label: 'other', path: null });
  click(1, 0);
  click(null, 88);
  click(undefined, 88);
  expect(onclick).toHaveBeenCalledTimes(3);
  one.update({ onclick: null });
  click(1, 80);
  expect(asked).toHaveLength(1);
  click(1, 88);
  await settle();
  expect(asked).toHaveLength(2);
});

test('a click into nothing, or where nothing is to be opened, leads nowhere', async () => {
  answers = () => ({ _: { hits: points(1, null, 3), dollars: points(4, 5, 6) } });
  const onclick = vi.fn();
  const one = await draw({ metrics: ['hits', 'dollars'], onclick });
  click(1, 95);
  expect(onclick.mock.lastCall[0]).toMatchObject({ metric: 'dollars', value: 5 });
  one.update({ metrics: null, drill: false });
  answers = () => named('dollars', SHOP);
  await settle();
  expect(part('deeper').hidden).toBe(true);
});

test('dragging looks closer, and a button leads back', async () => {
  await draw();
  Object.assign(Plot.last, { select: { left: 0, width: 10 }, posToVal: (at) => START + at * HOUR / 10, setSelect: () => {} });
  Plot.last.options.hooks.setSelect[0](Plot.last);
  expect(part('whole').hidden).toBe(false);
  expect(Plot.last.options.scales.x.range(null, START, START + 2 * HOUR)).toEqual([START, START + HOUR]);
  part('whole').click();
  expect(part('whole').hidden).toBe(true);
});

test('nothing counted is said', async () => {
  answers = () => named('dollars', { _: [0, 0, 0] });
  await draw({ legend: false });
  expect(part('nothing').textContent).toBe('Nothing was counted in the last 3 hours.');
  expect(part('nothing').hidden).toBe(false);
});

test('an answer without anything is nothing', async () => {
  answers = () => ({});
  await draw({ compare: true });
  expect([part('nothing').hidden, part('total').textContent, part('total').dataset.value]).toEqual([false, '', undefined]);
});

test('an error is a sentence, told to the page too, and gone with the next answer', async () => {
  const onerror = vi.fn();
  answers = () => Response.json({ error: { code: 'invalid_formula', message: '<i>no</i>', field: 'metrics' } }, { status: 400 });
  const one = await draw({ onerror });
  expect(part('trouble').textContent).toBe('This metric cannot be used: <i>no</i>.');
  expect([part('body').hidden, onerror.mock.lastCall[0].code]).toEqual([true, 'invalid_formula']);
  one.redraw();
  press(part('plot'), 'End');
  answers = () => named('dollars', SHOP);
  one.update({ period: '1h:4h' });
  await settle();
  expect([part('trouble').hidden, part('body').hidden]).toEqual([true, false]);
});

test('live numbers go into the drawing that is there', async () => {
  await draw({ live: true });
  const { made: before } = Plot;
  Stream.last.hear('points', named('dollars', { _: [10, 20, 3] }));
  expect(Plot.last.data[1]).toEqual([10, 20, 3]);
  expect(Plot.made).toBe(before);
});

test('what is over is not listened to', async () => {
  await draw({ live: true, period: 'yesterday' });
  expect(streams.size).toBe(0);
});

test('graphs in dark rooms are dark, and light on paper', async () => {
  const sheets = () => target.firstElementChild.shadowRoot.adoptedStyleSheets.length;
  const one = await draw({ theme: 'dark' });
  expect(sheets()).toBe(3);
  window.dispatchEvent(new Event('beforeprint'));
  expect(sheets()).toBe(2);
  window.dispatchEvent(new Event('afterprint'));
  expect(sheets()).toBe(3);
  one.update({ theme: 'light', height: 333 });
  expect([sheets(), Plot.last.height]).toEqual([2, 333]);
  for (const listener of media.listeners) listener();
});

test('whoever names no host asks the server that the script came from', async () => {
  cameFrom('http://whale.test/static/hailwhale.js');
  await draw();
  expect(asked[0].origin).toBe('http://whale.test');
  cameFrom('');
});

test('a selector or a jQuery object names the place, nothing names none', () => {
  const surroundings = { window, createPlot, feeds: new Feeds(window) };
  for (const place of ['#here', { jquery: '3', 0: target }]) {
    graph(place, { pk: 'shop' }, surroundings).destroy();
  }
  expect(() => graph('#nowhere', {}, surroundings)).toThrow('there is no element #nowhere to draw into');
  expect(() => graph(null)).toThrow('there is no element null');
  expect(() => graph(target, { kind: 'pie' }, surroundings)).toThrow('kind is one of');
  expect(target.textContent).toBe('before');
});

test('after the end nothing is left, and what stood there before is back', async () => {
  const before = [observers.size, media.listeners.size];
  const remove = vi.spyOn(window, 'removeEventListener');
  const one = await draw({ live: true });
  one.destroy();
  made.pop();
  expect(target.childNodes).toHaveLength(1);
  expect(target.textContent).toBe('before');
  expect([observers.size, media.listeners.size]).toEqual(before);
  expect(remove.mock.calls.map(([name]) => name)).toEqual(['beforeprint', 'afterprint']);
  expect(streams.size).toBe(0);
});

test('in a browser graphs share the sources of their window and are drawn by uPlot', async () => {
  const context = new Proxy({}, { get: () => () => ({ width: 10, addColorStop: () => {} }) });
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context);
  vi.stubGlobal('fetch', window.fetch);
  const one = graph(target, { pk: 'shop', metric: 'dollars', live: false });
  await settle();
  expect(target.firstElementChild.shadowRoot.querySelector('.uplot')).not.toBe(null);
  one.destroy();
  vi.unstubAllGlobals();
});

describe('annotations of the server', () => {
  const release = { pk: [], at: START + HOUR, text: 'release' };
  const notes = () => asked.filter(({ pathname }) => pathname.endsWith('/annotations'));
  const seen = () => {
    Plot.last.setCursor({ left: 10, top: 5 });
    return part('tooltip').querySelector('strong').textContent;
  };
  let told;

  beforeEach(() => {
    told = [release];
    window.fetch = async (url) => {
      const at = new URL(url);
      asked.push(at);
      if (!at.pathname.endsWith('/annotations')) return Response.json(answers());
      return Array.isArray(told) ? Response.json({ annotations: told }) : told;
    };
  });
  afterEach(() => vi.useRealTimers());

  test('are asked for once, and shown', async () => {
    const one = await draw({ annotations: 'server', pk: ['Shop', 1] });
    expect(notes().map(({ search }) => search)).toEqual([`?pk=%5B%22Shop%22%2C%221%22%5D&since=${START / 1_000}`]);
    expect(seen()).toMatch(/ · release$/);
    one.update({ kind: 'area' });
    await settle();
    expect(notes()).toHaveLength(1);
    one.update({ annotations: [] });
    await settle();
    expect(seen()).not.toMatch('release');
  });

  test('are asked for again with another question, and after a while', async () => {
    const one = await draw({ annotations: true });
    one.update({ metric: 'hits' });
    await settle();
    expect(notes()).toHaveLength(2);
    vi.setSystemTime(Date.now() + ANNOTATIONS_AGAIN);
    one.update({ theme: 'dark' });
    await settle();
    expect(notes()).toHaveLength(3);
  });

  test('are asked for where nothing was counted, too', async () => {
    answers = () => ({});
    await draw({ annotations: true });
    expect(notes().map(({ search }) => search)).toEqual(['?pk=%5B%22shop%22%5D&since=0']);
  });

  test('that come too late are of no use', async () => {
    let tell;
    told = new Promise((done) => { tell = () => done(Response.json({ annotations: [release] })); });
    const one = await draw({ annotations: true });
    expect(notes()).toHaveLength(1);
    const drawn = Plot.made;
    made.pop();
    one.destroy();
    tell();
    await settle();
    expect([Plot.made, target.textContent]).toEqual([drawn, 'before']);
  });

  test('are missed in silence, but told to whoever listens', async () => {
    told = Response.json({ error: { message: 'not for you', code: 'forbidden', field: 'key' } }, { status: 403 });
    const onerror = vi.fn();
    await draw({ annotations: true, onerror });
    expect(onerror).toHaveBeenCalledWith(expect.objectContaining({ code: 'forbidden' }));
    expect(part('trouble').hidden).toBe(true);
    told = Response.json({ error: { message: 'not for you', code: 'forbidden', field: 'key' } }, { status: 403 });
    await draw({ annotations: true });
    expect(part('trouble').hidden).toBe(true);
  });
});
