// The script that runs. `document.currentScript` may be an image that somebody has called so: then its address would say from where
// scripts are loaded, and to whom events are sent.

/** -> the element of the script that runs; null in modules and later on. */
export function runningScript() {
  return Reflect.get(Document.prototype, 'currentScript', document);
}
