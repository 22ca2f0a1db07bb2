import { expect, test } from 'vitest';
import { takeKey } from './key.js';

function browser(hash, kept = {}) {
  const replaced = [];
  return {
    location: { hash, pathname: '/below/', search: '?a=1' },
    history: { replaceState: (_state, _title, url) => replaced.push(url) },
    sessionStorage: {
      getItem: (name) => kept[name] ?? null,
      setItem: (name, value) => { kept[name] = value; },
    },
    kept,
    replaced,
  };
}

test('a key leaves the address and stays for the tab', () => {
  const first = browser('#key=hw_1_abc&pk=shop');
  expect(takeKey(first)).toBe('hw_1_abc');
  expect(first.replaced).toEqual(['/below/?a=1#pk=shop']);
  const again = browser('#pk=shop', first.kept);
  expect(takeKey(again)).toBe('hw_1_abc');
  expect(again.replaced).toEqual([]);
});

test('nothing is left after the address where the key stood alone', () => {
  const only = browser('#key=k');
  takeKey(only);
  expect(only.replaced).toEqual(['/below/?a=1']);
});

test('without a key there is none', () => {
  expect(takeKey(browser(''))).toBe('');
});

test('a browser that keeps nothing still has the key of its address', () => {
  const refuse = () => { throw new Error('forbidden'); };
  const strict = { ...browser('#key=k'), sessionStorage: { getItem: refuse, setItem: refuse } };
  expect(takeKey(strict)).toBe('k');
  expect(takeKey({ ...strict, location: { hash: '' } })).toBe('');
});
