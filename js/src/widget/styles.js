// The style sheets of a graph: made once, adopted by each, so that a strict policy has nothing to refuse.
import dark from '../dark.css?inline';
import light from '../light.css?inline';
import widget from './widget.css?inline';

const sheets = new Map();

function sheet(text) {
  if (!sheets.has(text)) {
    const made = new CSSStyleSheet();
    made.replaceSync(text);
    sheets.set(text, made);
  }
  return sheets.get(text);
}

/** Dresses a shadow root in light or dark. */
export function dressRoot(root, isDark) {
  root.adoptedStyleSheets = [light, ...(isDark ? [dark] : []), widget].map(sheet);
}
