import { expect, test } from 'vitest';
import { texts } from '../../dev/browser.js';
import { Choice } from './selects.js';

test('a choice shows what it is told, what is not among its options too, and hears of another', () => {
  const heard = [];
  const choice = new Choice('Metric', 'metric', (value) => heard.push(value));
  choice.show([['a', 'A'], ['b', 'B']], 'c');
  expect([texts(choice.select.options), choice.select.value]).toEqual([['A', 'B', 'c'], 'c']);
  choice.show([['a', 'AA'], ['b', 'B']], 'a');
  expect([texts(choice.select.options), choice.select.value]).toEqual([['AA', 'B'], 'a']);
  choice.select.value = 'b';
  choice.select.dispatchEvent(new Event('change'));
  expect(heard).toEqual(['b']);
  expect(choice.root.textContent).toBe('MetricAAB');
});
