import { graph } from './demo.js';

graph('#utc', { pk: 'shop', metric: 'dollars', period: '1h:24h', title: 'UTC', height: 240 });
graph('#there', { pk: 'shop', metric: 'dollars', period: '1h:24h', tz: 'Europe/Berlin', locale: 'de-DE', title: 'Europe/Berlin, de-DE', height: 240 });
