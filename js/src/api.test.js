import { expect, test } from 'vitest';
import { address, Api, ServerError } from './api.js';

const BASE = 'http://whale.test/below/';

function answering(body, status = 200) {
  const asked = [];
  const fetch = async (url) => {
    asked.push(decodeURIComponent(String(url)).replaceAll('+', ' '));
    return new Response(typeof body === 'string' ? body : JSON.stringify(body), { status });
  };
  return { api: new Api({ base: BASE, fetch }), asked };
}

test('paths go as JSON, and what is not given is not sent', () => {
  expect(address('pks', { under: null })).toBe('pks');
  expect(decodeURIComponent(address('x', { a: ['b'], c: '', d: undefined, e: 0 }))).toBe('x?a=["b"]&e=0');
});

test('every question is asked below the page itself', async () => {
  const question = { pk: ['p'], dimension: ['a'], metric: 'm', period: 'day', zone: '' };
  const { api, asked } = answering({ pks: [1], subdimensions: [2], rows: [3] });
  expect(await api.pks(['p'])).toEqual([1]);
  expect(await api.subdimensions(['p'], [])).toEqual([2]);
  expect(await api.rank(question)).toEqual([3]);
  await api.plotpoints({ ...question, zone: 'Asia/Tokyo', limit: 8, sort: '-m' });
  await api.totals({ pk: ['p'], dimensions: [[]], metrics: ['hits'], periods: ['day'] });
  expect(asked).toEqual([
    `${BASE}pks?under=["p"]`,
    `${BASE}subdimensions?pk=["p"]&dimensions=[]`,
    `${BASE}rank?pk=["p"]&dimension=["a"]&metric=m&period=day&depth=1`,
    `${BASE}plotpoints?pk=["p"]&dimensions=["a"]&metrics=["m"]&period=day&depth=1&limit=8&sort=-m&totals=1&tz=Asia/Tokyo`,
    `${BASE}totals?pk=["p"]&dimensions=[[]]&metrics=["hits"]&periods=["day"]`,
  ]);
});

test('a key is sent along where there is one', async () => {
  const sent = [];
  const fetch = async (_url, { headers }) => { sent.push(headers); return new Response('{"pks": []}'); };
  await new Api({ base: BASE, fetch }).pks();
  await new Api({ base: BASE, fetch, key: 'hw_1_abc' }).pks();
  expect(sent).toEqual([{ Accept: 'application/json' }, { Accept: 'application/json', Authorization: 'Bearer hw_1_abc' }]);
});

test('an error of the server keeps its code, its message and its field', async () => {
  const { api } = answering({ error: { code: 'invalid_period', message: 'no', field: 'period' } }, 400);
  await expect(api.pks()).rejects.toMatchObject({ name: 'ServerError', code: 'invalid_period', message: 'no', field: 'period', status: 400 });
});

test.each([['<html>', 200], ['<html>', 502], ['3', 200], ['{}', 500]])('the answer %s with status %d is not taken for data', async (body, status) => {
  await expect(answering(body, status).api.pks()).rejects.toMatchObject({ code: 'unreadable', status });
});

test('a server that is away is told from a question that was taken back', async () => {
  const away = new Api({ base: BASE, fetch: async () => { throw new TypeError('failed'); } });
  await expect(away.pks()).rejects.toMatchObject({ code: 'unreachable' });
  const controller = new AbortController();
  controller.abort();
  await expect(away.pks(null, controller.signal)).rejects.toThrow(TypeError);
});

test('a question taken back while its answer arrives is no bad answer', async () => {
  const stop = Object.assign(new Error('stop'), { name: 'AbortError' });
  const api = new Api({ base: BASE, fetch: async () => ({ ok: true, json: async () => { throw stop; } }) });
  await expect(api.pks()).rejects.toBe(stop);
});

test('an error without details has some', () => {
  expect(new ServerError('x')).toMatchObject({ code: 'unknown', field: null, status: 0 });
});

test('a long question goes by POST, as JSON, with the key', async () => {
  const sent = [];
  const fetch = async (url, options) => { sent.push([String(url), options]); return new Response('{"a": 1}'); };
  const { signal } = new AbortController();
  expect(await new Api({ base: BASE, fetch, key: 'k' }).post('results', { pk: ['p'], by: null, tz: undefined, limit: 0 }, signal)).toEqual({ a: 1 });
  expect(sent).toEqual([[`${BASE}results`, {
    signal, method: 'POST', body: '{"pk":["p"],"limit":0}',
    headers: { Accept: 'application/json', Authorization: 'Bearer k', 'Content-Type': 'application/json' },
  }]]);
});

test('a text is a text, and its errors are those of all questions', async () => {
  expect(await answering('a 1').api.text('metrics')).toBe('a 1');
  await expect(answering({ error: { code: 'not_built', message: 'no', field: null } }, 501).api.text('metrics')).rejects.toMatchObject({ code: 'not_built', status: 501 });
});
