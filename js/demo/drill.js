import { graph } from './demo.js';

graph('#graph', {
  pk: 'shop', metric: 'dollars', kind: new URLSearchParams(location.search).get('kind') ?? 'line',
  onclick: ({ label, value }) => { document.querySelector('#clicked').textContent = `${label}: ${value}`; },
});
