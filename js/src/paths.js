// Paths (arrays of names) and the one-text names that the server's answers use for them.

/** The overall node: every event is counted under it. */
export const OVERALL = [];

/** `[]` -> `'_'`, `['UK']` -> `'UK'`, `['geo', 'UK']` -> `'["geo", "UK"]'`; two paths never share a name. */
export function pathName(path) {
  if (path.length === 0) return '_';
  const [first] = path;
  if (path.length === 1 && first !== '' && first !== '_' && !first.startsWith('[')) return first;
  return `[${path.map((name) => JSON.stringify(name)).join(', ')}]`;
}

/** The path that a name in an answer stands for. Tells JSON with and without blanks alike. */
export function parsePathName(text) {
  if (text === '_') return [];
  return (text.startsWith('[') && readNames(text)) || [text];
}

const NUMBERS = /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?/gi;

/** The names that a list in JSON holds, numbers as they are written (`1.50`, `1e999`); null for any other text. */
export function readNames(text) {
  try {
    const names = JSON.parse(text.replace(NUMBERS, (token) => (token.startsWith('"') ? token : `"${token}"`)));
    return Array.isArray(names) && names.every((name) => ['string', 'boolean'].includes(typeof name)) ? names.map(String) : null;
  } catch {
    return null;
  }
}

export function samePath(one, other) {
  return one.length === other.length && one.every((name, index) => name === other[index]);
}

/** True when `path` lies below `ancestor`, or is it. */
export function isWithin(path, ancestor) {
  return path.length >= ancestor.length && ancestor.every((name, index) => name === path[index]);
}

/** True when `path` lies exactly one level below `parent`. */
export function isChild(path, parent) {
  return path.length === parent.length + 1 && isWithin(path, parent);
}

// Blanks, and what is drawn as nothing.
const UNSEEN = /^[\s\p{Cc}\p{DI}\u2800]*$/u;

/** What people read for a path: its last name; a name of no visible character is put in quotes. */
export function label(path, overall = 'overall') {
  if (path.length === 0) return overall;
  const name = path[path.length - 1];
  return UNSEEN.test(name) ? `“${name}”` : name;
}

/** All beginnings of a path, itself last: `['a', 'b']` -> `[['a'], ['a', 'b']]`. */
export function prefixes(path) {
  return path.map((_, index) => path.slice(0, index + 1));
}

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: 'base' });

/** Orders names as people do: `2` before `10`, capitals beside small letters. */
export function compareNames(one, other) {
  return collator.compare(one, other);
}
