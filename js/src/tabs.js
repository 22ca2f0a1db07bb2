// The row of tabs: links to the parts of the page.
import { isForBrowser, setAttribute } from './dom.js';

export class Tabs {
  /** `root` holds a link for each view, named by its `data-view`; `go(view)` goes there. */
  constructor(root, go) {
    this.root = root;
    this.links = [...root.querySelectorAll('[data-view]')];
    for (const anchor of this.links) {
      anchor.addEventListener('click', (event) => {
        if (isForBrowser(event)) return;
        event.preventDefault();
        go(anchor.dataset.view);
      });
    }
  }

  /** Marks the view that is shown; `href(view)` are the addresses of all. */
  show(view, href) {
    for (const anchor of this.links) {
      const isCurrent = anchor.dataset.view === view;
      setAttribute(anchor, 'href', href(anchor.dataset.view));
      const isNew = isCurrent && !anchor.hasAttribute('aria-current');
      setAttribute(anchor, 'aria-current', isCurrent ? 'page' : null);
      if (isNew) this.#reveal(anchor);
    }
  }

  // On a phone the row is wider than the screen, and scrolls by itself alone.
  #reveal(anchor) {
    this.root.scrollLeft = anchor.offsetLeft - (this.root.clientWidth - anchor.offsetWidth) / 2;
  }
}
