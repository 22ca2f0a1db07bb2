import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { counting } from './count.js';

let beacons;

beforeEach(() => {
  beacons = [];
  vi.stubGlobal('navigator', { sendBeacon: ({ href }) => beacons.push(href) });
});
afterEach(() => vi.unstubAllGlobals());

test('a module counts at the server that it came from, or at the one that is named', () => {
  counting({ key: 'k' }).count('a');
  counting({ host: 'https://count.example/' }).count('a');
  const { url } = import.meta;
  expect(beacons).toEqual([new URL('../count?key=k', url).href, 'https://count.example/count?key=']);
});

test('without options it counts, too', () => {
  counting().count('a');
  expect(beacons).toHaveLength(1);
});

test('the types name what there is', () => {
  const types = readFileSync(join(import.meta.dirname, 'count.d.ts'), 'utf8');
  const [, members] = /interface Counting \{([^]*?)\n\}/.exec(types);
  expect([...members.matchAll(/^ {2}(\w+)[(:]/gm)].map(([, name]) => name)).toEqual(Object.keys(counting()));
});
