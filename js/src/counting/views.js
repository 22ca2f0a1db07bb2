// Page views: when the page is loaded, whenever its path changes without that, and when it comes back out of a cache.

/**
 * Calls `view(path)` now, and once for each change of the path. `kind` is `'load'` where changes without loading are none,
 * `'hash'` where what stands behind `#` belongs to the path.
 */
export function watchViews(kind, view) {
  let last;
  const look = () => {
    const path = location.pathname + (kind === 'hash' ? location.hash : '');
    if (path !== last) view(last = path);
  };
  addEventListener('pageshow', ({ persisted }) => {
    if (persisted) view(last);
  });
  look();
  if (kind === 'load') return;
  // Also when only what stands behind # has changed.
  addEventListener('popstate', look);
  for (const name of ['pushState', 'replaceState']) {
    const original = history[name];
    history[name] = function (...given) {
      // As it was, but for the look behind it.
      original.apply(this, given);
      look();
    };
  }
}
