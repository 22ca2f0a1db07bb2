// The place of an answer. Numbers that are only older stay in it; those of another question would be taken for this one's.
import { ServerError } from '../api.js';
import { element, setAttribute } from '../dom.js';
import { isLacking, lackingCard } from './lacking.js';
import { opened, renew } from './table.js';

export class Reply {
  /** `words` stand there until the first answer comes. */
  constructor(role, words) {
    this.place = element('div', { 'data-role': role });
    this.words = words;
    this.question = '';
    this.drawn = '';
    this.open = new Set();
  }

  /** Makes room for the answer to a question, unless one to the same question stands there. */
  await(question) {
    const text = JSON.stringify(question);
    if (text === this.question && this.drawn !== '') return;
    this.question = text;
    this.open = new Set([...this.open, ...opened(this.place)]);
    this.say(element('p', { class: 'note', role: 'status', 'data-role': 'waiting' }, this.words));
  }

  /** Shows what is no answer, in place of one. */
  say(...nodes) {
    this.drawn = '';
    this.place.replaceChildren(...nodes);
  }

  /** -> what `ask()` answers; null where the server lacks a library, which is said. */
  take(ask) {
    setAttribute(this.place, 'aria-busy', 'true');
    return ask().catch((error) => this.#failed(error)).finally(() => setAttribute(this.place, 'aria-busy', null));
  }

  /** Draws what `make()` makes of an answer. One that brings nothing new changes nothing: whoever reads it is not disturbed. */
  draw(answer, make) {
    const text = JSON.stringify(answer);
    if (text === this.drawn) return;
    this.drawn = text;
    renew(this.place, make(), this.open);
    this.open = new Set();
  }

  #failed(error) {
    if (isLacking(error)) {
      this.say(lackingCard(error));
      return null;
    }
    // Nothing is waited for any more.
    if (error instanceof ServerError && this.drawn === '') this.say();
    throw error;
  }
}
