import { beforeEach, expect, test, vi } from 'vitest';
import { Controls } from './controls.js';
import { openPage, role, texts, type } from '../dev/browser.js';

const MODEL = { metric: 'hits', metrics: ['delay', 'flights', 'hits'], period: 'year', zone: '', dimension: [], branches: [] };
let change;
let openDimension;
let controls;

beforeEach(() => {
  openPage();
  change = vi.fn();
  openDimension = vi.fn();
  controls = new Controls(role('controls'), { change, openDimension, href: (path) => `#${path}`, zones: ['UTC', 'Asia/Tokyo'] });
  controls.show(MODEL);
});

const confirm = (input, value) => {
  input.value = value;
  input.dispatchEvent(new Event('change'));
};

test('a metric is a button, the shown one is pressed', () => {
  const [delay, , hits] = role('metrics').children;
  expect(hits.getAttribute('aria-pressed')).toBe('true');
  delay.click();
  expect(change).toHaveBeenCalledWith({ metric: 'delay' });
});

test('a formula counts when it is confirmed or taken from the suggestions, not while it is typed', () => {
  const formula = role('formula');
  type(formula, 'delay/flights', 'insertText');
  type(formula, 'delay/flights', 'deleteContentBackward');
  type(formula, 'delay/nothing', 'insertReplacementText');
  expect(change).not.toHaveBeenCalled();
  type(formula, 'delay/flights', 'insertReplacementText');
  type(formula, 'delay/flights', undefined);
  expect(change.mock.calls).toEqual([[{ metric: 'delay/flights' }], [{ metric: 'delay/flights' }]]);
  confirm(formula, ' delay/hours ');
  confirm(formula, '');
  expect(change.mock.calls.slice(2)).toEqual([[{ metric: 'delay/hours' }], [{ metric: null }]]);
});

test('a shown formula stands in its field, unless somebody is typing there', () => {
  controls.show({ ...MODEL, metric: 'delay/flights' });
  expect(role('formula').value).toBe('delay/flights');
  expect(role('formula').className).toContain('chosen');
  role('formula').focus();
  controls.show({ ...MODEL, metric: 'delay/hits' });
  expect(role('formula').value).toBe('delay/flights');
  expect(texts([role('formulas').firstChild])).toEqual(['']);
});

test('more metrics than buttons are suggested', () => {
  controls.show({ ...MODEL, metrics: Array.from({ length: 12 }, (_, i) => `m${i}`), metric: 'm11' });
  expect(role('metrics').children).toHaveLength(10);
  expect(role('formulas').children[11].value).toBe('m11');
  controls.show({ ...MODEL, metrics: [] });
  expect(role('formula').placeholder).toBe('a/b');
});

test('a period is a button, an entry of the list or a text of its own', () => {
  role('periods').children[0].click();
  confirm(role('period-more'), 'wtd');
  confirm(role('period-more'), '');
  expect(change.mock.calls).toEqual([[{ period: 'hour' }], [{ period: 'wtd' }]]);
  expect(role('period-own').hidden).toBe(true);
  confirm(role('period-more'), 'own');
  expect(document.activeElement).toBe(role('period-own'));
  confirm(role('period-own'), '');
  type(role('period-own'), '5m:1d');
  confirm(role('period-own'), '5m:1d');
  expect(change.mock.calls.slice(2)).toEqual([[{ period: '5m:1d' }]]);
});

test('the shown period is marked where it can be chosen', () => {
  expect(role('periods').lastChild.getAttribute('aria-pressed')).toBe('true');
  controls.show({ ...MODEL, period: 'ytd' });
  expect(role('period-more').value).toBe('ytd');
  controls.show({ ...MODEL, period: '1h:7d' });
  expect(role('period-own').hidden).toBe(false);
  expect(role('period-own').value).toBe('1h:7d');
});

test('a zone is taken from the list or confirmed', () => {
  type(role('zone'), 'Asia/Tokyo', 'insertReplacementText');
  confirm(role('zone'), '');
  expect(change.mock.calls).toEqual([[{ zone: 'Asia/Tokyo' }], [{ zone: '' }]]);
});

test('branches can be chosen, and the one that the node lies in is marked', () => {
  expect(role('branches-row').hidden).toBe(true);
  controls.show({ ...MODEL, branches: [['hour'], ['route']], dimension: ['route', 'JFK'] });
  const choices = [...role('branches').children];
  expect(texts(choices)).toEqual(['nothing', 'hour', 'route']);
  expect(choices.map((one) => one.getAttribute('aria-current'))).toEqual([null, null, 'true']);
  choices[1].click();
  expect(openDimension).toHaveBeenCalledWith(['hour']);
  controls.show({ ...MODEL, branches: [['hour'], ['route']], dimension: [] });
  expect(choices[0].getAttribute('aria-current')).toBe('true');
});
