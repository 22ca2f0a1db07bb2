// Which colour a series has: a child keeps its colour while the page shows it, however the order changes.

export const HUES = 8;

/** -> `Map(name -> 0..HUES-1)`; names that had a hue keep it, new ones take the lowest that is free. */
export function assignHues(names, before = new Map()) {
  const hues = new Map(names.filter((name) => before.has(name)).map((name) => [name, before.get(name)]));
  const taken = new Set(hues.values());
  for (const name of names) {
    if (hues.has(name)) continue;
    let hue = 0;
    while (taken.has(hue)) hue += 1;
    hues.set(name, hue % HUES);
    taken.add(hue);
  }
  return new Map(names.map((name) => [name, hues.get(name)]));
}
