// Answers that hold for a while: what there is to choose from changes seldom.

/** Milliseconds that an answer holds. */
export const HOLDS = 30_000;

export class Kept {
  /** `now()` -> milliseconds. */
  constructor(now) {
    this.now = now;
    this.name = null;
  }

  /** -> what `ask()` answers; for the name that was asked last, and is not old, without asking. */
  async of(name, ask) {
    if (name === this.name && this.now() < this.until) return this.answer;
    const answer = await ask();
    Object.assign(this, { name, answer, until: this.now() + HOLDS });
    return answer;
  }
}
