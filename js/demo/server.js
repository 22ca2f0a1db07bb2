// The server that the demo pages draw from, asked for what no graph asks.
import { defaults } from './demo.js';

/** The address of something that it has. */
export function at(path) {
  return new URL(path, new URL(defaults.host.replace(/\/?$/, '/'), location.href)).href;
}

async function answered(response) {
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error.message);
  return answer;
}

const asked = () => (defaults.key === '' ? {} : { Authorization: `Bearer ${defaults.key}` });

/** What it answers to a question. */
export async function ask(path, question) {
  return answered(await fetch(at(`${path}?${new URLSearchParams(question)}`), { headers: asked() }));
}

/** What it answers to what changes something. */
export async function post(path, body) {
  const headers = { ...asked(), 'Content-Type': 'application/json' };
  return answered(await fetch(at(path), { method: 'POST', headers, body: JSON.stringify(body) }));
}

/** Does something, and lets `said` tell how it went. */
export async function telling(said, act) {
  try {
    said.textContent = await act();
  } catch (error) {
    said.textContent = error.message;
  }
}
