import { defaults, graph } from './demo.js';
import { count } from './count.js';

graph('#graph', { pk: 'live', period: '1m:1h', kind: 'bars', title: 'The last hour' });
document.querySelector('#hit').addEventListener('click', () => count(defaults.host, { pk: 'live', dimensions: 'button' }, defaults.key));
