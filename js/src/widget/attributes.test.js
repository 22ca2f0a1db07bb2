import { expect, test } from 'vitest';
import { element } from '../dom.js';
import { readAttributes } from './attributes.js';

test('attributes are options, each of its kind', () => {
  const place = element('div', {
    pk: '42', dimensions: '["sales", 7]', metrics: '[broken', depth: '2', threshold: '.25', compare: '', legend: 'false', drill: 'no', live: '500', table: 'true',
    annotations: '[{"at": 1, "text": "a"}]', class: 'x',
  });
  expect(readAttributes(place)).toEqual({
    pk: '42', dimensions: ['sales', 7], metrics: '[broken', depth: 2, threshold: 0.25, compare: true, legend: false, drill: false, live: 500, table: true,
    annotations: [{ at: 1, text: 'a' }],
  });
  expect(readAttributes(element('div', { 'data-hailwhale-pk': 'a', pk: 'b' }), 'data-hailwhale-')).toEqual({ pk: 'a' });
});
