// Drawing: columns in, lines on a canvas out. Never fetches, and knows nothing of servers or addresses.
import uPlot from 'uplot';
import { axisLabels, browserZone } from './times.js';

const FONT = '12px system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';
const LOWEST = 220;
const HIGHEST = 380;
const NARROWEST_AXIS = 46;
const NARROWEST_LABEL = 70;
const WHOLE_STEPS = Array.from({ length: 16 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();
// Among more buckets than this a thin line is easier to read beside others, and is drawn in a tenth of the time.
const DENSE = 600;
const isDense = (starts) => starts.length > DENSE;
const STEPS_LEFT = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 };

/**
 * One graph in one element. `draw()` as often as there is something new, `destroy()` once.
 *
 * `pointed({index, left, width})` is called when the cursor moves to a bucket, with index null when it leaves; `height(width)`
 * says how high it is.
 */
export class Chart {
  constructor(target, { pointed = () => {}, create = (...given) => new uPlot(...given), height = heightFor } = {}) {
    this.target = target;
    this.pointed = pointed;
    this.create = create;
    this.height = height;
    this.plot = null;
    this.shape = '';
    this.onKey = (event) => this.#step(event);
    this.onBlur = () => this.#leave();
    target.addEventListener('keydown', this.onKey);
    target.addEventListener('blur', this.onBlur);
    this.observer = new ResizeObserver(() => this.resize());
    this.observer.observe(target);
  }

  /**
   * `starts` are epoch milliseconds; `series` `{name, values, isOverall}`; `hidden` a Set of names; `hues` a Map of name to
   * hue; `theme` from readTheme; `formats` from numberFormats; `unfinished` says that the last bucket is. Same series as before: only the numbers are exchanged.
   */
  draw({ starts, series, hidden, hues, zone, theme, formats, locale, unfinished = false }) {
    const data = [starts, ...series.map(({ values }) => values)];
    const styles = series.map(({ name }) => [name, hues.get(name)]);
    const shape = JSON.stringify([styles, zone, theme, starts.length < 2, isDense(starts), isWhole(series), unfinished]);
    if (this.plot === null || shape !== this.shape) {
      this.plot?.destroy();
      this.plot = this.create(
        { ...this.#size(), ...chartOptions({ series, hidden, hues, zone, theme, formats, locale, starts, unfinished, pointed: this.#pointer() }) },
        data, this.target,
      );
      this.shape = shape;
    } else {
      series.forEach(({ name }, index) => {
        const show = !hidden.has(name);
        if (this.plot.series[index + 1].show !== show) this.plot.setSeries(index + 1, { show });
      });
      this.plot.setData(data);
    }
  }

  resize() {
    if (this.plot === null) return;
    const { width, height } = this.#size();
    if (width > 0 && (width !== this.plot.width || height !== this.plot.height)) this.plot.setSize({ width, height });
  }

  /** Takes the drawing away; the chart can draw again. */
  clear() {
    this.plot?.destroy();
    this.plot = null;
    this.pointed({ index: null });
  }

  destroy() {
    this.clear();
    this.observer.disconnect();
    this.target.removeEventListener('keydown', this.onKey);
    this.target.removeEventListener('blur', this.onBlur);
  }

  #size() {
    const width = Math.floor(this.target.clientWidth);
    return { width, height: this.height(width) };
  }

  #pointer() {
    return (plot) => {
      const { idx, left } = plot.cursor;
      const outside = idx === null || idx === undefined || left < 0;
      this.pointed(outside ? { index: null } : { index: idx, left: left + plot.over.offsetLeft, width: this.target.clientWidth });
    };
  }

  // The graph can be read by keyboard: arrows go from bucket to bucket, Escape leaves.
  #step(event) {
    if (this.plot === null) return;
    const starts = this.plot.data[0];
    const last = starts.length - 1;
    const now = this.plot.cursor.idx ?? last + 1;
    const goals = { Home: 0, End: last, ...Object.fromEntries(Object.entries(STEPS_LEFT).map(([key, by]) => [key, now + by])) };
    if (event.key === 'Escape') this.#leave();
    if (!(event.key in goals)) return;
    event.preventDefault();
    const index = Math.min(last, Math.max(0, goals[event.key]));
    this.plot.setCursor({ left: this.plot.valToPos(starts[index], 'x'), top: 10 });
  }

  #leave() {
    this.plot?.setCursor({ left: -10, top: -10 });
  }
}

/** How high a graph is where nobody says otherwise. */
export function heightFor(width) {
  return Math.round(Math.min(HIGHEST, Math.max(LOWEST, width * 0.42)));
}

/** What uPlot is told; apart from drawing, so that it can be tested without a canvas. */
export function chartOptions({ series, hidden, hues, zone, theme, formats, locale, starts, unfinished, pointed }) {
  const timeZone = browserZone(zone);
  const colours = series.map(({ name, isOverall }) => (isOverall ? theme.ink : theme.hues[hues.get(name)]));
  const pointColour = (_, index) => colours[index - 1];
  return {
    ms: 1,
    tzDate: (ms) => uPlot.tzDate(new Date(ms), timeZone),
    padding: [12, 34, 0, 0],
    legend: { show: false },
    cursor: {
      move: snapped,
      drag: { x: false, y: false }, points: { size: 8, fill: pointColour, stroke: pointColour }, y: false,
    },
    scales: { x: { time: true, range: (_, low, high) => timeRange(low, high) }, y: { range: (_, low, high) => valueRange(low, high) } },
    axes: [
      {
        stroke: theme.faint, font: FONT, size: 44, space: (_, axis, low, high, width) => labelSpace(starts, high - low, width),
        grid: { show: false }, ticks: { stroke: theme.grid, width: 1, size: 5 },
        values: (_, splits, axis, space, step) => axisLabels(splits, step, zone, locale),
      },
      {
        stroke: theme.faint, font: FONT, size: axisSize, gap: 8,
        grid: { stroke: theme.grid, width: 1 }, ticks: { show: false },
        values: (_, splits) => splits.map(formats.axis),
        ...(isWhole(series) ? { incrs: WHOLE_STEPS } : {}),
      },
    ],
    series: [{}, ...series.map((one, index) => seriesOptions(one, {
      hidden, theme, colour: colours[index], single: starts.length < 2, dense: isDense(starts),
      unfinished: unfinished && starts.length > 1,
    }))],
    hooks: { setCursor: [pointed] },
  };
}

function seriesOptions({ name, isOverall }, { hidden, theme, colour, single, dense, unfinished }) {
  return {
    label: name,
    show: !hidden.has(name),
    stroke: unfinished ? (plot) => faintEnd(plot, colour) : colour,
    width: isOverall ? 2 : dense ? 1 : 1.75,
    fill: isOverall ? (plot) => fade(plot, theme.fill) : undefined,
    points: single ? { show: true, size: 8, fill: colour } : { show: false },
  };
}

// A bucket that is not over yet falls behind the others: drawn like them, every graph would end in a collapse.
function faintEnd(plot, colour) {
  const { left, width } = plot.bbox;
  const starts = plot.data[0];
  const part = (plot.valToPos(starts[starts.length - 2], 'x', true) - left) / width;
  if (!(part >= 0 && part <= 1)) return colour;
  const gradient = plot.ctx.createLinearGradient(left, 0, left + width, 0);
  for (const [at, shade] of [[0, colour], [part, colour], [part, `${colour}50`]]) gradient.addColorStop(at, shade);
  return gradient;
}

function fade(plot, colour) {
  const { top, height } = plot.bbox;
  // Before the first layout there is no box, and a gradient refuses what is not finite.
  if (!Number.isFinite(top + height) || colour === '') return colour;
  const gradient = plot.ctx.createLinearGradient(0, top, 0, top + height);
  gradient.addColorStop(0, colour);
  gradient.addColorStop(1, 'transparent');
  return gradient;
}

/** True when every value is a whole number: then half a hit is nothing to mark on the axis. */
function isWhole(series) {
  for (const { values } of series) {
    for (let i = 0; i < values.length; i += 1) if (!Number.isInteger(values[i] ?? 0)) return false;
  }
  return true;
}

/** Zero is always in view: a graph that cuts its foot off makes small changes look large. */
export function valueRange(low, high) {
  const least = Math.min(0, low ?? 0);
  const most = Math.max(0, high ?? 0);
  if (least === most) return [0, 1];
  const room = (most - least) * 0.06;
  return [least < 0 ? least - room : 0, most > 0 ? most + room : 0];
}

// The cursor's line stands on the bucket whose values are told, not between two.
function snapped(plot, left, top) {
  return [left < 0 ? left : Math.round(plot.valToPos(plot.data[0][plot.posToIdx(left)], 'x')), top];
}

/** Labels stand at least a bucket apart: between two days there is nothing that noon could name. */
export function labelSpace(starts, span, width) {
  const bucket = starts.length > 1 ? starts[1] - starts[0] : 0;
  return Math.max(NARROWEST_LABEL, (bucket / span) * width * 0.9);
}

/** A single bucket stands in the middle of a minute rather than on an edge. */
export function timeRange(low, high) {
  return low === high ? [low - 30_000, high + 30_000] : [low, high];
}

// uPlot asks for a width before it knows the labels, then again with them.
export function axisSize(plot, values, axisIndex, cycle) {
  if (cycle > 1) return plot.axes[axisIndex]._size;
  const longest = Math.max(0, ...(values ?? []).map((text) => text.length));
  // Never so narrow that the first label below the time axis would be cut off.
  return Math.max(NARROWEST_AXIS, 18 + longest * 7);
}
