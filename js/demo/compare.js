import { graph } from './demo.js';

const HOUR = 3_600_000;
graph('#graph', {
  pk: 'shop', metric: 'dollars', dimensions: 'sales', threshold: 0.2, period: '1h:24h', compare: true,
  annotations: [{ at: Date.now() - 18 * HOUR, text: 'Release 2' }, { at: Date.now() - 5 * HOUR, text: 'Mailing <b>sent</b>' }],
});
