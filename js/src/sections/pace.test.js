import { expect, test } from 'vitest';
import { HOLDS, Kept } from './kept.js';
import { Pace } from './pace.js';

test('what took long is asked again after twenty times as long', async () => {
  let time = 0;
  const pace = new Pace(() => time);
  expect(pace.isEarly()).toBe(false);
  expect(await pace.timed(async () => { time = 100; return 'answer'; })).toBe('answer');
  time = 2_099;
  expect(pace.isEarly()).toBe(true);
  time = 2_100;
  expect(pace.isEarly()).toBe(false);
  await expect(pace.timed(async () => { time = 3_000; throw new Error('no'); })).rejects.toThrow('no');
  expect(pace.isEarly()).toBe(true);
});

test('an answer is kept for its name and for a while', async () => {
  let time = 0;
  let asked = 0;
  const kept = new Kept(() => time);
  const ask = async () => { asked += 1; return asked; };
  expect([await kept.of('a', ask), await kept.of('a', ask), await kept.of('b', ask), await kept.of('a', ask)]).toEqual([1, 1, 2, 3]);
  time = HOLDS;
  expect(await kept.of('a', ask)).toBe(4);
  await expect(kept.of('c', async () => { throw new Error('no'); })).rejects.toThrow('no');
  expect(await kept.of('a', ask)).toBe(4);
});
