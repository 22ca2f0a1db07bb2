// A choice with its name before it.
import { element } from '../dom.js';
import { choice, fill } from './fields.js';

export class Choice {
  /** `chosen(value)` hears of a choice. */
  constructor(name, role, chosen) {
    this.select = choice(role, chosen);
    this.root = element('label', { class: 'choice' }, element('span', {}, name), this.select);
  }

  /** `options` are `[value, text]`; a value that is not among them stands there too. */
  show(options, value) {
    fill(this.select, options, value);
  }
}
