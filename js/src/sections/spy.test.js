import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Answers, refusal, settle, tree } from '../../dev/answers.js';
import { texts, type } from '../../dev/browser.js';
import { element } from '../dom.js';
import { EVERY, Spy } from './spy.js';

const EVIL = '<img src=x>';
const event = (n, more = {}) => ({ at: 1_700_000_000_000 + n, moment: 1_700_000_000, pk: ['shop', EVIL], dimensions: { geo: 'UK' }, metrics: { hits: n }, ...more });
let server;
let section;
let root;
let state;
let events;
let timers;
let visibility;

beforeEach(() => {
  events = [event(2, { id: 'order' }), event(1)];
  server = new Answers({ ...tree({ shop: {}, b: {} }), spy: () => ({ events }) });
  root = element('section');
  document.body.replaceChildren(root);
  state = { pk: null, zone: '', more: {} };
  timers = new Map();
  visibility = 'visible';
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility);
  let id = 0;
  const window = { setTimeout: (run, after) => { timers.set(id += 1, { run, after }); return id; }, clearTimeout: (one) => timers.delete(one) };
  section = new Spy(root, { api: server.api, locale: 'en-US', state, window, go: (part) => { state = { ...state, ...part }; } });
});

afterEach(() => section.destroy());

const role = (name) => root.querySelector(`[data-role="${name}"]`);
const rows = () => [...root.querySelectorAll('[data-role=spy-event]')];
const show = () => section.show(state, new AbortController().signal);
const wait = async () => {
  const [[id, { run, after }]] = timers;
  timers.delete(id);
  expect(after).toBe(EVERY);
  run();
  await settle();
};
const choose = (name, value) => {
  role(name).value = value;
  role(name).dispatchEvent(new Event('change'));
};

test('the last events are shown, the newest first, and none of their names is markup', async () => {
  await show();
  expect(rows().map((row) => texts(row.children))).toEqual([
    ['10:13:20.002 PM', `shop / ${EVIL}`, 'geo: UK', 'hits 2', 'order'], ['10:13:20.001 PM', `shop / ${EVIL}`, 'geo: UK', 'hits 1', ''],
  ]);
  expect(role('spy-said').textContent).toBe('2 events. New ones come in at the top.');
  expect(root.querySelector('img')).toBeNull();
  expect(rows().map((row) => row.className)).toEqual(['', '']);
  expect(server.last('spy')).toEqual({ limit: '200' });
});

test('new ones come in at the top, marked, and the others stay', async () => {
  await show();
  const before = rows();
  events = [event(3), ...events];
  await wait();
  expect(rows().slice(1)).toEqual(before);
  expect(rows().map((row) => row.className)).toEqual(['fresh', '', '']);
  await wait();
  expect(rows()[0].className).toBe('');
});

test('while somebody reads nothing is asked and nothing moves', async () => {
  await show();
  role('spy-pause').click();
  expect(timers.size).toBe(0);
  expect(role('spy-said').textContent).toBe('2 events. Paused: nothing moves until you go on.');
  await section.tick();
  expect(timers.size).toBe(0);
  events = [event(3), ...events];
  role('spy-pause').click();
  await settle();
  expect(rows()).toHaveLength(3);
  expect(role('spy-pause').textContent).toBe('Pause');
});

test('an answer that comes after the pause is not taken', async () => {
  await show();
  events = [event(3), ...events];
  let go;
  server.holding = new Promise((done) => { go = done; });
  timers.values().next().value.run();
  role('spy-pause').click();
  go();
  await settle();
  expect(rows()).toHaveLength(2);
});

test('an answer that was under way at the pause is dropped even when it arrives', async () => {
  await show();
  const { ask } = server.api;
  let answered;
  server.api.ask = () => new Promise((done) => { answered = done; });
  timers.values().next().value.run();
  role('spy-pause').click();
  answered({ events: [] });
  await settle();
  expect(rows()).toHaveLength(2);
  server.api.ask = ask;
});

test('nothing is asked while nobody can see the page', async () => {
  await show();
  visibility = 'hidden';
  document.dispatchEvent(new Event('visibilitychange'));
  expect(timers.size).toBe(0);
  visibility = 'visible';
  document.dispatchEvent(new Event('visibilitychange'));
  expect(timers.size).toBe(1);
  await section.tick();
  expect(timers.size).toBe(1);
});

test('names, visitors and texts are filters, and stay in the address', async () => {
  state = { ...state, pk: ['shop', 'x'] };
  await show();
  expect([...role('spy-from').options].map(({ text }) => text)).toEqual(['everything', 'b', 'shop', 'shop / x']);
  choose('spy-from', '["shop", "x"]');
  await show();
  expect(server.last('spy')).toEqual({ pk: ['shop', 'x'], limit: '200' });
  expect(role('spy-from').value).toBe('["shop", "x"]');
  choose('spy-uid', 'anna');
  await show();
  expect(server.last('spy')).toEqual({ pk: ['shop', 'x'], uid: 'anna', limit: '200' });
  type(role('spy-find'), 'ORDER');
  expect(rows()).toHaveLength(1);
  expect(role('spy-said').textContent).toBe('1 of 2 events. New ones come in at the top.');
  type(role('spy-find'), 'nobody');
  expect(role('spy-said').textContent).toContain('None of the events holds this text.');
  expect(root.querySelector('table').hidden).toBe(true);
  choose('spy-find', 'order');
  expect(state.more.find).toBe('order');
});

test('without events it is said which ones are told here', async () => {
  events = [];
  state = { ...state, more: undefined };
  await show();
  expect(role('spy-said').textContent).toContain('Nothing has come in by /count lately');
});

test('a failure is said, the rows stay, and it looks again', async () => {
  await show();
  server.answers.spy = () => refusal(503, 'storage_unavailable', 'the engine is away');
  await wait();
  expect(role('spy-trouble').textContent).toContain('the engine is away');
  expect(rows()).toHaveLength(2);
  server.answers.spy = () => ({ events });
  await wait();
  expect(role('spy-trouble').hidden).toBe(true);
  server.answers.spy = () => refusal(403, 'forbidden', 'no');
  await expect(show()).rejects.toMatchObject({ status: 403 });
});

test('what is no error of the server is not hidden', async () => {
  await show();
  server.api.ask = async () => { throw new RangeError('odd'); };
  const heard = new Promise((done) => { process.once('unhandledRejection', done); });
  timers.values().next().value.run();
  expect((await heard).message).toBe('odd');
});

test('the end takes its timer and its listeners away', async () => {
  await show();
  section.destroy();
  expect([timers.size, root.childNodes.length]).toEqual([0, 0]);
  document.dispatchEvent(new Event('visibilitychange'));
  expect(timers.size).toBe(0);
});
