"""``hailwhale simulate``: what ways to choose among options would lose, on one's own numbers."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from hailwhale.cli import drawing
from hailwhale.cli.options import clean, draw, natural, positive, table, value_of, width_of_terminal
from hailwhale.errors import InvalidInput, LimitExceeded, MissingLibrary

if TYPE_CHECKING:
    from hailwhale.cli.playing import Played

_NEEDS = "a simulation needs libraries that are not installed: pip install 'hailwhale[decide]'"
_EPILOG = """\
Three ways meet the same visitors: each option as often as the others; the same until an always-valid test finds the
best one, and then that one; and what decide does. Lost are the conversions that the best option would have brought.
"""
#: Visitors of all days and runs; each is met three times.
_MOST = 5_000_000
_BAR = 20


def simulate_options(parser: ArgumentParser) -> None:
    """The options of ``simulate``."""
    parser.epilog = _EPILOG
    add = parser.add_argument
    add('rates', metavar='RATES', help="how many visitors each option converts: '{blue: 0.03, red: 0.036}'")
    add('--per-day', type=positive, default=1000, metavar='N', help='visitors a day; 1000')
    add('--days', type=positive, default=14, metavar='N', help='days; 14')
    add('--seeds', type=positive, default=5, metavar='N', help='so many runs, with other visitors each; 5')
    add('--seed', type=natural, default=0, metavar='N', help='the first of them; 0')
    add('--alpha', type=float, default=0.05, metavar='SHARE', help="the test's chance of a false winner; 0.05")
    add('--width', type=positive, metavar='N', help='columns; those of the terminal')
    add('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=simulate, settings=())


def simulate(arguments: Namespace) -> None:
    """Play, and print what each way has lost."""
    rates = _rates(value_of(arguments.rates, 'rates'))
    if arguments.per_day * arguments.days * arguments.seeds > _MOST:
        raise LimitExceeded(f'more than {_MOST:,} visitors (play fewer of them, days or seeds)', field='seeds')
    if not 0 < arguments.alpha < 1:
        raise InvalidInput(f'alpha is {arguments.alpha:g} (use a number between 0 and 1, such as 0.05)', field='alpha')
    try:
        from hailwhale.cli.playing import play
    except ImportError as error:
        raise MissingLibrary(_NEEDS) from error
    played: defaultdict[str, list[Played]] = defaultdict(list)
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        days, per_day, alpha = arguments.days, arguments.per_day, arguments.alpha
        for name, one in play(rates, days=days, per_day=per_day, alpha=alpha, seed=seed):
            played[name].append(one)
    if arguments.json:
        print(json.dumps({name: _as_dict(runs) for name, runs in played.items()}))
    else:
        draw(list(_lines(rates, played, arguments)))


def _rates(given: object) -> dict[str, float]:
    if isinstance(given, list):
        given = dict(zip(map(str, range(1, len(given) + 1)), given, strict=True))
    if not isinstance(given, Mapping) or len(given) < 2:
        raise InvalidInput(
            f'not rates of options: {given!r:.80} (two or more: {{blue: 0.03, red: 0.036}})', field='rates'
        )
    for name, rate in given.items():
        if isinstance(rate, bool) or not isinstance(rate, int | float | Decimal) or not 0 <= rate <= 1:
            raise InvalidInput(f'not the rate of {name!r:.40}: {rate!r:.40} (from 0 to 1)', field='rates')
    return {str(name): float(rate) for name, rate in given.items()}


def _daily(runs: Sequence[Played]) -> list[float]:
    """The mean over all runs, of each day."""
    return [sum(day) / len(runs) for day in zip(*(run.lost for run in runs), strict=True)]


def _at_the_end(runs: Sequence[Played]) -> float:
    """The chance of a visitor of the last day to see the best option."""
    return sum(run.best for run in runs) / len(runs)


def _as_dict(runs: Sequence[Played]) -> dict[str, object]:
    return {'lost': sum(_daily(runs)), 'lost_daily': _daily(runs), 'best_at_the_end': _at_the_end(runs)}


def _lines(rates: Mapping[str, float], played: Mapping[str, Sequence[Played]], arguments: Namespace) -> Iterator[str]:
    best = max(rates, key=lambda name: rates[name])
    visitors = arguments.days * arguments.per_day
    yield f'{visitors:,} visitors, of whom {clean(best)} would convert {visitors * rates[best]:,.0f}:'
    totals = {name: sum(_daily(runs)) for name, runs in played.items()}
    most = max(totals.values()) or 1
    rows = [('', 'lost', 'best at the end', '')]
    for name, runs in played.items():
        rows.append(
            (name, f'{totals[name]:,.0f}', f'{100 * _at_the_end(runs):.0f} %', drawing.bar(totals[name] / most, _BAR))
        )
    aligned = table(rows, [False, True, True, False])
    yield from aligned
    yield ''
    width = width_of_terminal(arguments.width) - max(map(len, played)) - 2
    yield 'lost, day by day:'
    top = max(max(_daily(runs)) for runs in played.values()) or 1
    for name, runs in played.items():
        yield f'{name.ljust(max(map(len, played)))}  {drawing.levels(_daily(runs), top, width)}'
