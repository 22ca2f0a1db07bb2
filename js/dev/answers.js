// A server in an object, for the tests of sections: what each path answers is said by the test, whatever was asked is kept.
import { Api } from '../src/api.js';

/** `answers[path](given)` -> plain data, a text, or `{error, status}`; `asked` has `[path, given]` of every question. */
export class Answers {
  constructor(answers) {
    this.answers = answers;
    this.asked = [];
    this.api = new Api({ base: 'http://whale.test/', fetch: (url, options) => this.#answer(new URL(url), options) });
  }

  /** What a path was asked last. */
  last(path) {
    return this.asked.findLast(([name]) => name === path)?.[1];
  }

  count(path) {
    return this.asked.filter(([name]) => name === path).length;
  }

  async #answer({ pathname, searchParams }, { signal, body }) {
    const path = pathname.slice(1);
    const given = body ? JSON.parse(body) : Object.fromEntries([...searchParams].map(([key, text]) => [key, /^[[{]/.test(text) ? JSON.parse(text) : text]));
    this.asked.push([path, given]);
    await this.holding;
    if (signal?.aborted) throw new DOMException('stopped', 'AbortError');
    if (this.away) throw new TypeError('failed to fetch');
    const answer = this.answers[path](given);
    if (typeof answer === 'string') return new Response(answer);
    return Response.json(answer, { status: answer.error ? answer.status ?? 400 : 200 });
  }
}

/** An error as the server tells it. */
export const refusal = (status, code, message, field = null) => ({ status, error: { code, message, field } });

/** Names and their children, as /pks and /subdimensions tell them: `{'a/b': {metrics, dimensions: {country: ['UK']}}}`. */
export function tree(nodes) {
  const paths = Object.entries(nodes).map(([name, node]) => ({ pk: name.split('/'), ...node }));
  const below = (under) => paths.filter(({ pk }) => pk.length === under.length + 1 && under.every((name, place) => pk[place] === name));
  return {
    pks: ({ under = [] }) => ({ pks: below(under).map(({ pk, metrics = ['hits'] }) => ({ pk, metrics, children: below(pk).length })) }),
    subdimensions: ({ pk, dimensions }) => {
      const { dimensions: known = {} } = paths.find((one) => one.pk.join('/') === pk.join('/')) ?? {};
      const names = dimensions.length ? known[dimensions[0]] ?? [] : Object.keys(known);
      return { subdimensions: names.map((name) => [...dimensions, name]) };
    },
  };
}

/** Lets all that was asked be answered. */
export async function settle() {
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
  await new Promise((done) => { setTimeout(done); });
}
