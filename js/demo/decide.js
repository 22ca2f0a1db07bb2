import { ask, at, post, telling } from './server.js';

const DECISION = { pk: 'demo', decision: 'headline' };
const OPTIONS = ['bold', 'plain', 'funny'];
const [country, shown, sign, said] = ['#country', '#shown', '#sign', '#said'].map((name) => document.querySelector(name));
let came = null;

document.querySelector('#open').href = at(`#view=decisions&pk=${encodeURIComponent('["demo","headline"]')}`);
document.querySelector('#come').addEventListener('click', () => telling(said, async () => {
  const dimensions = { country: country.value };
  const { option, weights } = await ask('decide', {
    ...DECISION, options: JSON.stringify(OPTIONS), by_metric: 'signups/hits', dimensions: JSON.stringify(dimensions),
  });
  await post('count_decision', { ...DECISION, option, dimensions });
  came = { option, dimensions };
  shown.textContent = option;
  sign.disabled = false;
  document.querySelector('#weights').replaceChildren(...Object.entries(weights).map(([name, weight]) => {
    const item = document.createElement('li');
    item.textContent = `${name}: ${(100 * weight).toFixed(1)} %`;
    return item;
  }));
  return 'Counted as shown';
}));
sign.addEventListener('click', () => telling(said, async () => {
  sign.disabled = true;
  await post('count_decision', { ...DECISION, ...came, metrics: { signups: 1 } });
  return 'Counted as signed up';
}));
