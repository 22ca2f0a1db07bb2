// The text in which a server tells Prometheus how it is, read with limits: what is too much or cannot be read is passed over. Pure.

export const MOST_BYTES = 2_000_000;
export const MOST_SAMPLES = 20_000;
export const MOST_CHARACTERS = 10_000;
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?\s+(\S+)(?:\s+-?\d+)?\s*$/;
const LABEL = /([a-zA-Z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"/g;
const ESCAPES = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };
const NUMBERS = { '+Inf': Infinity, Inf: Infinity, '-Inf': -Infinity, NaN: NaN };

/** -> `Map(name -> [{labels, value}])` */
export function readSamples(text) {
  const found = new Map();
  let count = 0;
  for (const line of text.slice(0, MOST_BYTES).split('\n')) {
    if (count >= MOST_SAMPLES) break;
    const sample = readLine(line.trim());
    if (sample === null) continue;
    count += 1;
    const { name, ...rest } = sample;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(rest);
  }
  return found;
}

function readLine(line) {
  if (line === '' || line.startsWith('#') || line.length > MOST_CHARACTERS) return null;
  const match = SAMPLE.exec(line);
  if (match === null) return null;
  const [, name, labels = '', number] = match;
  const value = number in NUMBERS ? NUMBERS[number] : Number(number);
  if (Number.isNaN(value)) return null;
  return { name, value, labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, text]) => [key, unescaped(text)])) };
}

function unescaped(text) {
  return text.replace(/\\[\\"n]/g, (escape) => ESCAPES[escape]);
}

/** The one number of a name; null where there is none. */
export function valueOf(samples, name) {
  return samples.get(name)?.[0].value ?? null;
}

/** The sum of all samples of a name that `keep(labels)` keeps. */
export function sumOf(samples, name, keep = () => true) {
  return (samples.get(name) ?? []).filter(({ labels }) => keep(labels)).reduce((sum, { value }) => sum + value, 0);
}

/** -> `{label value: sum}` of the samples of a name. */
export function byLabel(samples, name, labelName) {
  const sums = {};
  for (const { labels, value } of samples.get(name) ?? []) sums[labels[labelName]] = (sums[labels[labelName]] ?? 0) + value;
  return sums;
}
