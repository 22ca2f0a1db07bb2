// One graph as a page of its own, for pages that frame it: it reads its address, and is as high as the frame.
import { readTag } from './embed.js';

// Lower than this nothing can be read: the page scrolls.
const LEAST = 80;

/** Draws what the address of `window` asks for; `home` is the server, `load()` promises what draws. -> a promise of the graph. */
export async function frame({ window, home, load }) {
  const { document, location } = window;
  // Whoever makes an address does not choose whose numbers stand under our name.
  const options = { ...readTag({ src: `${home}embed${location.search}`, dataset: {} }).options, host: home };
  const target = document.getElementById('graph');
  if (options.theme) document.documentElement.dataset.theme = options.theme;
  try {
    const { graph } = await load();
    const made = graph(target, options);
    if (!options.height) fill(window, target, made);
    return made;
  } catch (error) {
    target.textContent = `There is no graph here: ${error.message}.`;
    return null;
  }
}

/** Makes the drawing as high as the window leaves room for. */
export function fill(window, target, made) {
  const part = (role) => target.querySelector('.hailwhale').shadowRoot.querySelector(`[data-role="${role}"]`);
  let height = 0;
  const fit = () => {
    const [whole, drawing] = ['frame', 'plot'].map((role) => part(role).getBoundingClientRect().height);
    // An open table is longer than any frame; and before there is a drawing nobody knows what stands around it.
    if (part('twin').open || drawing === 0) return;
    const room = Math.max(LEAST, Math.floor(window.innerHeight - (whole - drawing)));
    if (room === height) return;
    height = room;
    made.update({ height });
  };
  new window.ResizeObserver(fit).observe(part('frame'));
  window.addEventListener('resize', fit);
}
