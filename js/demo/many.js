import { graph } from './demo.js';

graph('#graph', { pk: 'pages', period: '1h:24h' });
graph('#area', { pk: 'pages', period: '1h:24h', kind: 'area' });
