import { graph } from './demo.js';
import { at } from './server.js';

// The script of counting runs after this one.
const { dataset } = document.querySelector('script[data-pk]');
dataset.host = at('');
const given = new URLSearchParams(location.search);
if (given.has('gpc')) dataset.gpc = given.get('gpc');
const asks = navigator.globalPrivacyControl || navigator.doNotTrack === '1';
const counts = !asks || dataset.gpc === 'count';
document.querySelector('#asks').textContent = `This browser ${asks ? 'asks' : 'does not ask'} for privacy: what is pressed is ${counts ? '' : 'not '}counted.`;
given.set('gpc', 'count');
document.querySelector('#all').href = `?${given}`;
graph('#graph', { pk: 'pressed', period: '1m:1h', kind: 'bars', title: 'Pressed in the last hour' });
document.querySelector('#press').addEventListener('click', () => window.hailwhale?.count('pressed'));
