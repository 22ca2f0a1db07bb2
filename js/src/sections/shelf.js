// The boards that this browser keeps, by their titles.
import { readBoard } from './board.js';

const NAME = 'hailwhale-boards';

export class Shelf {
  #memory = [];

  /** `window` has the storage; it may be forbidden or full: then they last as long as the page, and `isKept` is false. */
  constructor(window) {
    this.window = window;
    this.isKept = true;
  }

  /** -> the boards, the newest first. */
  all() {
    try {
      const kept = JSON.parse(this.window.localStorage.getItem(NAME) ?? '[]');
      if (this.isKept) this.#memory = kept.flatMap(readable);
    } catch {
      // What cannot be read is as if it were not there.
    }
    return this.#memory;
  }

  /** -> the board of a title, or undefined. */
  find(title) {
    return this.all().find((board) => board.title === title);
  }

  /** Keeps a new board first; where its title is taken, a number follows it. -> the board as it is kept. */
  add(board) {
    const kept = { ...board, title: this.#free(board.title) };
    this.#write([kept, ...this.all()]);
    return kept;
  }

  /** Puts a board in the place of the one of a title. -> the board as it is kept. */
  replace(title, board) {
    const kept = board.title === title ? board : { ...board, title: this.#free(board.title) };
    this.#write(this.all().map((one) => (one.title === title ? kept : one)));
    return kept;
  }

  remove(title) {
    this.#write(this.all().filter((board) => board.title !== title));
  }

  #free(title) {
    const taken = new Set(this.all().map((board) => board.title));
    let free = title;
    for (let number = 2; taken.has(free); number += 1) free = `${title} ${number}`;
    return free;
  }

  #write(boards) {
    this.#memory = boards;
    try {
      this.window.localStorage.setItem(NAME, JSON.stringify(boards));
      this.isKept = true;
    } catch {
      this.isKept = false;
    }
  }
}

function readable(given) {
  try {
    return [readBoard(given)];
  } catch {
    return [];
  }
}
