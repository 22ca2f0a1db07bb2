import { expect, test, vi } from 'vitest';
import { formatter } from './formatters.js';

test('a formatter is made when it is first needed, and once', () => {
  const made = vi.spyOn(Intl, 'NumberFormat');
  const format = formatter('NumberFormat', 'de', { minimumFractionDigits: 2 });
  expect(made).not.toHaveBeenCalled();
  expect([format(1.5), formatter('NumberFormat', 'de', { minimumFractionDigits: 2 })(2)]).toEqual(['1,50', '2,00']);
  expect(made).toHaveBeenCalledTimes(1);
});

test('no more are kept than a page can need', () => {
  const made = vi.spyOn(Intl, 'NumberFormat');
  const first = formatter('NumberFormat', 'en', { maximumSignificantDigits: 21 });
  for (let n = 0; n <= 200; n += 1) expect(formatter('NumberFormat', 'en', { maximumFractionDigits: n % 20, minimumIntegerDigits: 1 + Math.floor(n / 20) })(0)).toMatch(/0/);
  const before = made.mock.calls.length;
  expect(first(1)).toBe('1');
  expect(first(2)).toBe('2');
  expect(made.mock.calls.length).toBe(before + 1);
});
