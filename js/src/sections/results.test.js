import { afterEach, beforeEach, expect, test } from 'vitest';
import { Answers, refusal, tree } from '../../dev/answers.js';
import { texts } from '../../dev/browser.js';
import { segment, shares, shortage, variant, verdict, WHOLE } from '../../dev/experiment.js';
import { element } from '../dom.js';
import { Results } from './results.js';

const EVIL = '<img src=x>';
const TREE = {
  page: {}, 'page/button': { metrics: ['hits', 'signups', 'earned', 'earned*earned'], dimensions: { country: ['UK', 'US'], alone: ['x'] } },
  'page/button/a': {}, 'page/button/b': {}, [`page/button/${EVIL}`]: {}, lone: {},
};
const NONE = { view: 'results', pk: null, dimension: null, metric: null, period: null, zone: '', more: {} };
let server;
let answer;
let section;
let root;
let state;
let time;

beforeEach(() => {
  time = 0;
  answer = { ...WHOLE, reading: ['b is better'], overall: segment([variant('a'), variant('b', { headline: verdict({ winner: 'b' }) })], { sample_ratio: shares() }) };
  server = new Answers({ ...tree(TREE), results: () => answer });
  root = element('section');
  document.body.replaceChildren(root);
  state = { ...NONE, pk: ['page', 'button'] };
  section = new Results(root, { api: server.api, locale: 'en-US', state, now: () => time, go: (part) => { state = { ...state, ...part }; } });
});

afterEach(() => section.destroy());

const role = (name) => root.querySelector(`[data-role="${name}"]`);
const roles = (name) => [...root.querySelectorAll(`[data-role="${name}"]`)];
const show = () => section.show(state, new AbortController().signal);
const choose = (name, value) => {
  role(name).value = value;
  role(name).dispatchEvent(new Event('change'));
};
const press = (name, text) => [...role(name).children].find((one) => one.textContent === text).click();

test('what the server reads comes first, then each version with its numbers and its interval', async () => {
  await show();
  expect(role('reading').textContent).toBe('b is better');
  expect(roles('version').map(({ dataset }) => dataset.name)).toEqual(['a', 'b']);
  expect(root.querySelectorAll('svg[role=img]')).toHaveLength(1);
  expect(root.querySelector('svg[role=img]').getAttribute('aria-label')).toBe('+40% (+10% to +80%)');
  expect(['lift', 'p', 'chance', 'loss'].map((name) => role(name).dataset.value)).toEqual(['0.4', '0.02', '0.98', '0.001']);
  expect(role('rate').textContent).toBe('10%');
  expect(role('sample-ratio').textContent).toContain('Visitors were split as planned (p 1): a 1,000 (50.3%, planned 50%)');
  expect(role('methods').textContent).toContain('signups: e process, exact – it holds.');
  expect(texts(root.querySelectorAll('tbody tr:last-child td'))).toEqual([
    '1,000', '100', '10%', '+40%', '+10% to +80%', '+20% to +60%', '0.01', '0.02', '98%', '0.1 %-points', '–',
  ]);
  expect(server.last('results')).toEqual({ pk: ['page', 'button'] });
});

test('choices are guessed, and what is chosen is asked and stays in the address', async () => {
  await show();
  expect([...role('results-split').options].map(({ value }) => value)).toEqual(['', 'alone', 'country']);
  expect(texts(role('results-versions').children)).toEqual([EVIL, 'a', 'b']);
  expect(texts(role('results-goals').children)).toEqual(['signups', 'earned']);
  press('results-goals', 'earned');
  await show();
  for (const [name, value] of [['better', 'min'], ['segment', 'country'], ['span', '2026-11-01/2026-11-22'], ['goal', 'earned/signups'], ['goal', '']]) {
    choose(`results-${name}`, value);
    await show();
  }
  press('results-versions', EVIL);
  await show();
  choose('results-control', 'b');
  state = { ...state, zone: 'Asia/Tokyo' };
  await show();
  expect(server.last('results')).toEqual({
    pk: ['page', 'button'], goals: ['signups', 'earned/signups'], variants: ['a', 'b'], control: 'b', goal: 'min', by: 'country',
    period: '2026-11-01/2026-11-22', tz: 'Asia/Tokyo',
  });
  expect(texts(role('results-goals').querySelectorAll('[aria-pressed=true]'))).toEqual(['signups', 'earned/signups']);
  press('results-versions', 'b');
  expect(state.more).toMatchObject({ versions: '["a"]', control: '' });
  await show();
  press('results-versions', 'b');
  await show();
  press('results-versions', EVIL);
  expect(state.more.versions).toBe('');
});

test('without a goal that is chosen all are asked for', async () => {
  state = { ...state, more: { goals: '["signups"]' } };
  await show();
  press('results-goals', 'signups');
  expect(state.more.goals).toBe('');
});

test('the values of a dimension may be the versions', async () => {
  await show();
  choose('results-split', 'country');
  await show();
  expect(texts(role('results-versions').children)).toEqual(['UK', 'US']);
  expect(server.last('results').split).toBe('country');
  choose('results-split', 'alone');
  await show();
  expect(role('results-none').textContent).toBe('There are not two values of alone.');
});

test('another split takes nothing of the one before along', async () => {
  state = { ...state, pk: ['lone'], more: { goals: '["x"]', other: 'stays' } };
  await show();
  expect(role('results-none').textContent).toContain('There are not two names below lone.');
  choose('results-pk', '["page", "button"]');
  expect(state.pk).toEqual(['page', 'button']);
  expect(state.more).toMatchObject({ goals: '', control: '', other: 'stays' });
  await section.tick();
  expect(role('results-none')).not.toBeNull();
});

test('a state without more, and without a name, shows the first split', async () => {
  state = { ...NONE, more: undefined };
  await show();
  expect(role('results-title').textContent).toBe('Results of page / button');
});

test('where nothing was counted it is said how a split is counted', async () => {
  server.answers = tree({});
  state = NONE;
  await show();
  expect(role('results-none').textContent).toContain('count each visitor once');
});

test('a split that is off is an alert', async () => {
  answer.overall.sample_ratio = shares({ mismatch: true, p: 0.00001, reading: 'the split is off' });
  await show();
  expect(root.querySelector('[role=alert]').textContent).toContain('trust no number here');
  expect(root.querySelector('[role=alert]').textContent).toContain('p below 0.0001');
});

test('too little data is a sentence, for the split as well', async () => {
  const few = { not_enough_data: [shortage('b', 'conversions', 2, 5)] };
  answer.overall = segment([variant('a', { n: 0, rate: null }), variant('b', { headline: few, belief: few, once: null })], {
    sample_ratio: shares({ missing: few, counts: { a: 0, b: 0 }, expected: { a: 0, b: 0 } }),
  });
  await show();
  expect(role('not-enough').textContent).toBe('Not enough data: b needs 3 more conversions.');
  expect(root.querySelectorAll('svg')).toHaveLength(0);
  expect(role('sample-ratio').textContent).toContain('cannot be said yet');
  expect(role('rate').textContent).toBe('–');
});

test('a belief that lacks data, cautions, endless intervals and plain amounts are said', async () => {
  const few = { not_enough_data: [shortage('b', 'visitors without one', 4, 5)] };
  const endless = verdict({ lift_ci: [null, null], p_adjusted: 0.01 });
  answer.overall = segment([
    variant('a'), variant('b', { headline: { ...endless, exact: false, method: 'sequence', why: 'nearly normal' }, belief: few, cautions: ['few visitors'] }), variant('c', { headline: verdict(), belief: null }),
  ], { kind: 'mean', reading: 'all the same' });
  await show();
  expect(role('lift').textContent).toBe('+40% (no lower end to no upper end)');
  expect(roles('chance').map((one) => one.textContent)).toEqual(['b needs 1 more visitor without one.', '–']);
  expect(roles('loss').map((one) => one.textContent)).toEqual(['b needs 1 more visitor without one.', '–']);
  expect(root.textContent).toContain('few visitors');
  expect(root.textContent).toContain('all the same');
  expect(root.textContent).toContain('∞ to ∞');
  expect(role('methods').textContent).toContain('signups: sequence – nearly normal.');
  expect(root.textContent).toContain('Always-valid p');
});

test('differences are points of percent, or amounts', async () => {
  const none = { headline: verdict({ lift: null, lift_ci: null }) };
  answer.overall = segment([variant('a'), variant('b', none)]);
  await show();
  expect(role('lift').textContent).toBe('5 %-points (1 %-points to 9 %-points)');
  answer = { ...answer, overall: segment([variant('a'), variant('b', none)], { kind: 'mean' }) };
  await section.tick();
  expect(role('lift').textContent).toBe('+0.05 (+0.01 to +0.09)');
});

test('segments have titles, refusals their reason, and many sentences can be opened', async () => {
  answer = {
    ...answer, allocation: 'adaptive', left_out: 3, reading: Array.from({ length: 12 }, (_, n) => `sentence ${n}`),
    segments: [segment([], { path: ['country', EVIL], refusal: { why: 'no squares', way_out: 'count them' }, kind: null, better: 'lower' })],
  };
  answer.overall.goals[0].variants[1].reading = 'b is better';
  await show();
  expect(role('results-segment-title').textContent).toBe(`country / ${EVIL}`);
  expect(role('refusal').textContent).toBe('This goal cannot be compared: no squares (count them).');
  expect(root.querySelector('summary').textContent).toBe('5 more sentences');
  expect(root.textContent).toContain('Smaller segments that are left out: 3.');
  expect(root.querySelector('img')).toBeNull();
  answer = { ...answer, reading: [] };
  await section.tick();
  expect(role('reading').textContent).toContain('Nothing was counted');
});

test('a refresh that brings nothing new leaves the page alone, and waits after a long answer', async () => {
  await show();
  const before = role('reading');
  await section.tick();
  expect(role('reading')).toBe(before);
  expect(server.count('pks')).toBe(3);
  const answers = server.answers.results;
  server.answers.results = () => { time += 1000; return answers(); };
  await section.tick();
  const asked = server.count('results');
  await section.tick();
  expect(server.count('results')).toBe(asked);
});

test('a library that is lacking is said here, other errors are left to the page', async () => {
  server.answers.results = () => refusal(501, 'not_built', "results needs libraries that are not installed: pip install 'hailwhale[decide]'");
  await show();
  expect(role('lacking').querySelector('code').textContent).toContain('hailwhale[decide]');
  server.answers.results = () => refusal(400, 'invalid', 'no');
  await expect(section.tick()).rejects.toMatchObject({ status: 400 });
  expect(role('results-answer').hasAttribute('aria-busy')).toBe(false);
});

test('numbers of one split never stand below the name of another', async () => {
  await show();
  state = { ...state, pk: ['page', 'button'], more: { goals: '["earned"]' } };
  let done;
  server.holding = new Promise((resolve) => { done = resolve; });
  const shown = show();
  await new Promise((resolve) => { setTimeout(resolve); });
  expect([role('results-answer').textContent, roles('version').length]).toEqual(['Comparing…', 0]);
  done();
  await shown;
  expect(roles('version')).toHaveLength(2);
});
