"""``hailwhale decide``: which option to show, and why."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace

from hailwhale.choices import Decision, Reason
from hailwhale.cli import drawing
from hailwhale.cli.options import ASKING, clean, draw, shown, table, value_of, whale_of

_BAR = 24


def decide_options(parser: ArgumentParser) -> None:
    """The options of ``decide``."""
    parser.add_argument('pk', metavar='PK', help='the decision: PageVariation, or a path as JSON')
    parser.add_argument('options', metavar='OPTION', nargs='+', help='what to choose among')
    parser.add_argument('--dimensions', '--dimension', metavar='JSON', help='of the visitor: \'{"country": "US"}\'')
    parser.add_argument(
        '--by', default='value/hits', metavar='FORMULA', help='what is compared: earned/spent; value/hits'
    )
    parser.add_argument('--goal', choices=('max', 'min'), default='max', help='min: the least is best')
    parser.add_argument('--period', metavar='PERIOD', help='what is read: 1d:30d; the last three months')
    parser.add_argument('--visitor', metavar='NAME', help='who gets the same option each time')
    parser.add_argument('--seed', type=int, metavar='N', help='a number with which the same decision can be had again')
    parser.add_argument('--explain', action='store_true', help='also print what is known of each option')
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=decide, settings=ASKING)


def decide(arguments: Namespace) -> None:
    """Print an option; with the weights of all and what is known of them where that is asked for."""
    pk, dimensions, period = (value_of(getattr(arguments, name), name) for name in ('pk', 'dimensions', 'period'))
    with whale_of(arguments) as whale:
        decision = whale.decision(
            pk,
            None,
            arguments.options,
            arguments.by,
            dimensions,
            period,
            arguments.goal,
            visitor=arguments.visitor,
            seed=arguments.seed,
            explain=arguments.explain,
        )
    if arguments.json:
        print(json.dumps(decision.as_dict(), ensure_ascii=False))
    else:
        draw(_lines(decision))


def _lines(decision: Decision) -> list[str]:
    lines = [clean(decision.option), '']
    if not decision.reasons:
        rows = [[clean(option), _percent(weight)] for option, weight in decision.weights.items()]
        bars = [drawing.bar(weight, _BAR) for weight in decision.weights.values()]
        return lines + [f'{row}  {bar}' for row, bar in zip(table(rows, [False, True]), bars, strict=True)]
    rows = [['option', 'weight', 'best', 'worth', 'from', 'to', 'shown', 'earned']]
    rows += map(_row, decision.reasons)
    bars = ['', *(drawing.bar(reason.weight, _BAR) for reason in decision.reasons)]
    lines += [f'{row}  {bar}' for row, bar in zip(table(rows, [False, *[True] * 7]), bars, strict=True)]
    return [*lines, '', f'looked at: {", ".join(map(clean, decision.paths)) or "_"}']


def _row(reason: Reason) -> list[str]:
    low, high = reason.interval or (None, None)
    return [
        clean(reason.option),
        _percent(reason.weight),
        '' if reason.best is None else _percent(reason.best),
        *('' if number is None else f'{number:.4g}' for number in (reason.mean, low, high)),
        shown(reason.exposure),
        shown(reason.reward),
    ]


def _percent(share: float) -> str:
    return f'{100 * share:.1f} %'
