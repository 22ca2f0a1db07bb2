import { afterEach, beforeEach, expect, test, vi } from 'vitest';

let beacons;
let said;

beforeEach(() => {
  beacons = [];
  vi.resetModules();
  vi.stubGlobal('navigator', { sendBeacon: (to, form) => beacons.push([to.href, form.get('pk'), form.get('dimensions')]) });
  said = vi.spyOn(console, 'debug').mockImplementation(() => {});
  history.replaceState(null, '', '/a?b');
});
afterEach(() => {
  vi.unstubAllGlobals();
  delete window.hailwhale;
  delete document.currentScript;
  delete history.pushState;
  delete history.replaceState;
});

/** Runs the script as that of a tag with these attributes. */
async function run(attributes) {
  const script = attributes && document.createElement('script');
  for (const name in attributes) script.setAttribute(name, attributes[name]);
  Object.defineProperty(document, 'currentScript', { value: script ?? null, configurable: true });
  vi.resetModules();
  await import('./script.js');
  return script;
}
const src = 'https://count.example/below/static/count.js?v=1';

test('the tag says where to count, what and under which key', async () => {
  await run({ src, 'data-key': 'hw_k', 'data-pk': 'shop', 'data-page-views': '' });
  expect(beacons).toEqual([['https://count.example/below/count?key=hw_k', '"shop"', '{"page":"/a"}']]);
});

test('without being asked it counts nothing by itself, and at another host where the tag names one', async () => {
  await run({ src, 'data-host': 'https://other.example/' });
  expect(beacons).toEqual([]);
  window.hailwhale.count('a', 'b');
  expect(beacons).toEqual([['https://other.example/count?key=', '"a"', '"b"']]);
});

test('dimensions of the tag stand beside the page or in its place, as they are when it is viewed', async () => {
  const script = await run({ src, 'data-pk': 'shop', 'data-page-views': '', 'data-dimensions': '{"site":"uk"}' });
  script.dataset.dimensions = '{"page":"product"}';
  history.pushState(null, '', '/product/17');
  expect(beacons.map(([, , dimensions]) => dimensions)).toEqual(['{"page":"/a","site":"uk"}', '{"page":"product"}']);
});

test('a second tag does nothing', async () => {
  const attributes = { src, 'data-pk': 'shop', 'data-page-views': '' };
  await run(attributes);
  const { count } = window.hailwhale;
  await run(attributes);
  expect(beacons).toHaveLength(1);
  expect(window.hailwhale.count).toBe(count);
});

test('what others have under the name stays', async () => {
  window.hailwhale = { other: 1 };
  await run({ src });
  expect(window.hailwhale).toMatchObject({ other: 1, count: expect.any(Function) });
});

test('a script without a tag of its own says so and throws nothing', async () => {
  await run(null);
  expect(said).toHaveBeenCalledTimes(1);
  expect(window.hailwhale).toBe(undefined);
});
