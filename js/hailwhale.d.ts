// The widget of HailWhale: graphs of what was counted. The options and what they mean: docs/graphs.rst.

/** One name or a path of names: `'sales'`, `['sales', 42]`, `{sales: 42}`. */
export type Path = string | number | ReadonlyArray<string | number> | { readonly [name: string]: Path } | null;

export type Kind = 'line' | 'area' | 'bars' | 'sparkline' | 'number';
export type Offset = 'zero' | 'expand' | 'silhouette' | 'wiggle';
export type Theme = 'auto' | 'light' | 'dark';

export interface Annotation {
  /** A Date, epoch milliseconds or ISO 8601. */
  at: Date | number | string;
  text: string;
}

/** What was clicked at. */
export interface Point {
  /** The node of the line; null for the line of all others. */
  path: string[] | null;
  label: string;
  metric: string;
  /** The start of the bucket, in epoch milliseconds. */
  at: number;
  value: number | null;
}

/** What went wrong with a question. */
export interface Trouble extends Error {
  code: string;
  field: string | null;
  /** The status of the answer, 0 where there was none. */
  status: number;
}

export interface Options {
  /** The address of the server; '' is the one that the script came from. */
  host?: string;
  /** A key that may read. */
  key?: string;
  pk?: Path;
  /** A metric or a formula, such as `dollars/hits`. */
  metric?: string;
  /** Several of them, a line each. */
  metrics?: string | ReadonlyArray<string> | null;
  /** The node to draw; overall unless it is given. */
  dimensions?: Path;
  /** Another spelling of `dimensions`. */
  dimension?: Path;
  /** So many levels below the node. */
  depth?: number;
  /** As `1h:7d`, `thirty` or `2026-11-01/2026-11-22`. */
  period?: string;
  /** A time zone, as `Europe/Berlin`. */
  tz?: string;
  /** The share of the node above it from which a child is drawn. */
  threshold?: number;
  /** At most so many children are drawn. */
  limit?: number;
  kind?: Kind;
  offset?: Offset;
  /** The period before too, dashed. */
  compare?: boolean;
  annotations?: ReadonlyArray<Annotation> | 'server' | true;
  /** '' for none; null for one that says what is drawn. */
  title?: string | null;
  /** Of the drawing, in pixels; 0 follows the width. */
  height?: number;
  legend?: boolean;
  /** The table of the numbers open from the start. */
  table?: boolean;
  /** true listens to a stream, a number of milliseconds looks so often, false asks once. */
  live?: boolean | number;
  /** Of numbers and moments, as `de-CH`; '' is that of the browser. */
  locale?: string;
  theme?: Theme;
  /** Whether a click leads to the children of a line. */
  drill?: boolean;
  /** Hears of clicks; false keeps the graph where it is. */
  onclick?: ((point: Point) => boolean | void) | null;
  onerror?: ((error: Trouble) => void) | null;
}

export interface Graph {
  /** Changes some options. */
  update(options: Options): void;
  /** Draws again. */
  redraw(): void;
  /** Takes everything away. */
  destroy(): void;
}

/** What holds for every graph that does not say otherwise; a page may change it. */
export declare const defaults: Required<Omit<Options, 'dimension'>>;

/** Draws into an element, or the first one that a selector finds. */
export declare function graph(target: Element | string, options?: Options): Graph;

/** Draws into every element below `root` that has `data-hailwhale-pk`, once each. */
export declare function scan(root?: ParentNode): Graph[];

/** `<hail-graph pk="shop" metric="dollars">`. */
export declare class HailGraph extends HTMLElement {
  /** The graph, while the element stands in a page. */
  readonly graph: Graph | null;
}

/** Points as the server answers them: `{dimension: {metric: [[ms, n], ...]}}`. */
export type Answer = Record<string, Record<string, Array<[number, number]>>>;

/** What `$.hailwhale(host)` gives. */
export interface Server {
  /** Draws; a promise of the graphs. */
  add_graph(target: unknown, options: Options): PromiseLike<unknown>;
  /** Draws, with the table below it open. */
  graph_tables(target: unknown, options: Options): PromiseLike<unknown>;
  /** What a path answers. */
  ask(path: string, question: Record<string, unknown>): Promise<unknown>;
  /** Points as they change; how to stop that. */
  watch(question: Record<string, unknown>, answered: (answer: Answer) => void, failed?: (error: Trouble) => void): () => void;
}

declare global {
  interface HTMLElementTagNameMap {
    'hail-graph': HailGraph;
  }
  interface JQuery {
    hailwhale(options?: Options): this;
    hailwhale(method: 'destroy' | 'redraw'): this;
    hailwhale(method: 'update', options: Options): this;
  }
  interface JQueryStatic {
    hailwhale(host?: string, key?: string): Server;
  }
}
