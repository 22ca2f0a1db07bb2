// The parts of the page beside the graph of Explore: each is loaded when it is first shown, and one is there at a time.
import { ServerError } from './api.js';
import { element } from './dom.js';

/** By view: its title, the module that draws it, and whether it is about a pk, so that the list of them stands beside it. */
export const SECTIONS = {
  overview: { title: 'Overview', ofPk: true, load: async () => (await import('./sections/overview.js')).Overview },
  results: { title: 'Results', ofPk: true, load: async () => (await import('./sections/results.js')).Results },
  decisions: { title: 'Decisions', ofPk: true, load: async () => (await import('./sections/decisions.js')).Decisions },
  spy: { title: 'Spy', ofPk: true, load: async () => (await import('./sections/spy.js')).Spy },
  health: { title: 'Health', ofPk: false, load: async () => (await import('./sections/health.js')).Health },
  boards: { title: 'Boards', ofPk: false, load: async () => (await import('./sections/boards.js')).Boards },
};

/** What a module promises; where it does not come, an error that the page can say. */
export async function loaded(promise) {
  try {
    return await promise;
  } catch (cause) {
    throw new ServerError(`a part of the page could not be loaded: load the page again (${cause.message})`, { code: 'not_loaded' });
  }
}

/** Where they stand. `surroundings` is what each of them is given: `{api, locale, go, href, now, window}`. */
export class Stage {
  #view = null;
  #section = null;
  #root = null;

  constructor(place, surroundings, sections = SECTIONS) {
    Object.assign(this, { place, surroundings, sections });
  }

  /** Draws a section for a state; one of another view leaves its place to it. */
  async show(state, signal) {
    if (state.view !== this.#view) this.leave();
    if (this.#section === null) await this.#enter(state, signal);
    if (!signal.aborted) await this.#section.show(state, signal);
  }

  /** Lets what is there refresh. */
  tick(signal) {
    return this.#section.tick(signal);
  }

  /** Whether the section of a view is there. */
  has(view) {
    return this.#section !== null && this.#view === view;
  }

  /** Takes away what is there. */
  leave() {
    this.#section?.destroy();
    this.#root?.remove();
    this.#section = null;
    this.#root = null;
    this.#view = null;
  }

  async #enter(state, signal) {
    const Section = await loaded(this.sections[state.view].load());
    if (signal.aborted) return;
    this.#root = element('section', { class: `section ${state.view}`, 'data-role': 'section' });
    this.place.append(this.#root);
    this.#view = state.view;
    this.#section = new Section(this.#root, { ...this.surroundings, state });
  }
}
