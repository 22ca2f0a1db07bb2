// A choice with its name before it.
import { element, keyed, setText } from '../dom.js';

export class Choice {
  /** `chosen(value)` hears of a choice. */
  constructor(name, role, chosen) {
    this.select = element('select', { 'data-role': role });
    this.select.addEventListener('change', () => chosen(this.select.value));
    this.root = element('label', { class: 'choice' }, element('span', {}, name), this.select);
  }

  /** `options` are `[value, text]`; a value that is not among them stands there too. */
  show(options, value) {
    const all = options.some(([known]) => known === value) ? options : [...options, [value, value]];
    keyed(this.select, all, {
      key: ([known]) => `=${known}`,
      create: ([known]) => element('option', { value: known }),
      update: (option, [, text]) => setText(option, text),
    });
    if (this.select.value !== value) this.select.value = value;
  }
}
