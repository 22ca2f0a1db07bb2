// Where the script came from: a graph that names no host asks the server that it was loaded from.
let script = '';

/** Told once by the entry of each bundle; '' where a page was not told either. */
export function cameFrom(url) {
  script = url ?? '';
}

/** The server of the script, which lies in its folder `static`; the page's own server otherwise. */
export function home() {
  return script === '' ? '' : new URL('../', script).href;
}
