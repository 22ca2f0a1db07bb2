import { graph } from './demo.js';

graph('#depth', { pk: 'shop', metric: 'dollars', dimensions: 'sales', depth: 2, title: 'depth: 2', height: 240 });
graph('#threshold', { pk: 'shop', metric: 'dollars', dimensions: 'sales', threshold: 0.3, title: 'threshold: 0.3', height: 240 });
graph('#limit', { pk: 'pages', period: '1h:24h', limit: 2, threshold: 0.01, title: 'limit: 2', height: 240 });
