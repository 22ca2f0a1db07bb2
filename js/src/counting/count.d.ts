// Types of count.mjs, and of the `window.hailwhale` that count.js makes.

/** A name, or a path of names: `'shop'`, `['Product', 42]`. */
export type Path = string | number | readonly (string | number)[];

/** Names by name, as deep as they go: `{geo: {UK: 'London'}, device: 'phone'}`. */
export type Dimensions = Path | { readonly [name: string]: Dimensions | boolean | null };

/** Amounts by name; a text is exact where a number would be rounded. */
export type Metrics = { readonly [name: string]: number | string };

export interface Options {
  /** The address that the server answers below, with a slash at its end; by default where the script came from. */
  host?: string | URL;
  /** A publishable key that may write; none for a server that asks for none. */
  key?: string;
  /** Whether page views are counted: `true` with each change of the path, `'hash'` with changes behind `#` as well, `'load'` only as pages are loaded. */
  pageViews?: boolean | '' | 'load' | 'hash';
  /** What page views are counted under. */
  pk?: Path;
  /** The dimensions of a page view, by its path; by default `{page: path}`. */
  dimensions?: (path: string) => Dimensions;
  /** `'count'`: visitors who ask for privacy are counted without cookies; by default they are not counted. */
  gpc?: 'count';
}

export interface Counting {
  /** Counts one event. Events with the same `id` are counted once; without one each has its own. Never throws. */
  count(pk: Path, dimensions?: Dimensions | null, metrics?: Metrics | null, options?: { id?: string | number }): void;
  /** Counts what is sealed in a token, with the amounts and names that it leaves open. Never throws. */
  pixel(token: string, fields?: { readonly [name: string]: string | number | null | undefined }): void;
  /** Hears of events that did not arrive, as far as a page can know. By default the first is said with `console.debug`. */
  onerror: (error: Error) => void;
}

/** Starts counting. */
export function counting(options?: Options): Counting;

declare global {
  interface Window {
    hailwhale?: Counting;
  }
}
