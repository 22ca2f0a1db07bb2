// `<hail-graph pk="shop" metric="dollars/hits">`: a graph as an element of its own.
import { ATTRIBUTES, readAttributes } from './attributes.js';
import { graph } from './graph.js';

// There is no HTMLElement where pages are only put together, on a server.
const Base = globalThis.HTMLElement ?? class {};

/** The custom element. `element.graph` is the graph while it stands in a page; a mistake in an attribute is said in its place. */
export class HailGraph extends Base {
  static observedAttributes = ATTRIBUTES;

  graph = null;

  connectedCallback() {
    this.#draw();
  }

  disconnectedCallback() {
    this.graph?.destroy();
    this.graph = null;
  }

  attributeChangedCallback(name, before, after) {
    if (before === after || !this.isConnected) return;
    this.disconnectedCallback();
    this.#draw();
  }

  #draw() {
    try {
      this.graph = graph(this, readAttributes(this));
    } catch (error) {
      this.textContent = error.message;
    }
  }
}

/** Makes the element known to the browser, once. */
export function define(registry = globalThis.customElements) {
  if (registry && !registry.get('hail-graph')) registry.define('hail-graph', HailGraph);
}
