// What a server cannot do because a library is not installed there: said, with the line that installs it.
import { element } from '../dom.js';

/** True for the error of a server without a library that the question needs. */
export function isLacking(error) {
  return error.status === 501;
}

/** -> a card that says so; the line to type is the server's own. */
export function lackingCard({ message }) {
  const [, why, line] = /^(.*?):?\s*(pip install (?:'[^']*'|\S+))/.exec(message) ?? [null, message, null];
  return element('section', { class: 'card lacking', role: 'status', 'data-role': 'lacking' },
    element('h2', {}, 'This server lacks a library'),
    element('p', {}, `The server says: ${why}.`),
    line && element('p', {}, 'Where it runs, type'),
    line && element('pre', {}, element('code', {}, line)),
    element('p', { class: 'note' }, 'and start the server again. This page looks every 10 seconds.'));
}
