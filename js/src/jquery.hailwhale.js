// The entry of the jQuery plug-in: data and methods, without anything that draws.
import { runningScript } from './running.js';
import { loader } from './widget/loading.js';
import { install } from './widget/plugin.js';

const src = runningScript()?.src || document.baseURI;
install(window.jQuery, { window, home: new URL('../', src).href, load: loader(window, new URL('hailwhale.iife.js', src).href) });
