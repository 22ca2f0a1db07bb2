// Figures of a server's health from what it tells Prometheus: what each is, whether it is fine, and from where on it would not be. Pure.
import { numberFormats } from '../numbers.js';
import { byLabel, sumOf, valueOf } from './prometheus.js';

/** From here on a figure is to be looked at. */
export const LIMITS = { lag: 10, fullness: 0.5, dead: 0, memory: 0.8, seconds: 1, failures: 0, room: 0.8 };
const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB'];
const SLOWEST = 0.95;
const SECOND = 1_000;

/** -> `[{title, figures: [{name, role, value, text, word, threshold}]}]` of a look `{samples, at}` and the one before, null for none. */
export function figuresOf(look, before, locale) {
  const formats = numberFormats(locale);
  const rates = new Rates(look, before);
  const { samples } = look;
  const up = valueOf(samples, 'hailwhale_engine_up') === 1;
  return [
    { title: 'Buffer', figures: up ? bufferFigures(samples, formats) : [] },
    { title: 'Engine', figures: engineFigures(samples, up, formats) },
    { title: 'Requests', figures: requestFigures(samples, rates, formats) },
    { title: 'Events', figures: eventFigures(samples, rates, formats, up) },
  ].filter(({ figures }) => figures.length > 0);
}

/** The sentence above all of them: `{word, text, reasons}`. */
export function summaryOf(ready, groups) {
  const all = groups.flatMap(({ figures }) => figures);
  const told = (word) => all.filter((figure) => figure.word === word).map(({ name, text }) => `${name}: ${text}`);
  const wrong = [...ready, ...told('wrong')];
  const look = told('look');
  if (wrong.length > 0) return { word: 'wrong', text: 'Something is wrong.', reasons: [...wrong, ...look] };
  if (look.length > 0) return { word: 'look', text: `It works, but ${look.length === 1 ? 'one figure is' : `${look.length} figures are`} to be looked at.`, reasons: look };
  return { word: 'fine', text: 'All is well.', reasons: [] };
}

function sign(role, name, value, text, word = 'none', threshold = '') {
  return { role, name, value, text, word, threshold };
}

function atMost(value, limit) {
  return value > limit ? 'look' : 'fine';
}

function bufferFigures(samples, { exact, percent }) {
  const read = (name) => valueOf(samples, `hailwhale_${name}`);
  const [lag, waiting, fullness, dead] = ['lag_seconds', 'backlog_events', 'backlog_ratio', 'dead_events'].map(read);
  return [
    sign('lag', 'Lag', lag, measured(exact(lag), 's'), atMost(lag, LIMITS.lag), `the oldest waiting event; fine up to ${measured(LIMITS.lag, 's')}`),
    sign('waiting', 'Events waiting', waiting, exact(waiting)),
    sign('fullness', 'Fullest list', fullness, percent(fullness), fullness >= 1 ? 'wrong' : atMost(fullness, LIMITS.fullness), `fine up to ${percent(LIMITS.fullness)}; at ${percent(1)} events are refused`),
    sign('dead', 'Put aside', dead, exact(dead), atMost(dead, LIMITS.dead), 'events that could not be counted (hailwhale dead shows them); fine is none'),
  ];
}

function engineFigures(samples, up, { exact, percent }) {
  const answers = sign('up', 'Engine', up ? 1 : 0, up ? 'answers' : 'does not answer', up ? 'fine' : 'wrong', 'it has to answer');
  if (!up) return [answers];
  const read = (name) => valueOf(samples, `hailwhale_engine_${name}`);
  const [used, most, keys] = ['memory_bytes', 'memory_limit_bytes', 'keys'].map(read);
  const found = [answers];
  if (used !== null) {
    // Without a limit of its own the engine may take what the machine has.
    const part = most > 0 ? used / most : null;
    found.push(sign('memory', 'Memory', used, bytes(used, exact), part === null ? 'none' : atMost(part, LIMITS.memory),
      part === null ? 'no limit is known' : `${percent(part)} of ${bytes(most, exact)}; fine up to ${percent(LIMITS.memory)}`));
  }
  if (keys !== null) found.push(sign('keys', 'Keys', keys, exact(keys), 'none', 'all that the engine holds'));
  const [names, room] = ['hailwhale_names', 'hailwhale_names_limit'].map((name) => valueOf(samples, name));
  if (names !== null) {
    found.push(sign('names', 'Names', names, exact(names), 'none', 'of the first level, counted in the current 32 days'));
    const fullest = valueOf(samples, 'hailwhale_names_fullest_shard');
    if (room > 0) found.push(sign('room', 'Room for names', fullest / room, percent(fullest / room), atMost(fullest / room, LIMITS.room), `of ${exact(room)} in the fullest shard; fine up to ${percent(LIMITS.room)}`));
  }
  return found;
}

function requestFigures(samples, rates, { exact, percent }) {
  const name = 'hailwhale_requests_total';
  const failed = ({ status }) => status >= 500;
  const refused = ({ status }) => status >= 400 && status < 500;
  const codes = Object.entries(byLabel(samples, name, 'status')).sort();
  const lately = rates.grown(name);
  const failures = rates.grown(name, failed);
  const found = [
    sign('requests', 'Requests', sumOf(samples, name), perSecond(rates.of(lately), exact), 'none', `${exact(sumOf(samples, name))} since the process started`),
    sign('failures', 'Failed (5xx)', failures, failures === null ? 'not known yet' : exact(failures), failures === null ? 'none' : atMost(failures, LIMITS.failures), `since the last look; fine is none. ${exact(sumOf(samples, name, failed))} in all`),
    sign('refusals', 'Refused (4xx)', rates.grown(name, refused), rates.grown(name, refused) === null ? 'not known yet' : exact(rates.grown(name, refused)), 'none', `since the last look. ${exact(sumOf(samples, name, refused))} in all`),
    sign('codes', 'By code', null, codes.map(([code, n]) => `${code}: ${exact(n)}`).join(', ') || 'none'),
  ];
  const slow = rates.quantile('hailwhale_request_seconds_bucket', SLOWEST);
  if (slow !== null) {
    const text = Number.isFinite(slow) ? `at most ${measured(exact(slow), 's')}` : `more than ${measured(10, 's')}`;
    found.push(sign('slow', `${percent(SLOWEST)} of answers took`, Number.isFinite(slow) ? slow : null, text, atMost(slow, LIMITS.seconds), `since the last look; fine up to ${measured(LIMITS.seconds, 's')}`));
  }
  found.push(sign('streams', 'Streams open', valueOf(samples, 'hailwhale_streams'), exact(valueOf(samples, 'hailwhale_streams'))));
  return found;
}

function eventFigures(samples, rates, { exact }, up) {
  const [kept, refused] = ['hailwhale_events_total', 'hailwhale_refused_events_total'];
  const newly = rates.grown(refused);
  const reasons = Object.entries(byLabel(samples, refused, 'reason')).sort();
  const found = [
    sign('kept', 'Taken', sumOf(samples, kept), perSecond(rates.of(rates.grown(kept)), exact), 'none', `${exact(sumOf(samples, kept))} by /count since the process started`),
    sign('refused', 'Refused', newly, newly === null ? 'not known yet' : exact(newly), newly === null ? 'none' : atMost(newly, LIMITS.failures),
      `since the last look; fine is none. ${reasons.map(([reason, n]) => `${reason}: ${exact(n)}`).join(', ') || 'None in all'}`),
  ];
  if (up) {
    const [drained, speed] = ['hailwhale_drained_events_total', 'hailwhale_drained_events_per_second'].map((name) => valueOf(samples, name));
    found.push(sign('drained', 'Drained', speed, perSecond(speed, exact), 'none', `${exact(drained)} since the store was made`));
  }
  return found;
}

function perSecond(rate, exact) {
  return rate === null ? 'not known yet' : `${exact(rate)} a second`;
}

/** A number and its unit, which no line parts. */
function measured(number, unit) {
  return `${number}\u{a0}${unit}`;
}

function bytes(n, exact) {
  const power = Math.min(Math.max(Math.floor(Math.log(n || 1) / Math.log(1_024)), 0), UNITS.length - 1);
  return measured(exact(Number((n / 1_024 ** power).toFixed(power ? 1 : 0))), UNITS[power]);
}

/** What has grown between two looks. Numbers that went down are those of another process, or of one that began anew: nothing is known then. */
class Rates {
  constructor(look, before) {
    this.samples = look.samples;
    this.before = before;
    this.seconds = before === null ? 0 : (look.at - before.at) / SECOND;
  }

  grown(name, keep) {
    if (this.before === null) return null;
    const growth = sumOf(this.samples, name, keep) - sumOf(this.before.samples, name, keep);
    return growth < 0 ? null : growth;
  }

  of(growth) {
    return growth === null || this.seconds <= 0 ? null : growth / this.seconds;
  }

  /** The bound below which a part of what was observed between the looks lies; null where nothing was. */
  quantile(name, part) {
    const bounds = Object.keys(byLabel(this.samples, name, 'le')).map((text) => [text, text === '+Inf' ? Infinity : Number(text)]).sort(([, a], [, b]) => a - b);
    const counts = bounds.map(([text, bound]) => [bound, this.grown(name, ({ le }) => le === text)]);
    const all = counts.at(-1)?.[1] ?? 0;
    return all === 0 ? null : counts.find(([, count]) => count >= part * all)[0];
  }
}
