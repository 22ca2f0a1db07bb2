import { graph } from './demo.js';

const shown = { pk: 'shop', metric: 'dollars', dimensions: 'sales', period: '1h:2d', height: 200 };
graph('#light', { ...shown, theme: 'light', title: 'theme: light' });
graph('#dark', { ...shown, theme: 'dark', title: 'theme: dark' });
graph('#own', { ...shown, theme: 'light', legend: false, title: 'Own colours, no legend' });
