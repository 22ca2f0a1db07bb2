import { expect, test, vi } from 'vitest';
import { dress } from './dress.js';
import { OTHER } from './lines.js';
import { Zoom } from './zoom.js';

const theme = { faint: '#999999' };
const base = () => ({
  cursor: { move: 1 }, scales: { x: { time: true }, y: { range: 1 } }, series: [{}, { width: 2 }, { width: 2 }, { width: 2 }],
  axes: [{ a: 1 }, { values: 1 }], hooks: { setCursor: [1] },
});
const lines = [{ name: '[base]', isBase: true }, { name: 'a' }, { name: OTHER }];
const look = (more) => ({ kind: 'line', stacked: false, offset: 'zero', drawn: lines, colours: ['#000000', '#111111', '#222222'], theme, marks: [], ...more });
const dressed = (more, zoom = new Zoom(() => {}), clicked) => dress(base(), look(more), zoom, clicked);

test('areas lie between the lines of a stack, the rest faintly', () => {
  const { bands, series } = dressed({ kind: 'area', stacked: true, drawn: [...lines, { name: '[before]', isDashed: true }] });
  expect(bands).toEqual([{ series: [2, 1], fill: '#111111c0' }, { series: [3, 2], fill: '#22222260' }]);
  expect(series.map(({ width }) => width)).toEqual([undefined, 2, 0, 0]);
  expect(series[1].stroke).toBe('#00000000');
});

test('bars stand on the axis, with room for half of one at the ends', () => {
  const { series, scales } = dressed({ kind: 'bars', stacked: true, drawn: [...lines.slice(1), { name: 'c' }] });
  expect(series[1]).toMatchObject({ width: 0, fill: '#000000' });
  expect(series[1].paths).toBeTypeOf('function');
  expect(scales.x.range({ data: [[0, 10]] }, 0, 10)).toEqual([-5, 15]);
  expect(scales.x.range({ data: [[0]] }, 0, 0)).toEqual([-30_000, 30_000]);
});

test('what cannot be stacked has bars for overall and lines for the rest', () => {
  const { series } = dressed({ kind: 'bars', ratio: true, drawn: [{ name: '_', isOverall: true }, { name: 'a' }, { name: 'b', isDashed: true }] });
  expect(series[1].paths).toBeTypeOf('function');
  expect(series[2]).toEqual({ width: 2, spanGaps: true });
  expect(series[3]).toMatchObject({ dash: [6, 5], width: 1.5 });
});

test('a line stays as it is', () => {
  expect(dressed({ drawn: [{ name: '_', isOverall: true }, { name: 'a' }, { name: 'b' }] }).series).toEqual(base().series);
});

test('shares go from nothing to all, and a moving ground has no numbers beside it', () => {
  expect(dressed({ kind: 'area', stacked: true, offset: 'expand' }).scales.y.range()).toEqual([0, 1]);
  const { scales, axes } = dressed({ kind: 'area', stacked: true, offset: 'wiggle' });
  expect([scales.y.range(null, -3, 5), scales.y.range(null, 0, 0)]).toEqual([[-3, 5], [0, 1]]);
  expect(axes[1].values(null, [1, 2])).toEqual(['', '']);
});

test('small forms have no axes', () => {
  expect(dressed({ kind: 'sparkline', small: true })).toMatchObject({ axes: [{ show: false }, { show: false }], cursor: { show: true } });
  expect(dressed({ kind: 'number', small: true }).cursor.show).toBe(false);
});

test('drags, clicks and marks are heard and drawn', () => {
  const zoom = { options: () => ({ drag: 1 }), within: (low, high) => [low + 1, high], take: vi.fn() };
  const clicked = vi.fn();
  const { hooks, cursor, scales } = dressed({}, zoom, clicked);
  expect([cursor, scales.x.range(null, 0, 9)]).toEqual([{ move: 1, drag: 1 }, [1, 9]]);
  const plot = { over: document.createElement('div'), ctx: { canvas: {}, save: vi.fn(), setLineDash: vi.fn(), restore: vi.fn() } };
  hooks.setSelect[0](plot);
  expect(zoom.take).toHaveBeenCalledWith(plot);
  hooks.ready[0](plot);
  plot.over.click();
  expect(clicked).toHaveBeenCalledWith(plot);
  hooks.draw[0](plot);
  expect(plot.ctx.restore).toHaveBeenCalled();
  dressed().hooks.ready[0](plot);
  plot.over.click();
});
