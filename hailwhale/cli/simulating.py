"""``hailwhale simulate``: what ways to choose would lose, on one's own numbers or in a known situation."""

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
    from hailwhale.decisions.simulation import Played, Situation

_NEEDS = "a simulation needs libraries that are not installed: pip install 'hailwhale[decide]'"
_EPILOG = """\
Three ways meet the same visitors: each option as often as the others; the same until an always-valid test finds the
best one, and then that one; and what decide does. Lost are the conversions that the best option would have brought.
"""
#: Visitors of all days and runs; each is met three times.
_MOST = 5_000_000
_PER_DAY, _DAYS = 1_000, 14
_BAR = 20
_EXAMPLE = '{blue: 0.03, red: 0.036}'

#: By context, '' for anybody, the rate of each option.
Rates = dict[str, dict[str, float]]


def simulate_options(parser: ArgumentParser) -> None:
    """The options of ``simulate``."""
    parser.epilog = _EPILOG
    add = parser.add_argument
    add('rates', metavar='RATES', nargs='?', help=f"how many visitors each option converts: '{_EXAMPLE}'")
    add('--situation', metavar='NAME', help='instead of rates: a situation that is hard, such as country or flip')
    add('--per-day', type=positive, metavar='N', help=f'visitors a day; {_PER_DAY}, or those of the situation')
    add('--days', type=positive, metavar='N', help=f'days; {_DAYS}, or those of the situation')
    add('--seeds', type=positive, default=5, metavar='N', help='so many runs, with other visitors each; 5')
    add('--seed', type=natural, default=0, metavar='N', help='the first of them; 0')
    add('--alpha', type=float, default=0.05, metavar='SHARE', help="the test's chance of a false winner; 0.05")
    add('--width', type=positive, metavar='N', help='columns; those of the terminal')
    add('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=simulate, settings=())


def simulate(arguments: Namespace) -> None:
    """Play, and print what each way has lost."""
    if (arguments.rates is None) == (arguments.situation is None):
        raise InvalidInput(f"rates of options, or a situation ('{_EXAMPLE}', or --situation country)", field='rates')
    rates = None if arguments.rates is None else _rates(value_of(arguments.rates, 'rates'))
    if not 0 < arguments.alpha < 1:
        raise InvalidInput(f'alpha is {arguments.alpha:g} (use a number between 0 and 1, such as 0.05)', field='alpha')
    try:
        from hailwhale.cli.playing import play_all
    except ImportError as error:
        raise MissingLibrary(_NEEDS) from error
    played: defaultdict[str, list[Played]] = defaultdict(list)
    for seed in range(arguments.seed, arguments.seed + arguments.seeds):
        situation = _situation(arguments, rates, seed)
        if situation.visitors * arguments.seeds > _MOST:
            raise LimitExceeded(f'more than {_MOST:,} visitors (play fewer of them, days or seeds)', field='seeds')
        for name, one in play_all(situation, arguments.alpha, seed):
            played[name].append(one)
    if arguments.json:
        print(json.dumps({name: _as_dict(runs) for name, runs in played.items()}))
    else:
        draw([*_headings(situation, rates, arguments.situation, played), *_lines(played, arguments.width)])


def _situation(arguments: Namespace, rates: Rates | None, seed: int) -> Situation:
    from hailwhale.cli import playing
    from hailwhale.decisions.simulation import Situation

    days, per_day = arguments.days, arguments.per_day
    if rates is None:
        return playing.named(arguments.situation, seed, days=days, per_day=per_day)
    per_day = per_day or _PER_DAY
    return Situation.of_rates(rates, visitors=(days or _DAYS) * per_day, per_day=per_day)


def _rates(given: object) -> Rates:
    """Rates of options for anybody, or those of each context."""
    if isinstance(given, Mapping) and given and all(isinstance(inner, Mapping | list) for inner in given.values()):
        rates = {str(name): _of_options(inner) for name, inner in given.items()}
        first, *others = rates.values()
        if any(other.keys() != first.keys() for other in others):
            raise InvalidInput(f'not the same options everywhere: {given!r:.80} (give each a rate)', field='rates')
        return rates
    return {'': _of_options(given)}


def _of_options(given: object) -> dict[str, float]:
    if isinstance(given, list):
        given = dict(zip(map(str, range(1, len(given) + 1)), given, strict=True))
    if not isinstance(given, Mapping) or len(given) < 2:
        raise InvalidInput(f'not rates of options: {given!r:.80} (two or more: {_EXAMPLE})', field='rates')
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
    lost, score = _daily(runs), sum(run.score for run in runs) / len(runs)
    return {'lost': sum(lost), 'lost_daily': lost, 'best_at_the_end': _at_the_end(runs), 'score': score}


def _headings(
    situation: Situation, rates: Rates | None, name: str | None, played: Mapping[str, Sequence[Played]]
) -> Iterator[str]:
    """What was played, and what there was to be had."""
    from hailwhale.cli import playing

    if name:
        yield f'{name}: {playing.told(name)}'
    best = 'the best options'
    if rates and len(rates) == 1:
        (row,) = rates.values()
        best = max(row, key=lambda option: row[option])
    runs = next(iter(played.values()))
    possible = sum(run.possible for run in runs) / len(runs)
    verb = 'convert' if situation.amounts is None else 'earn'
    yield f'{situation.visitors:,} visitors, of whom {clean(best)} would {verb} {possible:,.0f}:'


def _lines(played: Mapping[str, Sequence[Played]], width: int | None) -> Iterator[str]:
    totals = {name: sum(_daily(runs)) for name, runs in played.items()}
    most = max(totals.values()) or 1
    rows = [('', 'lost', 'best at the end', '')]
    for name, runs in played.items():
        rows.append(
            (name, f'{totals[name]:,.0f}', f'{100 * _at_the_end(runs):.0f} %', drawing.bar(totals[name] / most, _BAR))
        )
    yield from table(rows, [False, True, True, False])
    yield ''
    yield 'lost, day by day:'
    longest = max(map(len, played))
    top = max(max(_daily(runs)) for runs in played.values()) or 1
    for name, runs in played.items():
        yield f'{name.ljust(longest)}  {drawing.levels(_daily(runs), top, width_of_terminal(width) - longest - 2)}'
