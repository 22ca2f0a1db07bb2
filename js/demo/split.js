import { ask, at, post, telling } from './server.js';

const PK = ['demo', 'button'];
const RATES = { blue: 0.1, red: 0.3 };
const MOST_LOOKS = 50;

const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

async function visitors() {
  const totals = await ask('totals', { pk: JSON.stringify(PK), metrics: 'hits', period: 'day' });
  return totals.day._.hits;
}

async function read() {
  const { reading } = await ask('results', { pk: JSON.stringify(PK), goals: 'signups' });
  document.querySelector('#reading').replaceChildren(...reading.map((sentence) => {
    const item = document.createElement('li');
    item.textContent = sentence;
    return item;
  }));
}

function visitor(index) {
  const version = Object.keys(RATES)[index % 2];
  const signups = Math.random() < RATES[version] ? 1 : 0;
  return { pk: [...PK, version], metrics: { hits: 1, ...(signups && { signups }) } };
}

document.querySelector('#open').href = at(`#view=results&pk=${encodeURIComponent(JSON.stringify(PK))}`);
document.querySelector('#come').addEventListener('click', () => telling(document.querySelector('#said'), async () => {
  const before = await visitors();
  const { kept } = await post('count', Array.from({ length: 400 }, (_, index) => visitor(index)));
  // What is kept is counted within a second, where anybody drains.
  for (let looks = 0; await visitors() < before + kept; looks += 1) {
    if (looks === MOST_LOOKS) throw new Error(`${kept} visitors came and are not counted yet`);
    await pause(200);
  }
  await read();
  return `${kept} visitors came`;
}));
