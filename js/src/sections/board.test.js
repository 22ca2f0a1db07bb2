import { expect, test } from 'vitest';
import { BoardError, fileName, formatBoard, MOST_BYTES, MOST_GRAPHS, moved, parseBoard, readBoard, readGraph } from './board.js';

const GRAPH = {
  pk: ['shop', 42], dimensions: 'sales', metrics: ['dollars', 'hits'], period: '1h:7d', tz: 'Europe/Berlin', kind: 'area', offset: 'wiggle',
  theme: 'auto', locale: 'de', title: null, depth: 1, threshold: 0.1, limit: 8, height: 200, compare: true, legend: false, table: true, drill: true,
  live: 5000, annotations: [{ at: '2026-11-02T10:00Z', text: 'Release' }, { at: 5, text: '' }], columns: 2,
};
const of = (graph) => ({ title: 'Morning', graphs: [graph] });

test('a board is what its file says, and nothing else', () => {
  const board = { title: 'Morning', graphs: [GRAPH, { pk: 'shop' }, { dimension: 7, metrics: null, live: false }] };
  expect(parseBoard(formatBoard(board))).toEqual(board);
  expect(formatBoard({ title: 'a"b', graphs: [] })).toBe('{\n  "title": "a\\"b",\n  "graphs": []\n}\n');
  expect(readBoard({ title: ' Morning ', graphs: [{ columns: 1, metrics: 'a' }] })).toEqual({ title: 'Morning', graphs: [{ metrics: 'a' }] });
});

test.each([
  ['{', 'this is no board: it is not JSON'],
  ['[]', 'this is no board: a board is {"title", "graphs"}'],
  ['null', 'this is no board: a board is {"title", "graphs"}'],
  ['{"title": "a", "graphs": [], "key": "hw_1"}', 'a board has a title and graphs, and nothing called "key"'],
  ['{"title": " ", "graphs": []}', 'the title of a board is a text of 1 to 200 characters'],
  ['{"title": 5, "graphs": []}', 'the title of a board is a text of 1 to 200 characters'],
  [JSON.stringify({ title: 'a'.repeat(201), graphs: [] }), 'the title of a board is a text of 1 to 200 characters'],
  ['{"title": "a"}', 'the graphs of a board are a list'],
  [JSON.stringify({ title: 'a', graphs: Array(MOST_GRAPHS + 1).fill({}) }), 'a board has at most 50 graphs, and this one has 51'],
  ['{"title": "a", "graphs": [{}, 5]}', 'graph 2 is no list of options: {"pk", "metric", …} is'],
  [' '.repeat(MOST_BYTES + 1), 'this is too large for a board: 257 kB, and 256 kB are the most'],
])('%#: what is wrong with a file is said: %s', (text, sentence) => {
  expect(() => parseBoard(text)).toThrow(new BoardError(sentence));
});

test.each([
  [{ key: 'hw_1' }, 'graph 1 has a key: a board holds no key: everybody who is sent it would have it'],
  [{ host: 'https://evil.example' }, 'graph 1 has a host: a board names no server: it is of the one that shows it'],
  [{ onclick: 'x' }, 'graph 1 has a onclick: a board holds no code'],
  [{ colour: 'red' }, 'graph 1 has an option that no graph has: "colour"'],
  [JSON.parse('{"__proto__": {}}'), 'graph 1 has an option that no graph has: "__proto__"'],
  [{ limit: '8' }, 'graph 1: limit is a number from 1 to 100, not "8"'],
  [{ limit: 101 }, 'graph 1: limit is a number from 1 to 100, not 101'],
  [{ depth: -1 }, 'graph 1: depth is a number from 0 to 16, not -1'],
  [{ columns: 1.5 }, 'graph 1: columns is 1 or 2, not 1.5'],
  [{ compare: 'yes' }, 'graph 1: compare is true or false, not "yes"'],
  [{ live: 10 }, 'graph 1: live is true, false, or milliseconds from 1000 on, not 10'],
  [{ live: 'yes' }, 'graph 1: live is true, false, or milliseconds from 1000 on, not "yes"'],
  [{ pk: { a: 'b' } }, 'graph 1: pk is a name or a list of names, not {"a":"b"}'],
  [{ pk: [['a']] }, 'graph 1: pk is a name or a list of names, not [["a"]]'],
  [{ pk: Array(65).fill('a') }, `graph 1: pk is a name or a list of names, not ${JSON.stringify(Array(65).fill('a')).slice(0, 60)}…`],
  [{ metric: 'a'.repeat(1_001) }, `graph 1: metric is a text of at most 1000 characters, not "${'a'.repeat(59)}…`],
  [{ metrics: [5] }, 'graph 1: metrics is a list of at most 16 metrics, not [5]'],
  [{ metrics: 5 }, 'graph 1: metrics is a list of at most 16 metrics, not 5'],
  [{ metrics: Array(17).fill('a') }, `graph 1: metrics is a list of at most 16 metrics, not ${JSON.stringify(Array(17).fill('a')).slice(0, 60)}…`],
  [{ title: 5 }, 'graph 1: title is a text of at most 1000 characters, not 5'],
  [{ annotations: [{ at: 5 }] }, 'graph 1: annotations is a list of at most 200 moments, {"at", "text"}, not [{"at":5}]'],
  [{ annotations: [null] }, 'graph 1: annotations is a list of at most 200 moments, {"at", "text"}, not [null]'],
  [{ annotations: 5 }, 'graph 1: annotations is a list of at most 200 moments, {"at", "text"}, not 5'],
  [{ annotations: [{ at: 'then', text: 'x' }] }, 'graph 1: not a moment: then (epoch milliseconds, or 2026-01-31T12:00Z)'],
  [{ kind: 'pie' }, 'graph 1: kind is one of line, area, bars, sparkline, number, not pie'],
])('%#: what is wrong with a graph is said', (graph, sentence) => {
  expect(() => readBoard(of(graph))).toThrow(new BoardError(sentence));
});

test('one graph alone is called this graph', () => expect(() => readGraph({ key: '' })).toThrow('this graph has a key'));

test.each([['Morning', 'Morning.board.json'], ['../a b/ü?', 'a-b-ü.board.json'], ['…', 'board.board.json']])(
  'the file of %j is %j', (title, name) => expect(fileName({ title })).toBe(name),
);

test('a graph moves so far as there is room', () => {
  expect(moved(['a', 'b', 'c'], 0, 1)).toEqual(['b', 'a', 'c']);
  expect(moved(['a', 'b', 'c'], 2, -1)).toEqual(['a', 'c', 'b']);
  expect(moved(['a', 'b', 'c'], 0, -1)).toEqual(['a', 'b', 'c']);
  expect(moved(['a', 'b', 'c'], 2, 1)).toEqual(['a', 'b', 'c']);
});
