import { graph } from './demo.js';

graph('#number', { pk: 'shop', metric: 'dollars', dimensions: 'sales', kind: 'number', compare: true, period: '1h:24h', title: 'Sales' });
graph('#ratio', { pk: 'shop', metric: 'dollars/hits', dimensions: 'sales', kind: 'number', title: 'Dollars a sale' });
graph('#sparkline', { pk: 'shop', kind: 'sparkline' });
