// Which decisions there are: pks whose options were counted by decisions, which leave a mark. Asks few questions, draws nothing.
import { compareNames, isWithin, label, samePath } from '../paths.js';

/** Questions that are asked to find decisions, at the most. */
export const MOST_QUESTIONS = 60;
/** The dimensions that decisions write beside those of visitors. */
export const MARKS = ['__context__', '__holdout__'];
const AT_ONCE = 4;

/**
 * -> `{decisions: [{pk, metrics, options}], partly}`, options are names; those around `chosen` are looked for first. `partly`
 * says that there are more names than were looked at.
 */
export async function findDecisions(api, chosen, signal) {
  const search = new Search(api, signal);
  const top = (await search.pks(null)).filter(({ children }) => children > 0);
  const isNear = ({ pk }) => chosen !== null && pk[0] === chosen[0];
  // All that lies below the name that was chosen, however many names stand beside it.
  for (let level of [top.filter(isNear), top.filter((entry) => !isNear(entry))]) {
    while (level.length > 0 && !search.partly) level = await search.below(nearFirst(level, chosen));
  }
  return { decisions: search.found, partly: search.partly };
}

function nearFirst(entries, chosen) {
  const isNear = ({ pk }) => chosen !== null && isWithin(chosen, pk);
  return [...entries].sort((a, b) => isNear(b) - isNear(a) || compareNames(label(a.pk), label(b.pk)));
}

/** The decision that a pk is, or an option of; else undefined. */
export function decisionOf(decisions, pk) {
  return pk === null ? undefined : decisions.find((one) => samePath(one.pk, pk) || (isWithin(pk, one.pk) && one.options.includes(pk[one.pk.length])));
}

class Search {
  constructor(api, signal) {
    this.api = api;
    this.signal = signal;
    this.questions = 0;
    this.found = [];
    this.partly = false;
  }

  pks(under) {
    this.questions += 1;
    return this.api.pks(under, this.signal);
  }

  /** Looks at each entry; -> the entries one level below those that hold marks. */
  async below(entries) {
    const next = [];
    for (let first = 0; first < entries.length; first += AT_ONCE) {
      // Each takes three questions.
      if (this.questions + 3 * AT_ONCE > MOST_QUESTIONS) {
        this.partly = true;
        break;
      }
      const looks = await Promise.all(entries.slice(first, first + AT_ONCE).map((entry) => this.#look(entry)));
      next.push(...looks.flat());
    }
    return next;
  }

  async #isMarked(pk) {
    this.questions += 1;
    return (await this.api.subdimensions(pk, [], this.signal)).some(([name]) => MARKS.includes(name));
  }

  // What is counted of a pk is counted of all above it: without a mark there is none below.
  async #look({ pk, metrics }) {
    if (!await this.#isMarked(pk)) return [];
    const below = await this.pks(pk);
    const options = below.filter(({ children }) => children === 0);
    if (options.length > 0 && await this.#isMarked(options[0].pk)) {
      this.found.push({ pk, metrics, options: options.map((entry) => entry.pk[entry.pk.length - 1]) });
    }
    return below.filter(({ children }) => children > 0);
  }
}

/** What is best unless somebody says so: the first thing that was counted besides showings, for each showing; '' for none. */
export function firstFormula(metrics) {
  const counted = metrics.find((name) => name !== 'hits' && !name.includes('*') && !name.includes('"'));
  if (counted === undefined) return '';
  return `${/^\w+$/.test(counted) ? counted : `"${counted}"`}/hits`;
}
