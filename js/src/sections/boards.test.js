import { Blob as NodeBlob } from 'node:buffer';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { Api, ServerError } from '../api.js';
import { element } from '../dom.js';
import { change, formatState, INITIAL } from '../state.js';
import { role, roles, texts } from '../../dev/browser.js';
import { Boards } from './boards.js';
import { formatBoard } from './board.js';
import { Shelf } from './shelf.js';

const MORNING = { title: 'Morning', graphs: [{ pk: 'shop', metric: 'dollars', period: 'day' }, { title: 'Wide', columns: 2 }, { pk: ['shop', 'UK'], dimensions: 'sales', metrics: ['a', 'b'], tz: 'Asia/Tokyo' }] };
const own = globalThis.Blob;
let served;
let drawn;
let state;
let boards;
let root;
let clipboard;
let surroundings;
let downloads;

beforeAll(() => { globalThis.Blob = NodeBlob; });
afterAll(() => { globalThis.Blob = own; });

async function fetch(url) {
  const [, , name] = url.pathname.split('/');
  if (served === 'away') return Response.json({ error: { code: 'storage_unavailable', message: 'away' } }, { status: 503 });
  if (served === null) return Response.json({ error: { code: 'not_found', message: 'no such path' } }, { status: 404 });
  if (name === undefined) return Response.json({ boards: Object.entries(served).map(([known, { title }]) => ({ name: known, title })) });
  const board = served[decodeURIComponent(name)];
  return board ? Response.json(board) : Response.json({ error: { code: 'not_found', message: 'no such board' } }, { status: 404 });
}

const draw = (place, options) => {
  const picture = { place, options, destroyed: false, redrawn: 0, destroy() { picture.destroyed = true; }, redraw() { picture.redrawn += 1; } };
  drawn.push(picture);
  return picture;
};

beforeEach(() => {
  localStorage.clear();
  served = {};
  drawn = [];
  clipboard = { writeText: vi.fn(async () => {}) };
  downloads = [];
  state = { ...INITIAL, view: 'boards' };
  document.body.replaceChildren(root = element('section'));
  surroundings = {
    api: new Api({ base: 'http://whale.test/', fetch, key: 'hw_1' }), locale: 'en-US', now: () => 0,
    window: {
      localStorage, location: { href: 'http://whale.test/#view=boards' }, navigator: { get clipboard() { return clipboard; } },
      URL: { createObjectURL: (blob) => { downloads.push(blob); return `blob:${downloads.length}`; }, revokeObjectURL: (url) => downloads.push(`gone ${url}`) },
    },
    href: (part) => formatState(change(state, part)),
    go: (part) => {
      state = change(state, part);
      return state.view === 'boards' ? boards.show(state, new AbortController().signal) : null;
    },
  };
  boards = new Boards(root, surroundings, draw);
});

afterEach(() => boards.destroy());

const show = (more = {}, signal = new AbortController().signal) => {
  state = { ...state, more };
  return boards.show(state, signal);
};
const settled = (claim) => vi.waitFor(claim);
const press = (name, place = 0) => roles(name)[place].click();
const kept = () => new Shelf(window).all();
const order = () => roles('cell').map((cell) => cell.querySelector('.cell-tools').getAttribute('aria-label'));
const file = (text, name = 'x.board.json', size = text.length) => ({ name, size, text: async () => text });

test('without a board the tab says how to come to one', async () => {
  await show();
  expect(role('board-none').textContent).toContain('No board is open.');
  expect([role('board').hidden, role('mine').hidden, role('theirs').hidden]).toEqual([true, true, true]);
  press('board-new');
  await settled(() => expect(role('board-title').value).toBe('My board'));
  expect(role('board-none').textContent).toContain('Nothing is on this board yet');
  expect(state.more).toEqual({ mine: 'My board' });
});

test('a board draws its graphs, of this server and with the key of the page, and each leads to Explore', async () => {
  new Shelf(window).add(MORNING);
  await show();
  expect(drawn.map(({ options }) => options)).toEqual([
    { pk: 'shop', metric: 'dollars', period: 'day', host: 'http://whale.test/', key: 'hw_1', locale: 'en-US' },
    { title: 'Wide', host: 'http://whale.test/', key: 'hw_1', locale: 'en-US' },
    { pk: ['shop', 'UK'], dimensions: 'sales', metrics: ['a', 'b'], tz: 'Asia/Tokyo', host: 'http://whale.test/', key: 'hw_1', locale: 'en-US' },
  ]);
  expect(roles('cell').map(({ dataset }) => dataset.columns)).toEqual(['1', '2', '1']);
  expect(order()).toEqual(['dollars of shop, the last 24 hours', 'Wide', 'a, b of shop / UK / sales, the last 7 days'].map((words) => `Change the graph of ${words}`));
  expect(roles('cell-explore').map((link) => decodeURIComponent(link.getAttribute('href')))).toEqual([
    '#pk=["shop"]&dimension=[]&metric=dollars&period=day', '#pk=["_"]&dimension=[]&metric=hits&period=1h:7d',
    '#pk=["shop","UK"]&dimension=["sales"]&metric=a&period=1h:7d&zone=Asia/Tokyo',
  ]);
  await show();
  await boards.tick();
  expect(drawn).toHaveLength(3);
  press('cell-explore');
  expect(state).toMatchObject({ view: 'explore', pk: ['shop'], dimension: [], metric: 'dollars', period: 'day' });
});

test('graphs are moved by buttons that keep the focus, and no further than there is room', async () => {
  new Shelf(window).add(MORNING);
  await show();
  const [first] = drawn;
  press('cell-down');
  expect(document.activeElement).toBe(roles('cell-down')[1]);
  expect(role('board-said').textContent).toBe('Now graph 2 of 3.');
  press('cell-down', 1);
  press('cell-down', 2);
  expect(kept()[0].graphs.map(({ title, pk }) => title ?? pk)).toEqual(['Wide', ['shop', 'UK'], 'shop']);
  expect(roles('cell-down').map((button) => button.getAttribute('aria-disabled'))).toEqual([null, null, 'true']);
  press('cell-up', 2);
  expect(roles('cell-up').map((button) => button.getAttribute('aria-disabled'))).toEqual(['true', null, null]);
  expect([first.destroyed, drawn.length]).toEqual([false, 3]);
});

test('a graph becomes wide and narrow again, and is drawn for its room', async () => {
  new Shelf(window).add(MORNING);
  await show();
  press('cell-wide');
  expect([kept()[0].graphs[0].columns, roles('cell')[0].dataset.columns, drawn[0].redrawn]).toEqual([2, '2', 1]);
  expect(role('cell-wide').getAttribute('aria-pressed')).toBe('true');
  press('cell-wide');
  expect(kept()[0].graphs[0]).toEqual(MORNING.graphs[0]);
});

test('a graph is removed, and the focus stays near', async () => {
  new Shelf(window).add(MORNING);
  await show();
  press('cell-remove', 2);
  expect(document.activeElement).toBe(roles('cell-remove')[1]);
  press('cell-remove');
  expect(drawn.map(({ destroyed }) => destroyed)).toEqual([true, false, true]);
  press('cell-remove');
  expect(document.activeElement).toBe(role('board-title'));
  expect([kept()[0].graphs, role('board-said').textContent]).toEqual([[], 'Removed; 0 left.']);
});

test('a board is renamed, and an empty name is none', async () => {
  new Shelf(window).add(MORNING);
  await show();
  const name = (text) => {
    role('board-title').value = text;
    role('board-title').dispatchEvent(new Event('change'));
  };
  name(' Evening ');
  await settled(() => expect(texts(role('mine').querySelectorAll('a'))).toEqual(['Evening']));
  expect(role('mine').querySelector('a').getAttribute('aria-current')).toBe('page');
  name(' ');
  expect(role('board-title').value).toBe('Evening');
  expect(state.more).toEqual({ mine: 'Evening' });
});

test('a board is deleted by a second press', async () => {
  new Shelf(window).add(MORNING);
  await show();
  press('board-delete');
  expect([role('board-delete').textContent, kept().length]).toEqual(['Really delete', 1]);
  press('board-delete');
  await settled(() => expect(role('board').hidden).toBe(true));
  expect([kept(), role('board-delete').textContent]).toEqual([[], 'Delete']);
});

test('a link holds the whole board and no key, and whoever opens it may keep a copy', async () => {
  new Shelf(window).add(MORNING);
  await show();
  press('board-link');
  await settled(() => expect(role('board-said').textContent).toBe('The link is copied. It holds the whole board, and no key.'));
  const address = role('board-linked').value;
  expect(clipboard.writeText).toHaveBeenCalledWith(address);
  expect(address).not.toContain('hw_1');
  localStorage.clear();
  await show({ board: new URLSearchParams(new URL(address).hash.slice(1)).get('board') });
  expect([role('board-name').textContent, role('board-title').hidden, roles('cell').length, kept()]).toEqual(['Morning', true, 3, []]);
  expect(roles('cell')[0].querySelector('.changes').hidden).toBe(true);
  expect(role('board-delete').hidden).toBe(true);
  press('board-copy');
  await settled(() => expect(kept()).toEqual([MORNING]));
  await settled(() => expect(role('board-title').hidden).toBe(false));
});

test('without a clipboard the link is there to be copied by hand, and a change takes it away', async () => {
  new Shelf(window).add(MORNING);
  await show();
  clipboard = undefined;
  press('board-link');
  await settled(() => expect(role('board-said').textContent).toContain('copy it from here'));
  expect(document.activeElement).toBe(role('board-linked'));
  press('cell-wide');
  expect(role('board-linked').hidden).toBe(true);
});

test('a board that is too large for a link is told to be sent as a file', async () => {
  let seed = 1;
  const noise = () => {
    seed = seed * 48_271 % 2_147_483_647;
    return seed.toString(36);
  };
  new Shelf(window).add({ title: 'Large', graphs: Array.from({ length: 50 }, () => ({ pk: Array.from({ length: 64 }, noise) })) });
  await show();
  press('board-link');
  await settled(() => expect(role('board-said').textContent).toBe('This board is too large for a link: download its file.'));
  expect(role('board-linked').hidden).toBe(true);
});

test('a board is downloaded as a file, and the file is that board', async () => {
  new Shelf(window).add(MORNING);
  await show();
  const clicked = [];
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function click() { clicked.push([this.getAttribute('href'), this.download]); });
  press('board-download');
  press('board-download');
  expect(clicked).toEqual([['blob:1', 'Morning.board.json'], ['blob:3', 'Morning.board.json']]);
  expect([await downloads[0].text(), downloads[1]]).toEqual([formatBoard(MORNING), 'gone blob:1']);
});

test('a file is opened by its button and by dropping it', async () => {
  await show();
  Object.defineProperty(role('board-file'), 'files', { value: [file(formatBoard(MORNING))] });
  role('board-file').dispatchEvent(new Event('change'));
  await settled(() => expect(role('board-title').value).toBe('Morning'));
  const event = (name, dataTransfer) => Object.assign(new Event(name, { bubbles: true, cancelable: true }), { dataTransfer });
  const over = event('dragover', { types: ['Files'] });
  role('grid').dispatchEvent(over);
  expect([over.defaultPrevented, root.className]).toEqual([true, 'dropping']);
  role('grid').dispatchEvent(event('dragleave'));
  expect(root.className).toBe('');
  const text = event('dragover', { types: ['text/plain'] });
  role('grid').dispatchEvent(text);
  role('grid').dispatchEvent(event('drop', { files: [] }));
  expect(text.defaultPrevented).toBe(false);
  role('grid').dispatchEvent(event('drop', { files: [file(formatBoard(MORNING))] }));
  await settled(() => expect(role('board-title').value).toBe('Morning 2'));
  expect(kept().map(({ title }) => title)).toEqual(['Morning 2', 'Morning']);
});

test.each([
  [file('{', 'a.json'), 'A.json: this is no board: it is not JSON.'],
  [file('{}', 'a.json', 300_000), 'A.json: this is too large for a board: 293 kB, and 256 kB are the most.'],
  [{ name: 'a.json', size: 1, text: () => Promise.reject(new DOMException('gone', 'NotFoundError')) }, 'A.json cannot be read.'],
])('%#: what is wrong with a file is said, and what is open stays', async (bad, sentence) => {
  new Shelf(window).add(MORNING);
  await show();
  Object.defineProperty(role('board-file'), 'files', { value: [bad] });
  role('board-file').dispatchEvent(new Event('change'));
  await settled(() => expect(role('board-error').textContent).toBe(sentence));
  expect([roles('cell').length, kept().length]).toEqual([3, 1]);
});

test('boards of the server are listed, shown, checked, and not changed', async () => {
  served = { 'a b': MORNING, bad: { title: 'Bad', graphs: [{ key: 'hw_2' }] } };
  await show();
  expect(texts(role('theirs').querySelectorAll('a'))).toEqual(['Morning', 'Bad']);
  role('theirs').querySelectorAll('a')[0].click();
  await settled(() => expect(roles('cell')).toHaveLength(3));
  expect([state.more, role('board-title').hidden]).toEqual([{ served: 'a b' }, true]);
  expect(role('theirs').querySelector('[aria-current]').textContent).toBe('Morning');
  role('theirs').querySelectorAll('a')[1].click();
  await settled(() => expect(role('board-error').textContent).toBe('Graph 1 has a key: a board holds no key: everybody who is sent it would have it.'));
  expect([roles('cell').length, drawn.every(({ destroyed }) => destroyed)]).toEqual([0, true]);
  await expect(show({ served: 'c' })).rejects.toThrow(ServerError);
});

test('a server that shows no boards shows none, and one that is away says so', async () => {
  served = null;
  await show();
  expect(role('theirs').hidden).toBe(true);
  served = 'away';
  await expect(show()).rejects.toThrow('away');
});

test.each([
  [{ board: '{"title":' }, 'This is no board: it is not JSON.'],
  [{ mine: 'Lost' }, 'This browser keeps no board called “Lost”: whoever sent the address can send its link, or its file.'],
  [{ add: '{' }, 'The graph of this address cannot be read.'],
  [{ add: '{"key": "hw_1"}' }, 'This graph has a key: a board holds no key: everybody who is sent it would have it.'],
])('what an address asks for and cannot be had is said: %j', async (more, sentence) => {
  await show(more);
  expect(role('board-error').textContent).toBe(sentence);
  expect([role('board-error').hidden, role('adding').hidden]).toEqual([false, true]);
  await show();
  expect(role('board-error').hidden).toBe(true);
});

test('a graph is added to a new board, and the next one to that', async () => {
  const add = JSON.stringify({ pk: ['shop'], dimensions: ['sales'], metric: 'dollars', period: 'thirty' });
  await show({ add });
  expect(role('added').textContent).toBe('dollars of shop / sales, the last 30 days');
  expect([document.activeElement, role('add-title').hidden, role('board-none').hidden]).toEqual([role('add'), false, true]);
  role('add-title').value = ' ';
  press('add');
  await settled(() => expect(roles('cell')).toHaveLength(1));
  expect(kept()).toEqual([{ title: 'My board', graphs: [JSON.parse(add)] }]);
  await show({ add: '{}' });
  expect([role('added').textContent, role('add-target').value, role('add-title').hidden, roles('cell').length]).toEqual(['hits of everything, the last 7 days', 'My board', true, 0]);
  role('adding').dispatchEvent(new Event('submit', { cancelable: true }));
  await settled(() => expect(roles('cell')).toHaveLength(2));
  expect(state.more).toEqual({ mine: 'My board' });
});

test('a choice of another board shows whether a title is needed, and nothing is added without a press', async () => {
  new Shelf(window).add(MORNING);
  await show({ add: '{}' });
  role('add-target').value = '';
  role('add-target').dispatchEvent(new Event('change'));
  expect(role('add-title').hidden).toBe(false);
  press('add-not');
  await settled(() => expect(roles('cell')).toHaveLength(3));
  expect(kept()).toEqual([MORNING]);
});

test('a full board takes no more', async () => {
  new Shelf(window).add({ title: 'Full', graphs: Array(50).fill({}) });
  await show({ add: '{}' });
  press('add');
  expect(role('board-error').textContent).toBe('A board has at most 50 graphs: choose another one.');
});

test('a browser that keeps nothing says so', async () => {
  surroundings.window.localStorage = { getItem: () => null, setItem() { throw new DOMException('full', 'QuotaExceededError'); } };
  await show();
  press('board-new');
  await settled(() => expect(role('board-title').value).toBe('My board'));
  role('board-title').value = 'Other';
  role('board-title').dispatchEvent(new Event('change'));
  await settled(() => expect(texts(role('mine').querySelectorAll('a'))).toEqual(['Other']));
  await settled(() => expect(role('board-error').textContent).toBe('This browser keeps no boards, or no more: download the file before you leave.'));
});

test('an answer that nobody waits for any more draws nothing, and what is taken away listens no more', async () => {
  new Shelf(window).add(MORNING);
  const request = new AbortController();
  const shown = show({}, request.signal);
  request.abort();
  await shown;
  expect(roles('cell')).toEqual([]);
  await show();
  boards.destroy();
  expect([root.children.length, drawn.every(({ destroyed }) => destroyed)]).toEqual([0, true]);
  root.dispatchEvent(Object.assign(new Event('dragover'), { dataTransfer: { types: ['Files'] } }));
  expect(root.className).toBe('');
});
