// A whale server in an object, for the tests: flights of two airports, counted in memory, answered as the real one answers.
import { pathName } from '../src/paths.js';

const HOUR = 3_600_000;

/** `fetch` stands for the browser's; what it was asked is in `asked`, `failing` makes a path refuse or be away. */
export class Whale {
  constructor() {
    this.listed = [{ pk: ['flights'], metrics: ['delay', 'hits'], children: 1 }, { pk: ['signup'], metrics: ['hits'], children: 0 }];
    this.below = [{ pk: ['flights', 'UA'], metrics: ['delay', 'hits'], children: 0 }];
    this.children = { _: ['hour', 'route'], hour: ['9'], route: ['JFK', 'EWR'], '["route", "JFK"]': ['<b>LAX</b>', 'SFO'] };
    this.hits = { _: 30, hour: 30, route: 30, 9: 30, JFK: 20, EWR: 10, '<b>LAX</b>': 15, SFO: 5 };
    this.starts = [0, HOUR, 2 * HOUR];
    this.asked = [];
    this.failing = {};
    this.fetch = (url, options) => this.#answer(new URL(url), options);
  }

  /** How often a path was asked, or with what its parameter was asked last. */
  count(path) {
    return this.asked.filter(({ pathname }) => pathname === `/${path}`).length;
  }

  last(path, parameter) {
    return this.asked.findLast(({ pathname }) => pathname === `/${path}`).searchParams.get(parameter);
  }

  async #answer(url, { signal }) {
    this.asked.push(url);
    await this.holding;
    if (signal?.aborted) throw new DOMException('stopped', 'AbortError');
    const path = url.pathname.slice(1);
    const failure = this.failing[path] ?? this.failing.all;
    if (failure === 'away') throw new TypeError('failed to fetch');
    if (failure) return Response.json({ error: failure }, { status: failure.status });
    const query = Object.fromEntries([...url.searchParams].map(([key, text]) => [key, text.startsWith('[') ? JSON.parse(text) : text]));
    return Response.json(this[`_${path}`](query));
  }

  #kids(path) {
    return (this.children[pathName(path)] ?? []).map((name) => [...path, name]);
  }

  #total(path, metric) {
    const hits = this.hits[path[path.length - 1] ?? '_'] ?? 0;
    return metric.includes('/') ? hits / 4 : hits;
  }

  _pks({ under }) {
    return { pks: under ? this.below : this.listed };
  }

  _subdimensions({ dimensions }) {
    return { subdimensions: this.#kids(dimensions) };
  }

  _totals({ dimensions, metrics: [metric], periods }) {
    const totals = Object.fromEntries(dimensions.map((path) => [pathName(path), { [metric]: this.#total(path, metric) }]));
    return Object.fromEntries(periods.map((period) => [period, totals]));
  }

  _plotpoints({ dimensions, metrics: [metric] }) {
    const points = (total) => this.starts.map((start, index) => [start, index === 1 ? total : 0]);
    return Object.fromEntries([dimensions, ...this.#kids(dimensions)].map((path) => {
      const total = this.#total(path, metric);
      return [pathName(path), { [metric]: { points: points(total), total } }];
    }));
  }

  _rank({ dimension, metric }) {
    return { rows: this.#kids(dimension).map((path) => ({ dimension: path, value: this.#total(path, metric) })) };
  }
}
