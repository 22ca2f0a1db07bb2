import { graph } from './demo.js';

graph('#nothing', { pk: 'nobody counted this', title: 'Nothing yet' });
graph('#error', { pk: 'shop', metric: 'a/b/c', title: 'No such formula', onerror: ({ code }) => { document.body.dataset.code = code; } });
