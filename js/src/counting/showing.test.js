import { afterEach, expect, test, vi } from 'vitest';
import { whenShown } from './showing.js';

afterEach(() => { delete document.prerendering; });

test('on a page that is shown it happens at once', () => {
  const action = vi.fn();
  whenShown(action);
  expect(action).toHaveBeenCalledTimes(1);
});

test('on a page that is made ready it waits until that is shown', () => {
  Object.defineProperty(document, 'prerendering', { value: true, configurable: true });
  const action = vi.fn();
  whenShown(action);
  expect(action).not.toHaveBeenCalled();
  document.dispatchEvent(new Event('prerenderingchange'));
  expect(action).toHaveBeenCalledTimes(1);
});
