"""``hailwhale decide``: which option to show, and why."""

from __future__ import annotations

import json
import math
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence

from hailwhale.choices import CostWarning, Decision, Reason
from hailwhale.cli import drawing
from hailwhale.cli.options import ASKING, clean, draw, note, shown, table, value_of, whale_of

_BAR = 24
#: Digits of what options are worth, of the largest number among them.
_DIGITS = 4
_WHY = {'holdout': 'by chance: the visitor is of the hold-out', 'bot': 'by chance: bots teach nothing'}


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
    parser.add_argument(
        '--holdout', type=float, default=0.0, metavar='SHARE', help='of visitors who get any option by chance: 0.1'
    )
    parser.add_argument('--bot', action='store_true', help='the visitor is none')
    parser.add_argument('--explain', action='store_true', help='also print what is known of each option')
    parser.add_argument('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=decide, settings=ASKING)


def decide(arguments: Namespace) -> None:
    """Print an option; with the weights of all and what is known of them where that is asked for."""
    pk, dimensions, period = (value_of(getattr(arguments, name), name) for name in ('pk', 'dimensions', 'period'))
    # It is told below.
    with whale_of(arguments) as whale, warnings.catch_warnings():
        warnings.simplefilter('ignore', CostWarning)
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
            holdout=arguments.holdout,
            bot=arguments.bot,
            explain=arguments.explain,
        )
    if decision.warning:
        note(f'hailwhale: {clean(decision.warning)}')
    if arguments.json:
        print(json.dumps(decision.as_dict(), ensure_ascii=False))
    else:
        draw(_lines(decision, arguments.by))


def _lines(decision: Decision, formula: str) -> list[str]:
    why = [_WHY[decision.by], ''] if decision.by in _WHY else []
    lines = [clean(decision.option), '', *why]
    if not decision.reasons:
        rows = [[clean(option), _percent(weight)] for option, weight in decision.weights.items()]
        bars = [drawing.bar(weight, _BAR) for weight in decision.weights.values()]
        return lines + [f'{row}  {bar}' for row, bar in zip(table(rows, [False, True]), bars, strict=True)]
    from hailwhale.decisions.reading import formula_of

    reward, exposure = formula_of(formula)
    rows = [['option', 'weight', 'best', 'worth', 'from', 'to', clean(exposure), clean(reward)]]
    after_point = _after_point(decision.reasons)
    rows += [_row(reason, after_point) for reason in decision.reasons]
    bars = ['', *(drawing.bar(reason.weight, _BAR) for reason in decision.reasons)]
    lines += [f'{row}  {bar}' for row, bar in zip(table(rows, [False, *[True] * 7]), bars, strict=True)]
    return [*lines, '', f'looked at: {", ".join(map(clean, decision.paths)) or "_"}']


def _row(reason: Reason, after_point: int) -> list[str]:
    return [
        clean(reason.option),
        _percent(reason.weight),
        '' if reason.best is None else _percent(reason.best),
        *('' if number is None else f'{number:,.{after_point}f}' for number in _worth(reason)),
        *(shown(int(number) if number.is_integer() else number) for number in (reason.exposure, reason.reward)),
    ]


def _worth(reason: Reason) -> tuple[float | None, float | None, float | None]:
    low, high = reason.interval or (None, None)
    return reason.mean, low, high


def _after_point(reasons: Sequence[Reason]) -> int:
    """Digits after the point of all that options are worth."""
    numbers = [abs(number) for reason in reasons for number in _worth(reason) if number and math.isfinite(number)]
    return max(0, _DIGITS - 1 - math.floor(math.log10(max(numbers)))) if numbers else 0


def _percent(share: float) -> str:
    return f'{100 * share:.1f} %'
