import { beforeEach, expect, test, vi } from 'vitest';
import { fill, frame } from './frame.js';

let observed;
let seen;
const ResizeObserver = class {
  constructor(seeing) {
    seen = seeing;
  }

  observe(element) {
    observed = element;
  }
};
const listeners = {};
const windowAt = (search) => ({
  document, ResizeObserver, innerHeight: 400, location: { search },
  addEventListener: (name, heard) => { listeners[name] = heard; },
});

// What a graph makes, with sizes that no browser without a layout has.
function graphIn(target, sizes) {
  const host = document.createElement('div');
  host.className = 'hailwhale';
  const root = host.attachShadow({ mode: 'open' });
  root.innerHTML = '<div data-role="frame"><div data-role="plot"></div><details data-role="twin"></details></div>';
  for (const role of Object.keys(sizes)) root.querySelector(`[data-role=${role}]`).getBoundingClientRect = () => ({ height: sizes[role] });
  target.append(host);
  return root;
}

beforeEach(() => {
  document.body.innerHTML = '<main id="graph"></main>';
  delete document.documentElement.dataset.theme;
});

test('the address says what is drawn, and its theme is that of the page', async () => {
  const update = vi.fn();
  const sizes = { frame: 300, plot: 200 };
  const graph = vi.fn((target, options) => {
    graphIn(target, sizes);
    return { options, update };
  });
  const made = await frame({ window: windowAt('?pk=["Shop",1]&metric=dollars&theme=dark'), home: 'https://whale.example/x/', load: async () => ({ graph }) });
  expect(made.options).toEqual({ host: 'https://whale.example/x/', pk: ['Shop', '1'], metric: 'dollars', theme: 'dark' });
  expect(document.documentElement.dataset.theme).toBe('dark');
  expect(observed.dataset.role).toBe('frame');
});

test('a height that the address gives is the height', async () => {
  observed = null;
  const graph = vi.fn((target, options) => ({ options }));
  const made = await frame({ window: windowAt('?height=120'), home: 'https://whale.example/', load: async () => ({ graph }) });
  expect(made.options.height).toBe(120);
  expect(observed).toBeNull();
  expect(document.documentElement.dataset.theme).toBeUndefined();
});

test('what is wrong is said as text', async () => {
  const load = async () => {
    throw new Error('no kind is called <b>');
  };
  expect(await frame({ window: windowAt(''), home: 'https://whale.example/', load })).toBeNull();
  expect(document.body.textContent.trim()).toBe('There is no graph here: no kind is called <b>.');
});

test('the drawing fills the window, and no more than is left', () => {
  const update = vi.fn();
  const sizes = { frame: 300, plot: 0 };
  const target = document.getElementById('graph');
  const root = graphIn(target, sizes);
  const window = windowAt('');
  fill(window, target, { update });
  seen();
  expect(update).not.toHaveBeenCalled();
  sizes.plot = 199.7;
  seen();
  expect(update).toHaveBeenLastCalledWith({ height: 299 });
  sizes.plot = 299.4;
  sizes.frame = 400;
  seen();
  expect(update).toHaveBeenCalledTimes(1);
  window.innerHeight = 90;
  listeners.resize();
  expect(update).toHaveBeenLastCalledWith({ height: 80 });
  root.querySelector('[data-role=twin]').open = true;
  window.innerHeight = 900;
  listeners.resize();
  expect(update).toHaveBeenCalledTimes(2);
});
