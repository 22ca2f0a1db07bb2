// What the forms of a graph change in uPlot's options, which chart.js makes for lines. Draws nothing itself.
import uPlot from 'uplot';
import { timeRange } from '../chart.js';
import { OTHER } from './lines.js';
import { drawMarks } from './marks.js';

const PLAIN = '#00000000';
// Of a colour in six digits, how much is seen.
const FULL = 'c0';
const FAINT = '60';
const DASHES = [6, 5];
const WIDEST_BAR = 60;

/**
 * `options` as chart.js made them, for `look` `{kind, stacked, offset, drawn, marks, theme, percent}` and `zoom`. `drawn` are the
 * lines in the order of uPlot's series.
 */
export function dress(options, look, zoom, clicked = () => {}) {
  const dressed = {
    ...options,
    cursor: { ...options.cursor, ...zoom.options() },
    scales: { ...options.scales, x: { ...options.scales.x, range: (plot, low, high) => xRange(plot, zoom.within(low, high), look) } },
    series: options.series.map((one, index) => (index === 0 ? one : dressSeries(one, look, index - 1))),
    hooks: {
      ...options.hooks,
      setSelect: [(plot) => zoom.take(plot)],
      ready: [(plot) => plot.over.addEventListener('click', () => clicked(plot))],
      draw: [(plot) => drawMarks(plot, look.marks, look.theme.faint)],
    },
  };
  if (look.stacked && look.kind === 'area') {
    dressed.bands = look.drawn.slice(1).filter(({ isDashed }) => !isDashed)
      .map(({ name }, index) => ({ series: [index + 2, index + 1], fill: look.colours[index + 1] + (name === OTHER ? FAINT : FULL) }));
  }
  if (look.small) Object.assign(dressed, bare(dressed, look));
  if (look.stacked && look.offset === 'expand') dressed.scales.y = { range: () => [0, 1] };
  // What a moving ground carries has no number at its edges.
  if (look.stacked && ['silhouette', 'wiggle'].includes(look.offset)) {
    const [times, values] = dressed.axes;
    dressed.scales.y = { range: (_, low, high) => [low, high > low ? high : low + 1] };
    dressed.axes = [times, { ...values, values: (_, splits) => splits.map(() => '') }];
  }
  return dressed;
}

function xRange(plot, [low, high], { kind }) {
  if (kind !== 'bars') return timeRange(low, high);
  const starts = plot.data[0];
  const half = starts.length > 1 ? (starts[1] - starts[0]) / 2 : 30_000;
  return [low - half, high + half];
}

function dressSeries(series, look, index) {
  const { kind, stacked, drawn, colours, ratio } = look;
  const { isDashed, isBase, isOverall } = drawn[index];
  if (isBase) return { ...series, stroke: PLAIN, fill: undefined, points: { show: false } };
  if (isDashed) return { ...series, width: 1.5, dash: DASHES, fill: undefined };
  if (kind === 'bars' && (stacked || isOverall)) {
    const paths = uPlot.paths.bars({ size: [0.72, WIDEST_BAR], radius: 0 });
    return { ...series, paths, width: 0, stroke: colours[index], fill: colours[index], points: { show: false } };
  }
  if (kind === 'area' && stacked) return { ...series, width: 0, fill: undefined };
  return ratio ? { ...series, spanGaps: true } : series;
}

function bare({ axes, cursor }, { kind }) {
  const hidden = axes.map((axis) => ({ ...axis, show: false }));
  return { axes: hidden, padding: [4, 4, 4, 4], cursor: { ...cursor, drag: { x: false, y: false }, show: kind === 'sparkline' } };
}
