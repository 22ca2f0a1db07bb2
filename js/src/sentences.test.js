import { expect, test } from 'vitest';
import { ServerError } from './api.js';
import { mayPass, sentence } from './sentences.js';

test.each([
  [{ code: 'unreachable' }, 'The server does not answer. Is “hailwhale serve” still running? This page tries again every 10 seconds.'],
  [{ code: 'storage_unavailable', status: 503 }, 'The server cannot reach its engine: what it said. This page tries again every 10 seconds.'],
  [{ code: 'invalid_period', field: 'period', status: 400 }, 'This period cannot be used: what it said.'],
  [{ code: 'invalid_zone', field: 'tz', status: 400 }, 'This time zone cannot be used: what it said.'],
  [{ code: 'unauthorized', status: 401 }, 'This server asks for a key. Make one with “hailwhale key create --scope read”, and open this page with #key=… at the end of its address.'],
  [{ code: 'unanswerable', status: 422 }, 'What it said.'],
])('the error %j is said as a sentence', (details, text) => {
  expect(sentence(new ServerError('what it said', details))).toBe(text);
});

test('a message that ends as a sentence gets no second full stop', () => {
  expect(sentence(new ServerError('Really?'))).toBe('Really?');
});

test('only what is the fault of the server may pass by itself', () => {
  expect(mayPass(new ServerError('', { code: 'unreachable' }))).toBe(true);
  expect(mayPass(new ServerError('', { status: 503 }))).toBe(true);
  expect(mayPass(new ServerError('', { status: 400 }))).toBe(false);
});
