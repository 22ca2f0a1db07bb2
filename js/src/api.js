// Asking the whale server. Every function answers plain data or throws a ServerError; nothing here draws.

/** What went wrong with a request: `code` for programs, `message` and `field` as the server gave them. */
export class ServerError extends Error {
  constructor(message, { code = 'unknown', field = null, status = 0 } = {}) {
    super(message);
    this.name = 'ServerError';
    this.code = code;
    this.field = field;
    this.status = status;
  }
}

/** `address('pks', {under: ['a']})` -> `'pks?under=%5B%22a%22%5D'`; lists go as JSON, null, undefined and '' are left out. */
export function address(path, params) {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === null || value === undefined || value === '') continue;
    query.set(key, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** The questions of the page. `base` is the page's own address, so that the server may live below any path; `key` is
 * what the server asks for, '' for none. */
export class Api {
  constructor({ base, fetch, key = '' }) {
    this.base = base;
    this.fetch = fetch;
    this.key = key;
    this.headers = { Accept: 'application/json', ...(key && { Authorization: `Bearer ${key}` }) };
  }

  /** -> `[{pk, metrics, children}]`: what was counted first of all, or one level below `under`. */
  async pks(under, signal) {
    return (await this.ask('pks', { under }, signal)).pks;
  }

  /** -> `[path]`: the children of a node, as full paths. */
  async subdimensions(pk, dimension, signal) {
    return (await this.ask('subdimensions', { pk, dimensions: dimension }, signal)).subdimensions;
  }

  /** -> `{dimension: {metric: {points: [[ms, n]], total: n}}}`: a node and its largest children. */
  plotpoints({ pk, dimension, metric, period, zone, limit, sort }, signal) {
    return this.ask('plotpoints', {
      pk, dimensions: dimension, metrics: [metric], period, depth: 1, limit, sort, totals: 1, tz: zone,
    }, signal);
  }

  /** -> `{period: {dimension: {metric: n}}}` */
  totals({ pk, dimensions, metrics, periods }, signal) {
    return this.ask('totals', { pk, dimensions, metrics, periods }, signal);
  }

  /** -> `[{dimension, value, important, ...}]`: every child of a node. */
  async rank({ pk, dimension, metric, period, zone }, signal) {
    return (await this.ask('rank', { pk, dimension, metric, period, depth: 1, tz: zone }, signal)).rows;
  }

  /** -> what a path of the server answers; the questions above are made of it. */
  async ask(path, params, signal) {
    return readAnswer(path, await this.#fetch(address(path, params), { signal, headers: this.headers }));
  }

  /** -> the same for a question that is too long for an address: by POST, as JSON; null and undefined are left out. */
  async post(path, params, signal) {
    const given = Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null && value !== undefined));
    const headers = { ...this.headers, 'Content-Type': 'application/json' };
    return readAnswer(path, await this.#fetch(path, { signal, headers, method: 'POST', body: JSON.stringify(given) }));
  }

  /** -> what a path answers in plain text; errors are JSON all the same. */
  async text(path, signal) {
    const response = await this.#fetch(path, { signal, headers: this.headers });
    return response.ok ? response.text() : readAnswer(path, response);
  }

  async #fetch(path, options) {
    try {
      return await this.fetch(new URL(path, this.base), options);
    } catch (cause) {
      if (options.signal?.aborted) throw cause;
      throw new ServerError('no answer', { code: 'unreachable' });
    }
  }
}

async function readAnswer(path, response) {
  let body = null;
  try {
    body = await response.json();
  } catch (cause) {
    if (cause.name === 'AbortError') throw cause;
  }
  if (body?.error) {
    const { message, code, field } = body.error;
    throw new ServerError(String(message), { code, field, status: response.status });
  }
  if (!response.ok || body === null || typeof body !== 'object') {
    throw new ServerError(`/${path} was answered with status ${response.status}`, { code: 'unreadable', status: response.status });
  }
  return body;
}
