import { expect, test } from 'vitest';
import { bothPeriods, LOOKED_AT, movers } from './movers.js';

const answer = (children, node = 'route') => Object.fromEntries(Object.entries(children).map(([name, values]) => [
  name === node ? node : JSON.stringify([node, name]),
  { hits: { points: values.map((n, index) => [index * 3_600_000, n]), total: 0 } },
]));

test('both periods and the bucket that is not over are asked for at once', () => {
  expect(bothPeriods('day')).toEqual({ text: '1h:49h', count: 24, words: '24 full hours' });
  expect(bothPeriods('hour')).toEqual({ text: '5m:125m', count: 12, words: '60 full minutes' });
  expect(bothPeriods('thirty').text).toBe('1d:61d');
  expect(['year', 'constructor', '__proto__'].map(bothPeriods)).toEqual([null, null, null]);
});

test('children are ordered by how far they changed beyond chance, what is not over is left out, new and gone are there', () => {
  const found = movers([{ node: ['route'], answer: answer({
    route: [1, 1, 1, 1, 1], JFK: [50, 50, 80, 80, 999], EWR: [1, 0, 0, 0, 0], LGA: [0, 0, 9, 0, 0], SFO: [4, 4, 4, 4, 0], OAK: [9, 9, 0, 0, 0],
  }) }, { node: ['hour'], answer: answer({ hour: [9], 7: [100, 100, 60, 60, 9] }, 'hour') }], { metric: 'hits', count: 2, most: 2 });
  expect(found.rose.map(({ path, now, before }) => [path[1], now, before])).toEqual([['JFK', 160, 100], ['LGA', 9, 0]]);
  expect(found.fell.map(({ path, node, now, before }) => [path[1], node[0], now, before])).toEqual([['7', 'hour', 120, 200], ['OAK', 'route', 0, 18]]);
  expect(found.truncated).toBe(false);
});

test('more children than are looked at are told', () => {
  const many = Object.fromEntries(Array.from({ length: LOOKED_AT }, (_, index) => [`c${index}`, [1, 1, 1]]));
  expect(movers([{ node: ['route'], answer: answer({ route: [1, 1, 1], ...many }) }], { metric: 'hits', count: 1, most: 9 }))
    .toEqual({ rose: [], fell: [], truncated: true });
});
