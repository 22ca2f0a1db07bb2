import { expect, test } from 'vitest';
import { Answers, refusal, settle } from '../../dev/answers.js';
import { joined, Shares } from './shares.js';

const points = (...values) => values.map((n, hour) => [hour, n]);

function watching(answers, node = []) {
  const server = new Answers(answers);
  const shares = new Shares(server.api, { pk: ['p'], options: ['a', '_'], node });
  const heard = [];
  const stop = shares.watch({ question: { period: '1h:2h', tz: 'UTC' } }, { answered: (one) => heard.push(one), failed: (error) => heard.push(error.code) });
  return { server, shares, heard, stop };
}

test('options are told as children of one node, with their sum', async () => {
  const { server, shares, heard } = watching({ plotpoints: ({ pk }) => ({ _: { hits: pk[1] === 'a' ? points(1, 2) : points(3, 0) } }) });
  await settle();
  expect(heard).toEqual([{ _: { hits: points(4, 2) }, a: { hits: points(1, 2) }, '["_"]': { hits: points(3, 0) } }]);
  expect(server.last('plotpoints')).toEqual({ pk: ['p', '_'], metrics: ['hits'], period: '1h:2h', tz: 'UTC' });
  expect(shares.api()).toBe(server.api);
  await shares.look();
  expect(heard).toHaveLength(2);
});

test('of each option a dimension may be looked at', async () => {
  const { server, heard } = watching({ plotpoints: () => ({ '["country", "DE"]': { hits: points(1) } }) }, ['country', 'DE']);
  await settle();
  expect(server.last('plotpoints').dimensions).toEqual(['country', 'DE']);
  expect(heard[0]._.hits).toEqual(points(2));
});

test('errors are told, and nothing once it was stopped', async () => {
  const bad = watching({ plotpoints: () => refusal(400, 'invalid_period', 'no') });
  await settle();
  expect(bad.heard).toEqual(['invalid_period']);
  const gone = watching({ plotpoints: () => ({ _: { hits: points(1) } }) });
  gone.stop();
  await settle();
  expect(gone.heard).toEqual([]);
  const late = watching({ plotpoints: () => { late.stop(); return { _: { hits: points(1) } }; } });
  await settle();
  expect(late.heard).toEqual([]);
});

test('one option alone is its own sum', () => {
  expect(joined(['a'], [points(5)])).toEqual({ _: { hits: points(5) }, a: { hits: points(5) } });
});
