// Lines put on top of one another, from columns to columns. Pure.

/**
 * `lines` `[{values}]` -> `{base, tops}`: the lower edge of the lowest, and the upper edge of each.
 * `offset`: `zero` begins at 0, `expand` makes every bucket a whole of 1, `silhouette` lies around the middle, and `wiggle`
 * begins where the slopes, weighed by the size of what has them, are least.
 */
export function stack(lines, offset) {
  const columns = lines.map(({ values }) => values.map((n) => n ?? 0));
  const length = columns[0]?.length ?? 0;
  const sums = Array.from({ length }, (_, index) => columns.reduce((all, column) => all + column[index], 0));
  const base = BASES[offset](columns, sums);
  const parts = offset === 'expand' ? columns.map((column) => column.map((n, index) => (sums[index] ? n / sums[index] : 0))) : columns;
  const tops = [];
  let below = base;
  for (const part of parts) {
    below = below.map((n, index) => n + part[index]);
    tops.push(below);
  }
  return { base, tops };
}

/** True when lines can be stacked: a loss on top of a gain would look like less than it is. */
export function isStackable(lines) {
  return lines.length > 0 && lines.every(({ values }) => values.every((n) => n === null || n >= 0));
}

const BASES = {
  zero: (_, sums) => sums.map(() => 0),
  expand: (_, sums) => sums.map(() => 0),
  silhouette: (_, sums) => sums.map((n) => -n / 2),
  wiggle,
};

function wiggle(columns, sums) {
  const base = [];
  for (let index = 0; index < sums.length; index += 1) {
    const slopes = columns.map((column) => (index ? column[index] - column[index - 1] : 0));
    let below = 0;
    let moved = 0;
    columns.forEach((column, place) => {
      moved += (below + slopes[place] / 2) * column[index];
      below += slopes[place];
    });
    base.push(index ? base[index - 1] - (sums[index] ? moved / sums[index] : 0) : 0);
  }
  return base;
}
