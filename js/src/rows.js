// The breakdown of a node as rows: a name, its value, its weight, its share; sorted and searched.
import { compareNames, isChild, label, pathName } from './paths.js';

/**
 * -> `[{name, path, label, value, weight}]`, one a child of `node`.
 * `ranked` and `weighed` are rows of /rank; `series` the drawn ones, whose totals hold where the ranking has none.
 */
export function childRows({ node, ranked, weighed, series }) {
  const rows = new Map();
  const put = (path, known) => {
    if (!isChild(path, node)) return;
    const name = pathName(path);
    const empty = { name, path, label: label(path), value: 0, weight: 0 };
    rows.set(name, { ...empty, ...rows.get(name), ...known });
  };
  for (const { dimension, value } of ranked) put(asPath(dimension), { value, weight: value });
  for (const { path, isOverall, total } of series) {
    if (!isOverall) put(path, { value: total, weight: total });
  }
  for (const { dimension, value } of weighed ?? []) put(asPath(dimension), { weight: value });
  return [...rows.values()];
}

function asPath(dimension) {
  return Array.isArray(dimension) ? dimension.map(String) : [];
}

/** A sorted copy; rows that are equal keep the order of their names. */
export function sortRows(rows, sort) {
  const descending = sort.startsWith('-');
  const column = sort.replace(/^-/, '');
  const sign = descending ? -1 : 1;
  const compare = column === 'name' ? () => 0 : (a, b) => sign * (a[column] - b[column]);
  const tail = column === 'name' ? sign : 1;
  return [...rows].sort((a, b) => compare(a, b) || tail * compareNames(a.label, b.label));
}

/** The rows whose name holds the text, capitals or not. */
export function findRows(rows, text) {
  const wanted = text.trim().toLowerCase();
  return wanted === '' ? rows : rows.filter((row) => row.label.toLowerCase().includes(wanted));
}

/** A child's part of the whole between 0 and 1; null where "part of" has no meaning. */
export function share(value, total) {
  return total > 0 && value >= 0 && value <= total * (1 + 1e-9) ? value / total : null;
}
