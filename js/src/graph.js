// The entry of graph.js: a graph where its tag stands.
import { embed } from './widget/embed.js';

embed(document.currentScript, { window });
