import { expect, test, vi } from 'vitest';
import { readTheme, watchTheme } from './theme.js';
import { media } from '../dev/browser.js';

test('the colours of the drawing are those of the style sheet', () => {
  document.documentElement.style.setProperty('--overall', ' #123456 ');
  document.documentElement.style.setProperty('--hue-7', 'red');
  const theme = readTheme(document.documentElement);
  expect([theme.ink, theme.hues[7], theme.hues.length, theme.fill]).toEqual(['#123456', 'red', 8, '']);
});

test('a change of preference is told until one stops listening', () => {
  const changed = vi.fn();
  const stop = watchTheme(window, changed);
  for (const listener of media.listeners) listener();
  stop();
  for (const listener of media.listeners) listener();
  expect(changed).toHaveBeenCalledTimes(1);
});
