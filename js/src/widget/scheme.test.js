import { afterEach, expect, test, vi } from 'vitest';
import { element } from '../dom.js';
import { media } from '../../dev/browser.js';
import { isDark } from './scheme.js';

afterEach(() => {
  media.matching.clear();
  document.head.replaceChildren();
});

const scheme = (declared) => vi.spyOn(window, 'getComputedStyle').mockReturnValue({ getPropertyValue: () => declared });

test('what the options say holds', () => {
  expect([isDark('dark', document.body, window), isDark('light', document.body, window)]).toEqual([true, false]);
});

test('auto follows the reader where the page can be dark, and only there', () => {
  media.matching.add('(prefers-color-scheme: dark)');
  scheme('normal');
  expect(isDark('auto', document.body, window)).toBe(false);
  document.head.append(element('meta', { name: 'color-scheme', content: 'light dark' }));
  expect(isDark('auto', document.body, window)).toBe(true);
  scheme('light');
  expect(isDark('auto', document.body, window)).toBe(false);
  scheme('dark');
  media.matching.clear();
  expect(isDark('auto', document.body, window)).toBe(true);
  scheme('light dark');
  expect(isDark('auto', document.body, window)).toBe(false);
});
