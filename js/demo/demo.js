// What the demo pages share: the server, the key and the colours come from their address (?host=http://localhost:8085&theme=dark).
import { defaults } from '../static/hailwhale.js';

const given = new URLSearchParams(location.search);
for (const name of ['host', 'key', 'theme', 'period', 'locale', 'tz']) {
  if (given.has(name)) defaults[name] = given.get(name);
}
// ?live=500 looks at the server every half second instead of listening to a stream.
if (given.has('live')) defaults.live = Number(given.get('live')) || given.get('live') === 'true';
for (const link of document.querySelectorAll('a[href$=".html"]')) link.search = location.search;

export * from '../static/hailwhale.js';
