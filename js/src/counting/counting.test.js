import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { counting } from './counting.js';

const host = 'https://count.example/below/';
let beacons;
let said;

beforeEach(() => {
  beacons = [];
  vi.stubGlobal('navigator', { sendBeacon: (to, form) => beacons.push([to.href, form && Object.fromEntries(form)]) });
  said = vi.spyOn(console, 'debug').mockImplementation(() => {});
  history.replaceState(null, '', '/a');
});
afterEach(() => {
  vi.unstubAllGlobals();
  delete document.prerendering;
  delete history.pushState;
  delete history.replaceState;
});

const asks = (more) => vi.stubGlobal('navigator', { ...navigator, ...more });

test('an event goes to the server below its address, with its key, as JSON in a form', () => {
  counting({ host, key: 'hw_k' }).count(['shop', 42], { geo: { UK: 'London' } }, { price: '2.50', n: 3 }, { id: 'order-1' });
  expect(beacons).toEqual([[`${host}count?key=hw_k`, {
    id: 'order-1', pk: '["shop",42]', dimensions: '{"geo":{"UK":"London"}}', metrics: '{"price":"2.50","n":3}',
  }]]);
});

test('what is left out is nothing, and no key is needed', () => {
  counting({ host }).count('shop');
  const [[to, { id, ...rest }]] = beacons;
  expect(to).toBe(`${host}count?key=`);
  expect(id).toMatch(/^\d+(-\d+){3}$/);
  expect(rest).toEqual({ pk: '"shop"', dimensions: 'null', metrics: 'null' });
});

test('each event has an id of its own', () => {
  const { count } = counting({ host });
  for (let each = 0; each < 100; each += 1) count('shop', null, null, {});
  expect(new Set(beacons.map(([, { id }]) => id)).size).toBe(100);
});

test('amounts are rounded to the six digits that amounts have, and nothing else is', () => {
  counting({ host }).count('shop', { at: 0.1 + 0.2 }, { sum: 0.1 + 0.2, text: '1.23456789', none: null, small: 1e-9 });
  expect(beacons[0][1]).toMatchObject({
    dimensions: `{"at":${0.1 + 0.2}}`,
    metrics: '{"sum":0.3,"text":"1.23456789","none":null,"small":0}',
  });
});

test('the image that may stand in counts the same', async () => {
  const pictures = [];
  vi.stubGlobal('Image', class {
    constructor() {
      pictures.push(this);
    }
  });
  vi.stubGlobal('fetch', undefined);
  asks({ sendBeacon: undefined });
  counting({ host, key: 'hw_k' }).count('a&b', 'é', undefined, { id: 7 });
  const { pathname, searchParams } = new URL(pictures[0].src);
  expect(pathname).toBe('/below/count.gif');
  expect(Object.fromEntries(searchParams)).toEqual({ key: 'hw_k', id: '7', pk: '"a&b"', dimensions: '"é"', metrics: 'null' });
});

test('a pixel gives what it leaves open in its address, and nothing that is quoted badly leaves that', () => {
  const { pixel } = counting({ host, key: 'hw_k' });
  pixel('AbC-_', { value: 12.5, campaign: 'a&b=c' });
  pixel('../count?pk=x');
  expect(beacons).toEqual([
    [`${host}pixel/AbC-_.gif?value=12.5&campaign=a%26b%3Dc`, undefined],
    [`${host}pixel/..%2Fcount%3Fpk%3Dx.gif?`, undefined],
  ]);
});

test.each([[''], [true], ['load'], ['hash']])('page views are counted where they are wanted (%j)', (pageViews) => {
  counting({ host, pk: 'shop', pageViews });
  expect(beacons.map(([, { pk, dimensions }]) => [pk, dimensions])).toEqual([['"shop"', '{"page":"/a"}']]);
});

test.each([[undefined], [false], [null]])('page views are not counted where they are not (%j)', (pageViews) => {
  counting({ host, pk: 'shop', pageViews });
  expect(beacons).toEqual([]);
});

test('dimensions of views are what the page makes of the path', () => {
  counting({ host, pk: 'shop', pageViews: true, dimensions: (path) => ({ at: [path, 'x'] }) });
  history.pushState(null, '', '/b');
  expect(beacons.map(([, { dimensions }]) => dimensions)).toEqual(['{"at":["/a","x"]}', '{"at":["/b","x"]}']);
});

test('a page that is made ready counts nothing before it is shown', () => {
  Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
  const { count } = counting({ host, pk: 'shop', pageViews: '' });
  count('early');
  history.replaceState(null, '', '/b');
  expect(beacons).toEqual([]);
  delete document.prerendering;
  document.dispatchEvent(new Event('prerenderingchange'));
  expect(beacons.map(([, { pk, dimensions }]) => [pk, dimensions])).toEqual([['"shop"', '{"page":"/b"}'], ['"early"', 'null']]);
});

test.each([{ globalPrivacyControl: true }, { doNotTrack: '1' }])('who asks for privacy is not counted (%j)', (asked) => {
  asks(asked);
  const { count, pixel } = counting({ host, pk: 'shop', pageViews: '' });
  count('shop');
  pixel('token');
  history.pushState(null, '', '/b');
  expect(beacons).toEqual([]);
  expect(Object.hasOwn(history, 'pushState')).toBe(false);
});

test('who asks for privacy is counted where the page says so', () => {
  asks({ globalPrivacyControl: true });
  const { count, pixel } = counting({ host, gpc: 'count' });
  count('shop');
  pixel('token');
  expect(beacons).toHaveLength(2);
});

test('nothing is thrown, and what went wrong is said once', () => {
  const whale = counting({ host, pk: 'shop', pageViews: '', dimensions: () => { throw new Error('of the page'); } });
  history.pushState(null, '', '/b');
  whale.count(1n);
  expect(said.mock.calls).toEqual([['HailWhale:', 'of the page']]);
  expect(beacons).toEqual([]);
});

test('a page may hear of each, and may fail at it', () => {
  const whale = counting({ host: 'no address' });
  whale.onerror = vi.fn(() => { throw new Error('of the page'); });
  whale.count('a');
  whale.pixel('b');
  expect(whale.onerror.mock.calls.map(([error]) => error.name)).toEqual(['TypeError', 'TypeError']);
  expect(said).not.toHaveBeenCalled();
});
