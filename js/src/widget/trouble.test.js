import { expect, test } from 'vitest';
import { ServerError } from '../api.js';
import { trouble } from './trouble.js';

test('an error is a sentence for whoever looks at the graph', () => {
  expect(trouble(new ServerError('', { status: 401 }))).toContain('the option key');
  expect(trouble(new ServerError('', { code: 'unreachable' }))).toContain('does not answer');
  expect(trouble(new ServerError('away', { status: 503 }))).toBe('The server cannot reach its engine: away.');
  expect(trouble(new ServerError('no', { field: 'period' }))).toBe('This period cannot be used: no.');
});
