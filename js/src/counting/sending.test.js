import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { send } from './sending.js';

const to = new URL('https://count.example/count?key=k');
const image = new URL('https://count.example/count.gif?key=k&id=1');
const form = new URLSearchParams({ id: '1' });
const ANSWERED = { ok: true, status: 200 };

let pictures;
let report;

beforeEach(() => {
  pictures = [];
  report = vi.fn();
  vi.stubGlobal('Image', class {
    constructor() {
      pictures.push(this);
    }
  });
});
afterEach(() => vi.unstubAllGlobals());

/** Puts browser functions in place; undefined is one that the browser has not got. */
function browser({ sendBeacon, fetch }) {
  vi.stubGlobal('navigator', { sendBeacon });
  vi.stubGlobal('fetch', fetch);
}
const settled = () => new Promise((done) => { setTimeout(done); });
const messages = () => report.mock.calls.map(([error]) => error.message);

test('a beacon that is taken is all that is sent', () => {
  const sendBeacon = vi.fn(() => true);
  const fetch = vi.fn();
  browser({ sendBeacon, fetch });
  send(to, image, form, report);
  expect(sendBeacon.mock.calls).toEqual([[to, form]]);
  expect(fetch).not.toHaveBeenCalled();
  expect(pictures).toEqual([]);
});

test.each([
  ['is not there', undefined],
  ['is full', () => false],
  ['is forbidden', () => { throw new TypeError('forbidden'); }],
])('fetch stands in where the beacon %s, and outlives the page', async (_, sendBeacon) => {
  const fetch = vi.fn(async () => ANSWERED);
  browser({ sendBeacon, fetch });
  send(to, image, form, report);
  await settled();
  expect(fetch.mock.calls).toEqual([[to, { method: 'POST', body: form, keepalive: true }]]);
  expect(pictures).toEqual([]);
  expect(messages()).toEqual([]);
});

test.each([
  ['is not there', undefined],
  ['is forbidden', () => { throw new TypeError('forbidden'); }],
  ['gets no answer', async () => { throw new TypeError('lost'); }],
])('an image stands in where fetch %s, and names the page to the server', async (_, fetch) => {
  browser({ fetch });
  send(to, image, form, report);
  await settled();
  expect(pictures).toHaveLength(1);
  expect(pictures[0]).toMatchObject({ src: image, referrerPolicy: 'origin' });
  expect(messages()).toEqual([]);
  pictures[0].onerror();
  expect(messages()).toEqual(['no answer from count.example']);
});

test('what a server refuses is not sent another way', async () => {
  browser({ fetch: async () => ({ ok: false, status: 429 }) });
  send(to, image, form, report);
  await settled();
  expect(messages()).toEqual(['refused (429)']);
  expect(pictures).toEqual([]);
});

test('what has no id is not sent a second time', async () => {
  const fetch = vi.fn(async () => { throw new TypeError('lost'); });
  browser({ fetch });
  send(to, to, undefined, report);
  await settled();
  expect(fetch.mock.calls).toEqual([[to, { method: 'POST', body: undefined, keepalive: true }]]);
  expect(pictures).toEqual([]);
  expect(messages()).toEqual(['no answer from count.example']);
});

test('a browser that can do nothing at all is reported, too', async () => {
  browser({ fetch: async () => { throw new TypeError('lost'); } });
  vi.stubGlobal('Image', undefined);
  send(to, image, form, report);
  await settled();
  expect(report.mock.calls).toEqual([[expect.any(TypeError)]]);
});
