// Which line a click means. Pure.
const NEAR = 24;

/**
 * `edges` `[{name, y}]` are where lines stand at the bucket of the click, in pixels from the top; the line nearest to `y`, or for
 * stacked ones the one whose area `y` lies in; null where there is none.
 */
export function nearest(edges, y, isStacked) {
  const known = edges.filter((edge) => Number.isFinite(edge.y));
  if (isStacked) {
    const above = known.filter((edge) => edge.y <= y).sort((a, b) => b.y - a.y);
    return above[0]?.name ?? null;
  }
  const [first] = known.sort((a, b) => Math.abs(a.y - y) - Math.abs(b.y - y));
  return first && Math.abs(first.y - y) <= NEAR ? first.name : null;
}
