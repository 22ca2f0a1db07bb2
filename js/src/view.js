// One view on the page: headline, graph, legend, breakdown and table drawn from one answer. Never fetches.
import { Breakdown } from './breakdown.js';
import { Chart } from './chart.js';
import { hasValues } from './columns.js';
import { part, parts, setAttribute, setText } from './dom.js';
import { assignHues } from './hues.js';
import { drawLegend } from './legend.js';
import { isAdditive } from './metrics.js';
import { numberFormats } from './numbers.js';
import { label, pathName, prefixes, samePath } from './paths.js';
import { describePeriod, isLive, unitOf } from './periods.js';
import { readTheme } from './theme.js';
import { isUnfinished, timeFormat, unitOfStarts } from './times.js';
import { drawTooltip, placeTooltip, tooltipRows } from './tooltip.js';
import { Twin } from './twin.js';

const NO_ANSWER = { starts: [], drawn: [], total: null, rows: [], weight: null, note: '' };

export class View {
  constructor(root, { actions, locale, now, createPlot }) {
    this.root = root;
    this.actions = actions;
    this.locale = locale;
    this.now = now;
    this.formats = numberFormats(locale);
    this.hues = new Map();
    this.model = null;
    this.parts = parts(root, ['title', 'total', 'total-label', 'live', 'chart', 'plot', 'tooltip', 'legend', 'nothing', 'legend-note', 'answer']);
    this.breakdown = new Breakdown(root, actions);
    this.twin = new Twin(part(root, 'twin'));
    this.chart = new Chart(this.parts.plot, { pointed: (at) => this.#point(at), create: createPlot });
  }

  /** `asked` is the question, `answer` what Loader.answer gave, `state` has what is hidden and how rows are sorted. */
  show({ asked, answer, branches, state }) {
    this.hues = assignHues(answer.drawn.filter(({ isOverall }) => !isOverall).map(({ name }) => name), this.hues);
    const isBranch = branches.some((path) => samePath(path, asked.dimension));
    const labelOf = (path) => (samePath(path, asked.dimension) && (isBranch || path.length === 0) ? 'All' : label(path));
    this.model = { asked, answer, isBranch, labelOf, state, hidden: new Set(state.hidden) };
    this.time = timeFormat(unitOf(asked.period) ?? unitOfStarts(answer.starts), asked.zone, this.locale);
    this.parts.answer.hidden = false;
    this.#headline();
    this.#graph();
    this.#tables();
  }

  /** After a change of colours. */
  redraw() {
    if (this.model !== null) this.#graph();
  }

  /** When there is no answer: the title of what was asked, and no numbers of something else. */
  clear({ asked, branches }) {
    this.show({ asked, branches, state: { hidden: [], sort: '' }, answer: NO_ANSWER });
    this.parts.answer.hidden = true;
  }

  destroy() {
    this.chart.destroy();
  }

  #headline() {
    const { asked, answer, isBranch } = this.model;
    const title = titleOf(asked, isBranch);
    setText(this.parts.title, title);
    setText(this.parts.total, this.formats.exact(answer.total));
    setAttribute(this.parts.total, 'data-value', answer.total);
    setText(this.parts['total-label'], `${asked.metric} · ${describePeriod(asked.period)}`);
    this.parts.live.hidden = !isLive(asked.period);
    this.root.ownerDocument.title = `${title} – HailWhale`;
  }

  #graph() {
    const { asked, answer, hidden, labelOf } = this.model;
    const { starts, drawn } = answer;
    const { plot, nothing, legend } = this.parts;
    const common = { series: drawn, hidden, hues: this.hues, formats: this.formats, labelOf };
    nothing.hidden = hasValues({ series: drawn });
    setText(nothing, `Nothing counted in ${describePeriod(asked.period)}.`);
    if (starts.length > 0) {
      this.chart.draw({
        ...common, starts, zone: asked.zone, theme: readTheme(this.root), locale: this.locale, unfinished: this.#isUnfinished(),
      });
    } else {
      this.chart.clear();
    }
    drawLegend(legend, { ...common, toggle: this.actions.toggle });
    const children = answer.rows.length;
    const lines = drawn.filter(({ isOverall }) => !isOverall).length;
    setText(this.parts['legend-note'], lines > 0 && children > lines ? `the largest ${lines} of ${this.formats.exact(children)}` : '');
    setAttribute(plot, 'aria-label', this.#summary(lines));
  }

  #isUnfinished() {
    return isUnfinished(this.model.answer.starts, this.now());
  }

  #summary(lines) {
    const { asked, answer } = this.model;
    const below = lines > 0 ? `, with ${lines} ${lines === 1 ? 'line' : 'lines'} below it` : '';
    return `Graph of ${asked.metric} for ${this.parts.title.textContent}, ${describePeriod(asked.period)}: `
      + `${this.formats.exact(answer.total)} in total${below}. The arrow keys read it bucket by bucket.`;
  }

  #tables() {
    const { asked, answer, state, labelOf, isBranch } = this.model;
    this.breakdown.show({
      node: `${pathName(asked.pk)} ${pathName(asked.dimension)}`,
      title: isBranch ? `By ${label(asked.dimension)}` : asked.dimension.length ? `Within ${label(asked.dimension)}` : 'Breakdown',
      rows: answer.rows, sort: state.sort, value: asked.metric, weight: answer.weight,
      total: isAdditive(asked.metric) ? answer.total : null,
      hues: this.hues, formats: this.formats, note: answer.note,
    });
    this.twin.show({
      starts: answer.starts, series: answer.drawn, labelOf, time: this.time, format: this.formats.exact,
      caption: `${asked.metric}, ${describePeriod(asked.period)}${asked.zone ? `, ${asked.zone}` : ''}`,
    });
  }

  #point({ index, left, width }) {
    const { tooltip } = this.parts;
    if (index === null || this.model === null) {
      tooltip.hidden = true;
      return;
    }
    const { answer, hidden, labelOf } = this.model;
    const isLast = index === answer.starts.length - 1;
    const soFar = isLast && this.#isUnfinished() ? ' (so far)' : '';
    drawTooltip(tooltip, {
      title: this.time(answer.starts[index]) + soFar,
      rows: tooltipRows({ series: answer.drawn, hidden, hues: this.hues, index, labelOf }),
      format: this.formats.exact,
    });
    placeTooltip(tooltip, { left, width });
  }
}

function titleOf({ pk, dimension }, isBranch) {
  const counted = prefixes(pk).map((path) => label(path)).join(' / ');
  if (dimension.length === 0) return counted;
  return isBranch ? `${counted} by ${label(dimension)}` : `${counted}: ${label(dimension)}`;
}
