// A stand-in for the whale server while the page is made: invented flights, the same questions and answers.
//
//   node dev/server.mjs [--port 8090] [--mode flights|empty|broken]
//
// The demo pages of the widget lie at /demo/; with ?host=http://127.0.0.1:8085 they draw what a real server counted, which has to
// know of them: HAILWHALE_CORS=http://127.0.0.1:8090 hailwhale serve.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, basename } from 'node:path';
import { fileURLToPath } from 'node:url';

const argument = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const PORT = Number(argument('--port', 8090));
const MODE = argument('--mode', 'flights');
const JS = join(dirname(fileURLToPath(import.meta.url)), '..');
const STATIC = join(JS, '..', 'hailwhale', 'static');
const FOLDERS = { static: STATIC, demo: join(JS, 'demo'), vendor: join(JS, 'node_modules', 'jquery', 'dist') };
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
// Demo pages may be about a real server, which is elsewhere.
const POLICY = ['default', 'connect', 'script', 'frame', 'img'].map((kind) => `${kind}-src 'self'${kind === 'default' ? '' : ' http: https:'}`).join('; ');
const DAY = 86_400;
const UNITS = { s: 1, m: 60, h: 3600, d: DAY, w: 7 * DAY, mo: 30 * DAY, y: 365 * DAY };
const NAMED = { hour: '1m:1h', day: '1h:24h', '24h': '1h:24h', today: '1h:14h', yesterday: '1h:24h', seven: '1d:7d', thirty: '1d:30d', wtd: '1d:4d', mtd: '1d:22d', ytd: '1d:320d', year: '1d:366d' };

// Children with their parts of what their parent has; a function where there are too many to write down.
const PLACES = { LAX: 16, ATL: 17, BOS: 15, MCO: 14, ORD: 17, SFO: 13, CLT: 14, FLL: 12, MIA: 11, DCA: 9, DTW: 9, RDU: 8, TPA: 7, DEN: 7, SEA: 4, PHX: 4, LAS: 6, SJU: 5, BUF: 5, PBI: 6 };
const HOURS = Object.fromEntries([2, 26, 25, 27, 22, 20, 17, 16, 18, 20, 23, 23, 24, 22, 23, 16, 11, 4].map((n, i) => [String(i + 5), n]));
const branch = (weights) => ({ weights });
const FLIGHTS = {
  branches: { hour: { '': branch(HOURS) }, route: { '': branch({ EWR: 121, JFK: 111, LGA: 105 }), EWR: branch(PLACES), JFK: branch(PLACES), LGA: branch(PLACES) } },
};
const CARRIERS = { UA: 58665, B6: 54635, EV: 54173, DL: 48110, AA: 32729, MQ: 26397, US: 20536, '9E': 18460, WN: 12275, VX: 5162, FL: 3260, AS: 714, F9: 685, YV: 601, HA: 342, OO: 32 };
const products = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [String(i + 1), 1000 / (i + 3)]));
const countries = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`page-${String(i + 1).padStart(4, '0')}`, 5000 / (i + 2)]));
const TREES = [
  { pk: ['flights'], metrics: ['delay', 'flights', 'hits', 'miles'], perDay: 920, kids: CARRIERS, shape: FLIGHTS },
  { pk: ['pages'], metrics: ['hits', 'seconds'], perDay: 40_000, kids: {}, shape: { values: countries } },
  { pk: ['Product'], metrics: ['hits', 'revenue', 'sales'], perDay: 5200, kids: products, shape: { values: { US: 51, UK: 17, DE: 12, FR: 9, IN: 22, '<b>JP</b>': 4 } } },
  { pk: ['signup'], metrics: ['hits'], perDay: 31, kids: {}, shape: {} },
];

function noise(text) {
  let h = 2166136261;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h = Math.imul(h ^ (h >>> 15), 2246822507);
  return ((h ^ (h >>> 13)) >>> 0) / 4294967296;
}

function kidsOf(tree, node) {
  const { shape } = tree;
  if (shape.values) return node.length === 0 ? shape.values : {};
  if (!shape.branches) return {};
  if (node.length === 0) return Object.fromEntries(Object.keys(shape.branches).map((name) => [name, null]));
  return shape.branches[node[0]]?.[node[1] ?? '']?.weights && node.length < 3 ? shape.branches[node[0]][node[1] ?? ''].weights : {};
}

function partOf(tree, pk, node) {
  let part = 1;
  if (pk.length > 1) part *= (tree.kids[pk[1]] ?? 0) / Object.values(tree.kids).reduce((a, b) => a + b, 0);
  for (let i = 0; i < node.length; i += 1) {
    const kids = kidsOf(tree, node.slice(0, i));
    if (!(node[i] in kids)) return 0;
    if (kids[node[i]] !== null) part *= kids[node[i]] / Object.values(kids).reduce((a, b) => a + b, 0);
  }
  return part;
}

function amount(tree, pk, node, metric, start, width) {
  const until = Math.min(start + width, Date.now() / 1000);
  const weekday = new Date(start * 1000).getUTCDay();
  const hour = (start / 3600) % 24;
  const season = 1 + 0.08 * Math.sin(start / DAY / 58);
  const ofDay = width >= DAY ? 1 : Math.max(0.03, 1 - Math.cos((hour - 2) / 24 * 2 * Math.PI));
  const ofWeek = width > DAY ? 1 : [0.94, 1.04, 1.03, 1.04, 1.05, 1.05, 0.8][weekday];
  const named = node.length === 1 && tree.shape.branches ? [] : node;
  const key = `${pk.join('/')}|${named.join('/')}|${start}`;
  const expected = tree.perDay * ((until - start) / DAY) * partOf(tree, pk, node) * ofDay * ofWeek * season;
  const n = Math.max(0, Math.round(expected * (0.93 + 0.14 * noise(key)) + noise(`${key}r`) - 0.5));
  const storm = 1 + 4 * Math.max(0, noise(`storm${Math.floor(start / DAY)}`) - 0.82) * 5;
  const each = { delay: (7 + 9 * noise(named.join()) + 5 * noise(key)) * storm, miles: 800 + 500 * noise(named.join()), revenue: 19.9, seconds: 34, sales: 0.3 }[metric];
  return each === undefined ? n : Math.round(n * each * 100) / 100;
}

function buckets(period) {
  const match = /^(\d*)(mo|[smhdwy]):(\d*)(mo|[smhdwy])$/.exec(NAMED[period] ?? period);
  if (!match) throw new Refusal(400, 'invalid_period', `not a period: '${period}' (try 1h:7d, 5m:1d, thirty, year)`, 'period');
  const width = (Number(match[1]) || 1) * UNITS[match[2]];
  const length = (Number(match[3]) || 1) * UNITS[match[4]];
  const last = Math.floor(Date.now() / 1000 / width) * width;
  return { width, starts: Array.from({ length: Math.ceil(length / width) }, (_, i) => last - (Math.ceil(length / width) - 1 - i) * width) };
}

class Refusal extends Error {
  constructor(status, code, message, field = null) {
    super(message);
    Object.assign(this, { status, code, field });
  }
}

const nameOf = (path) => (path.length === 0 ? '_' : path.length === 1 ? path[0] : `[${path.map((n) => JSON.stringify(n)).join(', ')}]`);
const treeOf = (pk) => TREES.find((tree) => tree.pk[0] === pk[0]);

function series(query, pk, node, formula) {
  const tree = treeOf(pk);
  const { width, starts } = buckets(query.period ?? 'year');
  const [above, below] = formula.split('/');
  for (const name of [above, below]) {
    if (name !== undefined && !/^[\w"]+(:\w+)?$/.test(name)) throw new Refusal(400, 'invalid_formula', `not a formula: '${formula}' (try hits, or dollars/hits)`, 'metrics');
  }
  const column = (name) => starts.map((start) => (tree?.metrics.includes(name) ? amount(tree, pk, node, name, start, width) : 0));
  const sum = (all) => Math.round(all.reduce((a, b) => a + b, 0) * 1e6) / 1e6;
  const tops = column(above);
  if (below === undefined) return { starts, values: tops, total: sum(tops) };
  const bottoms = column(below);
  const ratio = (a, b) => (b === 0 ? 0 : a / b);
  return { starts, values: tops.map((n, i) => ratio(n, bottoms[i])), total: ratio(sum(tops), sum(bottoms)) };
}

const answers = {
  pks(query) {
    const list = MODE === 'empty' ? [] : TREES;
    if (!query.under) return { pks: list.map(({ pk, metrics, kids }) => ({ pk, metrics, children: Object.keys(kids).length })) };
    const tree = treeOf(query.under);
    return { pks: Object.keys(query.under.length === 1 ? tree.kids : {}).map((name) => ({ pk: [...query.under, name], metrics: tree.metrics, children: 0 })) };
  },
  subdimensions: (query) => ({ subdimensions: Object.keys(kidsOf(treeOf(query.pk) ?? { shape: {} }, query.dimensions)).map((name) => [...query.dimensions, name]) }),
  plotpoints(query) {
    const node = query.dimensions ?? [];
    const tree = treeOf(query.pk);
    const by = (query.sort ?? '-hits').replace(/^-/, '');
    const kids = tree ? Object.keys(kidsOf(tree, node)).map((name) => [...node, name]) : [];
    const ordered = kids.map((path) => [series(query, query.pk, path, by).total, path]).sort((a, b) => b[0] - a[0]);
    return Object.fromEntries([node, ...ordered.slice(0, query.limit || undefined).map(([, path]) => path)].map((path) => [nameOf(path), Object.fromEntries(query.metrics.map((metric) => {
      const { starts, values, total } = series(query, query.pk, path, metric);
      return [metric, { points: starts.map((start, i) => [start * 1000, values[i]]), total }];
    }))]));
  },
  totals: (query) => Object.fromEntries([query.periods ?? query.period].flat().map((period) => [period, Object.fromEntries(query.dimensions.map((path) => [nameOf(path), Object.fromEntries(query.metrics.map((metric) => [metric, series({ ...query, period }, query.pk, path, metric).total]))]))])),
  rank(query) {
    const node = query.dimension ?? [];
    const kids = Object.keys(kidsOf(treeOf(query.pk) ?? { shape: {} }, node)).map((name) => [...node, name]);
    return { rows: kids.map((path) => ({ dimension: path, value: series(query, query.pk, path, query.metric).total })) };
  },
};

function readQuery(params) {
  const query = {};
  for (const [key, text] of params) {
    try {
      query[key] = JSON.parse(text);
    } catch {
      query[key] = text;
    }
  }
  return query;
}

createServer(async (request, response) => {
  const url = new URL(request.url, 'http://localhost');
  const path = url.pathname.replace(/\/$/, '');
  const send = (status, type, body) => response.writeHead(status, { 'Content-Type': type, 'Content-Security-Policy': POLICY, 'Cache-Control': 'no-store' }).end(body);
  try {
    const folder = FOLDERS[path === '' ? 'static' : path.split('/')[1]];
    if (folder && (path === '' || path.split('/').length === 3)) {
      const name = path === '' ? 'index.html' : basename(path);
      return send(200, TYPES[extname(name)] ?? 'text/plain', await readFile(join(folder, name)));
    }
    if (MODE === 'broken') throw new Refusal(503, 'storage_unavailable', 'connection refused by unix:/run/hailwhale.sock');
    const answer = answers[path.slice(1)];
    if (!answer) throw new Refusal(404, 'not_found', `nothing is served at ${path}`);
    return send(200, 'application/json', JSON.stringify(answer(readQuery(url.searchParams))));
  } catch (error) {
    const { status = 500, code = 'error', field = null, message } = error;
    return send(status, 'application/json', JSON.stringify({ error: { code, message, field } }));
  }
}).listen(PORT, '127.0.0.1', () => console.log(`http://127.0.0.1:${PORT}/ (${MODE})`));
