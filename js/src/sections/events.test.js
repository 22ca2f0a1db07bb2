import { expect, test } from 'vitest';
import { dimensionWords, merged, metricWords, MOST_EVENTS, textOf } from './events.js';

test('dimensions are said as they are nested, without what decisions repeat', () => {
  expect(dimensionWords({ geo: { UK: 'London' }, device: { phone: null, tablet: null }, __holdout__: null, __context__: 'x' }))
    .toEqual(['geo: UK › London', 'device: phone', 'device: tablet', '__holdout__']);
  expect([dimensionWords(null), dimensionWords(undefined), dimensionWords('UK'), dimensionWords(7)]).toEqual([[], [], ['UK'], ['7']]);
  expect(metricWords({ hits: 1, price: 2.5 }, String)).toEqual(['hits 1', 'price 2.5']);
});

test('all of an event can be found', () => {
  const event = { pk: ['Shop', '42'], dimensions: { geo: 'UK' }, metrics: { hits: 1 }, id: 'Order-1' };
  expect(textOf(event)).toBe('shop / 42 geo: uk hits 1 order-1');
  expect(textOf({ ...event, id: undefined })).toBe('shop / 42 geo: uk hits 1 ');
});

test('rows that were there keep their key; events that are alike are told apart', () => {
  let keys = 0;
  const next = () => String(keys += 1);
  const [a, b, c] = ['a', 'b', 'c'].map((name) => ({ at: 1, pk: [name] }));
  const first = merged([], [a, b], next);
  expect(first).toEqual([{ key: '2', event: a, isNew: true }, { key: '1', event: b, isNew: true }]);
  const second = merged(first, [c, { ...a }, { ...a }, b], next);
  expect(second.map(({ key, isNew }) => [key, isNew])).toEqual([['4', true], ['3', true], ['2', false], ['1', false]]);
  const third = merged(second, [a, a, c, a, a], next);
  expect(third.map(({ key }) => key)).toEqual(['6', '5', '4', '3', '2']);
});

test('no more are kept than a page can hold', () => {
  let keys = 0;
  expect(merged([], Array.from({ length: 300 }, (_, at) => ({ at })), () => String(keys += 1))).toHaveLength(MOST_EVENTS);
});
