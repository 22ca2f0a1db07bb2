import { expect, test } from 'vitest';
import { compareNames, isChild, isWithin, label, parsePathName, pathName, prefixes, samePath } from './paths.js';

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
