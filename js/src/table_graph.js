// The entry of table_graph.js: a graph where its tag stands, with its numbers below it.
import { embed } from './widget/embed.js';
import { loader } from './widget/loading.js';

const script = document.currentScript;
embed(script, { window, table: true, load: loader(window, new URL('static/hailwhale.iife.js', script.src).href) });
