import { beforeEach, expect, test } from 'vitest';
import { label } from './paths.js';
import { Twin } from './twin.js';
import { openPage, role, texts } from '../dev/browser.js';

const model = (count) => ({
  starts: Array.from({ length: count }, (_, i) => i), caption: 'hits, the last hour', labelOf: label, time: (ms) => `t${ms}`, format: String,
  series: [{ path: ['All'], values: Array.from({ length: count }, (_, i) => i * 2) }, { path: ['UK'], values: Array.from({ length: count }, () => null) }],
});
let twin;

beforeEach(() => {
  openPage();
  twin = new Twin(role('twin'));
});

const openIt = () => {
  role('twin').open = true;
  role('twin').dispatchEvent(new Event('toggle'));
};

test('nothing is made before somebody opens it', () => {
  openIt();
  role('twin').open = false;
  twin.show(model(3));
  expect(role('twin').querySelector('td')).toBe(null);
});

test('the table has the drawn numbers, newest first', () => {
  twin.show(model(3));
  openIt();
  expect(texts(role('twin').querySelectorAll('thead th'))).toEqual(['Time', 'All', 'UK']);
  expect(texts(role('twin').querySelectorAll('tbody tr'))).toEqual(['t24null', 't12null', 't00null']);
  expect(role('twin-note').hidden).toBe(true);
});

test('a very long graph shows its newest rows and says so', () => {
  openIt();
  twin.show(model(1001));
  expect(role('twin').querySelectorAll('tbody tr')).toHaveLength(1000);
  expect(role('twin-note').textContent).toBe('The newest 1000 of 1001 rows.');
});
