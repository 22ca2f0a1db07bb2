// The entry of graph.js: a graph where its tag stands.
import { embed } from './widget/embed.js';
import { loader } from './widget/loading.js';

const script = document.currentScript;
embed(script, { window, load: loader(window, new URL('static/hailwhale.iife.js', script.src).href) });
