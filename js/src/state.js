// What the page shows, as one plain value, and as the text after `#` in its address. Nothing here touches the page.
import { readNames } from './paths.js';

/** The parts of the page, in the order of their tabs. */
export const VIEWS = Object.freeze(['overview', 'explore', 'results', 'decisions', 'spy', 'health', 'boards']);

/**
 * view       the part of the page that is shown, one of VIEWS
 * pk         path of what was counted; null when none is chosen yet
 * dimension  path of the node that is drawn with its children; null lets the page choose, [] is overall
 * metric     metric or formula; null lets the page choose
 * period     as the server reads it: 'thirty', '1h:7d'; null lets the page choose
 * zone       IANA name; '' is the server's own (UTC)
 * sort       column of the breakdown: 'name', 'value' or 'weight', '-' before it for descending
 * hidden     names of series that are not drawn
 * more       what is a section's own: texts by keys that are none of the above
 */
export const INITIAL = Object.freeze({
  view: 'overview', pk: null, dimension: null, metric: null, period: null, zone: '', sort: '-weight', hidden: Object.freeze([]),
  more: Object.freeze({}),
});

const GENERAL = Object.keys(INITIAL);

const SORTS = ['name', '-name', 'value', '-value', 'weight', '-weight'];

/** Reads the part of an address after `#`. What cannot be read is as if it were not there. */
export function parseState(hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ''));
  const sort = given.get('sort');
  // Links are older than the sections: one that names none shows a graph.
  const otherwise = [...given].length === 0 ? INITIAL.view : 'explore';
  return {
    view: VIEWS.includes(given.get('view')) ? given.get('view') : otherwise,
    pk: readPath(given.get('pk'), { empty: null }),
    dimension: readPath(given.get('dimension'), { empty: [] }),
    metric: given.get('metric') || null,
    period: given.get('period') || null,
    zone: given.get('zone') ?? INITIAL.zone,
    sort: SORTS.includes(sort) ? sort : INITIAL.sort,
    hidden: readPath(given.get('hidden'), { empty: [] }) ?? [],
    more: Object.fromEntries([...given].filter(([key]) => !GENERAL.includes(key))),
  };
}

function readPath(text, { empty }) {
  if (text === null) return null;
  let value = text;
  try {
    value = JSON.parse(text);
  } catch {
    // A bare word, as in #pk=signup, is a path of one.
  }
  // A number is meant as it is written: 1.50 and 1e999 are names, too.
  if (typeof value === 'number') return [text.trim()];
  const names = Array.isArray(value) ? readNames(text) : [value];
  if (names === null || typeof names[0] === 'object') return null;
  return names.length === 0 ? empty : names.map(String);
}

/** The address text of a state; what is as at the start is left out, so that links stay short. */
export function formatState(state) {
  const parts = new URLSearchParams();
  if (state.pk !== null) parts.set('pk', JSON.stringify(state.pk));
  if (state.dimension !== null) parts.set('dimension', JSON.stringify(state.dimension));
  if (state.metric !== null) parts.set('metric', state.metric);
  for (const key of ['period', 'zone', 'sort']) {
    if (state[key] !== INITIAL[key]) parts.set(key, state[key]);
  }
  if (state.hidden.length > 0) parts.set('hidden', JSON.stringify(state.hidden));
  for (const [key, text] of Object.entries(state.more)) {
    if (text !== '' && !GENERAL.includes(key)) parts.set(key, text);
  }
  const text = parts.toString();
  if (state.view === (text === '' ? INITIAL.view : 'explore')) return text === '' ? '' : `#${text}`;
  return `#view=${state.view}${text === '' ? '' : `&${text}`}`;
}

/** Another part of the page about the same: what is a section's own stays behind, what is the graph's own too. */
export function openView(state, view, more = INITIAL.more) {
  return { ...state, view, more, sort: INITIAL.sort, hidden: INITIAL.hidden };
}

/** Some parts of a state changed; with another view as `openView` does. */
export function change(state, part) {
  return { ...('view' in part && part.view !== state.view ? openView(state, part.view) : state), ...part };
}

/** Another pk: view, period and zone stay; metric, node, hidden series and what is a section's own were those of the pk before. */
export function openPk(state, pk) {
  return { ...state, pk, dimension: null, metric: null, hidden: [], sort: INITIAL.sort, more: INITIAL.more };
}

/** Another node of the same pk. */
export function openDimension(state, dimension) {
  return { ...state, dimension, hidden: [] };
}

export function toggleHidden(state, name) {
  const hidden = state.hidden.includes(name)
    ? state.hidden.filter((other) => other !== name)
    : [...state.hidden, name];
  return { ...state, hidden };
}

/** Sorting by the column that is sorted already turns the order round; names start at A, numbers at the largest. */
export function sortBy(state, column) {
  const first = column === 'name' ? column : `-${column}`;
  const second = column === 'name' ? `-${column}` : column;
  return { ...state, sort: state.sort === first ? second : first };
}

/** True when two states ask the server the same question, so that no new answer is needed. */
export function asksTheSame(one, other) {
  return ['pk', 'dimension', 'metric', 'period', 'zone'].every(
    (key) => JSON.stringify(one[key]) === JSON.stringify(other[key]),
  );
}
