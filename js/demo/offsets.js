import { graph } from './demo.js';

for (const offset of ['zero', 'expand', 'silhouette', 'wiggle']) {
  graph(`#${offset}`, { pk: 'shop', metric: 'dollars', dimensions: 'sales', kind: 'area', offset, period: '1h:2d', title: `offset: ${offset}`, drill: false });
}
