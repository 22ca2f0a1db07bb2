import { expect, test } from 'vitest';
import { WELL } from '../../dev/metrics.js';
import { readSamples } from './prometheus.js';
import { figuresOf, summaryOf } from './signs.js';

const look = (text, at = 10_000) => ({ samples: readSamples(text), at });
const change = (text, name, n) => text.replace(new RegExp(`^(${name.replace(/[{}]/g, '\\$&')}) .*$`, 'm'), `$1 ${n}`);

function signs(text, before = null, at = 10_000) {
  const groups = figuresOf(look(text, at), before, 'en-US');
  const found = Object.fromEntries(groups.flatMap(({ figures }) => figures).map((one) => [one.role, one]));
  return { groups, found, word: (role) => found[role]?.word, text: (role) => found[role]?.text };
}

test('a server that is well is said to be well', () => {
  const { groups, found, text } = signs(WELL);
  expect(summaryOf([], groups)).toEqual({ word: 'fine', text: 'All is well.', reasons: [] });
  expect(groups.map(({ title }) => title)).toEqual(['Buffer', 'Engine', 'Requests', 'Events']);
  expect([text('memory'), text('keys'), text('names'), text('room'), text('lag'), text('codes')])
    .toEqual(['2\u{a0}MB', '1,234', '40', '3%', '2\u{a0}s', '200: 100, 404: 3, 503: 1']);
  expect(found.memory.threshold).toBe('0.2% of 1\u{a0}GB; fine up to 80%');
  expect([text('requests'), text('failures'), text('slow')]).toEqual(['not known yet', 'not known yet', undefined]);
});

test.each([
  ['hailwhale_lag_seconds', 11, 'lag', 'look'], ['hailwhale_backlog_ratio', 0.6, 'fullness', 'look'],
  ['hailwhale_backlog_ratio', 1, 'fullness', 'wrong'], ['hailwhale_dead_events', 1, 'dead', 'look'],
  ['hailwhale_engine_memory_bytes', 1073741824, 'memory', 'look'], ['hailwhale_engine_memory_limit_bytes', 0, 'memory', 'none'],
  ['hailwhale_names_fullest_shard', 90, 'room', 'look'], ['hailwhale_names_limit', 0, 'room', undefined],
])('%s of %d is said', (name, n, role, word) => {
  expect(signs(change(WELL, name, n)).word(role)).toBe(word);
});

test('between two looks rates are known', () => {
  const later = change(change(change(WELL, 'hailwhale_requests_total{path="/count",status="503"}', 4), 'hailwhale_events_total{way="get"}', 1500), 'hailwhale_refused_events_total{reason="invalid_path"}', 3);
  const { found, word, text, groups } = signs(later, look(WELL, 0));
  expect([text('requests'), text('failures'), text('refusals'), text('kept'), text('refused')]).toEqual(['0.3 a second', '3', '0', '50 a second', '1']);
  expect([word('failures'), word('refused'), found.slow]).toEqual(['look', 'look', undefined]);
  expect(summaryOf([], groups)).toEqual({ word: 'look', text: 'It works, but 2 figures are to be looked at.', reasons: ['Failed (5xx): 3', 'Refused: 1'] });
});

test('most answers are at most so slow', () => {
  const slower = (bounds) => Object.entries(bounds).reduce((text, [le, n]) => change(text, `hailwhale_request_seconds_bucket{path="/totals",le="${le}"}`, n), WELL.replace(/\+Inf/, 'Inf'));
  expect(signs(slower({ 0.1: 190, 2.5: 200, Inf: 200 }).replace('"Inf"', '"+Inf"'), look(WELL, 0)).text('slow')).toBe('at most 0.1\u{a0}s');
  const slow = signs(slower({ 0.1: 91, 2.5: 200, Inf: 200 }).replace('"Inf"', '"+Inf"'), look(WELL, 0));
  expect([slow.text('slow'), slow.word('slow')]).toEqual(['at most 2.50\u{a0}s', 'look']);
  const slowest = signs(slower({ 0.1: 90, 2.5: 100, Inf: 200 }).replace('"Inf"', '"+Inf"'), look(WELL, 0));
  expect([slowest.text('slow'), slowest.found.slow.value]).toEqual(['more than 10\u{a0}s', null]);
});

test('numbers of another process tell no rate, and neither do two looks at one moment', () => {
  const before = look(change(WELL, 'hailwhale_requests_total{path="/totals",status="200"}', 900), 0);
  expect(signs(WELL, before).text('requests')).toBe('not known yet');
  expect(signs(WELL, look(WELL, 10_000)).text('requests')).toBe('not known yet');
});

test('an engine that is away is wrong, and old numbers are not told', () => {
  const { groups, word } = signs('hailwhale_engine_up 0\nhailwhale_streams 0\n');
  expect(groups.map(({ title }) => title)).toEqual(['Engine', 'Requests', 'Events']);
  expect(word('up')).toBe('wrong');
  expect(summaryOf(['it is away'], groups)).toEqual({ word: 'wrong', text: 'Something is wrong.', reasons: ['it is away', 'Engine: does not answer'] });
});

test('a server that tells less is shown with less', () => {
  const old = WELL.split('\n').filter((line) => !/engine_(memory|keys)|names|requests|refused/.test(line)).join('\n');
  const { word, text, groups } = signs(old);
  expect([word('memory'), word('keys'), word('names'), text('codes')]).toEqual([undefined, undefined, undefined, 'none']);
  expect(summaryOf([], figuresOf(look(change(old, 'hailwhale_lag_seconds', 60)), null, 'en-US'))).toMatchObject({ text: 'It works, but one figure is to be looked at.', reasons: ['Lag: 60\u{a0}s'] });
  expect(groups).toHaveLength(4);
});

test('sizes have the unit that fits', () => {
  const size = (n) => signs(change(WELL, 'hailwhale_engine_memory_bytes', n)).text('memory');
  expect([size(0), size(512), size(1536), size(3 * 1024 ** 5)]).toEqual(['0\u{a0}bytes', '512\u{a0}bytes', '1.50\u{a0}kB', '3,072\u{a0}TB']);
});
