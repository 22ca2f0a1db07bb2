import { graph } from './demo.js';

graph('#graph', { pk: 'shop', metrics: ['dollars', 'hits', 'dollars/hits'], period: '1h:24h', table: true, title: 'table: true' });
