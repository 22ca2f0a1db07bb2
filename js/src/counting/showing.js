// Pages that a browser makes ready before anybody asks for them: nothing happens there until they are shown.

/** Calls `action` now, or when a page that is being prepared is shown; never when it is thrown away. */
export function whenShown(action) {
  // That happens once at the most.
  if (document.prerendering) document.addEventListener('prerenderingchange', action);
  else action();
}
