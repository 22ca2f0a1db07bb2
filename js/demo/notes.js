import { graph } from './demo.js';
import { post, telling } from './server.js';

const draw = () => graph('#graph', { pk: 'shop', metric: 'dollars', period: '1h:24h', annotations: 'server', title: "annotations: 'server'" });
let one = draw();
document.querySelector('#tell').addEventListener('click', () => telling(document.querySelector('#said'), async () => {
  const text = document.querySelector('#text').value;
  await post('annotate', { pk: 'shop', text });
  // It would look by itself after a minute.
  one.destroy();
  one = draw();
  return `Told: ${text}`;
}));
