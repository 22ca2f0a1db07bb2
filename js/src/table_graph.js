// The entry of table_graph.js: a graph where its tag stands, with its numbers below it.
import { runningScript } from './running.js';
import { embed } from './widget/embed.js';

embed(runningScript(), { window, table: true });
