import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Api, ServerError } from './api.js';
import { App } from './app.js';
import { SECTIONS } from './sections.js';
import { createPlot, media, observers, openPage, Plot, press, role, roles, texts } from '../dev/browser.js';
import { Whale } from '../dev/whale.js';

const NARROW = '(max-width: 760px)';
let whale;
let app;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'], now: 2.5 * 3_600_000 });
  media.matching.clear();
  history.replaceState(null, '', '/');
  openPage();
  whale = new Whale();
});

afterEach(() => {
  app.destroy();
  vi.useRealTimers();
});

async function open(hash = '#view=explore', more = {}) {
  history.replaceState(null, '', `/${hash}`);
  app = new App({
    window, locale: 'en-US', zones: ['UTC'], createPlot,
    api: new Api({ base: 'http://whale.test/', fetch: whale.fetch }),
    ...more,
  });
  await app.start();
}

const settled = (claim) => vi.waitFor(claim);
const lines = () => texts(document.querySelectorAll('.key .name'));
const link = () => decodeURIComponent(location.hash);

test('a page opened without a link shows the first thing counted, by its clearest dimension', async () => {
  await open();
  expect(texts(roles('pk'))).toEqual(['flights', 'signup']);
  expect(role('title').textContent).toBe('flights by route');
  expect(role('total').textContent).toBe('30');
  expect(role('total').dataset.value).toBe('30');
  expect(role('total-label').textContent).toBe('hits · the last 24 hours');
  expect(lines()).toEqual(['All', 'JFK', 'EWR']);
  expect(texts(roles('row-name'))).toEqual(['JFK', 'EWR']);
  expect(role('chart').querySelector('canvas')).not.toBe(null);
  expect(role('plot').getAttribute('aria-label')).toContain('30 in total, with 2 lines below it');
  expect(document.title).toBe('flights by route – HailWhale');
});

test('a link shows what it names, and nothing that was counted becomes markup', async () => {
  await open('#pk=["flights","UA"]&dimension=["route","JFK"]&metric=delay/hits&period=thirty&hidden=["[\\"route\\", \\"JFK\\", \\"SFO\\"]"]');
  expect(role('title').textContent).toBe('flights / UA: JFK');
  expect(lines()).toEqual(['JFK', '<b>LAX</b>', 'SFO']);
  expect(document.querySelector('main b:not(.tooltip b)')).toBe(null);
  expect(role('rows-title').textContent).toBe('Within JFK');
  expect(Plot.last.series[3].show).toBe(false);
  expect(texts(roles('pk'))).toContain('UA');
});

test('a child is opened by its name, and the way back is in the crumbs and in the history', async () => {
  await open();
  roles('row-name')[0].click();
  await settled(() => expect(role('title').textContent).toBe('flights: JFK'));
  expect(link()).toBe('#pk=["flights"]&dimension=["route","JFK"]');
  role('crumbs').querySelectorAll('a')[0].click();
  await settled(() => expect(role('title').textContent).toBe('flights'));
  expect(lines()).toEqual(['All']);
  role('branches').children[1].click();
  await settled(() => expect(role('title').textContent).toBe('flights by hour'));
  history.back();
  await settled(() => expect(role('title').textContent).toBe('flights'));
});

test('crumbs of a pk below another lead up', async () => {
  await open('#pk=["flights","UA"]');
  role('crumbs').querySelector('a').click();
  await settled(() => expect(link()).toBe('#pk=["flights"]'));
});

test('metric, period and zone ask again, hiding and sorting do not', async () => {
  await open();
  role('metrics').children[0].click();
  await settled(() => expect(role('total-label').textContent).toContain('delay'));
  role('periods').children[0].click();
  await settled(() => expect(whale.last('plotpoints', 'period')).toBe('hour'));
  await settled(() => expect(role('main').hasAttribute('aria-busy')).toBe(false));
  const before = whale.asked.length;
  document.querySelectorAll('.key')[1].click();
  role('rows-head').querySelectorAll('button')[1].click();
  expect(whale.asked).toHaveLength(before);
  expect(Plot.last.series[2].show).toBe(false);
  expect(texts(roles('row-name'))).toEqual(['EWR', 'JFK']);
  expect(link()).toContain('sort=value&hidden=');
});

test('the weight of a ratio is sorted by at first', async () => {
  await open('#metric=delay/hits');
  role('rows-head').querySelectorAll('button')[2].click();
  expect(link()).toContain('sort=weight');
});

test('the tooltip has the values of the bucket at the cursor, and says which bucket is not over', async () => {
  await open('#period=day');
  press(role('plot'), 'Home');
  press(role('plot'), 'ArrowRight');
  expect(role('tooltip').textContent.replace('\u202f', ' ')).toBe('Thu, Jan 1, 1:00 AMAll30JFK20EWR10');
  press(role('plot'), 'End');
  expect(role('tooltip').textContent).toContain('(so far)');
  press(role('plot'), 'Escape');
  expect(role('tooltip').hidden).toBe(true);
});

test('an empty server says how to count the first thing, and shows it once it is counted', async () => {
  const { listed } = whale;
  whale.listed = [];
  await open();
  expect(role('welcome').hidden).toBe(false);
  expect(role('welcome-curl').textContent).toContain('/count_now?pk=signup');
  expect(role('view').hidden).toBe(true);
  whale.listed = listed;
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('welcome').hidden).toBe(true));
  expect(role('total').textContent).toBe('30');
});

test('a pk that nothing was counted under shows that, not a blank', async () => {
  whale.listed = [];
  whale.hits = {};
  await open('#pk=nothing&dimension=UK&period=1d:3d');
  expect(role('nothing').textContent).toBe('Nothing counted in 1d:3d.');
  expect(role('rows-none').hidden).toBe(false);
});

test('an answer without buckets draws nothing', async () => {
  whale.starts = [];
  await open();
  expect(role('chart').querySelector('canvas')).toBe(null);
  expect(role('nothing').hidden).toBe(false);
});

test('a graph of hours refreshes by itself without being made again', async () => {
  await open('#period=day');
  expect(role('live').hidden).toBe(false);
  const made = Plot.made;
  const row = roles('row')[0];
  whale.hits.route = 31;
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('total').textContent).toBe('31'));
  expect(Plot.made).toBe(made);
  expect(roles('row')[0]).toBe(row);
  expect(whale.count('pks')).toBe(1);
});

test('a graph of days does not refresh, but new names are looked for now and then', async () => {
  await open('#period=year');
  expect(role('live').hidden).toBe(true);
  vi.advanceTimersByTime(50_000);
  expect(whale.count('plotpoints')).toBe(1);
  whale.listed = [...whale.listed, { pk: ['zebra'], metrics: ['hits'], children: 0 }];
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(texts(roles('pk'))).toContain('zebra'));
});

test('what nobody looks at is not refreshed until somebody does', async () => {
  await open('#period=day');
  const visible = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
  document.dispatchEvent(new Event('visibilitychange'));
  vi.advanceTimersByTime(60_000);
  expect(whale.count('plotpoints')).toBe(1);
  visible.mockReturnValue('visible');
  document.dispatchEvent(new Event('visibilitychange'));
  await settled(() => expect(whale.count('plotpoints')).toBe(2));
});

test('a period that cannot be read is told in a sentence, and numbers of another question are gone', async () => {
  await open();
  whale.failing.plotpoints = { status: 400, code: 'invalid_period', field: 'period', message: "not a length of time: '1x'" };
  await app.go({ ...app.state, period: '1x' });
  expect(role('error').textContent).toBe("This period cannot be used: not a length of time: '1x'.");
  expect(role('error').hidden).toBe(false);
  expect(role('answer').hidden).toBe(true);
  expect(role('period-own').value).toBe('1x');
  vi.advanceTimersByTime(50_000);
  expect(whale.count('plotpoints')).toBe(2);
  whale.failing = {};
  await app.go({ ...app.state, period: 'day' });
  expect([role('error').hidden, role('answer').hidden]).toEqual([true, false]);
});

test('a server that goes away leaves the last numbers on the page and is tried again', async () => {
  await open('#period=day');
  whale.failing.all = 'away';
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('error').textContent).toContain('The server does not answer.'));
  expect(role('total').textContent).toBe('30');
  whale.failing = {};
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('error').hidden).toBe(true));
});

test('a server that is away from the start is told and tried again', async () => {
  whale.failing.all = { status: 503, code: 'storage_unavailable', message: 'connection refused' };
  await open();
  expect(role('error').textContent).toBe('The server cannot reach its engine: connection refused. This page tries again every 10 seconds.');
  whale.failing = {};
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('total').textContent).toBe('30'));
});

test('names below a pk that cannot be read are told', async () => {
  await open();
  whale.failing.pks = 'away';
  document.querySelector('.twist').click();
  await settled(() => expect(role('error').hidden).toBe(false));
  expect(role('total').textContent).toBe('30');
});

test('only the last of two quick questions is answered', async () => {
  await open();
  let release;
  whale.holding = new Promise((resolve) => { release = resolve; });
  const first = app.go({ ...app.state, period: 'year' });
  const second = app.go({ ...app.state, period: 'hour' });
  expect(role('main').hasAttribute('aria-busy')).toBe(true);
  await app.tick();
  release();
  await Promise.all([first, second]);
  expect(role('total-label').textContent).toBe('hits · the last hour');
  expect(role('error').hidden).toBe(true);
});

test('a mistake of the page itself is not hidden as an answer of the server', async () => {
  await open();
  whale._plotpoints = () => ({ route: { hits: { total: 1 } } });
  await expect(app.reload()).rejects.toThrow(TypeError);
});

test('a phone gets the list closed, and closes it behind a choice', async () => {
  media.matching.add(NARROW);
  await open();
  expect(role('side').open).toBe(false);
  role('side').open = true;
  roles('pk')[1].click();
  await settled(() => expect(role('chosen').textContent).toBe(': signup'));
  expect(role('side').open).toBe(false);
});

test('a wide page keeps the list open', async () => {
  await open();
  roles('pk')[1].click();
  await settled(() => expect(role('chosen').textContent).toBe(': signup'));
  expect(role('side').open).toBe(true);
});

test('a change of colours draws anew, where there is something drawn', async () => {
  whale.listed = [];
  await open();
  const made = Plot.made;
  app.redraw();
  expect(Plot.made).toBe(made);
  whale.listed = [{ pk: ['flights'], metrics: ['hits'], children: 0 }];
  await app.reload({ names: true });
  document.querySelector('[data-role=view]').style.setProperty('--overall', 'pink');
  app.redraw();
  expect(Plot.last.options.cursor.points.fill(null, 1)).toBe('pink');
});

test('more children than lines are counted beside the legend', async () => {
  const points = whale._plotpoints.bind(whale);
  whale._plotpoints = (query) => Object.fromEntries(Object.entries(points(query)).slice(0, 2));
  await open('#zone=Asia/Tokyo&dimension=["route"]');
  expect(role('legend-note').textContent).toBe('the largest 1 of 2');
  expect(role('plot').getAttribute('aria-label')).toContain('with 1 line below it');
});

test('a page that is taken away asks and listens no more', async () => {
  await open('#period=day');
  app.destroy();
  const before = whale.asked.length;
  vi.advanceTimersByTime(60_000);
  document.dispatchEvent(new Event('visibilitychange'));
  window.dispatchEvent(new PopStateEvent('popstate'));
  expect(whale.asked).toHaveLength(before);
  expect(observers.size).toBe(0);
});

class Section {
  constructor(root, surroundings) {
    Object.assign(this, { root, ...surroundings });
    Section.last = this;
    Section.calls = [];
  }

  async show(state) {
    Section.calls.push(['show', state]);
    if (Section.failing) throw Section.failing;
    this.root.textContent = `about ${state.pk}`;
  }

  async tick() {
    Section.calls.push(['tick']);
    if (Section.failing) throw Section.failing;
  }

  destroy() {
    Section.calls.push(['destroy']);
  }
}

function withSections(hash) {
  Section.failing = null;
  const sections = Object.fromEntries(Object.entries(SECTIONS).map(([view, section]) => [view, { ...section, load: async () => Section }]));
  return open(hash, { sections });
}

const tab = (view) => document.querySelector(`[data-view=${view}]`);
const named = () => Section.calls.map(([name]) => name);

test('a page opened without a link shows the overview, and the tabs lead to the other parts and back', async () => {
  await withSections('');
  expect(tab('overview').getAttribute('aria-current')).toBe('page');
  expect(document.title).toBe('Overview – HailWhale');
  expect([role('stage').hidden, role('view').hidden, role('side').hidden]).toEqual([false, true, false]);
  tab('explore').click();
  await settled(() => expect(role('title').textContent).toBe('flights by route'));
  expect(named()).toContain('destroy');
  expect([role('stage').hidden, location.hash]).toEqual([true, '#view=explore']);
  // What the page chose by itself is not taken along.
  expect(tab('results').getAttribute('href')).toBe('#view=results');
  tab('overview').click();
  await settled(() => expect(role('stage').hidden).toBe(false));
  expect(location.hash).toBe('');
  history.back();
  await settled(() => expect(role('stage').hidden).toBe(true));
  await settled(() => expect(role('total').textContent).toBe('30'));
});

test('a name beside a section is chosen for it, in the same view', async () => {
  await withSections('#view=results&zone=Asia/Tokyo&split=x');
  expect(roles('pk')[1].getAttribute('href')).toBe('#view=results&pk=%5B%22signup%22%5D');
  roles('pk')[1].click();
  await settled(() => expect(role('stage').textContent).toBe('about signup'));
  expect(link()).toBe('#view=results&pk=["signup"]&zone=Asia/Tokyo');
  expect(role('chosen').textContent).toBe(': signup');
  tab('explore').click();
  await settled(() => expect(role('title').textContent).toBe('signup by route'));
  expect(roles('pk')[0].getAttribute('href')).toBe('#pk=%5B%22flights%22%5D');
});

test('a section changes the state, and what is its own is there again when a tab leads back', async () => {
  await withSections('#view=spy&pk=flights');
  await Section.last.go({ more: { text: 'x' } });
  expect(link()).toBe('#view=spy&pk=["flights"]&text=x');
  expect(Section.last.href({ view: 'explore' })).toBe('#pk=%5B%22flights%22%5D');
  expect(Section.last.href({ view: 'overview', pk: null })).toBe('./');
  expect(Section.last.now()).toBe(Date.now());
  tab('health').click();
  await settled(() => expect(role('side').hidden).toBe(true));
  expect(tab('spy').getAttribute('href')).toBe('#view=spy&pk=%5B%22flights%22%5D&text=x');
  await Section.last.go({ pk: ['signup'] });
  expect(tab('spy').getAttribute('href')).toBe('#view=spy&pk=%5B%22signup%22%5D');
});

test('a section is refreshed every ten seconds, and not while it cannot be seen', async () => {
  await withSections('#view=health');
  expect(whale.count('pks')).toBe(0);
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(named()).toEqual(['show', 'tick']));
  vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
  vi.advanceTimersByTime(20_000);
  expect(named()).toEqual(['show', 'tick']);
});

test('what goes wrong in a section is told as elsewhere, and what may pass is tried again', async () => {
  await withSections('#view=decisions');
  Section.failing = new ServerError('no answer', { code: 'unreachable' });
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('error').textContent).toContain('The server does not answer.'));
  Section.failing = null;
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('error').hidden).toBe(true));
  expect(named()).toEqual(['show', 'tick', 'show']);
  Section.failing = new ServerError('no such goal', { status: 400 });
  await app.reload();
  expect(role('error').textContent).toBe('No such goal.');
  vi.advanceTimersByTime(10_000);
  expect(named()).toEqual(['show', 'tick', 'show', 'show']);
});

test('only the last of two quick changes of a section counts', async () => {
  await withSections('#view=spy');
  await Promise.all([app.go({ ...app.state, pk: ['flights'] }), app.go({ ...app.state, pk: ['signup'] })]);
  expect(role('stage').textContent).toBe('about signup');
  const shown = app.reload();
  app.request.abort();
  Section.failing = new ServerError('late', { status: 400 });
  await shown;
  expect(role('error').hidden).toBe(true);
});

test('an empty server welcomes in the overview too, and the overview comes once something is counted', async () => {
  const { listed } = whale;
  whale.listed = [];
  await withSections('');
  expect([role('welcome').hidden, role('stage').hidden, role('side').hidden]).toEqual([false, true, true]);
  whale.listed = listed;
  vi.advanceTimersByTime(10_000);
  await settled(() => expect(role('stage').textContent).toBe('about null'));
  expect([role('welcome').hidden, role('side').hidden]).toEqual([true, false]);
});

test('other parts say themselves what an empty server lacks', async () => {
  whale.listed = [];
  await withSections('#view=results');
  expect([role('welcome').hidden, role('stage').hidden, role('side').hidden]).toEqual([true, false, true]);
});

test('the name of the page leads to its start, and the graph onto a board', async () => {
  await withSections('#pk=flights&dimension=["route"]&period=day&zone=Asia/Tokyo&sort=name');
  const added = new URLSearchParams(role('to-board').getAttribute('href').slice(1));
  expect([...added.keys()]).toEqual(['view', 'pk', 'dimension', 'period', 'zone', 'add']);
  expect(JSON.parse(added.get('add'))).toEqual({ pk: ['flights'], dimensions: ['route'], metric: 'hits', period: 'day', tz: 'Asia/Tokyo' });
  role('to-board').click();
  await settled(() => expect(Section.last.state.more.add).toBe(added.get('add')));
  const other = new MouseEvent('click', { metaKey: true, cancelable: true, bubbles: true });
  document.addEventListener('click', (event) => event.preventDefault(), { once: true });
  role('brand').dispatchEvent(other);
  expect(link()).toContain('view=boards');
  role('brand').click();
  await settled(() => expect(Section.last.state.view).toBe('overview'));
  expect(link()).toBe('');
  await app.go({ ...app.state, view: 'explore' });
  expect(JSON.parse(new URLSearchParams(role('to-board').getAttribute('href').slice(1)).get('add')).tz).toBe(undefined);
});

test('a change of colours before there is anything drawn draws nothing', async () => {
  await withSections('');
  const made = Plot.made;
  app.redraw();
  expect(Plot.made).toBe(made);
});
