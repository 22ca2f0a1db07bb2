// A board: a title and graphs, as a file that can be sent. What comes from elsewhere is checked piece by piece. Pure.
import { complete } from '../widget/options.js';

export const MOST_BYTES = 256 * 1024;
export const MOST_GRAPHS = 50;
const MOST_TITLE = 200;
const MOST_TEXT = 1_000;
const MOST_NAMES = 64;
const MOST_METRICS = 16;
const MOST_MARKS = 200;

/** What is wrong with a board, as a sentence. */
export class BoardError extends Error {
  name = 'BoardError';
}

const isText = (value) => typeof value === 'string' && value.length <= MOST_TEXT;
const isName = (value) => isText(value) || Number.isFinite(value);
const isRecord = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = { is: isText, words: `a text of at most ${MOST_TEXT} characters` };
const flag = { is: (value) => typeof value === 'boolean', words: 'true or false' };
const path = {
  is: (value) => isName(value) || (Array.isArray(value) && value.length <= MOST_NAMES && value.every(isName)),
  words: 'a name or a list of names',
};
const number = (least, most) => ({ is: (value) => Number.isFinite(value) && value >= least && value <= most, words: `a number from ${least} to ${most}` });

/** What each option of a graph may be here. */
const OPTIONS = {
  pk: path, dimensions: path, dimension: path, metric: text, period: text, tz: text, kind: text, offset: text, theme: text, locale: text,
  metrics: {
    is: (value) => value === null || isText(value) || (Array.isArray(value) && value.length <= MOST_METRICS && value.every(isText)),
    words: `a list of at most ${MOST_METRICS} metrics`,
  },
  title: { is: (value) => value === null || isText(value), words: text.words },
  depth: number(0, 16), threshold: number(0, 1), limit: number(1, 100), height: number(0, 2_000), columns: number(1, 2),
  compare: flag, legend: flag, table: flag, drill: flag,
  live: { is: (value) => flag.is(value) || (Number.isFinite(value) && value >= 1_000), words: 'true, false, or milliseconds from 1000 on' },
  annotations: {
    is: (value) => Array.isArray(value) && value.length <= MOST_MARKS && value.every((mark) => isRecord(mark) && isName(mark.at) && isText(mark.text)),
    words: `a list of at most ${MOST_MARKS} moments, {"at", "text"}`,
  },
};
const NEVER = {
  key: 'a board holds no key: everybody who is sent it would have it',
  host: 'a board names no server: it is of the one that shows it',
  onclick: 'a board holds no code', onerror: 'a board holds no code',
};

/** Reads the text of a file. -> `{title, graphs}`, with nothing but what is known. Raises `BoardError`. */
export function parseBoard(given) {
  const size = new TextEncoder().encode(given).length;
  if (size > MOST_BYTES) throw new BoardError(tooLarge(size));
  try {
    return readBoard(JSON.parse(given));
  } catch (error) {
    if (error instanceof BoardError) throw error;
    throw new BoardError('this is no board: it is not JSON');
  }
}

/** The sentence for a file of so many bytes. */
export function tooLarge(bytes) {
  return `this is too large for a board: ${Math.ceil(bytes / 1024)} kB, and ${MOST_BYTES / 1024} kB are the most`;
}

/** Checks a value as JSON gives it. -> a board. Raises `BoardError`. */
export function readBoard(given) {
  if (!isRecord(given)) throw new BoardError('this is no board: a board is {"title", "graphs"}');
  for (const name of Object.keys(given)) {
    if (!['title', 'graphs'].includes(name)) throw new BoardError(`a board has a title and graphs, and nothing called ${shown(name)}`);
  }
  const { title, graphs } = given;
  if (typeof title !== 'string' || title.trim() === '' || title.length > MOST_TITLE) {
    throw new BoardError(`the title of a board is a text of 1 to ${MOST_TITLE} characters`);
  }
  if (!Array.isArray(graphs)) throw new BoardError('the graphs of a board are a list');
  if (graphs.length > MOST_GRAPHS) throw new BoardError(`a board has at most ${MOST_GRAPHS} graphs, and this one has ${graphs.length}`);
  return { title: title.trim(), graphs: graphs.map((graph, index) => readGraph(graph, `graph ${index + 1}`)) };
}

/** Checks the options of one graph, which `name` tells in a sentence. -> the options. Raises `BoardError`. */
export function readGraph(given, name = 'this graph') {
  if (!isRecord(given)) throw new BoardError(`${name} is no list of options: {"pk", "metric", …} is`);
  for (const [option, value] of Object.entries(given)) {
    if (Object.hasOwn(NEVER, option)) throw new BoardError(`${name} has a ${option}: ${NEVER[option]}`);
    if (!Object.hasOwn(OPTIONS, option)) throw new BoardError(`${name} has an option that no graph has: ${shown(option)}`);
    if (!OPTIONS[option].is(value)) throw new BoardError(`${name}: ${option} is ${OPTIONS[option].words}, not ${shown(value)}`);
  }
  const { columns = 1, ...options } = given;
  if (!Number.isInteger(columns)) throw new BoardError(`${name}: columns is 1 or 2, not ${columns}`);
  try {
    complete(options);
  } catch (error) {
    throw new BoardError(`${name}: ${error.message}`);
  }
  return { ...options, ...(columns === 2 && { columns }) };
}

function shown(value) {
  const written = JSON.stringify(value);
  return written.length > 60 ? `${written.slice(0, 60)}…` : written;
}

/** The text of a file; one line a graph, so that changes of it can be read. */
export function formatBoard({ title, graphs }) {
  const lines = graphs.map((graph) => `\n    ${JSON.stringify(graph)}`).join(',');
  return `{\n  "title": ${JSON.stringify(title)},\n  "graphs": [${lines}${lines && '\n  '}]\n}\n`;
}

/** The name of the file of a board. */
export function fileName({ title }) {
  const name = title.replace(/[^\p{L}\p{N}._-]+/gu, '-').replace(/^[-.]+|[-.]+$/g, '');
  return `${name || 'board'}.board.json`;
}

/** The graph at `index` so many places further. */
export function moved(graphs, index, by) {
  const to = Math.min(Math.max(index + by, 0), graphs.length - 1);
  const others = graphs.filter((_, place) => place !== index);
  return [...others.slice(0, to), graphs[index], ...others.slice(to)];
}
