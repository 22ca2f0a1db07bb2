import { beforeEach, expect, test } from 'vitest';
import { createPlot, Plot } from '../../dev/browser.js';
import { rehearse } from './rehearsal.js';

beforeEach(() => {
  document.body.replaceChildren();
  Object.defineProperty(HTMLElement.prototype, 'clientWidth', { value: 480, configurable: true });
});

test('two lines are drawn where nobody sees, hears or reaches them, and nothing of them stays', async () => {
  const before = Plot.made;
  let place;
  const watched = (options, data, target) => {
    ([place] = document.body.children);
    return createPlot(options, data, target);
  };
  const done = rehearse(document, { createPlot: watched });
  expect(Plot.made).toBe(before + 1);
  expect(Plot.last.data).toEqual([[0, 60_000, 120_000], [0, 1, 2], [0, 0.5, 1]]);
  expect(place.inert || place.hasAttribute('inert')).toBe(true);
  expect([place.style.visibility, place.style.position]).toEqual(['hidden', 'fixed']);
  await done;
  expect(Plot.last.destroyed).toBe(true);
  expect(document.body.children).toHaveLength(0);
});

test('where it fails nothing of it stays either', async () => {
  const createPlot = () => {
    throw new Error('no canvas');
  };
  await expect(rehearse(document, { createPlot })).rejects.toThrow('no canvas');
  expect(document.body.children).toHaveLength(0);
});
