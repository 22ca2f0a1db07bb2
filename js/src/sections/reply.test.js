import { expect, test } from 'vitest';
import { ServerError } from '../api.js';
import { element } from '../dom.js';
import { Reply } from './reply.js';

const made = (text) => () => [element('p', {}, text), element('details', { 'data-name': 'table' })];
const refused = (error) => () => Promise.reject(error);

function drawn(question = 1) {
  const reply = new Reply('answer', 'Comparing…');
  reply.await(question);
  reply.draw({ n: 1 }, made('one'));
  return reply;
}

test('it says that it waits until the first answer is there', () => {
  const reply = new Reply('answer', 'Comparing…');
  reply.await({ pk: ['a'] });
  expect(reply.place.textContent).toBe('Comparing…');
  reply.draw({ n: 1 }, made('one'));
  expect(reply.place.textContent).toBe('one');
});

test('an answer stays while the same is asked again, and goes when another question is asked', () => {
  const reply = drawn({ pk: ['a'] });
  reply.await({ pk: ['a'] });
  expect(reply.place.textContent).toBe('one');
  reply.await({ pk: ['b'] });
  expect(reply.place.textContent).toBe('Comparing…');
});

test('an answer that says the same is not drawn again, after another question it is', () => {
  const reply = drawn(1);
  const [before] = reply.place.children;
  reply.draw({ n: 1 }, made('one'));
  expect(reply.place.firstChild).toBe(before);
  reply.await(2);
  reply.draw({ n: 1 }, made('one'));
  expect(reply.place.textContent).toBe('one');
});

test('what was open is open in the answers to further questions', () => {
  const reply = drawn(1);
  reply.place.lastChild.open = true;
  for (const question of [2, 3]) reply.await(question);
  reply.draw({ n: 2 }, made('two'));
  expect(reply.place.lastChild.open).toBe(true);
  reply.place.lastChild.open = false;
  reply.draw({ n: 3 }, made('three'));
  expect(reply.place.lastChild.open).toBe(false);
});

test('an answer is taken; meanwhile its place is busy', async () => {
  const reply = new Reply('answer', '');
  expect(await reply.take(async () => reply.place.getAttribute('aria-busy'))).toBe('true');
  expect(reply.place.hasAttribute('aria-busy')).toBe(false);
});

test('a library that is lacking is said in the place of an answer', async () => {
  const reply = drawn();
  expect(await reply.take(refused(new ServerError('no numpy: pip install numpy', { status: 501 })))).toBe(null);
  expect(reply.place.textContent).toContain('pip install numpy');
});

test('an error leaves older numbers, and takes away that they are waited for', async () => {
  const error = new ServerError('away', { code: 'unreachable' });
  const reply = drawn(1);
  await expect(reply.take(refused(error))).rejects.toBe(error);
  expect(reply.place.textContent).toBe('one');
  reply.await(2);
  await expect(reply.take(refused(new DOMException('stopped', 'AbortError')))).rejects.toThrow('stopped');
  expect(reply.place.textContent).toBe('Comparing…');
  await expect(reply.take(refused(error))).rejects.toBe(error);
  expect(reply.place.textContent).toBe('');
});
