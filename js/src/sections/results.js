// A placeholder.
import { element } from '../dom.js';

export class Results {
  constructor(root) {
    root.replaceChildren(element('h1', {}, 'Results'));
  }

  async show() {}

  async tick() {}

  destroy() {}
}
