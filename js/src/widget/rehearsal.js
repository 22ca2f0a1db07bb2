// A graph that nobody sees, drawn while the first one of a page waits for its answer.
import { element } from '../dom.js';
import { linesOf } from './lines.js';
import { questionOf } from './options.js';
import { Picture } from './picture.js';

/** Milliseconds without anything else to do, as far as a browser can tell: a rehearsal takes about as long. */
const ENOUGH = 30;
const MINUTE = 60_000;
const BUCKETS = 3;
const UNSEEN = { position: 'fixed', visibility: 'hidden', width: '480px' };
const windows = new WeakSet();

/**
 * Once a window, when it has nothing else to do and while `isWaiting()`: draws two short lines as `options` have it, in `root`,
 * and takes them away. Fonts, formats and what a browser prepares for code that runs for the first time are there then, and the
 * answer is drawn sooner. A browser that does not tell when it has nothing to do has no rehearsal.
 */
export function rehearseOnce(root, options, isWaiting, { window, createPlot, now = () => Date.now() }) {
  if (windows.has(window)) return;
  windows.add(window);
  const whenIdle = (idle) => {
    if (!isWaiting()) return;
    if (idle.timeRemaining() < ENOUGH) window.requestIdleCallback(whenIdle);
    // The graph itself tells what is wrong.
    else rehearse(root, { ...options, annotations: [] }, { window, createPlot, now }).catch(() => {});
  };
  window.requestIdleCallback?.(whenIdle);
}

async function rehearse(root, options, surroundings) {
  const place = element('div', { inert: true });
  Object.assign(place.style, UNSEEN);
  root.append(place);
  const picture = new Picture(place, { actions: {}, ...surroundings });
  try {
    picture.expect(options, []);
    picture.show({ options, node: [], answer: linesOf(answerOf(options, surroundings.now()), options, []), before: null });
    // uPlot draws in a microtask.
    await null;
  } finally {
    picture.destroy();
    place.remove();
  }
}

// As much as a question asks for: of all, and of one child.
function answerOf(options, now) {
  const first = now - (now % MINUTE) - (BUCKETS - 1) * MINUTE;
  const points = (share) => Array.from({ length: BUCKETS }, (_, place) => [first + place * MINUTE, share * (place + 1)]);
  const all = (share) => Object.fromEntries(questionOf(options, []).metrics.map((metric) => [metric, points(share)]));
  return { _: all(2), a: all(1) };
}
