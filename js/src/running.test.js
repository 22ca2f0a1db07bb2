import { afterEach, expect, test } from 'vitest';
import { runningScript } from './running.js';

afterEach(() => delete document.currentScript);

test('an image that is called so is not the script that runs', () => {
  // As browsers do for <img name="currentScript">.
  Object.defineProperty(document, 'currentScript', { value: document.createElement('img'), configurable: true });
  expect(runningScript()).toBe(null);
});
