import { expect, test, vi } from 'vitest';
import { Zoom } from './zoom.js';

const plotOf = (left, width) => ({
  data: [[0, 20, 60, 100]], select: { left, width }, posToVal: (at) => at * 2, setSelect: vi.fn(), setScale: vi.fn(),
});

test('a drag looks closer, a double click leaves', () => {
  const changed = vi.fn();
  const zoom = new Zoom(changed);
  const plot = plotOf(10, 20);
  expect(zoom.within(0, 100)).toEqual([0, 100]);
  zoom.take(plot);
  expect(zoom.within(0, 100)).toEqual([20, 60]);
  expect(plot.setSelect).toHaveBeenCalled();
  expect(plot.setScale).toHaveBeenCalledWith('x', { min: 0, max: 100 });
  zoom.options().bind.dblclick(plot)();
  expect(zoom.within(0, 100)).toEqual([0, 100]);
  expect(changed).toHaveBeenCalledTimes(2);
  zoom.leave(plot);
  expect(changed).toHaveBeenCalledTimes(2);
});

test('a click is no drag', () => {
  const zoom = new Zoom(() => {});
  zoom.take(plotOf(10, 0));
  expect(zoom.range).toBe(null);
});

test('what is past cannot be looked at any more', () => {
  const zoom = new Zoom(() => {});
  zoom.take(plotOf(10, 20));
  expect(zoom.within(60, 200)).toEqual([60, 200]);
});

test('a drag within a bucket shows nothing closer', () => {
  const zoom = new Zoom(() => {});
  zoom.take(plotOf(11, 5));
  expect(zoom.range).toBe(null);
});

test('the click that ends a drag means nothing else, and the next one does', () => {
  const zoom = new Zoom(() => {});
  const { drag, bind } = zoom.options();
  const click = { stopImmediatePropagation: vi.fn() };
  drag.click(null, click);
  zoom.take(plotOf(10, 20));
  drag.click(null, click);
  expect(click.stopImmediatePropagation).toHaveBeenCalledTimes(1);
  const handle = vi.fn();
  bind.mousedown(null, null, handle)('event');
  expect(handle).toHaveBeenCalledWith('event');
  drag.click(null, click);
  expect(click.stopImmediatePropagation).toHaveBeenCalledTimes(1);
});
