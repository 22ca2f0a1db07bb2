// Which splits there may be: pks with several pks below them. Asks few questions, draws nothing.
import { compareNames, label, pathName, samePath } from '../paths.js';
import { MARKS } from './deciding.js';

/** Names of the first level that are looked below; more would be as many questions. */
export const LOOKED_BELOW = 12;
/** As many versions as the server compares. */
export const MOST_VERSIONS = 50;

/** -> `[{pk, metrics, children}]` that may be splits: two versions or more; the chosen one first, wherever it lies. */
export async function findSplits(api, chosen, signal) {
  const top = await api.pks(null, signal);
  const wide = [...top].filter(({ children }) => children > 0).sort((a, b) => compareNames(label(a.pk), label(b.pk)));
  const below = await Promise.all(wide.slice(0, LOOKED_BELOW).map(({ pk }) => api.pks(pk, signal)));
  const all = [...wide, ...below.flat()].filter(({ children }) => children > 1 && children <= MOST_VERSIONS);
  if (chosen === null) return all;
  const known = [...top, ...below.flat()].find(({ pk }) => samePath(pk, chosen)) ?? await entryOf(api, chosen, signal);
  return [known, ...all.filter(({ pk }) => !samePath(pk, chosen))];
}

/** -> the entry of a pk, wherever it lies; one without metrics or children where there is no such pk. */
export async function entryOf(api, pk, signal) {
  const siblings = await api.pks(pk.length > 1 ? pk.slice(0, -1) : null, signal);
  return siblings.find((entry) => samePath(entry.pk, pk)) ?? { pk, metrics: [], children: 0 };
}

/** -> the names of the dimensions of a pk, without those that decisions write. */
export async function dimensionsOf(api, pk, signal) {
  const paths = await api.subdimensions(pk, [], signal);
  return paths.map(([name]) => name).filter((name) => !MARKS.includes(name)).sort(compareNames);
}

/** -> the names of the versions: the pks below a pk, or with `split` the children of that dimension. */
export async function versionsOf(api, pk, split, signal) {
  const paths = split === '' ? (await api.pks(pk, signal)).map((entry) => entry.pk) : await api.subdimensions(pk, [split], signal);
  return paths.map((path) => path[path.length - 1]).sort(compareNames);
}

/** A path as the value of a choice, and as its text. */
export const option = (path) => [pathName(path), path.map((name) => label([name])).join(' / ')];
