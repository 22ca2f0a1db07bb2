import { expect, test } from 'vitest';
import { Own } from './own.js';

let state = {};
const own = (more) => new Own({ pk: ['a'], more }, (part) => { state = part; });

test('what is kept under a name is read; nothing is an empty text', () => {
  expect([own({ span: 'year' }).get('span'), own({ span: 'year' }).get('goals'), own(undefined).get('span')]).toEqual(['year', '', '']);
});

test('a choice changes one name and leaves the others', () => {
  own({ span: 'year', goals: '[]' }).setter('span')('day');
  expect(state).toEqual({ more: { span: 'day', goals: '[]' } });
});

test('another pk begins without what was of the one before', () => {
  own({ span: 'year', uid: 'x' }).leave('["b", "c"]', ['span', 'goals']);
  expect(state).toEqual({ pk: ['b', 'c'], more: { span: '', goals: '', uid: 'x' } });
});
