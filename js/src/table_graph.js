// The entry of table_graph.js: a graph where its tag stands, with its numbers below it.
import { embed } from './widget/embed.js';

embed(document.currentScript, { window, table: true });
