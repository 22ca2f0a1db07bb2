import { expect, test } from 'vitest';
import { numberFormats } from './numbers.js';

const { exact, short, axis, percent } = numberFormats('en-US');

test.each([[336776, '336,776'], [12.6407, '12.64'], [19.8, '19.80'], [0.00012345, '0.000123'], [-0.5, '-0.5'], [0, '0'], [null, '–'], [undefined, '–']])(
  '%s is written as %s', (n, text) => expect(exact(n)).toBe(text),
);

test('the axis has room for short numbers only', () => {
  expect([short(1_234_567), short(1200), short(0.25), short(19.8)]).toEqual(['1.23M', '1,200', '0.25', '19.80']);
  expect([axis(1_234_567), axis(1200), axis(0.2)]).toEqual(['1.23M', '1,200', '0.2']);
});

test('a share that has no meaning is not written', () => {
  expect([percent(0.333), percent(null)]).toEqual(['33.3%', '']);
});
