// What a graph says when it has no numbers, or only old ones.
import { sentence } from '../sentences.js';

/** An error as a sentence for whoever looks at the graph. */
export function trouble(error) {
  if (error.status === 401) return 'This server asks for a key that may read (the option key).';
  if (error.code === 'unreachable') return 'The server does not answer. The graph goes on by itself when it does.';
  return sentence(error).replace(/ This page tries again.*$/, '');
}
