// The entry of graph.js: a graph where its tag stands.
import { runningScript } from './running.js';
import { embed } from './widget/embed.js';

embed(runningScript(), { window });
