// What jsdom lacks of a browser, for the tests: sizes that change, preferences, and a stand-in for uPlot's canvas.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Set by tests: which media queries match, and who listens to them. */
export const media = { matching: new Set(), listeners: new Set() };

globalThis.matchMedia = (query) => ({
  matches: media.matching.has(query),
  addEventListener: (_, listener) => media.listeners.add(listener),
  removeEventListener: (_, listener) => media.listeners.delete(listener),
});

globalThis.Path2D = class {
  moveTo() {}
  lineTo() {}
  rect() {}
  arc() {}
  addPath() {}
};

/** Every observer that was made and not disconnected; a test changes a size by calling `report`. */
export const observers = new Set();

globalThis.ResizeObserver = class {
  constructor(report) {
    this.report = report;
  }

  observe(target) {
    this.target = target;
    observers.add(this);
  }

  disconnect() {
    observers.delete(this);
  }
};

globalThis.CSSStyleSheet = class {
  replaceSync(text) {
    this.text = text;
  }
};

/** Every stream that was opened and not closed; a test lets one speak by `hear` and break by `fail`. */
export const streams = new Set();

export class Stream extends EventTarget {
  constructor(url) {
    super();
    Object.assign(this, { url: new URL(url), readyState: 0 });
    streams.add(this);
    Stream.last = this;
  }

  hear(name, data) {
    this.readyState = 1;
    this.dispatchEvent(new MessageEvent(name, { data: JSON.stringify(data) }));
  }

  fail(readyState = 0) {
    this.readyState = readyState;
    this.onerror(new Event('error'));
  }

  close() {
    this.readyState = 2;
    streams.delete(this);
  }
}

/** Records what uPlot would be told: options, data, sizes and which series are shown. */
export class Plot {
  constructor(options, data, target) {
    Object.assign(this, { options, data, target, width: options.width, height: options.height, destroyed: false });
    this.series = options.series.map((one) => ({ ...one }));
    this.cursor = { idx: null, left: -10, top: -10 };
    this.over = document.createElement('div');
    Object.defineProperty(this.over, 'offsetLeft', { value: 40 });
    this.root = document.createElement('canvas');
    target.append(this.root);
    Plot.last = this;
    Plot.made += 1;
    for (const hook of options.hooks.ready ?? []) hook(this);
  }

  setData(data) {
    this.data = data;
  }

  setSize(size) {
    Object.assign(this, size);
  }

  setSeries(index, { show }) {
    this.series[index].show = show;
  }

  valToPos(value) {
    return this.data[0].indexOf(value) * 10;
  }

  setScale(name, range) {
    this.scale = range;
  }

  setCursor({ left, top }) {
    this.cursor = { left, top, idx: left < 0 ? null : Math.round(left / 10) };
    for (const hook of this.options.hooks.setCursor) hook(this);
  }

  destroy() {
    this.destroyed = true;
    this.root.remove();
  }
}
Plot.made = 0;

export const createPlot = (...given) => new Plot(...given);

/** Puts the page's own HTML into the document. */
export function openPage() {
  const html = readFileSync(join(import.meta.dirname, '..', 'src', 'index.html'), 'utf8');
  document.body.innerHTML = /<body>([\s\S]*)<\/body>/.exec(html)[1];
  return document;
}

export const role = (name) => document.querySelector(`[data-role="${name}"]`);
export const roles = (name) => [...document.querySelectorAll(`[data-role="${name}"]`)];
export const texts = (elements) => [...elements].map((one) => one.textContent);
export const press = (target, key) => target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
export function type(input, value, inputType) {
  input.value = value;
  input.dispatchEvent(new InputEvent('input', { inputType }));
}
