import { graph } from './demo.js';

graph('#overall', { pk: 'shop', metric: 'dollars', title: 'Dollars overall' });
graph('#sales', { pk: 'shop', metric: 'dollars', dimensions: 'sales', title: 'Sales overall' });
graph('#ratio', { pk: 'shop', metric: 'dollars/hits', dimensions: 'sales', title: 'Dollars a sale' });
