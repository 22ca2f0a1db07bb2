import { expect, test } from 'vitest';
import { complete, defaults, isSmall, isSummable, questionOf, toPath, weightMetric } from './options.js';

test('what is not given has its default, also one that the page changed', () => {
  expect(complete({ pk: 'shop' })).toMatchObject({ pk: ['shop'], metric: 'hits', metrics: ['hits'], period: '1h:7d', threshold: 0.1, kind: 'line' });
  defaults.period = 'year';
  expect(complete({ period: undefined }).period).toBe('year');
  defaults.period = '1h:7d';
});

test('a mistake is refused with what would be right', () => {
  expect(() => complete({ dimesions: [] })).toThrow('no option is called dimesions (there are host, key,');
  expect(() => complete({ kind: 'pie' })).toThrow('kind is one of line, area, bars, sparkline, number, not pie');
  expect(() => complete({ theme: 'pink' })).toThrow('theme is one of');
  expect(() => complete({ offset: 'one' })).toThrow('offset is one of');
});

test('dimension and metrics are other spellings', () => {
  const { dimensions, metrics, metric } = complete({ dimension: 'sales', metrics: ['dollars', 'hits'] });
  expect([dimensions, metrics, metric]).toEqual([['sales'], ['dollars', 'hits'], 'dollars']);
  expect(complete({ dimension: 'a', dimensions: 'b' }).dimensions).toEqual(['b']);
});

test('a path is read from all its spellings', () => {
  expect([null, undefined, '', '_', [], {}].map(toPath)).toEqual([[], [], [], [], [], []]);
  expect(['sales', 42, ['sales', 42], '["sales", "42"]', { sales: 42 }, { sales: { a: null } }].map(toPath)).toEqual([
    ['sales'], ['42'], ['sales', '42'], ['sales', '42'], ['sales', '42'], ['sales', 'a'],
  ]);
});

test('the weight of a ratio is what was counted of it', () => {
  expect(['dollars', 'dollars/hits', 'dollars/sales', 'hits/hours', '"a b"/"c d"', 'a:last', '5'].map(weightMetric)).toEqual([
    'dollars', 'hits', 'sales', 'hits', 'c d', 'a', 'hits',
  ]);
});

test('totals follow from points for amounts and for ratios of amounts', () => {
  expect(['dollars', 'dollars/hits'].map(isSummable)).toEqual([true, true]);
  expect(['a:last', 'hits/hours', 'a:last/b', '_count'].map(isSummable)).toEqual([false, false, false, false]);
});

test('one question has all that is drawn', () => {
  expect(questionOf(complete({ pk: 'shop', metric: 'dollars', dimensions: 'sales' }))).toEqual({
    pk: ['shop'], dimensions: ['sales'], metrics: ['dollars'], period: '1h:7d', tz: '', depth: 1, sort: '-dollars', limit: 25,
  });
  expect(questionOf(complete({ metric: 'dollars/hits', depth: 2, limit: 30 }), ['a'])).toMatchObject({
    pk: '', dimensions: ['a'], metrics: ['dollars/hits', 'hits', 'dollars'], depth: 2, sort: '-hits', limit: 31,
  });
  expect(questionOf(complete({ limit: 40 })).limit).toBe(41);
});

test('one line needs no children, and a formula of other things asks for its total', () => {
  expect(questionOf(complete({ kind: 'number' }))).not.toHaveProperty('depth');
  expect(questionOf(complete({ metrics: ['a', 'b'] }))).toMatchObject({ metrics: ['a', 'b'] });
  expect(questionOf(complete({ metric: 'hits/hours', depth: 0 }))).toMatchObject({ totals: 1, metrics: ['hits/hours'], dimensions: '' });
  expect([isSmall({ kind: 'sparkline' }), isSmall({ kind: 'bars' })]).toEqual([true, false]);
});

test.each(['constructor', '__proto__', 'toString'])('no option is called %s', (name) => {
  expect(() => complete({ [name]: 1 })).toThrow(`no option is called ${name} (`);
});

test('a text is a text, also where a library has read one that looks like JSON', () => {
  expect(complete({ title: '{"a":1}' }).title).toBe('{"a":1}');
  expect(complete({ title: 5 }).title).toBe(5);
  expect(complete({ title: null, tz: null }).title).toBe(null);
  expect(() => complete({ title: { a: 1 } })).toThrow('title is a text, not {"a":1}');
  expect(() => complete({ period: ['day'] })).toThrow('period is a text, not ["day"]');
});

test('a language that is none is refused before anything is drawn', () => {
  expect([complete({ locale: 'de-CH' }).locale, complete({ locale: '' }).locale]).toEqual(['de-CH', '']);
  expect(() => complete({ locale: '<b>' })).toThrow('locale is a language, as de-CH, not <b>');
});
