import { ask, at, telling } from './server.js';

const address = at('embed?pk=shop&metric=dollars&dimensions=sales&period=1h:2d');
document.querySelector('#frame').src = address;
telling(document.querySelector('#code'), async () => JSON.stringify(await ask('oembed', { url: address, maxwidth: 600 }), null, 2));
