import { expect, test } from 'vitest';
import { figures } from './figures.js';

const format = figures('en-US');

test('a chance is never said to be all or nothing', () => {
  expect([format.chance(0.99999), format.chance(0.00001), format.chance(0.5)]).toEqual(['over 99.9%', 'below 0.1%', '50%']);
});

test('changes have their sign, small ones are said to be small', () => {
  expect([format.change(0.39), format.change(-0.051), format.change(0), format.difference(1.5)]).toEqual(['+39%', '-5.1%', '0%', '+1.5']);
  expect([format.probability(0.034), format.probability(0.00001)]).toEqual(['0.034', 'below 0.0001']);
  expect([format.loss(0.002, true), format.loss(2.5, false), format.loss(1e-9, true), format.loss(1e-9, false)]).toEqual(['0.2 %-points', '2.50', 'below 0.01%', 'below 0.0001']);
  expect([format.points(0.01), format.percent(0.1234), format.exact(1234)]).toEqual(['1 %-points', '12.3%', '1,234']);
});
