// What draws is loaded when something is to be drawn.

// Each tag is a script of its own: what loads is known to all of them, so that all graphs of a page share their streams. No element
// of the page is called by a symbol.
const LOADING = Symbol.for('hailwhale.loading');

/** -> a function that promises the drawing: one that is there, or the script `address`, loaded once. */
export function loader(window, address) {
  const loading = (window[LOADING] ??= new Map());
  return () => {
    // An element of the page may be called so, too.
    if (typeof window.HailWhale?.graph === 'function') return Promise.resolve(window.HailWhale);
    if (!loading.has(address)) loading.set(address, load(window, address).catch((error) => {
      loading.delete(address);
      throw error;
    }));
    return loading.get(address);
  };
}

function load(window, address) {
  return new Promise((done, failed) => {
    const script = window.document.createElement('script');
    script.src = address;
    script.onload = () => done(window.HailWhale);
    script.onerror = () => {
      script.remove();
      failed(new Error(`${address} cannot be loaded`));
    };
    window.document.head.append(script);
  });
}
