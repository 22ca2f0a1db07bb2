import { expect, test } from 'vitest';
import { asksTheSame, change, formatState, INITIAL, openDimension, openPk, openView, parseState, sortBy, toggleHidden, VIEWS } from './state.js';

test.each([
  INITIAL,
  { ...INITIAL, pk: ['flights', 'UA'], dimension: ['route', 'JFK'], metric: 'delay/flights', period: '1h:7d', zone: 'Asia/Kathmandu', sort: 'name', hidden: ['JFK', '["a", "b"]'] },
  { ...INITIAL, pk: ['#&=%+ "'], dimension: [] },
  { ...INITIAL, view: 'explore' },
  { ...INITIAL, view: 'results', pk: ['button'], more: { goals: '["sales"]', split: 'a&b' } },
  ...VIEWS.map((view) => ({ ...INITIAL, view, zone: 'Asia/Tokyo', more: { board: '{}' } })),
])('the link of a state shows the same state: %j', (state) => expect(parseState(formatState(state))).toEqual(state));

test('what is as at the start makes no link', () => {
  expect(formatState(INITIAL)).toBe('');
  expect(formatState({ ...INITIAL, view: 'explore', pk: ['a'] })).toBe('#pk=%5B%22a%22%5D');
  expect(formatState({ ...INITIAL, view: 'explore' })).toBe('#view=explore');
  expect(formatState({ ...INITIAL, view: 'spy', more: { text: '' } })).toBe('#view=spy');
});

test('a link written by hand may hold bare words', () => {
  expect(parseState('#pk=signup&dimension=UK').pk).toEqual(['signup']);
  expect(parseState('#pk=42').pk).toEqual(['42']);
});

test('what cannot be read in a link is as if it were not there', () => {
  expect(parseState('#view=nowhere&pk={"a":1}&dimension=[[1]]&sort=up&hidden=null&period=&metric=')).toEqual({ ...INITIAL, view: 'explore' });
  expect(parseState('#pk=[]').pk).toBe(null);
});

test('a link of old, without a view, shows the graph, and no link shows the overview', () => {
  expect(parseState('#pk=signup').view).toBe('explore');
  expect(parseState('#').view).toBe('overview');
  expect(parseState('#view=boards').view).toBe('boards');
});

test('what is a section\'s own never takes the place of what all have', () => {
  expect(formatState({ ...INITIAL, view: 'spy', more: { pk: 'b', view: 'boards', text: 'c' } })).toBe('#view=spy&text=c');
});

test('another view is about the same pk, without what was the own of the one before', () => {
  const before = { ...INITIAL, pk: ['a'], view: 'explore', sort: 'name', hidden: ['x'], more: { split: 'y' } };
  expect(openView(before, 'results')).toEqual({ ...INITIAL, pk: ['a'], view: 'results' });
  expect(openView(before, 'results', { z: '1' }).more).toEqual({ z: '1' });
});

test('a change of some parts leaves the others, but not those that were another view\'s own', () => {
  const before = { ...INITIAL, view: 'spy', pk: ['a'], more: { text: 'y' } };
  expect(change(before, { pk: ['b'] })).toEqual({ ...before, pk: ['b'] });
  expect(change(before, { view: 'spy', more: {} })).toEqual({ ...before, more: {} });
  expect(change(before, { view: 'explore', dimension: [] })).toEqual({ ...INITIAL, view: 'explore', pk: ['a'], dimension: [] });
});

test('another pk takes along the period and the zone alone', () => {
  const before = { ...INITIAL, more: { split: 'y' }, pk: ['a'], dimension: ['x'], metric: 'm', period: 'day', zone: 'Asia/Tokyo', sort: 'name', hidden: ['y'] };
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

test.each(['1e999', '1.50', '-0', '12345678901234567890', '007', 'true', '<b>'])('the bare word %s is that name', (text) => {
  expect(parseState(`#pk=${text}`).pk).toEqual([text]);
  expect(parseState(`#pk=[${JSON.stringify(text)}]`).pk).toEqual([text]);
});

test('numbers in a list of names are meant as they are written', () => {
  expect(parseState('#pk=[1e999, 1.50]').pk).toEqual(['1e999', '1.50']);
  expect(parseState('#pk=[null]').pk).toBe(null);
});
