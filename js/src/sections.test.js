import { beforeEach, expect, test } from 'vitest';
import { element } from './dom.js';
import { loaded, SECTIONS, Stage } from './sections.js';
import { INITIAL } from './state.js';

let told;
let place;
let stage;
let waiting;

class Told {
  constructor(root, { name, state }) {
    Object.assign(this, { root, name });
    told.push(`made for ${state.view}, ${name}`);
  }

  async show({ pk }, signal) {
    told.push(`show ${pk} ${signal.aborted}`);
  }

  async tick(signal) {
    told.push(`tick ${signal.aborted}`);
  }

  destroy() {
    told.push('destroyed');
  }
}

beforeEach(() => {
  told = [];
  waiting = Promise.resolve();
  place = element('div');
  const load = async () => {
    await waiting;
    return Told;
  };
  stage = new Stage(place, { name: 'here' }, { spy: { load }, health: { load }, boards: { load: () => Promise.reject(new TypeError('gone')) } });
});

const at = (view, pk = ['a']) => ({ ...INITIAL, view, pk });
const signal = new AbortController().signal;

test.each(Object.keys(SECTIONS))('the section %s is there', async (view) => {
  expect(typeof (await SECTIONS[view].load())).toBe('function');
});

test('a section is made once, shown anew and refreshed, and leaves its place to the next one', async () => {
  await stage.show(at('spy'), signal);
  expect([stage.has('spy'), stage.has('health'), place.children.length]).toEqual([true, false, 1]);
  await stage.show(at('spy', ['b']), signal);
  await stage.tick(signal);
  await stage.show(at('health'), signal);
  expect(place.firstChild.className).toBe('section health');
  stage.leave();
  stage.leave();
  expect(told).toEqual(['made for spy, here', 'show a false', 'show b false', 'tick false', 'destroyed', 'made for health, here', 'show a false', 'destroyed']);
  expect([place.children.length, stage.has('health')]).toEqual([0, false]);
});

test('one that nobody waits for any more is not made', async () => {
  const request = new AbortController();
  const shown = stage.show(at('spy'), request.signal);
  request.abort();
  await shown;
  expect([told, place.children.length, stage.has('spy')]).toEqual([[], 0, false]);
});

test('one that does not come is told', async () => {
  await expect(stage.show(at('boards'), signal)).rejects.toThrow('a part of the page could not be loaded: load the page again (gone)');
  await expect(loaded(Promise.resolve(1))).resolves.toBe(1);
});
