import { expect, test } from 'vitest';
import { Answers, tree } from '../../dev/answers.js';
import { dimensionsOf, entryOf, findSplits, LOOKED_BELOW, option, versionsOf } from './splits.js';

const TREE = {
  page: {}, 'page/button': { metrics: ['hits', 'signups'], dimensions: { country: ['UK', 'US'], __context__: ['x'], age: ['9', '10'] } },
  'page/button/red': {}, 'page/button/blue': {}, one: {}, 'one/only': {}, none: {}, flat: {}, 'flat/a': {}, 'flat/b': {},
};
const names = (entries) => entries.map(({ pk }) => pk.join('/'));

test('splits have two versions or more, at the first two levels', async () => {
  const { api, asked } = new Answers(tree(TREE));
  expect(names(await findSplits(api, null))).toEqual(['flat', 'page/button']);
  expect(asked).toHaveLength(4);
});

test('the chosen one comes first, wherever it lies, whatever it has', async () => {
  const { api } = new Answers(tree(TREE));
  expect(names(await findSplits(api, ['page', 'button']))).toEqual(['page/button', 'flat']);
  expect(names(await findSplits(api, ['page', 'button', 'red']))).toEqual(['page/button/red', 'flat', 'page/button']);
  expect(await entryOf(api, ['nobody'])).toEqual({ pk: ['nobody'], metrics: [], children: 0 });
  expect((await findSplits(api, ['none']))[0]).toEqual({ pk: ['none'], metrics: ['hits'], children: 0 });
});

test('many names are not all looked below', async () => {
  const many = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [[`n${n}`, {}], [`n${n}/a`, {}]]).flat());
  const server = new Answers(tree(many));
  expect(await findSplits(server.api, null)).toEqual([]);
  expect(server.count('pks')).toBe(1 + LOOKED_BELOW);
});

test('versions are names below, or values of a dimension; marks of decisions are no dimensions', async () => {
  const { api } = new Answers(tree(TREE));
  expect(await versionsOf(api, ['page', 'button'], '')).toEqual(['blue', 'red']);
  expect(await versionsOf(api, ['page', 'button'], 'age')).toEqual(['9', '10']);
  expect(await dimensionsOf(api, ['page', 'button'])).toEqual(['age', 'country']);
  expect(option(['a', ' '])).toEqual(['["a", " "]', 'a / “ ”']);
});
