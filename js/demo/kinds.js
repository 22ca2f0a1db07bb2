import { graph } from './demo.js';

for (const kind of ['line', 'area', 'bars']) {
  graph(`#${kind}`, { pk: 'shop', metric: 'dollars', dimensions: 'sales', kind, period: '1h:2d', title: `kind: ${kind}`, height: 240 });
}
graph('#metrics', { pk: 'shop', metrics: ['hits', 'dollars'], dimensions: 'sales', period: '1h:2d', title: 'metrics: hits, dollars', height: 240 });
