import { afterEach, beforeEach, expect, test } from 'vitest';
import { Api, ServerError } from '../api.js';
import { element } from '../dom.js';
import { pathName } from '../paths.js';
import { INITIAL } from '../state.js';
import { role, roles, texts } from '../../dev/browser.js';
import { Overview } from './overview.js';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-24T05:48:30Z');
const WIDTHS = { m: 60_000, h: HOUR, d: 24 * HOUR };
let listed;
let children;
let grow;
let asked;
let failing;
let drawn;
let gone;
let overview;
let state;
const signal = () => new AbortController().signal;

// Each bucket of a node holds its size; `grow` changes that of the newer half.
function points(period, size, name) {
  const [, width, unit, length, of] = /^(\d+)(\w):(\d+)(\w)$/.exec(period);
  const step = width * WIDTHS[unit];
  const count = length * WIDTHS[of] / step;
  const last = Math.floor(NOW / step) * step;
  return Array.from({ length: count }, (_, index) => [last - (count - 1 - index) * step, index >= Math.floor(count / 2) ? grow[name] ?? size : size]);
}

const answers = {
  pks: ({ under }) => ({ pks: under ? [{ pk: ['shop', 'A'], metrics: ['hits'], children: 0 }] : listed }),
  subdimensions: ({ dimensions }) => ({ subdimensions: (children[pathName(dimensions)] ?? []).map((name) => [...dimensions, name]) }),
  totals: ({ dimensions, periods }) => Object.fromEntries(periods.map((period) => [period, Object.fromEntries(dimensions.map((path) => [pathName(path), { hits: 10 }]))])),
  plotpoints: ({ pk, dimensions = [], metrics: [metric], period, depth }) => {
    const size = { shop: 10, tiny: 1 }[pk[0]] ?? 2;
    const of = (name) => ({ [metric]: depth ? { points: points(period, size, name), total: 1 } : points(period, size, name) });
    const below = depth ? (children[pathName(dimensions)] ?? []).map((name) => [pathName([...dimensions, name]), of(name)]) : [];
    return Object.fromEntries([[pathName(dimensions), of(pk[0])], ...below]);
  },
  rank: ({ dimension, limit }) => ({ rows: [{ dimension: dimension.length ? dimension : '_', value: 99 }, ...(children[pathName(dimension)] ?? []).slice(0, limit)
    .map((name, index) => ({ dimension: [...dimension, name], value: 40 / (index + 1) }))] }),
  spy: () => ({ events: [{ pk: ['n29'] }, { pk: ['n29'] }, { pk: ['n20', 'x'] }] }),
};

async function fetch(url) {
  const path = url.pathname.slice(1);
  const query = Object.fromEntries([...url.searchParams].map(([key, text]) => [key, text.startsWith('[') ? JSON.parse(text) : text]));
  asked.push([path, query]);
  const failure = failing(path, query);
  if (failure) return Response.json({ error: { code: 'x', message: failure.message } }, { status: failure.status });
  return Response.json(answers[path](query));
}

beforeEach(() => {
  listed = [{ pk: ['tiny'], metrics: ['hits'], children: 0 }, { pk: ['shop'], metrics: ['dollars', 'hits'], children: 1 }];
  children = { _: ['route', 'hour'], route: ['JFK', 'EWR', 'LGA'], hour: ['7', '8'] };
  grow = {};
  asked = [];
  failing = () => null;
  drawn = [];
  gone = [];
  state = { ...INITIAL, more: {} };
  document.body.replaceChildren(element('section'));
  overview = new Overview(document.body.firstChild, {
    api: new Api({ base: 'http://whale.test/page#x', fetch, key: 'hw_1' }), locale: 'en-US', now: () => NOW, window,
    go: (part) => gone.push(part), href: (part) => `#${JSON.stringify(part)}`,
  }, (place, options) => {
    const picture = { options, place, destroyed: false, destroy() { picture.destroyed = true; } };
    drawn.push(picture);
    return picture;
  });
});

afterEach(() => overview.destroy());

const show = (part = {}) => {
  state = { ...state, ...part };
  return overview.show(state, signal());
};
const cells = (card, which) => texts(card.querySelector(`[data-role=compared-${which}]`).children);
const choose = (name, value) => {
  role(name).value = value;
  role(name).dispatchEvent(new Event('change'));
};

test('the busiest names come first, each with today, the hour and the minutes beside the day before', async () => {
  grow.shop = 15;
  await show();
  expect(roles('day').map(({ dataset }) => dataset.name)).toEqual(['shop', 'tiny']);
  const [shop] = roles('day');
  expect(shop.querySelector('strong').textContent).toBe('90');
  expect(shop.querySelector('strong').dataset.value).toBe('90');
  expect(cells(shop, 'today')).toEqual(['Today until 5:00 AM', '75', '50', '+50%']);
  expect(cells(shop, 'hour').map((text) => text.replace(/\s/g, ' '))).toEqual(['4:00 – 5:00 AM', '15', '10', '+50%']);
  expect(cells(shop, 'minutes')).toEqual(['The last 5 minutes', '60', '≈ 1.3', '+4,700%']);
  expect(role('compared-minutes').title.replace(/\s/g, ' ')).toBe('Beside an average 5 minutes of 5:00 – 6:00 AM the day before');
  expect(role('overview-title').textContent).toBe('What is happening now');
  expect(role('days-note').hidden).toBe(true);
});

test('each name has a line that lives, of this server and with its key', async () => {
  await show({ zone: 'Asia/Tokyo' });
  expect(drawn.map(({ options }) => options)).toMatchObject([
    { host: 'http://whale.test/', key: 'hw_1', pk: ['shop'], metric: 'hits', kind: 'sparkline', period: 'day', tz: 'Asia/Tokyo' }, { pk: ['tiny'] },
  ]);
  await show({ zone: '' });
  expect(drawn.map(({ destroyed }) => destroyed)).toEqual([true, true, false, false]);
  overview.destroy();
  expect(drawn.every(({ destroyed }) => destroyed)).toBe(true);
});

test('what moved is told by each dimension, new and gone too, and what could be chance is pale', async () => {
  Object.assign(grow, { JFK: 20, LGA: 0, 7: 11, EWR: 10 });
  await show();
  const of = (which) => [...role(which).querySelectorAll('tbody tr')].map((row) => texts(row.children));
  expect(of('rose')).toEqual([['JFK route', '480', '240', '+240 +100%'], ['7 hour (could be chance)', '264', '240', '+24 +10%']]);
  expect(of('fell')).toEqual([['LGA route', '0', '240', '-240 gone']]);
  expect([...role('rose').querySelectorAll('tr.pale')]).toHaveLength(1);
  expect(role('movers-note').textContent).toContain('hits in the last 24 full hours, and in the 24 full hours before');
  expect(role('movers-note').textContent).toContain('What is pale could be chance');
  role('rose').querySelector('a').click();
  expect(gone).toEqual([{ view: 'explore', pk: ['shop'], dimension: ['route', 'JFK'], metric: 'hits', period: 'day' }]);
  expect(role('rose').querySelector('a').getAttribute('href')).toBe(`#${JSON.stringify(gone[0])}`);
});

test('who is at a row of what moved stays there when it refreshes', async () => {
  Object.assign(grow, { JFK: 20, LGA: 0 });
  await show();
  role('fell').querySelector('a').focus();
  for (let n = 0; n < 6; n += 1) await overview.tick(signal());
  expect(document.activeElement).toBe(role('fell').querySelector('a'));
  document.activeElement.blur();
});

test('amounts that are no counts are never called chance', async () => {
  grow.JFK = 11;
  await show({ metric: 'dollars', pk: ['shop'] });
  expect(role('movers').querySelector('.pale')).toBe(null);
  expect(role('movers-note').textContent).not.toContain('chance');
});

test('the ranking has a bar for each child, and leads to its graph', async () => {
  await show({ period: 'seven' });
  expect(roles('ranked').map((row) => texts(row.children))).toEqual([['7', '', '40'], ['8', '', '20']]);
  expect(roles('ranked').map((row) => row.querySelector('.bar > span').style.width)).toEqual(['100%', '50%']);
  expect(role('ranking-note').textContent).toBe('The first 2 by hits in the last 7 days.');
  expect(asked.find(([path]) => path === 'rank')[1]).toMatchObject({ dimension: ['hour'], depth: '1', limit: '10', period: 'seven' });
  roles('ranked')[1].querySelector('a').click();
  expect(gone).toEqual([{ view: 'explore', pk: ['shop'], dimension: ['hour', '8'], metric: 'hits', period: 'seven' }]);
});

test('a ranking of nothing says so', async () => {
  const { rank } = answers;
  answers.rank = () => ({ rows: [{ dimension: ['hour'], value: 0 }, { dimension: ['hour', '7'], value: 0 }] });
  await show();
  expect(role('ranking-rows').querySelector('.bar > span').style.width).toBe('0%');
  answers.rank = () => ({ rows: [] });
  await show();
  expect(role('ranking-note').textContent).toBe('Nothing was counted below this in the last 24 hours.');
  answers.rank = rank;
});

test('names, metric, period and dimension are chosen, and the address has them', async () => {
  await show();
  choose('about', 'tiny');
  choose('overview-metric', 'dollars');
  choose('overview-period', 'hour');
  choose('overview-dimension', 'route');
  expect(gone).toEqual([{ pk: ['tiny'], dimension: null, metric: null }, { metric: 'dollars' }, { period: 'hour' }, { dimension: ['route'] }]);
});

test('a chosen name comes first, wherever it lies', async () => {
  await show({ pk: ['shop', 'A'], dimension: ['route', 'JFK'], metric: 'a/b' });
  expect(roles('day').map(({ dataset }) => dataset.name)).toEqual(['["shop", "A"]', 'shop', 'tiny']);
  expect(role('overview-title').textContent).toBe('What is happening now: shop / A');
  expect(role('day').textContent).toContain('hits today so far');
  expect([role('about').value, role('overview-metric').value, role('overview-dimension').value]).toEqual(['["shop", "A"]', 'a/b', '["route", "JFK"]']);
  expect(role('movers-note').textContent).toContain('a/b does not: choose another metric');
  await show({ pk: ['shop'], dimension: ['route'], metric: 'dollars' });
  expect(role('day').textContent).toContain('dollars today so far');
});

test('without dimensions the children of everything are told of', async () => {
  children = { _: ['UK', 'US'] };
  grow.UK = 30;
  const { totals } = answers;
  answers.totals = ({ dimensions, periods }) => Object.fromEntries(periods.map((period) => [period, Object.fromEntries(dimensions.map((path) => [pathName(path), { hits: path.length ? 5 : 10 }]))]));
  await show();
  answers.totals = totals;
  expect(texts(role('rose').querySelectorAll('tbody th'))).toEqual(['UK']);
  expect(role('fell')).toBe(null);
  expect(texts(role('overview-dimension').options)).toEqual(['overall']);
  expect(texts(roles('ranked').map((row) => row.firstChild))).toEqual(['UK', 'US']);
});

test('a period that cannot be put beside the one before says which can', async () => {
  await show({ period: 'year' });
  expect(role('movers-note').textContent).toContain('choose one of these periods');
  expect(role('rose')).toBe(null);
});

test('what one card cannot be told leaves the others alone', async () => {
  failing = (path, { period, depth }) => (path === 'rank' || (path === 'plotpoints' && (depth || /^1m/.test(period))) ? { status: 422, message: `no ${period}` } : null);
  await show();
  expect(role('ranking-note').textContent).toBe('No day.');
  expect(role('movers-note').textContent).toBe('No 1h:49h.');
  expect([role('compared-minutes').hidden, role('compared-hour').hidden]).toEqual([true, false]);
});

test('what is wrong with the server is told by the page', async () => {
  failing = (path) => (path === 'rank' ? { status: 503, message: 'away' } : null);
  await expect(show()).rejects.toThrow(ServerError);
  failing = (path, { period }) => (path === 'plotpoints' && period.startsWith('1m') ? { status: 503, message: 'away' } : null);
  await expect(show()).rejects.toThrow('away');
});

test('a refresh asks for the numbers of now, and only now and then for the rest', async () => {
  await show();
  grow.shop = 15;
  asked = [];
  await overview.tick(signal());
  expect(asked.map(([path]) => path)).toEqual(Array(4).fill('plotpoints'));
  expect(role('so-far').textContent).toBe('90');
  expect(drawn).toHaveLength(2);
  for (let n = 0; n < 5; n += 1) await overview.tick(signal());
  expect(asked.filter(([path]) => path === 'rank')).toHaveLength(1);
});

test('among many names those of the newest events are looked at, and that is said', async () => {
  listed = Array.from({ length: 30 }, (_, index) => ({ pk: [`n${index}`], metrics: ['hits'], children: 0 }));
  Object.assign(grow, { n29: 9, n20: 8 });
  await show();
  expect(roles('day').map(({ dataset }) => dataset.name).slice(0, 2)).toEqual(['n29', 'n20']);
  expect(roles('day')).toHaveLength(4);
  expect(role('days-note').textContent).toContain('Looked at are 12 of 30 names');
  failing = (path) => (path === 'spy' ? { status: 404, message: 'no such path' } : null);
  await show();
  expect(roles('day')).toHaveLength(4);
});

test('many children are said to be many', async () => {
  children.route = Array.from({ length: 100 }, (_, index) => `c${index}`);
  await show();
  expect(role('movers-note').textContent).toContain('Of each dimension the largest 100 are looked at.');
  expect(roles('ranked').length).toBeLessThanOrEqual(10);
});

test('nothing counted at all shows nothing below', async () => {
  listed = [];
  await show();
  expect([roles('day').length, role('movers').parentNode.hidden]).toEqual([0, true]);
});

test('an answer that nobody waits for any more draws nothing', async () => {
  const request = new AbortController();
  const shown = overview.show(state, request.signal);
  request.abort();
  await shown;
  expect([roles('day').length, roles('ranked').length, role('rose')]).toEqual([0, 0, null]);
  const late = new AbortController();
  failing = (path) => {
    if (path === 'rank') late.abort();
    return path === 'rank' ? { status: 422, message: 'late' } : null;
  };
  await expect(overview.show(state, late.signal)).rejects.toThrow('late');
});
