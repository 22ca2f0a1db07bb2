// The entry of the bundle: starts the page in this browser.
import { Api } from './api.js';
import { App } from './app.js';
import { takeKey } from './key.js';
import { watchTheme } from './theme.js';

const zones = Intl.supportedValuesOf ? Intl.supportedValuesOf('timeZone') : [];
const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const clipboard = navigator.clipboard;

const app = new App({
  window,
  api: new Api({ base: document.baseURI, fetch: (...given) => fetch(...given), key: takeKey(window) }),
  zones: [...new Set([own, 'UTC', ...zones])],
  copy: clipboard ? (text) => clipboard.writeText(text) : null,
});
watchTheme(window, () => app.redraw());
app.start();
