import { beforeEach, expect, test } from 'vitest';
import { Api } from './api.js';
import { Loader, question } from './loader.js';
import { INITIAL } from './state.js';
import { Whale } from '../dev/whale.js';

let whale;
let loader;
const { signal } = new AbortController();
const asked = { pk: ['flights'], dimension: ['route'], metric: 'hits', period: 'year', zone: '' };

beforeEach(() => {
  whale = new Whale();
  loader = new Loader(new Api({ base: 'http://whale.test/', fetch: whale.fetch }));
});

test('what a state leaves to the page is chosen from what was counted', () => {
  const chosen = { metrics: ['delay'], first: ['route'], period: 'day' };
  expect(question({ ...INITIAL, pk: ['p'] }, chosen)).toEqual({ pk: ['p'], zone: '', period: 'day', dimension: ['route'], metric: 'delay' });
  expect(question({ ...INITIAL, pk: ['p'], dimension: [], metric: 'a/b', period: 'hour' }, chosen)).toMatchObject({ dimension: [], metric: 'a/b', period: 'hour' });
  expect(question({ ...INITIAL, pk: ['p'] }, { ...chosen, first: null }).dimension).toEqual([]);
});

test('names are asked for once, until they are forgotten', async () => {
  await loader.entries([], signal);
  await loader.entries([], signal);
  expect(whale.count('pks')).toBe(1);
  loader.forget();
  await loader.entries([], signal);
  expect(whale.count('pks')).toBe(2);
});

test('a pk that is not listed has the metrics of what is above it', async () => {
  expect((await loader.entry(['flights', 'UA'], signal)).children).toBe(0);
  expect(await loader.entry(['flights', 'XX'], signal)).toEqual({ pk: ['flights', 'XX'], metrics: ['delay', 'hits'], children: 0 });
  expect(await loader.entry(['nothing'], signal)).toEqual({ pk: ['nothing'], metrics: [], children: 0 });
});

test('dimensions of every event are branches, and the one with few children comes first', async () => {
  expect(await loader.branching(['flights'], signal)).toEqual({ branches: [['hour'], ['route']], first: ['route'], period: 'day' });
  const before = whale.asked.length;
  await loader.branching(['flights'], signal);
  expect(whale.asked).toHaveLength(before);
});

test('a thousand values are not taken for branches, and not asked about', async () => {
  whale.children._ = Array.from({ length: 1000 }, (_, i) => `v${i}`);
  expect(await loader.branching(['flights'], signal)).toMatchObject({ branches: [], first: null });
  expect(whale.last('totals', 'dimensions')).toBe('[[]]');
});

test('a server that cannot tell branches does not stop the page', async () => {
  whale.failing.totals = { status: 422, code: 'unanswerable', message: 'no' };
  expect(await loader.branching(['flights'], signal)).toEqual({ branches: [], first: null, period: 'year' });
});

test('an answer has the lines, the total and a row for every child', async () => {
  const answer = await loader.answer(asked, ['hits'], signal);
  expect(answer.drawn.map(({ path }) => path)).toEqual([['route'], ['route', 'JFK'], ['route', 'EWR']]);
  expect(answer).toMatchObject({ starts: whale.starts, total: 30, weight: null, note: '' });
  expect(answer.rows.map(({ label, value }) => [label, value])).toEqual([['JFK', 20], ['EWR', 10]]);
  expect(whale.last('plotpoints', 'sort')).toBe('-hits');
});

test('the children of a ratio are the busiest, not those with the highest ratio', async () => {
  const answer = await loader.answer({ ...asked, metric: 'delay/hits' }, ['delay', 'hits'], signal);
  expect(whale.last('plotpoints', 'sort')).toBe('-hits');
  expect(answer.weight).toBe('hits');
  expect(answer.rows.map(({ value, weight }) => [value, weight])).toEqual([[5, 20], [2.5, 10]]);
});

test('without a ranking the drawn children are listed, and it is said why', async () => {
  whale.failing.rank = { status: 422, code: 'unanswerable', message: 'not by zone' };
  const answer = await loader.answer({ ...asked, metric: 'delay/hits' }, ['hits'], signal);
  expect(answer.rows).toHaveLength(2);
  expect(answer.note).toBe('Only what is drawn is listed. Not by zone.');
});

test('an answer without the asked node has no total', async () => {
  whale._plotpoints = () => ({});
  expect(await loader.answer(asked, [], signal)).toMatchObject({ total: 0, starts: [], drawn: [] });
});

test('what was taken back is not taken for a refusal', async () => {
  const taken = new AbortController();
  taken.abort();
  await expect(loader.branching(['flights'], taken.signal)).rejects.toThrow('stopped');
  await expect(loader.answer(asked, [], taken.signal)).rejects.toThrow('stopped');
});
