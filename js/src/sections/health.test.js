import { beforeEach, expect, test } from 'vitest';
import { Answers, refusal } from '../../dev/answers.js';
import { texts } from '../../dev/browser.js';
import { WELL } from '../../dev/metrics.js';
import { element } from '../dom.js';
import { Health } from './health.js';

let server;
let section;
let root;
let time;

beforeEach(() => {
  time = 0;
  server = new Answers({ readyz: () => ({ status: 'ready' }), metrics: () => WELL });
  root = element('section');
  section = new Health(root, { api: server.api, locale: 'en-US', now: () => time });
});

const role = (name) => root.querySelector(`[data-role="${name}"]`);
const show = () => section.show({}, new AbortController().signal);

test('a server that is well is shown with its figures, and rates at the second look', async () => {
  await show();
  expect(role('health-summary').textContent).toBe('All is well.');
  expect(role('sign-lag').textContent).toBe('Lag2\u{a0}sfinethe oldest waiting event; fine up to 10\u{a0}s');
  expect(role('sign-requests').textContent).toContain('not known yet');
  time = 10_000;
  await section.tick();
  expect(role('sign-requests').textContent).toContain('0 a second');
  section.destroy();
  expect(root.childNodes).toHaveLength(0);
});

test('why a server is not ready is said', async () => {
  server.answers.readyz = () => refusal(503, 'not_ready', 'not ready: 100 events wait in shard 3, and 100 may');
  await show();
  expect(role('health-summary').dataset.word).toBe('wrong');
  expect(texts(role('health-reasons').children)).toEqual(['100 events wait in shard 3, and 100 may']);
});

test('a server that does not answer is said to be wrong', async () => {
  server.away = true;
  await show();
  expect(role('health-summary').textContent).toBe('Something is wrong.');
  expect(role('health-reasons').textContent).toContain('The server does not answer.');
  expect(role('health-groups').childNodes).toHaveLength(0);
});

test('without its numbers it is known whether it is ready', async () => {
  server.answers.metrics = () => refusal(501, 'not_built', "metrics need a library that is not installed: pip install 'hailwhale[metrics]'");
  await show();
  expect(role('health-summary').textContent).toBe('All is well.');
  expect(role('lacking').textContent).toContain('hailwhale[metrics]');
  server.answers.metrics = () => refusal(403, 'forbidden', 'not for this key');
  await section.tick();
  expect(role('health-refused').textContent).toBe('Its numbers cannot be read: Not for this key.');
  server.answers.metrics = () => refusal(500, 'internal', 'no');
  await section.tick();
  expect(role('health-lacking').childNodes).toHaveLength(0);
});

test('a key that is asked for is for the page to say, and so is what was taken back', async () => {
  server.answers.readyz = () => refusal(401, 'unauthorized', 'a key');
  await expect(show()).rejects.toMatchObject({ status: 401 });
  server.answers.readyz = () => ({ status: 'ready' });
  const request = new AbortController();
  request.abort();
  await expect(section.show({}, request.signal)).rejects.toThrow('stopped');
  server.answers.metrics = () => { throw new Error('odd'); };
  server.api.text = async () => { throw new TypeError('odd'); };
  await expect(show()).rejects.toThrow('odd');
});
