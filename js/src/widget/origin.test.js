import { afterEach, expect, test } from 'vitest';
import { cameFrom, home } from './origin.js';

afterEach(() => cameFrom(''));

test('the server of the script is asked unless another is named', () => {
  cameFrom(undefined);
  expect(home()).toBe('');
  cameFrom('https://whale.example/below/static/hailwhale.js');
  expect(home()).toBe('https://whale.example/below/');
});
