import { expect, test } from 'vitest';
import { changeFormat, score, signed } from './changes.js';

test.each([[5, 5, 'the same'], [0, 0, 'the same'], [7, 0, 'new'], [0, 7, 'gone'], [150, 100, '+50%'], [101.5, 100, '+1.5%'], [-50, -100, '+50%'], [1, 4, '-75%']])(
  'from %j and %j: %j', (now, before, text) => expect(changeFormat('en-US')(now, before)).toBe(text),
);

test('few counts weigh little: 1,000 more of 10,000 are more than 9 more of 1, and 4 more of nothing are two deviations', () => {
  expect(score(11_000, 10_000)).toBeGreaterThan(score(10, 1));
  expect(score(4, 0)).toBe(2);
  expect(score(0, 4)).toBe(-2);
  expect(score(0, 0)).toBe(0);
  expect(score(-3, -1)).toBe(-1);
});

test('a change says its direction', () => expect([5, -1234.5, 0].map(signed('en-US'))).toEqual(['+5', '-1,234.5', '0']));
