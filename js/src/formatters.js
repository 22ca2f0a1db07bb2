// The browser's formatters, each made once: making one takes as long as drawing a line.

const MOST = 200;
const known = new Map();

/** -> a function that formats as `new Intl[kind](locale, options)` does, which is made when it is first needed. */
export function formatter(kind, locale, options) {
  const name = JSON.stringify([kind, locale, options]);
  return (value) => {
    if (!known.has(name)) {
      if (known.size >= MOST) known.clear();
      known.set(name, new Intl[kind](locale, options));
    }
    return known.get(name).format(value);
  };
}
