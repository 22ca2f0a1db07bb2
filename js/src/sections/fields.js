// What sections are asked by: labelled choices, texts and switches. A refresh leaves what somebody is at alone.
import { element, keyed, setAttribute, setText } from '../dom.js';

/** A control below its label. */
export function field(label, control) {
  return element('label', { class: 'field' }, element('span', {}, label), control);
}

/** A list to choose from; `change(value)` hears of a choice. */
export function choice(role, change) {
  const list = element('select', { 'data-role': role });
  list.addEventListener('change', () => change(list.value));
  return list;
}

/** Fills a list with `[value, text]` and chooses one; a value that is not among them stands there too. */
export function fill(list, options, value) {
  const all = options.some(([known]) => known === value) ? options : [...options, [value, value]];
  keyed(list, all, {
    key: ([known]) => `=${known}`,
    create: ([known]) => element('option', { value: known }),
    update: (option, [, text]) => setText(option, text),
  });
  if (list.value !== value) list.value = value;
}

/** A line to type in; `change(text)` hears of what was typed once it is done. */
export function line(role, change, attributes = {}) {
  const input = element('input', {
    type: 'text', autocomplete: 'off', autocapitalize: 'off', spellcheck: 'false', enterkeyhint: 'go', 'data-role': role, ...attributes,
  });
  input.addEventListener('change', () => change(input.value.trim()));
  return input;
}

/** Sets what a line holds, unless somebody is typing there. */
export function say(input, text) {
  if (input.ownerDocument.activeElement !== input && input.value !== text) input.value = text;
}

/** Switches, one for each of `names`; `chosen(name)` whether it is on. */
export function switches(parent, names, { chosen, toggle, text = (name) => name }) {
  keyed(parent, names, {
    key: (name) => `=${name}`,
    create: (name) => element('button', { type: 'button', onclick: () => toggle(name), title: text(name) }, text(name)),
    update: (button, name) => setAttribute(button, 'aria-pressed', String(chosen(name))),
  });
}

/** Reads a list of texts that `JSON.stringify` made; anything else is none. */
export function readList(text) {
  try {
    const found = JSON.parse(text || '[]');
    return Array.isArray(found) ? found.filter((one) => typeof one === 'string') : [];
  } catch {
    return [];
  }
}

/** Reads a flat object of texts that `JSON.stringify` made; anything else is empty. */
export function readTexts(text) {
  try {
    const found = JSON.parse(text || '{}');
    if (found === null || typeof found !== 'object' || Array.isArray(found)) return {};
    return Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === 'string'));
  } catch {
    return {};
  }
}
