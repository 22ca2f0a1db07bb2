import { afterEach, beforeEach, expect, test } from 'vitest';
import { Answers, refusal, settle, tree } from '../../dev/answers.js';
import { createPlot, Plot, texts } from '../../dev/browser.js';
import { element } from '../dom.js';
import { Decisions } from './decisions.js';

const EVIL = '<img src=x>';
const marked = { dimensions: { country: ['DE', 'US'], device: ['phone'], __context__: ['x'] }, metrics: ['*signups', 'hits', 'signups'] };
const TREE = { front: marked, 'front/headline': marked, 'front/headline/bold': marked, [`front/headline/${EVIL}`]: marked, plain: {}, 'plain/a': {}, 'plain/b': {}, lone: {} };
const NONE = { view: 'decisions', pk: null, dimension: null, metric: null, period: null, zone: '', more: {} };
const reason = (option, more = {}) => ({ option, exposure: 700, reward: 80, mean: 0.12, interval: [0.1, 0.14], best: 0.97, weight: 0.9, ...more });
let server;
let answer;
let section;
let root;
let state;
let time;

beforeEach(() => {
  time = 0;
  answer = { option: 'bold', weights: { bold: 0.9, [EVIL]: 0.1 }, reasons: [reason('bold'), reason(EVIL, { mean: null, interval: null, best: null })] };
  server = new Answers({
    ...tree(TREE), decide: () => answer,
    plotpoints: ({ dimensions = [] }) => ({ [dimensions.length ? JSON.stringify(dimensions).replace(',', ', ') : '_']: { hits: [[0, 3], [3_600_000, 1]] } }),
  });
  root = element('section');
  document.body.replaceChildren(root);
  state = NONE;
  section = new Decisions(root, { api: server.api, locale: 'en-US', state, now: () => time, window, createPlot, go: (part) => { state = { ...state, ...part }; } });
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { value: 600, configurable: true });
});

afterEach(() => section.destroy());

const role = (name) => root.querySelector(`[data-role="${name}"]`);
const roles = (name) => [...root.querySelectorAll(`[data-role="${name}"]`)];
const show = async () => {
  await section.show(state, new AbortController().signal);
  await settle();
};
const choose = (list, value) => {
  list.value = value;
  list.dispatchEvent(new Event('change'));
};

test('the first decision is found, with what it would show now and why', async () => {
  await show();
  expect(role('decision-title').textContent).toBe('Decision front / headline');
  expect(role('decision-reading').textContent).toBe('90% of visitors of whom nothing is known are shown “bold”. It is the best of all with a chance of 97%.');
  expect(roles('weight').map(({ dataset }) => dataset.value)).toEqual(['0.9', '0.1']);
  expect(root.querySelector('.bar > span').style.width).toBe('90%');
  expect(roles('mean').map((one) => one.textContent)).toEqual(['0.12 (0.1 to 0.14)', 'not known yet']);
  expect(root.querySelectorAll('svg[role=img]')).toHaveLength(1);
  expect(texts(root.querySelectorAll('tbody tr:last-child > *'))).toEqual([EVIL, '10%', '700', '80', 'not known yet', '–']);
  expect(root.querySelector('img')).toBeNull();
  expect(server.last('decide')).toEqual({ pk: ['front', 'headline'], options: ['bold', EVIL], by_metric: 'signups/hits', explain: true, bot: false });
});

test('looking asks nothing that counts', async () => {
  await show();
  await section.tick();
  expect(new Set(server.asked.map(([path]) => path))).toEqual(new Set(['pks', 'subdimensions', 'decide', 'plotpoints']));
});

test('what is known of the visitor is chosen and asked', async () => {
  await show();
  expect(role('decision-visitor').textContent).toContain('country');
  const [country] = roles('decision-dimension');
  choose(country, 'DE');
  await show();
  expect(server.last('decide').dimensions).toEqual({ country: 'DE' });
  expect(role('decision-reading').textContent).toContain('visitors with country DE');
  expect(server.last('plotpoints').dimensions).toEqual(['country', 'DE']);
  choose(roles('decision-dimension')[1], 'phone');
  await show();
  expect(server.last('decide').dimensions).toEqual({ country: 'DE', device: 'phone' });
  expect(server.last('plotpoints').dimensions).toBeUndefined();
  choose(country, '');
  expect(state.more.visitor).toBe('{"device":"phone"}');
  state = { ...state, more: { visitor: '{"device":"phone"}' } };
  await show();
  choose(roles('decision-dimension')[1], '');
  expect(state.more.visitor).toBe('');
});

test('visitors of whom just this is known may never have been counted', async () => {
  answer.reasons = [reason('bold', { exposure: 0 })];
  await show();
  expect(role('decision-unseen').textContent).toContain('Choose country and device as well');
  state = { ...state, more: { visitor: '{"country":"DE","device":"phone","gone":"x"}' } };
  await show();
  expect(role('decision-unseen').textContent).not.toContain('Choose');
  expect(server.last('decide').dimensions).toEqual({ country: 'DE', device: 'phone' });
});

test('what counts, and whether the least is best, is chosen', async () => {
  await show();
  choose(role('decision-formula'), 'clicks/hits');
  await show();
  choose(role('decision-best'), 'min');
  await show();
  expect(server.last('decide')).toMatchObject({ by_metric: 'clicks/hits', goal: 'min' });
  answer = { ...answer, warning: 'nothing was counted of clicks' };
  await section.tick();
  expect(role('decision-warning').textContent).toBe('nothing was counted of clicks.');
});

test('what was shown over time is drawn as shares, and looked at again', async () => {
  await show();
  expect(role('decision-graph').querySelector('.hailwhale').shadowRoot.querySelector('[data-role=total]').textContent).toBe('8');
  const made = Plot.made;
  const asked = server.count('plotpoints');
  await section.tick();
  await settle();
  expect([Plot.made, server.count('plotpoints')]).toEqual([made, asked + 2]);
  state = { ...state, period: '1h:2h', zone: 'Asia/Tokyo' };
  await show();
  expect(server.last('plotpoints')).toMatchObject({ period: '1h:2h', tz: 'Asia/Tokyo' });
});

test('the graph draws with uPlot unless it is told otherwise', async () => {
  const other = new Decisions(element('section'), { api: server.api, state, now: () => time, window, go: () => {} });
  server.answers.plotpoints = () => refusal(400, 'invalid_period', 'no');
  await other.show(state);
  other.destroy();
  await settle();
});

test('of many options the best are listed and the heaviest drawn', async () => {
  const names = Array.from({ length: 60 }, (_, n) => `option ${n}`);
  server.answers = { ...server.answers, ...tree({ many: marked, ...Object.fromEntries(names.map((name) => [`many/${name}`, marked])) }) };
  answer = { weights: Object.fromEntries(names.map((name, n) => [name, n / 1770])), reasons: names.map((name) => reason(name)) };
  await show();
  expect(roles('option')).toHaveLength(50);
  expect(root.textContent).toContain('The best 50 of 60 options.');
  expect(root.textContent).toContain('among the 8 with the largest weights');
  expect(new Set(server.asked.filter(([path]) => path === 'plotpoints').map(([, { pk }]) => pk[1]))).toEqual(new Set(names.slice(-8)));
});

test('a name without marks can be taken for a decision', async () => {
  state = { ...NONE, pk: ['plain'] };
  await show();
  expect(role('decision-note').textContent).toContain('Nothing was decided about plain');
  expect(role('decision-title').textContent).toBe('Decision front / headline');
  role('decision-note').querySelector('button').click();
  await show();
  expect(role('decision-title').textContent).toBe('Decision plain');
  expect(role('decision-note').hidden).toBe(true);
  expect(role('decision-visitor').hidden).toBe(true);
  expect(server.last('decide')).toEqual({ pk: ['plain'], options: ['a', 'b'], explain: true, bot: false });
  choose(role('decision-pk'), '["front", "headline"]');
  expect(state.pk).toEqual(['front', 'headline']);
  expect(state.more.anyway).toBe('');
  state = { ...NONE, pk: ['lone'], more: { anyway: '1' } };
  await show();
  expect(role('decision-note').hidden).toBe(false);
});

test('a server without decisions says how to make one, and one with too many names that some were not looked at', async () => {
  server.answers = { ...server.answers, ...tree({}) };
  state = { ...NONE, more: undefined };
  await show();
  expect(role('decisions-none').textContent).toContain('Whale.decide');
  await section.tick();
  const many = Object.fromEntries(Array.from({ length: 90 }, (_, n) => [[`n${n}`, {}], [`n${n}/a`, {}]]).flat());
  server.answers = { ...server.answers, ...tree(many) };
  state = { ...NONE, pk: ['n1', 'a'] };
  await show();
  expect(role('decision-note').textContent).toContain('more names than were looked at');
});

test('an answer without reasons is shown without them, and one that has not changed is left alone', async () => {
  answer = { weights: { bold: 1 } };
  await show();
  expect([role('decision-reading'), root.querySelector('svg')]).toEqual([null, null]);
  const before = role('decision');
  await section.tick();
  expect(role('decision')).toBe(before);
  const answers = server.answers.decide;
  server.answers.decide = () => { time += 1000; return answers(); };
  await section.tick();
  const asked = server.count('decide');
  await section.tick();
  expect(server.count('decide')).toBe(asked);
});

test('an option of which nothing is known is the best by nothing', async () => {
  answer.reasons = [reason('bold', { best: null })];
  await show();
  expect(role('decision-reading').textContent).toBe('90% of visitors of whom nothing is known are shown “bold”.');
});

test('a library that is lacking is said here, other errors are left to the page', async () => {
  server.answers.decide = () => refusal(501, 'not_built', "decisions need libraries that are not installed: pip install 'hailwhale[decide]'");
  await show();
  expect(role('lacking').querySelector('code').textContent).toContain('hailwhale[decide]');
  expect(role('decision-graph').querySelector('.hailwhale')).not.toBeNull();
  server.answers.decide = () => refusal(400, 'invalid_formula', 'no');
  await expect(section.tick()).rejects.toMatchObject({ status: 400 });
});

test('neither weights nor the graph of one decision stand below the name of another', async () => {
  await show();
  state = { ...state, pk: ['plain'], more: { anyway: '1' } };
  const real = server.answers.decide;
  server.answers.decide = () => { throw new TypeError('not yet'); };
  await expect(show()).rejects.toThrow();
  expect(role('decision-title').textContent).toBe('Decision plain');
  expect([roles('option').length, role('decision-graph').closest('section').hidden]).toEqual([0, true]);
  server.answers.decide = real;
  await show();
  expect([roles('option').length, role('decision-graph').closest('section').hidden]).toEqual([2, false]);
});

test('what is known of a visitor is never what every object has', async () => {
  const dimensions = Object.fromEntries([...['constructor', '__proto__', 'toString'].map((name) => [name, ['a']]), ['__context__', ['x']]]);
  const entry = { dimensions, metrics: ['hits'] };
  Object.assign(server, new Answers({ ...tree({ odd: entry, 'odd/valueOf': entry, 'odd/b': entry }), decide: () => ({ weights: { b: 1 }, reasons: [] }) }));
  await show();
  expect(roles('decision-dimension').map(({ value, options }) => [value, options.length])).toEqual(Array(3).fill(['', 2]));
  expect(server.last('decide').dimensions).toBeUndefined();
});
