// The key that a server asks for: it comes once after `#` in the address, and stays for this tab alone.

const NAME = 'hailwhale-key';

/**
 * Takes `key=...` out of the address, so that a link that is passed on does not hold it, and keeps it for the tab.
 * -> the key, '' where there is none. A browser that keeps nothing only has it until the page is loaded again.
 */
export function takeKey({ location, history, sessionStorage }) {
  const given = new URLSearchParams(location.hash.replace(/^#/, ''));
  const key = given.get('key');
  if (key === null) return remembered(sessionStorage);
  given.delete('key');
  const rest = given.toString();
  history.replaceState(null, '', `${location.pathname}${location.search}${rest === '' ? '' : `#${rest}`}`);
  try {
    sessionStorage.setItem(NAME, key);
  } catch {
    // Storage may be forbidden or full.
  }
  return key;
}

function remembered(storage) {
  try {
    return storage.getItem(NAME) ?? '';
  } catch {
    return '';
  }
}
