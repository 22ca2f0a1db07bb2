// A placeholder.
import { element } from '../dom.js';

export class Health {
  constructor(root) {
    root.replaceChildren(element('h1', {}, 'Health'));
  }

  async show() {}

  async tick() {}

  destroy() {}
}
