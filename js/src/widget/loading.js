// What draws is loaded when something is to be drawn.

/** -> a function that promises the drawing: one that is there, or the script `address`, loaded once. */
export function loader(window, address) {
  let promise = null;
  return () => {
    // An element of the page may be called so, too.
    if (window.HailWhale?.graph) return Promise.resolve(window.HailWhale);
    promise ??= new Promise((done, failed) => {
      const script = window.document.createElement('script');
      script.src = address;
      script.onload = () => done(window.HailWhale);
      script.onerror = () => {
        promise = null;
        script.remove();
        failed(new Error(`${address} cannot be loaded`));
      };
      window.document.head.append(script);
    });
    return promise;
  };
}
