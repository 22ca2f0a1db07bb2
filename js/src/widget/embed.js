// Graphs by one tag: the script reads its own address and attributes, and draws where it stands. The server writes nothing into
// it, so that it is the same for everybody.
import { ATTRIBUTES, readOption } from './attributes.js';
import { loader } from './loading.js';
import { whenRead } from './reading.js';

/** -> `{options, place}`: what a tag asks for, and the id of the element to draw into; '' for where it stands. */
export function readTag({ src, dataset }, { table = false } = {}) {
  const given = { ...Object.fromEntries(new URL(src).searchParams), ...dataset };
  const options = { host: new URL('.', src).href, ...(table && { table }) };
  for (const name of ATTRIBUTES) {
    if (name in given) options[name] = readOption(name, given[name]);
  }
  if ('area' in given && readOption('live', given.area)) options.kind = 'area';
  if (given.columns) options.metrics = given.columns.split(',').map((column) => column.trim());
  if (given.interval) options.period = `${given.interval}:${given.period ?? '7d'}`;
  // Seconds between two looks at the server, in place of a stream.
  if (given.delay > 0 && options.live !== false) options.live = 1_000 * given.delay;
  return { options, place: given.parent_div ?? given.parentDiv ?? '' };
}

/** Draws what the tag of `script` asks for; `load()` promises what draws, `{graph}`: it lies beside. -> a promise of the graph. */
export async function embed(script, { window, table, load = loader(window, new URL('static/hailwhale.iife.js', script.src).href) }) {
  const { document } = window;
  const { options, place } = readTag(script, { table });
  await new Promise((read) => { whenRead(document, read); });
  const target = document.getElementById(place) ?? document.createElement('div');
  if (!target.isConnected) script.after(target);
  try {
    const { graph } = await load();
    return graph(target, options);
  } catch (error) {
    target.textContent = `There is no graph here: ${error.message}.`;
    return null;
  }
}
