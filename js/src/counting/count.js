// The entry of count.mjs, a module: the same for pages that import it.
import { counting as make } from './counting.js';

const { url } = import.meta;

/** Starts counting; without a `host` at the server that this module came from. count.d.ts tells what it takes. */
export const counting = (options) => make({ host: new URL('../', url), ...options });
