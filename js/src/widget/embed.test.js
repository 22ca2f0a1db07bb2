import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { embed, readTag } from './embed.js';
import { loader } from './loading.js';

const at = (query, attributes = {}) => {
  const script = document.createElement('script');
  script.type = 'text/plain';
  script.src = `https://whale.example/below/graph.js${query}`;
  Object.assign(script.dataset, attributes);
  document.body.append(script);
  return script;
};
let graph;
let load;

beforeEach(() => {
  document.body.replaceChildren();
  document.head.replaceChildren();
  delete window[Symbol.for('hailwhale.loading')];
  graph = vi.fn((target, options) => ({ target, options }));
  load = () => Promise.resolve({ graph });
});
afterEach(() => vi.restoreAllMocks());

test('the address of a script says what to draw, and its attributes say it better', () => {
  const { options, place } = readTag(at('?pk=["Product",42]&metric=dollars/hits&title=Tea&height=300&depth=2&v=7', { title: 'Pots' }));
  expect(place).toBe('');
  expect(options).toEqual({
    host: 'https://whale.example/below/', pk: ['Product', '42'], metric: 'dollars/hits', title: 'Pots', height: 300, depth: 2,
  });
});

test.each([
  ['?area=1', { kind: 'area' }],
  ['?area=0', {}],
  ['?columns=dollars,%20hits', { metrics: ['dollars', 'hits'] }],
  ['?interval=1h&period=2d', { period: '1h:2d' }],
  ['?interval=1h', { period: '1h:7d' }],
  ['?period=thirty', { period: 'thirty' }],
  ['?delay=5', { live: 5_000 }],
  ['?live=0&delay=5', { live: false }],
  ['?delay=0', {}],
  ['?delay=soon', {}],
  ['?table=1', { table: true }],
])('%s is read as %j', (query, options) => {
  expect(readTag(at(query)).options).toEqual({ host: 'https://whale.example/below/', ...options });
});

test('a table is open where the script is for that, unless its tag says no', () => {
  expect(readTag(at(''), { table: true }).options.table).toBe(true);
  expect(readTag(at('?table=no'), { table: true }).options.table).toBe(false);
});

test('it draws where it stands', async () => {
  const script = at('?pk=shop');
  const { target, options } = await embed(script, { window, load });
  expect(script.nextElementSibling).toBe(target);
  expect(options.pk).toBe('shop');
});

test.each([['?parent_div=there', {}], ['', { parentDiv: 'there' }]])('it draws into the element that it names', async (query, attributes) => {
  const place = document.createElement('div');
  place.id = 'there';
  document.body.append(place);
  const { target } = await embed(at(query, attributes), { window, load });
  expect(target).toBe(place);
});

test('what draws lies beside the script, and one that is there already serves', async () => {
  vi.stubGlobal('HailWhale', { graph });
  expect((await embed(at(''), { window })).options.host).toBe('https://whale.example/below/');
  vi.unstubAllGlobals();
  embed(at(''), { window });
  await vi.waitFor(() => {
    expect(document.head.querySelector('script').src).toBe('https://whale.example/below/static/hailwhale.iife.js');
  });
});

test('an element that is called as what draws does not draw', async () => {
  // As browsers do for <form id="HailWhale"><input name="graph">.
  vi.stubGlobal('HailWhale', Object.assign(document.createElement('form'), { graph: document.createElement('input') }));
  embed(at(''), { window });
  await vi.waitFor(() => expect(document.head.querySelector('script')).not.toBe(null));
  vi.unstubAllGlobals();
});

test('several tags load what draws once', async () => {
  const tags = [at('?pk=a'), at('?pk=b')];
  const drawn = tags.map((tag) => embed(tag, { window, load: loader(window, 'https://whale.example/drawing.js') }));
  await vi.waitFor(() => expect(document.head.querySelector('script')).not.toBe(null));
  await Promise.resolve();
  expect(document.head.querySelectorAll('script')).toHaveLength(1);
  vi.stubGlobal('HailWhale', { graph });
  document.head.querySelector('script').onload();
  expect((await Promise.all(drawn)).map(({ options }) => options.pk)).toEqual(['a', 'b']);
  vi.unstubAllGlobals();
});

test('an element that is not there is made where the script stands', async () => {
  const script = at('?parent_div=nowhere');
  expect((await embed(script, { window, load })).target).toBe(script.nextElementSibling);
});

test('what cannot be drawn is said in its place, as text', async () => {
  const script = at('');
  graph.mockImplementation(() => {
    throw new TypeError('kind is <b>');
  });
  expect(await embed(script, { window, load })).toBe(null);
  expect(script.nextElementSibling.innerHTML).toBe('There is no graph here: kind is &lt;b&gt;.');
});
