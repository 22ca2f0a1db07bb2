import { afterEach, beforeEach, expect, test } from 'vitest';
import { watchViews } from './views.js';

let views;
let listening;
const { pushState, replaceState } = history;
const listen = globalThis.addEventListener;

beforeEach(() => {
  views = [];
  listening = [];
  globalThis.addEventListener = (...given) => {
    listening.push(given);
    listen(...given);
  };
  history.replaceState(null, '', '/a?query=1#there');
});
afterEach(() => {
  globalThis.addEventListener = listen;
  for (const given of listening) removeEventListener(...given);
  delete history.pushState;
  delete history.replaceState;
  expect(history.pushState).toBe(pushState);
  expect(history.replaceState).toBe(replaceState);
});

const watch = (kind) => watchViews(kind, (path) => views.push(path));
const happens = (name, more) => dispatchEvent(Object.assign(new Event(name), more));

test('the page is viewed at once, without its query', () => {
  watch('');
  expect(views).toEqual(['/a']);
});

test('each change of the path is a view, and nothing else is', () => {
  watch('');
  history.pushState({ a: 1 }, '', '/b?query=2');
  expect(history.state).toEqual({ a: 1 });
  history.pushState(null, '', '/b?query=3#here');
  history.replaceState(null, '', '/c');
  happens('popstate');
  replaceState.call(history, null, '', '/d');
  happens('popstate');
  happens('popstate');
  expect(views).toEqual(['/a', '/b', '/c', '/d']);
});

test('what stands behind # belongs to the path on request', () => {
  watch('hash');
  history.pushState(null, '', '#here');
  history.pushState(null, '', '/a?query=2#here');
  history.pushState(null, '', '/a');
  expect(views).toEqual(['/a#there', '/a#here', '/a']);
});

test('only what is loaded is a view on request', () => {
  watch('load');
  history.pushState(null, '', '/b');
  happens('popstate');
  expect(views).toEqual(['/a']);
  expect(history.pushState).toBe(pushState);
});

test.each(['', 'load'])('a page that comes back out of a cache is viewed again (%j)', (kind) => {
  watch(kind);
  happens('pageshow', { persisted: false });
  expect(views).toEqual(['/a']);
  happens('pageshow', { persisted: true });
  expect(views).toEqual(['/a', '/a']);
});

test('what history throws, the page gets', () => {
  watch('');
  expect(() => history.pushState(null, '', 'https://elsewhere.example/')).toThrow();
  expect(views).toEqual(['/a']);
});
