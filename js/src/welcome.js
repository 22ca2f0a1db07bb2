// What an empty server shows: how to count the first thing.
import { element, part } from './dom.js';

/** The lines to try; `base` is the page's own address. */
export function firstLines(base) {
  return {
    curl: `curl '${new URL('count_now', base)}?pk=signup&dimensions=UK'`,
    python: "from hailwhale import Whale; Whale.count_now('signup', 'UK')",
  };
}

/** Fills the welcome panel; `copy(text)` puts a text on the clipboard, null where the browser has none. */
export function drawWelcome(root, { base, copy }) {
  for (const [name, text] of Object.entries(firstLines(base))) {
    const place = part(root, `welcome-${name}`);
    const button = element('button', { type: 'button', class: 'copy', 'aria-label': `Copy the ${name} line` }, 'Copy');
    button.addEventListener('click', async () => {
      await copy(text);
      button.textContent = 'Copied';
    });
    place.replaceChildren(element('code', {}, text), ...(copy ? [button] : []));
  }
}
