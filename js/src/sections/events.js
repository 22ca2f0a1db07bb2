// Events as /spy tells them: in words, and one look merged with the one before. Pure.

/** Events that a page keeps. */
export const MOST_EVENTS = 200;

// The other dimensions once more, as decisions write them for themselves.
const REPEATED = '__context__';

/** `{geo: 'UK', device: {phone: null, tablet: null}}` -> `['geo: UK', 'device: phone', 'device: tablet']` */
export function dimensionWords(dimensions) {
  return flat(dimensions).filter(([first]) => first !== REPEATED).map(([first, ...rest]) => (rest.length ? `${first}: ${rest.join(' › ')}` : first));
}

function flat(dimensions) {
  if (dimensions === null || dimensions === undefined) return [];
  if (typeof dimensions !== 'object') return [[String(dimensions)]];
  return Object.entries(dimensions).flatMap(([name, below]) => {
    const deeper = flat(below);
    return deeper.length ? deeper.map((path) => [name, ...path]) : [[name]];
  });
}

/** `{hits: 1, price: 2.5}` -> `['hits 1', 'price 2.5']` */
export function metricWords(metrics, format) {
  return Object.entries(metrics).map(([name, n]) => `${name} ${format(n)}`);
}

/** All that is read of an event, for looking it through. */
export function textOf({ pk, dimensions, metrics, id }) {
  return [pk.join(' / '), ...dimensionWords(dimensions), ...metricWords(metrics, String), id ?? ''].join(' ').toLowerCase();
}

/**
 * The rows of a new look: `{key, event, isNew}`, newest first. A row that was there keeps its key; events that are alike, as
 * two of the same millisecond may be, are told apart by how many there are.
 */
export function merged(before, events, nextKey) {
  const old = new Map();
  for (const row of before) {
    const text = JSON.stringify(row.event);
    old.set(text, [...(old.get(text) ?? []), row.key]);
  }
  // From the oldest on: of those alike the older ones were there already.
  return [...events.slice(0, MOST_EVENTS)].reverse().map((event) => {
    const known = old.get(JSON.stringify(event))?.pop();
    return { key: known ?? nextKey(), event, isNew: known === undefined };
  }).reverse();
}
