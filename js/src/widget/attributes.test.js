import { expect, test } from 'vitest';
import { element } from '../dom.js';
import { readAttributes } from './attributes.js';

test('attributes are options, each of its kind', () => {
  const place = element('div', {
    pk: '42', dimensions: '["sales", 7]', metrics: '[broken', depth: '2', threshold: '.25', compare: '', legend: 'false', drill: 'no', live: '500', table: 'true',
    annotations: '[{"at": 1, "text": "a"}]', class: 'x',
  });
  expect(readAttributes(place)).toEqual({
    pk: '42', dimensions: ['sales', '7'], metrics: '[broken', depth: 2, threshold: 0.25, compare: true, legend: false, drill: false, live: 500, table: true,
    annotations: [{ at: 1, text: 'a' }],
  });
  expect(readAttributes(element('div', { 'data-hailwhale-pk': 'a', pk: 'b' }), 'data-hailwhale-')).toEqual({ pk: 'a' });
});

test.each(['{"a":1}', '[1]', '["a"]', 'null', 'true', '1e999', '"quoted"', ' [ '])('the title %s is the text that it is', (text) => {
  const place = element('div', { title: text, host: text, key: text, period: text, tz: text, kind: text, locale: text });
  expect(readAttributes(place)).toEqual({ title: text, host: text, key: text, period: text, tz: text, kind: text, locale: text });
});

test.each([
  ['pk', '{"a":1}', '{"a":1}'],
  ['pk', ' ["a", 1.50, 1e999, true]', ['a', '1.50', '1e999', 'true']],
  ['pk', '[{"a":1}]', '[{"a":1}]'],
  ['dimension', '{"sales": 42}', { sales: 42 }],
  ['dimensions', '{broken', '{broken'],
  ['dimensions', '[[1]]', '[[1]]'],
  ['metric', '{"a":1}', '{"a":1}'],
  ['metric', '[1]', '[1]'],
  ['metrics', '["a", "b"]', ['a', 'b']],
  ['annotations', '[broken', '[broken'],
])('%s="%s" is a list where it is one of names, and else a text', (name, text, read) => {
  expect(readAttributes(element('div', { [name]: text }))).toEqual({ [name]: read });
});
