// A placeholder.
import { element } from '../dom.js';

export class Decisions {
  constructor(root) {
    root.replaceChildren(element('h1', {}, 'Decisions'));
  }

  async show() {}

  async tick() {}

  destroy() {}
}
