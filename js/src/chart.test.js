import { beforeEach, expect, test, vi } from 'vitest';
import uPlot from 'uplot';
import { axisSize, Chart, chartOptions, labelSpace, timeRange, valueRange } from './chart.js';
import { element } from './dom.js';
import { numberFormats } from './numbers.js';
import { createPlot, observers, Plot, press } from '../dev/browser.js';

const theme = { ink: 'black', faint: 'gray', grid: 'silver', fill: 'white', hues: ['red', 'blue'] };
const model = {
  starts: [0, 3_600_000, 7_200_000],
  series: [{ name: '_', isOverall: true, values: [1, 2, 3] }, { name: 'UK', isOverall: false, values: [1, null, 2] }],
  hidden: new Set(), hues: new Map([['UK', 1]]), zone: '', theme, formats: numberFormats('en-US'), locale: 'en-US',
};
let target;
let pointed;
let chart;

beforeEach(() => {
  target = element('div');
  Object.defineProperty(target, 'clientWidth', { value: 600, configurable: true });
  pointed = vi.fn();
  chart = new Chart(target, { pointed, create: createPlot });
});

test('columns become one time axis and a line a series', () => {
  chart.draw(model);
  expect(Plot.last.data).toEqual([[0, 3_600_000, 7_200_000], [1, 2, 3], [1, null, 2]]);
  expect(Plot.last.series.slice(1).map(({ label, stroke }) => [label, stroke])).toEqual([['_', 'black'], ['UK', 'blue']]);
  expect([Plot.last.width, Plot.last.height]).toEqual([600, 252]);
});

test('new numbers of the same series go into the drawing that is there', () => {
  chart.draw(model);
  const made = Plot.made;
  chart.draw({ ...model, series: model.series.map((one) => ({ ...one, values: [5, 5, 5] })), hidden: new Set(['UK']) });
  expect(Plot.made).toBe(made);
  expect(Plot.last.data[1]).toEqual([5, 5, 5]);
  expect(Plot.last.series[2].show).toBe(false);
});

test('other series make another drawing and take the old one away', () => {
  chart.draw(model);
  const old = Plot.last;
  chart.draw({ ...model, series: model.series.slice(0, 1) });
  expect(old.destroyed).toBe(true);
  expect(target.children).toHaveLength(1);
});

test('the drawing follows the width of its place', () => {
  const [observer] = [...observers].slice(-1);
  observer.report();
  chart.draw(model);
  observer.report();
  expect(Plot.last.width).toBe(600);
  Object.defineProperty(target, 'clientWidth', { value: 320 });
  observer.report();
  expect([Plot.last.width, Plot.last.height]).toEqual([320, 220]);
});

test('the arrow keys go from bucket to bucket and stay within the graph', () => {
  press(target, 'End');
  expect(pointed).not.toHaveBeenCalled();
  chart.draw(model);
  const seen = [];
  pointed.mockImplementation(({ index }) => seen.push(index));
  for (const key of ['ArrowLeft', 'ArrowLeft', 'PageUp', 'ArrowRight', 'End', 'PageDown', 'Home', 'x', 'Escape']) press(target, key);
  expect(seen).toEqual([2, 1, 0, 1, 2, 2, 0, null]);
  target.dispatchEvent(new Event('blur'));
  expect(seen).toHaveLength(9);
  press(target, 'End');
  expect(pointed).toHaveBeenLastCalledWith({ index: 2, left: 60, width: 600 });
});

test('a destroyed chart leaves nothing behind', () => {
  const before = observers.size;
  chart.draw(model);
  chart.destroy();
  pointed.mockClear();
  press(target, 'End');
  target.dispatchEvent(new Event('blur'));
  expect(pointed).not.toHaveBeenCalled();
  expect(target.children).toHaveLength(0);
  expect(observers.size).toBe(before - 1);
});

test('unless told otherwise a chart is drawn by uPlot', async () => {
  const calls = [];
  const answer = { width: 10, addColorStop: () => {} };
  const context = new Proxy({}, { get: (_, name) => (...given) => (calls.push([name, ...given]), answer) });
  vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(context);
  new Chart(target).draw(model);
  await Promise.resolve();
  expect(target.querySelector('.uplot canvas')).not.toBe(null);
  expect(calls.filter(([name]) => name === 'stroke').length).toBeGreaterThanOrEqual(2);
  expect(calls.filter(([name]) => name === 'fillText').map(([, text]) => text)).toContain('3');
});

const options = (more) => chartOptions({ ...model, pointed: () => {}, ...more });

test('the axes speak of the zone and of short numbers', () => {
  const { axes: [times, values], tzDate } = options({ zone: 'Asia/Tokyo' });
  expect(times.values(null, [0], 0, 0, 3_600_000)[0]).toContain('9:00');
  expect(values.values(null, [1500, 15_000])).toEqual(['1,500', '15K']);
  expect(tzDate(0)).toEqual(uPlot.tzDate(new Date(0), 'Asia/Tokyo'));
});

test('half a hit is not on the axis, half a second is', () => {
  expect(options().axes[1].incrs.slice(0, 4)).toEqual([1, 2, 5, 10]);
  expect(options({ series: [{ name: '_', isOverall: true, values: [0.5] }] }).axes[1].incrs).toBe(undefined);
});

test('among many buckets lines are thin', () => {
  const widths = (count) => {
    const starts = Array.from({ length: count }, (_, place) => place * 60_000);
    return options({ starts, series: model.series }).series.slice(1).map(({ width }) => width);
  };
  expect(widths(600)).toEqual([2, 1.75]);
  expect(widths(601)).toEqual([2, 1]);
});

test('the drawing of a few buckets makes room for one of many, and that for one of a few', () => {
  const long = Array.from({ length: 601 }, (_, place) => place * 60_000);
  const of = (starts) => ({ ...model, starts, series: model.series.map((one) => ({ ...one, values: starts.map(() => 1) })) });
  const widths = [model.starts, long, model.starts].map((starts) => {
    chart.draw(of(starts));
    return Plot.last.series[2].width;
  });
  expect(widths).toEqual([1.75, 1, 1.75]);
});

test('a single bucket is drawn as a point', () => {
  const [, overall] = options({ starts: [0] }).series;
  expect(overall.points.show).toBe(true);
  expect(options().series[1].points.show).toBe(false);
});

test('the area below the overall line fades out, once there is a box to fade in', () => {
  const { fill } = options().series[1];
  const stops = [];
  const gradient = { addColorStop: (...stop) => stops.push(stop) };
  const plot = { bbox: { top: 0, height: 100 }, ctx: { createLinearGradient: () => gradient } };
  expect(fill(plot)).toBe(gradient);
  expect(stops).toEqual([[0, 'white'], [1, 'transparent']]);
  expect(fill({ bbox: { top: NaN, height: 0 } })).toBe('white');
});

test('a bucket that is not over is drawn faintly', () => {
  const [, overall, child] = options({ unfinished: true }).series;
  const stops = [];
  const plot = {
    bbox: { left: 100, width: 200 }, data: [model.starts], valToPos: () => 200,
    ctx: { createLinearGradient: () => ({ addColorStop: (...stop) => stops.push(stop) }) },
  };
  child.stroke(plot);
  expect(stops).toEqual([[0, 'blue'], [0.5, 'blue'], [0.5, 'blue50']]);
  expect(overall.stroke({ ...plot, valToPos: () => NaN })).toBe('black');
  expect(options({ unfinished: true, starts: [0] }).series[1].stroke).toBe('black');
});

test('the points at the cursor have the colours of their lines', () => {
  const { cursor: { points } } = options({ unfinished: true });
  expect([points.fill(null, 1), points.stroke(null, 2)]).toEqual(['black', 'blue']);
});

test('zero is always in view', () => {
  const { scales } = options();
  expect(scales.y.range(null, 50, 100)).toEqual([0, 106]);
  expect(valueRange(-100, -50)).toEqual([-106, 0]);
  expect(valueRange(null, null)).toEqual([0, 1]);
  expect(scales.x.range(null, 5, 9)).toEqual([5, 9]);
  expect(timeRange(60_000, 60_000)).toEqual([30_000, 90_000]);
});

test('the cursor stands on a bucket, or outside', () => {
  const plot = { data: [[0, 50]], posToIdx: () => 1, valToPos: (value) => value + 0.4 };
  const { cursor: { move } } = options();
  expect([move(plot, 33, 7), move(plot, -10, -10)]).toEqual([[50, 7], [-10, -10]]);
});

test('labels of the time axis stand a bucket apart at least', () => {
  expect(options().axes[0].space(null, 0, 0, 7_200_000, 600)).toBe(270);
  expect(labelSpace([0, 1], 100, 600)).toBe(70);
  expect(labelSpace([0], 60_000, 600)).toBe(70);
});

test('the value axis is as wide as its longest label', () => {
  expect(axisSize(null, ['1', '100,000'], 1, 0)).toBe(67);
  expect(axisSize(null, null, 1, 0)).toBe(46);
  expect(axisSize({ axes: [{}, { _size: 50 }] }, ['1'], 1, 2)).toBe(50);
});
