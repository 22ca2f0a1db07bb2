// A placeholder.
import { element } from '../dom.js';

export class Overview {
  constructor(root) {
    root.replaceChildren(element('h1', {}, 'Overview'));
  }

  async show() {}

  async tick() {}

  destroy() {}
}
