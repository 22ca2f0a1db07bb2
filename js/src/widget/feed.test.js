import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Stream, streams } from '../../dev/browser.js';
import { baseOf, Feeds, LOOK_AT_MOST_EVERY, LOOK_EVERY, STREAM_AGAIN } from './feed.js';

const HOST = 'http://whale.test/below';
const ANSWER = { _: { hits: [[0, 1], [1, 2]] } };
const question = { pk: ['shop'], metrics: ['hits'], period: '1h:2h' };
let asked;
let reply;
let page;
let feeds;
let watcher;
let surroundings;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  reply = () => Response.json(ANSWER);
  page = Object.assign(new EventTarget(), { visibilityState: 'visible', baseURI: 'http://page.test/' });
  surroundings = {
    document: page, EventSource: Stream, setTimeout: (...given) => setTimeout(...given), clearTimeout: (id) => clearTimeout(id),
    fetch: async (url, { signal, headers }) => {
      asked.push({ url: new URL(url), headers });
      const answer = await reply();
      if (signal.aborted) throw new DOMException('stopped', 'AbortError');
      return answer;
    },
  };
  feeds = new Feeds(surroundings);
  watcher = { answered: vi.fn(), failed: vi.fn() };
});

afterEach(() => {
  vi.useRealTimers();
  for (const stream of [...streams]) stream.close();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const watch = (more = {}, to = watcher) => feeds.watch({ host: HOST, key: 'k', question, ...more }, to);
const see = (state) => {
  page.visibilityState = state;
  page.dispatchEvent(new Event('visibilitychange'));
};

test('a look comes first, then a stream, with the key where each can have it', async () => {
  watch();
  await settle();
  expect(asked[0].url.href).toBe(`${HOST}/plotpoints?pk=${encodeURIComponent('["shop"]')}&metrics=${encodeURIComponent('["hits"]')}&period=1h%3A2h`);
  expect(asked[0].headers.Authorization).toBe('Bearer k');
  expect(watcher.answered).toHaveBeenLastCalledWith(ANSWER);
  expect(Stream.last.url.pathname).toBe('/below/stream');
  expect(Stream.last.url.searchParams.get('key')).toBe('k');
});

test('a stream replaces everything, changes buckets, and tells of problems', async () => {
  watch();
  await settle();
  Stream.last.hear('points', { _: { hits: [[1, 7]] } });
  expect(watcher.answered).toHaveBeenLastCalledWith({ _: { hits: [[0, 1], [1, 7]] } });
  Stream.last.hear('all', { _: { hits: [[5, 5]] } });
  expect(watcher.answered).toHaveBeenLastCalledWith({ _: { hits: [[5, 5]] } });
  Stream.last.hear('problem', { error: { code: 'storage_unavailable', message: 'away', field: null } });
  expect(watcher.failed.mock.lastCall[0]).toMatchObject({ code: 'storage_unavailable', message: 'away' });
});

test('the same question is asked once, whoever comes later has the answer at once, and the last one closes', async () => {
  const stop = watch();
  await settle();
  const other = { answered: vi.fn(), failed: vi.fn() };
  const stopOther = watch({}, other);
  expect(other.answered).toHaveBeenCalledWith(ANSWER);
  watch({ question: { ...question, tz: 'Asia/Tokyo' } }, { answered: vi.fn(), failed: vi.fn() })();
  expect(streams.size).toBe(1);
  stop();
  expect(streams.size).toBe(1);
  stopOther();
  stopOther();
  expect([streams.size, feeds.sources.size, feeds.streams]).toEqual([0, 0, 0]);
});

test('a stream that fails three times without a word gives way to looks, and is tried again after a minute', async () => {
  watch();
  await settle();
  const first = Stream.last;
  first.fail();
  first.fail();
  first.hear('all', ANSWER);
  first.fail();
  first.fail();
  expect(streams.size).toBe(1);
  first.fail();
  await settle();
  expect([streams.size, asked.length]).toEqual([0, 2]);
  await vi.advanceTimersByTimeAsync(LOOK_EVERY);
  expect([streams.size, asked.length]).toEqual([0, 3]);
  await vi.advanceTimersByTimeAsync(STREAM_AGAIN);
  expect(streams.size).toBe(1);
});

test('a stream that the browser gave up is opened again', async () => {
  watch();
  await settle();
  const first = Stream.last;
  first.fail(2);
  expect(streams.size).toBe(0);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(streams.size).toBe(1);
  expect(Stream.last).not.toBe(first);
});

test('without streams it looks every ten seconds', async () => {
  delete surroundings.EventSource;
  watch();
  await settle();
  await vi.advanceTimersByTimeAsync(3 * LOOK_EVERY);
  expect(asked).toHaveLength(4);
});

test('a number is how often to look, and false is once', async () => {
  const stop = watch({ live: 500 });
  await settle();
  await vi.advanceTimersByTimeAsync(1_000);
  expect([asked.length, streams.size]).toEqual([3, 0]);
  stop();
  watch({ live: false });
  await settle();
  await vi.advanceTimersByTimeAsync(LOOK_EVERY);
  expect([asked.length, streams.size]).toEqual([4, 0]);
});

test.each([Infinity, 3e9])('a number that no clock can wait for is a long time: %d', async (live) => {
  watch({ live });
  await settle();
  await vi.advanceTimersByTimeAsync(4 * LOOK_AT_MOST_EVERY);
  expect(asked).toHaveLength(1);
});

test.each([1, -5, 0, NaN])('no number makes a page look all the time: %d', async (live) => {
  watch({ live });
  await settle();
  await vi.advanceTimersByTimeAsync(4 * LOOK_AT_MOST_EVERY);
  expect(asked).toHaveLength(5);
});

test('what a stream cannot tell is looked for', async () => {
  watch({ question: { ...question, totals: 1 } });
  await settle();
  expect(streams.size).toBe(0);
});

test('nothing is asked while nobody sees the page, and all is caught up when it is seen', async () => {
  watch();
  await settle();
  see('hidden');
  await vi.advanceTimersByTimeAsync(10 * LOOK_EVERY);
  expect([streams.size, asked.length]).toEqual([0, 1]);
  see('visible');
  await settle();
  expect([streams.size, asked.length]).toEqual([1, 2]);
});

test('a page that opens hidden draws once and waits', async () => {
  page.visibilityState = 'hidden';
  watch();
  await settle();
  expect([streams.size, asked.length, watcher.answered.mock.calls.length]).toEqual([0, 1, 1]);
});

test('what may pass is asked again, what is refused is not', async () => {
  reply = () => Response.json({ error: { code: 'invalid_period', message: 'no', field: 'period' } }, { status: 400 });
  const stop = watch();
  await settle();
  await vi.advanceTimersByTimeAsync(LOOK_EVERY);
  expect([asked.length, watcher.failed.mock.calls.length]).toEqual([1, 1]);
  stop();
  for (const status of [429, 503]) {
    asked.length = 0;
    reply = () => Response.json({ error: { code: 'later', message: 'no', field: null } }, { status });
    const end = watch();
    await settle();
    await vi.advanceTimersByTimeAsync(LOOK_EVERY);
    expect([asked.length, streams.size]).toEqual([2, 0]);
    end();
  }
});

test('an answer that comes after the end is not told', async () => {
  let answer;
  reply = () => new Promise((done) => { answer = done; });
  const stop = watch();
  await settle();
  stop();
  answer(Response.json(ANSWER));
  await settle();
  expect([watcher.answered.mock.calls.length, watcher.failed.mock.calls.length, streams.size]).toEqual([0, 0, 0]);
});

test('whoever leaves while being told is told no more', async () => {
  const stop = watch({}, { answered: () => stop(), failed: vi.fn() });
  await settle();
  expect([streams.size, feeds.sources.size]).toEqual([0, 0]);
});

test('four streams leave the browser room for everything else', async () => {
  for (let n = 0; n < 6; n += 1) watch({ question: { ...question, limit: n } });
  await settle();
  expect(streams.size).toBe(4);
});

test('a host is an address with or without a slash, or the page itself', () => {
  expect(['', 'http://a.test', 'http://a.test/b/', '/whale', '//c.test'].map((host) => baseOf(host, 'http://page.test/x/'))).toEqual([
    'http://page.test/x/', 'http://a.test/', 'http://a.test/b/', 'http://page.test/whale/', 'http://c.test/',
  ]);
});
