// The way back: every pk and node above the one that is shown.
import { element, link } from './dom.js';
import { label, prefixes } from './paths.js';

/** `openPk(pk)` and `openDimension(dimension)` go there; `href(pk, dimension)` is the link. */
export function drawCrumbs(root, { pk, dimension }, { openPk, openDimension, href }) {
  const crumbs = [
    ...prefixes(pk).slice(0, -1).map((path) => link({ href: href(path, null), go: () => openPk(path) }, label(path))),
    link({ href: href(pk, []), go: () => openDimension([]) }, label(pk)),
    ...prefixes(dimension).map((path) => link({ href: href(pk, path), go: () => openDimension(path) }, label(path))),
  ];
  crumbs[crumbs.length - 1].setAttribute('aria-current', 'page');
  // A single crumb would only repeat the title.
  root.hidden = crumbs.length === 1;
  root.replaceChildren(element('ol', {}, ...crumbs.map((crumb) => element('li', {}, crumb))));
}
