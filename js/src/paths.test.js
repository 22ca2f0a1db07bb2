import { expect, test } from 'vitest';
import { compareNames, isChild, isWithin, label, parsePathName, pathName, prefixes, readNames, samePath } from './paths.js';

const NAMES = [
  [[], '_'], [['UK'], 'UK'], [['geo', 'UK'], '["geo", "UK"]'], [['_'], '["_"]'], [['[a'], '["[a"]'], [[''], '[""]'], [['a"b', 'ü'], '["a\\"b", "ü"]'],
];

test.each(NAMES)('the path %j is called %s and read back from it', (path, name) => {
  expect(pathName(path)).toBe(name);
  expect(parsePathName(name)).toEqual(path);
});

test('names of paths that are no JSON are paths of one', () => {
  expect(parsePathName('[a')).toEqual(['[a']);
  expect(parsePathName('["geo",5]')).toEqual(['geo', '5']);
});

test('only paths one level deeper are children', () => {
  expect(isChild(['a', 'b'], ['a'])).toBe(true);
  expect(isChild(['a', 'b', 'c'], ['a'])).toBe(false);
  expect(isChild(['x', 'b'], ['a'])).toBe(false);
  expect(isWithin(['a'], ['a'])).toBe(true);
  expect(isWithin([], ['a'])).toBe(false);
  expect(samePath(['a'], ['a', 'b'])).toBe(false);
});

test('the label is the last name, and names of blanks can be seen', () => {
  expect(label(['a', 'b'])).toBe('b');
  expect(label([' '])).toBe('“ ”');
  expect(label([])).toBe('overall');
  expect(prefixes(['a', 'b'])).toEqual([['a'], ['a', 'b']]);
});

test('numbers in names are ordered by their size', () => {
  expect(['10', '9', 'b', 'A'].sort(compareNames)).toEqual(['9', '10', 'A', 'b']);
});

test('numbers in a list of names are meant as they are written', () => {
  expect(parsePathName('[1.50, 1e999, -0, true, "2.0", "a\\"5"]')).toEqual(['1.50', '1e999', '-0', 'true', '2.0', 'a"5']);
});

test.each(['[null]', '[[1]]', '[{"a":1}]', '[007]', '[1e]', '[', '[]x'])('%s is no list of names, but a name', (text) => {
  expect(parsePathName(text)).toEqual([text]);
  expect(readNames(text)).toBe(null);
});

test.each(['', '\u200b', '\u2060\ufeff\xad', '\0', '\u202e', '\u2800', '\u3164', '\x1b'])('a name of which nothing is seen is put in quotes: %j', (name) => {
  expect(label([name])).toBe(`“${name}”`);
});

test.each(['__proto__', 'constructor', '[1]', '{"a":1}', '1e999', '\u202eevil', 'a\u200b', '🐳', '\ud83d'])('the name %j is shown as it is', (name) => {
  expect(label([name])).toBe(name);
  expect(parsePathName(pathName([name]))).toEqual([name]);
});
