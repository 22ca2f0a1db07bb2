"""``hailwhale totals``, ``plot`` and ``top``: questions to the counters."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from hailwhale.cli import drawing
from hailwhale.cli.options import (
    ASKING,
    clean,
    draw,
    natural,
    positive,
    shown,
    table,
    value_of,
    whale_of,
    width_of_terminal,
)

Number = int | float
_HEIGHT = 12


def _question_options(parser: ArgumentParser, *, period: str) -> None:
    parser.add_argument('pk', metavar='PK', help='what was counted: signup, or a path as JSON: \'["Product", 42]\'')
    parser.add_argument('--period', '--periods', metavar='PERIOD', help=f'such as day, year, 1h:7d; {period}')
    parser.add_argument('--tz', metavar='ZONE', help='the zone of its days and hours; UTC')
    parser.add_argument('--json', action='store_true', help='print JSON')


def totals_options(parser: ArgumentParser) -> None:
    """The options of ``totals``."""
    _question_options(parser, period='or several as JSON; the default ones')
    _dimensions_and_metrics(parser)
    parser.set_defaults(run=totals, settings=ASKING)


def plot_options(parser: ArgumentParser) -> None:
    """The options of ``plot``."""
    _question_options(parser, period='thirty')
    _dimensions_and_metrics(parser)
    parser.add_argument('--depth', type=natural, default=0, metavar='N', help='also everything so many levels below')
    parser.add_argument(
        '--sort', metavar='METRIC', help='order children by their total; --sort=-METRIC: the largest first'
    )
    parser.add_argument('--limit', type=natural, default=0, metavar='N', help='at most so many children of each')
    parser.add_argument('--width', type=positive, metavar='N', help='columns; those of the terminal')
    parser.add_argument('--height', type=positive, default=_HEIGHT, metavar='N', help=f'lines; {_HEIGHT}')
    parser.set_defaults(run=plot, settings=ASKING)


def top_options(parser: ArgumentParser) -> None:
    """The options of ``top``."""
    _question_options(parser, period='thirty')
    parser.add_argument(
        '--dimension',
        '--dimensions',
        metavar='JSON',
        help='whose children; without it, those of the pk itself; _: overall',
    )
    parser.add_argument(
        '--metric', '--metrics', default='hits', metavar='METRIC', help='or a formula, revenue/sales; hits'
    )
    parser.add_argument('-n', type=positive, default=10, metavar='N', help='how many; 10')
    parser.add_argument('--width', type=positive, metavar='N', help='columns; those of the terminal')
    parser.set_defaults(run=top, settings=ASKING)


def _dimensions_and_metrics(parser: ArgumentParser) -> None:
    parser.add_argument(
        '--dimensions', '--dimension', metavar='JSON', help='a name, a path, or a list of paths; overall'
    )
    parser.add_argument(
        '--metrics', '--metric', metavar='JSON', help='names or formulas: \'["sales", "revenue/sales"]\'; hits'
    )


def _asked(arguments: Namespace, *names: str) -> list[object]:
    return [value_of(getattr(arguments, name), name) for name in names]


def _print_json(answer: object) -> None:
    print(json.dumps(answer, ensure_ascii=False))


# -- totals ----------------------------------------------------------------------------------------------------------


def totals(arguments: Namespace) -> None:
    """Print sums: a line for each period and dimension, a column for each metric."""
    pk, dimensions, metrics, periods = _asked(arguments, 'pk', 'dimensions', 'metrics', 'period')
    with whale_of(arguments) as whale:
        answer = whale.totals(pk, dimensions, metrics, periods, tz=arguments.tz)
    if arguments.json:
        _print_json(answer)
        return
    first = next(iter(answer.values()))
    names = list(next(iter(first.values())))
    rows = [['period', 'dimension', *map(clean, names)]]
    for period, by_dimension in answer.items():
        for dimension, numbers in by_dimension.items():
            rows.append([clean(period), clean(dimension), *map(shown, numbers.values())])
    print('\n'.join(table(rows, [False, False, *[True] * len(names)])))


# -- plot ------------------------------------------------------------------------------------------------------------


class Series(NamedTuple):
    """One line of a plot."""

    name: str
    starts: Sequence[datetime]
    values: Sequence[Number]
    total: Number


def plot(arguments: Namespace) -> None:
    """Draw one series as a graph, several as a small graph each."""
    pk, dimensions, metrics, period = _asked(arguments, 'pk', 'dimensions', 'metrics', 'period')
    options = {'depth': arguments.depth, 'sort': arguments.sort, 'limit': arguments.limit, 'tz': arguments.tz}
    with whale_of(arguments) as whale:
        if arguments.json:
            _print_json(whale.plotpoints(pk, dimensions, metrics, period, points='ms', **options))
            return
        answer = whale.plotpoints(pk, dimensions, metrics, period, totals=True, **options)
    series = _series(answer)
    width = width_of_terminal(arguments.width)
    lines = _graph(series[0], width, arguments.height) if len(series) == 1 else _sparklines(series, width)
    draw(lines)


def _series(answer: Mapping[str, Mapping[str, Mapping[str, object]]]) -> list[Series]:
    found = []
    for dimension, by_metric in answer.items():
        for metric, drawn in by_metric.items():
            points, total = drawn['points'], drawn['total']
            assert isinstance(points, dict)
            assert isinstance(total, int | float)
            found.append(Series(f'{clean(dimension)} {clean(metric)}', list(points), list(points.values()), total))
    return found


def _graph(series: Series, width: int, height: int) -> list[str]:
    low, high = drawing.limits(series.values)
    labels = ['' for _ in range(height)]
    labels[0], labels[-1] = shown(high), shown(low)
    if height > 4:
        labels[height // 2] = shown((low + high) / 2)
    margin = max(map(len, labels))
    inner = width - margin - 2
    drawn = drawing.line(series.values, inner, height)
    lines = [series.name]
    for label, cells in zip(labels, drawn, strict=True):
        lines.append(f'{label.rjust(margin)} {"┤" if label else "│"}{cells}')
    lines.append(f'{" " * margin} └{"─" * inner}')
    lines.append(' ' * (margin + 2) + _time_axis(series.starts, inner))
    lines.append(_summary(series))
    return lines


def _time_axis(starts: Sequence[datetime], width: int) -> str:
    first, middle, last = (_moment(starts[place], starts) for place in (0, len(starts) // 2, -1))
    if len(first) + len(middle) + len(last) + 4 > width:
        return f'{first}{last.rjust(width - len(first))}' if len(first) + len(last) < width else first
    return f'{first}{middle.center(width - len(first) - len(last))}{last}'


def _moment(start: datetime, starts: Sequence[datetime]) -> str:
    days = all((at.hour, at.minute, at.second) == (0, 0, 0) for at in starts)
    return start.strftime('%Y-%m-%d' if days else '%Y-%m-%d %H:%M')


def _summary(series: Series) -> str:
    least, most = (series.values.index(pick(series.values)) for pick in (min, max))
    ends = [
        f'{name} {shown(series.values[at])} ({_moment(series.starts[at], series.starts)})'
        for name, at in (('min', least), ('max', most))
    ]
    return f'{"  ".join(ends)}  total {shown(series.total)}'


def _sparklines(series: Sequence[Series], width: int) -> list[str]:
    numbers = [(one.name, shown(min(one.values)), shown(max(one.values)), shown(one.total)) for one in series]
    aligned = table([('', 'min', 'max', 'total'), *numbers], [False, True, True, True])
    room = max(8, width - max(map(len, aligned)) - 2)
    drawn = ['', *(drawing.sparkline(one.values, room) for one in series)]
    longest = max(map(len, drawn))
    lines = [
        f'{text.ljust(max(map(len, aligned)))}  {cells}'.rstrip() for text, cells in zip(aligned, drawn, strict=True)
    ]
    starts = series[0].starts
    ends = f'{_moment(starts[0], starts)} to {_moment(starts[-1], starts)}'
    return [*lines, f'{ends:>{max(map(len, aligned)) + 2 + longest}}']


# -- top -------------------------------------------------------------------------------------------------------------


def top(arguments: Namespace) -> None:
    """Print the children with the highest value, each with a bar."""
    pk, dimension = _asked(arguments, 'pk', 'dimension')
    period = 'thirty' if arguments.period is None else value_of(arguments.period, 'period')
    with whale_of(arguments) as whale:
        best = whale.top(pk, arguments.n, arguments.metric, dimension, period, tz=arguments.tz)
    if arguments.json:
        _print_json([{'name': name, arguments.metric: value} for name, value in best])
        return
    if not best:
        print('nothing was counted there')
        return
    aligned = table(
        [('', clean(arguments.metric)), *((clean(name), shown(value)) for name, value in best)], [False, True]
    )
    most = max(value for _, value in best)
    room = max(1, width_of_terminal(arguments.width) - max(map(len, aligned)) - 2)
    bars = ['', *(drawing.bar(value / most if most > 0 else 0, room) for _, value in best)]
    draw([f'{text.ljust(max(map(len, aligned)))}  {cells}'.rstrip() for text, cells in zip(aligned, bars, strict=True)])
