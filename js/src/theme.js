// The colours of the drawing, taken from the style sheet, so that light and dark stand in one place.
import { HUES } from './hues.js';

/** -> `{ink, faint, grid, fill, hues}` as texts that a canvas understands. */
export function readTheme(root) {
  const style = getComputedStyle(root);
  const read = (name) => style.getPropertyValue(name).trim();
  return {
    ink: read('--overall'),
    faint: read('--faint'),
    grid: read('--grid'),
    fill: read('--overall-fill'),
    hues: Array.from({ length: HUES }, (_, index) => read(`--hue-${index}`)),
  };
}

/** Calls `changed` when the reader's preference for light or dark changes; -> how to stop that. */
export function watchTheme(window, changed) {
  const dark = window.matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', changed);
  return () => dark.removeEventListener('change', changed);
}
