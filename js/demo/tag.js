import { at } from './server.js';

// A page of its own has these tags in its text; here they come by a script, for the server of the address.
function tag(place, address, data = {}) {
  const script = document.createElement('script');
  Object.assign(script, { src: at(address) });
  Object.assign(script.dataset, data);
  document.querySelector(place).append(script);
}

tag('#here', 'graph.js?pk=shop&metric=dollars&dimensions=sales&interval=1h&period=48h&area=1');
tag('#here', 'table_graph.js?pk=shop&columns=dollars,hits&period=1h:24h', { parent_div: 'numbers' });
