// A part of the time looked at closely: chosen by dragging, left by a double click.

// A hand that trembles drags so many pixels.
const LEAST = 6;

export class Zoom {
  /** `changed()` is called after each. */
  constructor(changed) {
    this.changed = changed;
    this.range = null;
    this.dragged = false;
  }

  /** `[from, until]` to draw instead of everything between `low` and `high`. */
  within(low, high) {
    // What has slid out of the data cannot be looked at any more.
    if (this.range !== null && this.range[1] <= low) this.range = null;
    return this.range ?? [low, high];
  }

  /** uPlot's options for it. */
  options() {
    return {
      drag: { x: true, y: false, setScale: false, dist: LEAST, click: (_, event) => this.#afterDrag(event) },
      bind: {
        mousedown: (plot, target, handle) => (event) => {
          this.dragged = false;
          handle(event);
        },
        dblclick: (plot) => () => this.leave(plot),
      },
    };
  }

  /** After a drag: `plot.select` has what was chosen. */
  take(plot) {
    const { left, width } = plot.select;
    if (width <= 0) return;
    this.dragged = true;
    const range = [left, left + width].map((at) => plot.posToVal(at, 'x'));
    plot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    if (plot.data[0].filter((start) => start >= range[0] && start <= range[1]).length < 2) return;
    this.range = range;
    this.#show(plot);
  }

  leave(plot) {
    if (this.range === null) return;
    this.range = null;
    this.#show(plot);
  }

  // uPlot takes a click for a drag wherever the cursor has gone to its bucket: only a click that ends a drag means nothing else.
  #afterDrag(event) {
    if (this.dragged) event.stopImmediatePropagation();
  }

  #show(plot) {
    const starts = plot.data[0];
    plot.setScale('x', { min: starts[0], max: starts[starts.length - 1] });
    this.changed();
  }
}
