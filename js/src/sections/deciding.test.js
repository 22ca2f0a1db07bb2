import { expect, test } from 'vitest';
import { Answers, tree } from '../../dev/answers.js';
import { decisionOf, findDecisions, firstFormula, MOST_QUESTIONS } from './deciding.js';

const marked = { dimensions: { country: ['UK'], __context__: ['x'] } };
const TREE = {
  page: marked, 'page/headline': { ...marked, metrics: ['hits', 'signups'] }, 'page/headline/bold': marked, 'page/headline/plain': marked,
  'page/other': {}, 'page/other/x': {}, apart: { dimensions: { __holdout__: [] } }, 'apart/a': { dimensions: { __holdout__: [] } },
  flights: { dimensions: { route: ['JFK'] } }, 'flights/UA': {}, signup: {}, odd: marked, 'odd/a': {},
};

test('decisions are found by the marks of their options, and nothing is looked for below what has none', async () => {
  const server = new Answers(tree(TREE));
  const { decisions, partly } = await findDecisions(server.api, null);
  expect(decisions).toEqual([
    { pk: ['apart'], metrics: ['hits'], options: ['a'] },
    { pk: ['page', 'headline'], metrics: ['hits', 'signups'], options: ['bold', 'plain'] },
  ]);
  expect(partly).toBe(false);
  expect(server.asked.filter(([, { pk, under }]) => (pk ?? under)?.join('/') === 'flights')).toHaveLength(1);
  expect(server.asked.length).toBeLessThan(16);
});

test('around the chosen one is looked first, and not without end', async () => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [[`n${n}`, marked], [`n${n}/a`, marked]]).flat());
  const server = new Answers(tree(many));
  const { decisions, partly } = await findDecisions(server.api, ['n99', 'a']);
  expect(decisions[0].pk).toEqual(['n99']);
  expect(partly).toBe(true);
  expect(server.asked.length).toBeLessThanOrEqual(MOST_QUESTIONS);
});

test.each([[['deep']], [['deep', 'page', 'headline']]])('many names beside it hide no decision at or below the chosen %j', async (chosen) => {
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [[`n${n}`, marked], [`n${n}/a`, marked]]).flat());
  const deep = { deep: marked, 'deep/page': marked, 'deep/page/headline': marked, 'deep/page/headline/bold': marked };
  const { decisions } = await findDecisions(new Answers(tree({ ...many, ...deep })).api, chosen);
  expect(decisions[0]).toEqual({ pk: ['deep', 'page', 'headline'], metrics: ['hits'], options: ['bold'] });
});

test('a pk belongs to a decision as such, or as an option of it', () => {
  const decisions = [{ pk: ['a', 'b'], options: ['x'] }];
  expect(decisionOf(decisions, ['a', 'b'])).toBe(decisions[0]);
  expect(decisionOf(decisions, ['a', 'b', 'x'])).toBe(decisions[0]);
  expect([decisionOf(decisions, ['a', 'b', 'y']), decisionOf(decisions, ['a']), decisionOf(decisions, null)]).toEqual([undefined, undefined, undefined]);
});

test('what counts is guessed from what was counted', () => {
  expect(firstFormula(['*a', 'a*a', 'hits', 'signups'])).toBe('signups/hits');
  expect(firstFormula(['odd name'])).toBe('"odd name"/hits');
  expect(firstFormula(['hits', 'a"b'])).toBe('');
});
