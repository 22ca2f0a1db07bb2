// A placeholder.
import { element } from '../dom.js';

export class Spy {
  constructor(root) {
    root.replaceChildren(element('h1', {}, 'Spy'));
  }

  async show() {}

  async tick() {}

  destroy() {}
}
