import { defaults } from './demo.js';
import { count } from './count.js';

const HOUR = 3_600_000;
const said = document.querySelector('#said');
const pick = (list) => list[Math.floor(Math.random() * list.length)];
const round = (n) => Math.round(n * 100) / 100;
let counted = 0;
let timer = 0;

function event(at) {
  const amount = round(20 + Math.random() * 300);
  const [dimensions, dollars] = pick([
    ['services', amount], ['advertising', -round(amount / 3)], [{ sales: pick(['tea', 'tea', 'tea', 'pot', 'pot', 'cup', 'spoon']) }, amount],
  ]);
  return { pk: 'shop', dimensions, metrics: { dollars }, at };
}

async function one(at = Date.now()) {
  try {
    await count(defaults.host, event(new Date(at).toISOString()), defaults.key);
    counted += 1;
    said.textContent = `${counted} counted`;
  } catch (error) {
    said.textContent = error.message;
  }
}

document.querySelector('#past').addEventListener('click', async () => {
  for (let hour = 48; hour >= 0; hour -= 1) await Promise.all(Array.from({ length: 5 }, () => one(Date.now() - hour * HOUR)));
  said.textContent = `${counted} counted, of two days`;
});
document.querySelector('#start').addEventListener('click', ({ target }) => {
  const running = timer !== 0;
  clearInterval(timer);
  timer = running ? 0 : setInterval(one, 1_000);
  target.setAttribute('aria-pressed', String(!running));
});
