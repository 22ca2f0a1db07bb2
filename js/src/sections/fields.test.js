import { expect, test } from 'vitest';
import { element } from '../dom.js';
import { choice, field, fill, line, readList, readTexts, say, switches } from './fields.js';

test('a choice tells what was chosen, and keeps a value that is not among the options', () => {
  const heard = [];
  const list = choice('colour', (value) => heard.push(value));
  fill(list, [['', 'any'], ['red', 'Red']], 'red');
  expect([list.value, list.options.length]).toEqual(['red', 2]);
  fill(list, [['', 'any']], 'blue');
  expect([...list.options].map(({ value, text }) => [value, text])).toEqual([['', 'any'], ['blue', 'blue']]);
  list.value = '';
  list.dispatchEvent(new Event('change'));
  expect(heard).toEqual(['']);
  expect(field('Colour', list).firstChild.textContent).toBe('Colour');
});

test('a line tells what was typed, and is not changed under the fingers', () => {
  const heard = [];
  const input = line('goal', (text) => heard.push(text), { placeholder: 'x' });
  document.body.replaceChildren(input);
  input.value = ' a/b ';
  input.dispatchEvent(new Event('change'));
  expect(heard).toEqual(['a/b']);
  input.focus();
  say(input, 'other');
  expect(input.value).toBe(' a/b ');
  input.blur();
  say(input, 'other');
  say(input, 'other');
  expect(input.value).toBe('other');
});

test('switches say which are on, and tell of a press', () => {
  const heard = [];
  const place = element('span');
  switches(place, ['a', '<b>'], { chosen: (name) => name === 'a', toggle: (name) => heard.push(name) });
  expect([...place.children].map((one) => [one.textContent, one.getAttribute('aria-pressed')])).toEqual([['a', 'true'], ['<b>', 'false']]);
  place.lastChild.click();
  expect(heard).toEqual(['<b>']);
});

test.each([['["a", 1, "b"]', ['a', 'b']], ['', []], ['{}', []], ['[', []]])('a list is read from %s', (text, list) => {
  expect(readList(text)).toEqual(list);
});

test.each([['{"a": "b", "c": 1}', { a: 'b' }], ['', {}], ['[]', {}], ['null', {}], ['3', {}], ['{', {}]])('texts are read from %s', (text, texts) => {
  expect(readTexts(text)).toEqual(texts);
});
