// What the bundles export.
import { define } from './element.js';
import { whenRead } from './reading.js';
import { scan } from './scan.js';

export { HailGraph } from './element.js';
export { graph } from './graph.js';
export { defaults } from './options.js';
export { scan } from './scan.js';

/** Makes `<hail-graph>` known and draws what the page asks for by attributes. */
export function begin() {
  whenRead(document, () => {
    define();
    scan(document);
  });
}
