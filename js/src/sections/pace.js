// How often to ask what takes the server long: never more than a twentieth of its time.

const SHARE = 20;

export class Pace {
  /** `now()` -> milliseconds. */
  constructor(now) {
    this.now = now;
    this.next = 0;
  }

  /** True while the last answer took so long that it is too early to ask again. */
  isEarly() {
    return this.now() < this.next;
  }

  /** -> what `ask()` answers; how long that takes says when to ask again. */
  async timed(ask) {
    const began = this.now();
    try {
      return await ask();
    } finally {
      const ended = this.now();
      this.next = ended + SHARE * (ended - began);
    }
  }
}
