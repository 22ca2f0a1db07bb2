import { graph } from './demo.js';

let one = null;
document.querySelector('#draw').addEventListener('click', () => { one ??= graph('#graph', { pk: 'shop', metric: 'dollars' }); });
document.querySelector('#destroy').addEventListener('click', () => {
  one?.destroy();
  one = null;
});
