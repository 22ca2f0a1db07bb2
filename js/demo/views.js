import { graph } from './demo.js';
import { at } from './server.js';

// The script of counting runs after this one.
document.querySelector('script[data-pk]').dataset.host = at('');
graph('#graph', { pk: 'visits', period: '1m:1h', kind: 'bars', title: 'Visits of the last hour' });
document.querySelector('#other').addEventListener('click', () => history.pushState(null, '', `views-${Date.now()}.html${location.search}`));
document.querySelector('#buy').addEventListener('click', () => window.hailwhale?.count('visits', { clicked: 'buy' }, { price: 12.5 }));
