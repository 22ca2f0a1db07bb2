import { expect, test } from 'vitest';
import { childRows, findRows, share, sortRows } from './rows.js';

const series = [
  { path: ['r'], isOverall: true, total: 9 },
  { path: ['r', 'JFK'], isOverall: false, total: 5 },
];

test('every ranked child is a row, and the drawn ones have the totals that are drawn', () => {
  const rows = childRows({
    node: ['r'], series, weighed: null,
    ranked: [{ dimension: ['r', 'JFK'], value: 4 }, { dimension: ['r', 'EWR'], value: 3 }, { dimension: '_', value: 9 }, { dimension: ['x', 'y'], value: 1 }],
  });
  expect(rows).toEqual([
    { name: '["r", "JFK"]', path: ['r', 'JFK'], label: 'JFK', value: 5, weight: 5 },
    { name: '["r", "EWR"]', path: ['r', 'EWR'], label: 'EWR', value: 3, weight: 3 },
  ]);
});

test('without a ranking the drawn children are rows', () => {
  expect(childRows({ node: ['r'], series, weighed: null, ranked: [] }).map(({ label }) => label)).toEqual(['JFK']);
});

test('weights come from a ranking of their own', () => {
  const [row] = childRows({ node: ['r'], series, ranked: [], weighed: [{ dimension: ['r', 'JFK'], value: 100 }] });
  expect(row).toMatchObject({ value: 5, weight: 100 });
});

const rows = [['b', 2, 1], ['10', 1, 5], ['9', 2, 3]].map(([label, value, weight]) => ({ label, value, weight }));
const order = (sort) => sortRows(rows, sort).map(({ label }) => label);

test('rows are sorted by any column, equal ones by name', () => {
  expect(order('name')).toEqual(['9', '10', 'b']);
  expect(order('-name')).toEqual(['b', '10', '9']);
  expect(order('-value')).toEqual(['9', 'b', '10']);
  expect(order('weight')).toEqual(['b', '9', '10']);
});

test('a search finds capitals and small letters', () => {
  expect(findRows(rows, ' B ')).toEqual([rows[0]]);
  expect(findRows(rows, '')).toBe(rows);
});

test('a share is a part of a positive whole or nothing', () => {
  expect(share(1, 4)).toBe(0.25);
  expect([share(1, 0), share(-1, 4), share(5, 4), share(1, null)]).toEqual([null, null, null, null]);
});
