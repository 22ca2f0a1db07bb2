import { beforeEach, expect, test, vi } from 'vitest';
import { createPlot, Plot } from '../../dev/browser.js';
import { element } from '../dom.js';
import { complete } from './options.js';
import { rehearseOnce } from './rehearsal.js';

const NOW = Date.parse('2026-11-02T10:00:30Z');
const MINUTE = 60_000;
const IDLE = { timeRemaining: () => 45 };
let root;
let window;
let waiting;
let drawn;

beforeEach(() => {
  document.body.replaceChildren(root = element('div'));
  window = Object.assign(new EventTarget(), { document, getComputedStyle, matchMedia, requestIdleCallback: vi.fn() });
  waiting = true;
  drawn = [];
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { value: 480, configurable: true });
});

const options = (more) => complete({ pk: 'shop', ...more });
const surroundings = (more) => ({
  window, now: () => NOW, ...more,
  createPlot: (...given) => {
    drawn.push(root.lastElementChild);
    return createPlot(...given);
  },
});
const rehearse = (more) => rehearseOnce(root, options(more), () => waiting, surroundings());
const idle = (moment = IDLE) => window.requestIdleCallback.mock.calls.at(-1)[0](moment);
const settle = () => new Promise((done) => { setTimeout(done); });

test('two lines that end now are drawn where nobody sees or reaches them, and nothing of them stays', async () => {
  rehearse();
  expect(drawn).toEqual([]);
  idle();
  const [place] = drawn;
  expect(root.lastElementChild).toBe(place);
  expect(place.hasAttribute('inert') || place.inert).toBe(true);
  expect([place.style.visibility, place.style.position]).toEqual(['hidden', 'fixed']);
  const last = NOW - 30_000;
  expect(Plot.last.data).toEqual([[last - 2 * MINUTE, last - MINUTE, last], [2, 4, 6], [1, 2, 3]]);
  await settle();
  expect(Plot.last.destroyed).toBe(true);
  expect(root.children).toHaveLength(0);
});

test('it is drawn as the graph that waits will be', () => {
  rehearse({ metric: 'dollars/hits', dimensions: ['country'], kind: 'bars' });
  idle();
  expect(Plot.last.data.slice(1)).toEqual([[2, 4, 6], [1, 2, 3]]);
  expect(Plot.last.series[1].width).toBe(0);
});

test('a window has one rehearsal', () => {
  rehearse();
  rehearse();
  expect(window.requestIdleCallback).toHaveBeenCalledOnce();
});

test('there is none while there is something else to do, and none once there is an answer', () => {
  rehearse();
  idle({ timeRemaining: () => 5 });
  expect(window.requestIdleCallback).toHaveBeenCalledTimes(2);
  waiting = false;
  idle();
  expect(window.requestIdleCallback).toHaveBeenCalledTimes(2);
  expect(drawn).toEqual([]);
});

test('there is none where a browser does not tell when it has nothing to do', () => {
  delete window.requestIdleCallback;
  rehearse();
  expect(drawn).toEqual([]);
});

test('where it fails nothing of it stays, nothing listens and no page hears of it', async () => {
  const listening = new Map();
  window.addEventListener = (name) => listening.set(name, (listening.get(name) ?? 0) + 1);
  window.removeEventListener = (name) => listening.set(name, listening.get(name) - 1);
  const fails = () => {
    throw new Error('no canvas');
  };
  const onerror = vi.fn();
  rehearseOnce(root, options({ onerror }), () => waiting, { ...surroundings(), createPlot: fails });
  idle();
  await settle();
  expect(root.children).toHaveLength(0);
  expect([...listening.values()]).toEqual([0, 0]);
  expect(onerror).not.toHaveBeenCalled();
});

test('by itself it takes the time that it is', () => {
  vi.useFakeTimers({ now: NOW });
  rehearseOnce(root, options(), () => true, { window, createPlot });
  idle();
  expect(Plot.last.data[0].at(-1)).toBe(NOW - 30_000);
  vi.useRealTimers();
});
