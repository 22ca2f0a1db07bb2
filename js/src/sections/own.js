// What a section keeps of its own in the address: texts under names, in `more` of the state.
import { parsePathName } from '../paths.js';

export class Own {
  /** `go(part)` merges a part into the state. */
  constructor(state, go) {
    Object.assign(this, { state, go });
  }

  /** The text under a name; '' for none. */
  get(key) {
    return this.state.more?.[key] ?? '';
  }

  /** Changes some of the texts. */
  set(part, more = {}) {
    this.go({ ...more, more: { ...this.state.more, ...part } });
  }

  /** -> what hears of a choice for a name. */
  setter(key) {
    return (value) => this.set({ [key]: value });
  }

  /** Goes to another pk, whose name is given; what is kept under `keys` was of the one before. */
  leave(name, keys) {
    this.set(Object.fromEntries(keys.map((key) => [key, ''])), { pk: parsePathName(name) });
  }
}
