// A placeholder.
import { element } from '../dom.js';

export class Boards {
  constructor(root) {
    root.replaceChildren(element('h1', {}, 'Boards'));
  }

  async show() {}

  async tick() {}

  destroy() {}
}
