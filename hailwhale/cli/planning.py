"""``hailwhale sample-size``: how many visitors a split test takes, or what they can see."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING, Any, NamedTuple

from hailwhale.cli.options import draw, positive, table
from hailwhale.errors import InvalidInput, MissingLibrary

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEEDS = "sample sizes need libraries that are not installed: pip install 'hailwhale[decide]'"
#: More versions are no split test.
_MOST_VERSIONS = 1000


def sample_size_options(parser: ArgumentParser) -> None:
    """The options of ``sample-size``."""
    add = parser.add_argument
    add('--rate', type=float, metavar='SHARE', help='how many visitors convert now: 0.03')
    add('--mean', type=float, metavar='AMOUNT', help='instead of a rate: what a visitor brings now; with --sd')
    add('--sd', type=float, metavar='AMOUNT', help='the standard deviation of what a visitor brings')
    add('--lift', type=float, metavar='LIFT', help='the least lift to be seen: 0.2 is from 3 %% to 3.6 %%')
    add('--difference', type=float, metavar='AMOUNT', help='instead of a lift: the least difference')
    add('--visitors', type=positive, metavar='N', help='instead of both: what so many visitors of each version can see')
    add('--versions', type=positive, default=2, metavar='N', help='all versions, the control among them; 2')
    add('--per-day', type=positive, metavar='N', help='visitors a day, of all versions together')
    add('--power', type=float, default=0.8, metavar='SHARE', help='the chance to see it; 0.8')
    add('--alpha', type=float, default=0.05, metavar='SHARE', help='the chance of any false winner; 0.05')
    add('--json', action='store_true', help='print JSON')
    parser.set_defaults(run=sample_size, settings=())


def sample_size(arguments: Namespace) -> None:
    """Print how many visitors it takes, or what they can see."""
    try:
        from hailwhale.experiments import statistics
    except ImportError as error:
        raise MissingLibrary(_NEEDS) from error
    if not 2 <= arguments.versions <= _MOST_VERSIONS:
        message = f'{arguments.versions} versions are no split (give from 2 to {_MOST_VERSIONS})'
        raise InvalidInput(message, field='versions')
    base, given = _given(arguments)
    lift, difference = arguments.lift, arguments.difference
    if arguments.visitors:
        lift, difference = None, statistics.detectable_effect(base, arguments.visitors, **given).difference
    once, always = (
        statistics.sample_size(base, lift, difference=difference, **given, looking=how) for how in ('once', 'always')
    )
    difference = lift * abs(base) if difference is None else difference
    each = {'once': arguments.visitors or once.control, 'always': always.control}
    seen = _Seen(base, difference, difference / abs(base) if base else None, each)
    if arguments.json:
        print(json.dumps(_as_dict(seen, arguments)))
    else:
        draw(list(_lines(seen, arguments)))


class _Seen(NamedTuple):
    """What so many visitors of each version see: in one look, and by looking always."""

    base: float
    difference: float
    lift: float | None
    visitors: dict[str, int]


def _given(arguments: Namespace) -> tuple[float, dict[str, Any]]:
    """The rate or mean of now, and the rest of what is asked."""
    from hailwhale.experiments.statistics.numbers import NEAREST_OF_ALL, a_power, fraction, number

    if (arguments.rate is None) == (arguments.mean is None):
        raise InvalidInput('give either --rate or --mean: what visitors do now', field='rate')
    if arguments.visitors and (arguments.lift is not None or arguments.difference is not None):
        raise InvalidInput('visitors and a lift are given (give one, and the other is the answer)', field='visitors')
    # Each version against the control: together they have the chance of a false winner that was asked for.
    alpha = fraction(arguments.alpha, 'alpha', nearest=NEAREST_OF_ALL)
    given: dict[str, Any] = {'alpha': alpha / (arguments.versions - 1), 'power': a_power(arguments.power, alpha)}
    if arguments.mean is None:
        return fraction(arguments.rate, 'rate'), given
    return number(arguments.mean, 'mean'), given | {'kind': 'mean', 'sd': arguments.sd}


def _looks(seen: _Seen, arguments: Namespace) -> Iterator[tuple[str, int, int, int | None]]:
    """How one looks: visitors of each version, of all together, days."""
    for how, each in seen.visitors.items():
        together = arguments.versions * each
        days = math.ceil(together / arguments.per_day) if arguments.per_day else None
        yield how, each, together, days


def _as_dict(seen: _Seen, arguments: Namespace) -> dict[str, object]:
    answer: dict[str, object] = {'difference': seen.difference, 'lift': seen.lift}
    for how, each, together, days in _looks(seen, arguments):
        answer[how] = {'each': each, 'together': together, 'days': days}
    return answer


def _lines(seen: _Seen, arguments: Namespace) -> Iterator[str]:
    from hailwhale.experiments.results.readings import percent

    lift = '' if seen.lift is None else f' ({percent(seen.lift)})'
    before, after = (_amount(amount, arguments) for amount in (seen.base, seen.base + seen.difference))
    yield f'a change from {before} to {after}{lift} is seen, with a chance of {100 * arguments.power:g} %, by'
    rows = []
    for how, each, together, days in _looks(seen, arguments):
        taken = ('', '') if days is None else (f'{days:,}', 'days,')
        when = {'once': 'in one look at the end', 'always': 'by looking always'}[how]
        rows.append((f'{each:,}', 'visitors of each version,', f'{together:,}', 'in all,', *taken, when))
    # Of what stands in no column nothing is left.
    shown = [tuple(cell for cell in row if cell) for row in rows]
    yield from table(shown, [cell[0].isdigit() for cell in shown[0]])


def _amount(value: float, arguments: Namespace) -> str:
    return f'{100 * value:.4g} %' if arguments.mean is None else f'{value:,.6g}'
