import { expect, test } from 'vitest';
import { drawMarks, marksIn, readMarks, SERVER } from './marks.js';

test('moments are read from dates, milliseconds and texts, in order', () => {
  expect(readMarks([{ at: '1970-01-01T00:00:05Z', text: 5 }, { at: 2, text: 'two' }, { at: new Date(3), text: 'three' }])).toEqual([
    { at: 2, text: 'two' }, { at: 3, text: 'three' }, { at: 5000, text: '5' },
  ]);
  expect(() => readMarks([{ at: 'soon', text: '' }])).toThrow('not a moment: soon');
});

test('those of the server are named, and nothing else is taken for them', () => {
  expect([true, 'true', '1', 'server'].map(readMarks)).toEqual([SERVER, SERVER, SERVER, SERVER]);
  expect(() => readMarks('servant')).toThrow("a list of {at, text}, or 'server', not servant");
});

test('a bucket has the marks from its start until the next', () => {
  const marks = readMarks([{ at: 5, text: 'a' }, { at: 10, text: 'b' }, { at: 25, text: 'c' }]);
  expect([0, 1, 2].map((index) => marksIn(marks, [0, 10, 20], index))).toEqual([['a'], ['b'], ['c']]);
  expect(marksIn(marks, [10], 0)).toEqual(['b']);
});

test('each is a line and a word beside it, within the graph', () => {
  const said = [];
  const ctx = new Proxy({ canvas: { width: 120 }, measureText: () => ({ width: 30 }) }, {
    get: (has, name) => has[name] ?? ((...given) => said.push([name, ...given, has.textAlign])),
    set: (has, name, value) => { has[name] = value; return true; },
  });
  const plot = { ctx, width: 120, data: [[0, 50, 100]], bbox: { left: 0, top: 5, width: 100, height: 50 }, scales: { x: { min: 0, max: 100 } }, valToPos: (at) => at };
  drawMarks(plot, readMarks([{ at: 10, text: 'early' }, { at: 90, text: 'late' }, { at: 200, text: 'never' }]), 'gray');
  expect(said.filter(([name]) => name === 'fillText')).toEqual([['fillText', 'early', 14, 5, 'left'], ['fillText', 'late', 86, 5, 'right']]);
  said.length = 0;
  drawMarks(plot, readMarks([{ at: 120, text: 'in the last bucket' }, { at: 150, text: 'beyond' }]), 'gray');
  expect(said.filter(([name]) => name === 'fillText')).toEqual([['fillText', 'in the last bucket', 96, 5, 'right']]);
  said.length = 0;
  drawMarks({ ...plot, scales: { x: { min: 0, max: 60 } } }, readMarks([{ at: 120, text: 'not looked at' }]), 'gray');
  expect(said.filter(([name]) => name === 'fillText')).toEqual([]);
  drawMarks({ ...plot, width: 60 }, [], 'gray');
  expect(ctx.font).toMatch(/^22px/);
});
