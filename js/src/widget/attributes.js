// Options as attributes spell them.
import { readNames } from '../paths.js';
import { defaults } from './options.js';

const NUMBERS = new Set(['depth', 'threshold', 'limit', 'height']);
const FLAGS = new Set(['compare', 'legend', 'table', 'live', 'drill']);
// What may be a list; whatever else looks like JSON is the text that it is, a title above all.
const LISTS = {
  pk: readNames,
  dimensions: readPath,
  dimension: readPath,
  metric: readMetrics,
  metrics: readMetrics,
  annotations: json,
};
const FUNCTIONS = new Set(['onclick', 'onerror']);

/** The names of attributes: every option that a text can hold, and `dimension`. */
export const ATTRIBUTES = [...Object.keys(defaults).filter((name) => !FUNCTIONS.has(name)), 'dimension'];

/** -> options from those attributes of an element that are there, each after `prefix`. */
export function readAttributes(target, prefix = '') {
  const options = {};
  for (const name of ATTRIBUTES) {
    const text = target.getAttribute(prefix + name);
    if (text !== null) options[name] = readOption(name, text);
  }
  return options;
}

/** One option as a text spells it. */
export function readOption(name, text) {
  if (NUMBERS.has(name)) return Number(text);
  if (FLAGS.has(name)) return ['false', 'no', '0'].includes(text) ? false : Number(text) > 1 ? Number(text) : true;
  if (name in LISTS && /^\s*[[{]/.test(text)) return LISTS[name](text) ?? text;
  return text;
}

function readPath(text) {
  return /^\s*{/.test(text) ? json(text) : readNames(text);
}

// A formula may be 5, and a name [5].
function readMetrics(text) {
  return text.includes('"') ? readNames(text) : null;
}

function json(text) {
  try {
    return JSON.parse(text);
  } catch {
    // A name may begin with a bracket.
    return null;
  }
}
