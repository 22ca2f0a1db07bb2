// Annotations: moments worth a line and a word on the graph.
const FONT = '11px system-ui, sans-serif';
const GAP = 4;
/** Annotations that the server keeps. */
export const SERVER = 'server';

/**
 * `[{at, text}]` with `at` a Date, epoch milliseconds or ISO 8601 -> the same with milliseconds, in order; others are refused.
 * True and `'server'` -> `SERVER`.
 */
export function readMarks(annotations) {
  if ([true, 'true', '1', SERVER].includes(annotations)) return SERVER;
  if (!Array.isArray(annotations)) throw new TypeError(`annotations are a list of {at, text}, or 'server', not ${annotations}`);
  return annotations.map(({ at, text }) => {
    const ms = at instanceof Date ? at.getTime() : typeof at === 'number' ? at : Date.parse(at);
    if (!Number.isFinite(ms)) throw new TypeError(`not a moment: ${at} (epoch milliseconds, or 2026-01-31T12:00Z)`);
    return { at: ms, text: String(text) };
  }).sort((a, b) => a.at - b.at);
}

/** The texts of those within the bucket at `index`. */
export function marksIn(marks, starts, index) {
  const until = starts[index + 1] ?? starts[index] + (starts[index] - (starts[index - 1] ?? starts[index] - 1));
  return marks.filter(({ at }) => at >= starts[index] && at < until).map(({ text }) => text);
}

// The axis ends where the last bucket begins: what is in it stands at this end.
function momentOf(mark, { data: [starts], scales: { x } }) {
  const last = starts.length - 1;
  return x.max >= starts[last] && marksIn([mark], starts, last).length > 0 ? Math.min(mark.at, x.max) : mark.at;
}

/** Draws them on uPlot's canvas, each word to the left or right of its line, where there is room. */
export function drawMarks(plot, marks, colour) {
  const { ctx, bbox, scales } = plot;
  // The canvas has more pixels than the page where the screen is fine.
  const ratio = ctx.canvas.width / plot.width;
  ctx.save();
  ctx.font = FONT.replace('11', String(11 * ratio));
  ctx.fillStyle = colour;
  ctx.strokeStyle = colour;
  ctx.lineWidth = ratio;
  ctx.textBaseline = 'top';
  ctx.setLineDash([2 * ratio, 3 * ratio]);
  for (const mark of marks) {
    const { text } = mark;
    const at = momentOf(mark, plot);
    if (at < scales.x.min || at > scales.x.max) continue;
    const x = Math.round(plot.valToPos(at, 'x', true));
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    const fits = x + GAP * ratio + ctx.measureText(text).width <= bbox.left + bbox.width;
    ctx.textAlign = fits ? 'left' : 'right';
    ctx.fillText(text, x + (fits ? GAP : -GAP) * ratio, bbox.top);
  }
  ctx.restore();
}
