import { graph } from './demo.js';
import { at } from './server.js';

const board = {
  title: 'Shop',
  graphs: [{ pk: 'shop', metric: 'dollars', period: '1h:48h' }, { pk: 'shop', metric: 'dollars/hits', dimensions: 'sales', period: '1h:48h' }],
};
['#one', '#other'].forEach((place, index) => graph(place, board.graphs[index]));
document.querySelector('#open').href = at(`#view=boards&board=${encodeURIComponent(JSON.stringify(board))}`);
