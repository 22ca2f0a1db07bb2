// Telling dimensions ("route", "hour") from values ("UK") among the children of overall, and choosing one to start with.
import { pathName } from './paths.js';

/** More children than this are values: nobody names that many properties. */
export const MOST_BRANCHES = 12;
// Some events may have several values at once; only a clear surplus shows that all children count the same events.
const SURPLUS = 1.02;
const FEW = 2;
const MANY = 30;

/**
 * The children of overall that each stand for a property of (nearly) all events: then their hits add up to more than the
 * hits of overall. Values share the hits among them, and none is a branch.
 *
 * `totals` is `{dimension: {hits: n}}`; -> the paths that are branches, in the order given.
 */
export function branchesAmong(children, totals) {
  if (children.length === 0 || children.length > MOST_BRANCHES) return [];
  const hits = (path) => totals[pathName(path)]?.hits ?? 0;
  const whole = hits([]);
  const sum = children.reduce((all, path) => all + hits(path), 0);
  if (children.length === 1) return whole > 0 && sum === whole ? children : [];
  return sum > whole * SURPLUS ? children : [];
}

/** The branch whose children make the clearest graph: the fewest, but at least two; null where there is none. */
export function clearestBranch(branches, sizes) {
  const fit = branches
    .map((path, index) => ({ path, size: sizes[index] }))
    .filter(({ size }) => size >= FEW && size <= MANY)
    .sort((a, b) => a.size - b.size);
  return fit.length > 0 ? fit[0].path : null;
}
