// `<div data-hailwhale-pk="shop" data-hailwhale-metric="dollars">`: graphs without a line of script.
import { readAttributes } from './attributes.js';
import { graph } from './graph.js';

const graphs = new WeakMap();

/** Draws into every element below `root` that has `data-hailwhale-pk`, once each; -> the graphs that were made. */
export function scan(root = document, draw = graph) {
  const made = [];
  for (const place of root.querySelectorAll('[data-hailwhale-pk]')) {
    if (graphs.has(place)) continue;
    const one = drawn(place, draw);
    if (one === null) continue;
    graphs.set(place, one);
    made.push({
      ...methodsOf(one),
      destroy() {
        graphs.delete(place);
        one.destroy();
      },
    });
  }
  return made;
}

// A mistake in one place is said there, and leaves the others alone.
function drawn(place, draw) {
  try {
    return draw(place, readAttributes(place, 'data-hailwhale-'));
  } catch (error) {
    place.textContent = error.message;
    return null;
  }
}

function methodsOf(one) {
  return { update: (options) => one.update(options), redraw: () => one.redraw() };
}
