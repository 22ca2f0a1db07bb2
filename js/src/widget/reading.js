// When a page has been read.

/** Calls `then` when the page is read and its own scripts had their say, as to change defaults. */
export function whenRead(page, then) {
  if (page.readyState === 'loading') page.addEventListener('DOMContentLoaded', () => then(), { once: true });
  else queueMicrotask(then);
}
