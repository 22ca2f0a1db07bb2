import { expect, test } from 'vitest';
import { asksTheSame, formatState, INITIAL, openDimension, openPk, parseState, sortBy, toggleHidden } from './state.js';

test.each([
  INITIAL,
  { ...INITIAL, pk: ['flights', 'UA'], dimension: ['route', 'JFK'], metric: 'delay/flights', period: '1h:7d', zone: 'Asia/Kathmandu', sort: 'name', hidden: ['JFK', '["a", "b"]'] },
  { ...INITIAL, pk: ['#&=%+ "'], dimension: [] },
])('the link of a state shows the same state: %j', (state) => expect(parseState(formatState(state))).toEqual(state));

test('what is as at the start makes no link', () => {
  expect(formatState(INITIAL)).toBe('');
  expect(formatState({ ...INITIAL, pk: ['a'] })).toBe('#pk=%5B%22a%22%5D');
});

test('a link written by hand may hold bare words', () => {
  expect(parseState('#pk=signup&dimension=UK').pk).toEqual(['signup']);
  expect(parseState('#pk=42').pk).toEqual(['42']);
});

test('what cannot be read in a link is as if it were not there', () => {
  expect(parseState('#pk={"a":1}&dimension=[[1]]&sort=up&hidden=null&period=&metric=')).toEqual(INITIAL);
  expect(parseState('#pk=[]').pk).toBe(null);
});

test('another pk takes along the period and the zone alone', () => {
  const before = { pk: ['a'], dimension: ['x'], metric: 'm', period: 'day', zone: 'Asia/Tokyo', sort: 'name', hidden: ['y'] };
  expect(openPk(before, ['b'])).toEqual({ ...INITIAL, pk: ['b'], period: 'day', zone: 'Asia/Tokyo' });
  expect(openDimension(before, ['z'])).toEqual({ ...before, dimension: ['z'], hidden: [] });
});

test('hiding twice shows again', () => {
  const once = toggleHidden(INITIAL, 'UK');
  expect(once.hidden).toEqual(['UK']);
  expect(toggleHidden(once, 'UK').hidden).toEqual([]);
});

test('sorting twice by a column turns the order round', () => {
  expect(sortBy(INITIAL, 'value').sort).toBe('-value');
  expect(sortBy({ sort: '-value' }, 'value').sort).toBe('value');
  expect(sortBy(INITIAL, 'name').sort).toBe('name');
  expect(sortBy({ sort: 'name' }, 'name').sort).toBe('-name');
});

test('hiding and sorting ask the server nothing new', () => {
  expect(asksTheSame(INITIAL, { ...INITIAL, sort: 'name', hidden: ['a'] })).toBe(true);
  expect(asksTheSame({ ...INITIAL, pk: ['a'] }, { ...INITIAL, pk: ['b'] })).toBe(false);
});
