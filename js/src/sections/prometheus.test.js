import { expect, test } from 'vitest';
import { byLabel, MOST_BYTES, MOST_CHARACTERS, MOST_SAMPLES, readSamples, sumOf, valueOf } from './prometheus.js';

const TEXT = String.raw`# HELP a_total How many.
# TYPE a_total counter
a_total{path="/x",status="200"} 3.0
a_total{path="/\"q\"\\n}\n",status="503"} 1e3 1700000000
b 0.5
b_bucket{le="+Inf"} +Inf
empty{} 1
broken{a="b} 3
nan NaN
minus -Inf
word many
just_a_name
`;

test('samples are read with their labels', () => {
  const samples = readSamples(TEXT);
  expect(samples.get('a_total')).toEqual([
    { labels: { path: '/x', status: '200' }, value: 3 }, { labels: { path: '/"q"\\n}\n', status: '503' }, value: 1000 },
  ]);
  expect([...samples.keys()]).toEqual(['a_total', 'b', 'b_bucket', 'empty', 'minus']);
  expect([valueOf(samples, 'b'), valueOf(samples, 'b_bucket'), valueOf(samples, 'minus'), valueOf(samples, 'none')]).toEqual([0.5, Infinity, -Infinity, null]);
});

test('samples are added up, all or some, and by a label', () => {
  const samples = readSamples(`${TEXT}a_total{path="/y",status="200"} 4\n`);
  expect([sumOf(samples, 'a_total'), sumOf(samples, 'a_total', ({ status }) => status === '503'), sumOf(samples, 'none')]).toEqual([1007, 1000, 0]);
  expect(byLabel(samples, 'a_total', 'status')).toEqual({ 200: 7, 503: 1000 });
  expect(byLabel(samples, 'none', 'status')).toEqual({});
});

test('no more is read than a page can hold', () => {
  expect(readSamples('a 1\n'.repeat(MOST_SAMPLES + 5)).get('a')).toHaveLength(MOST_SAMPLES);
  expect(readSamples(`${' '.repeat(MOST_BYTES)}\na 1`).size).toBe(0);
  expect(readSamples(`a{b="${'x'.repeat(MOST_CHARACTERS)}"} 1`).size).toBe(0);
});
