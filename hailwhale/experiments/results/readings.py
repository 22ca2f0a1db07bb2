"""Answers in plain English: short, and no more than the typed answer says."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hailwhale.experiments.results.answers import Belief, Variant, Verdict
from hailwhale.experiments.statistics.answers import Interval, NotEnoughData

_NAME = 40


def reading_of(variant: Variant, goal: str, control: str, *, split_is_off: bool) -> str:
    """What a variant shows against the control, for a goal."""
    name, other, headline = named(variant.name), named(control), variant.headline
    if isinstance(headline, NotEnoughData):
        return f'{named(goal)}: {_missing(headline)} before {name} can be compared with {other}'
    if not isinstance(headline, Verdict):
        return f'{named(goal)}: {name} cannot be compared with {other}: {headline}'
    effect = _effect(headline)
    if headline.winner is None:
        return f'{named(goal)}: {name} against {other} is undecided so far: {effect}{_outlook(variant)}'
    better = 'better' if headline.winner == variant.name else 'worse'
    said = f'{named(goal)}: {name} is {better} than {other}: {effect}'
    if split_is_off:
        return f'{said}, but the split is off: find out why before you trust it'
    return f'{said}, safe to stop now'


def _missing(found: NotEnoughData) -> str:
    parts = []
    for one in found.missing:
        more = f' (about {one.more_visitors:,} more visitors)' if one.more_visitors and one.what != 'visitors' else ''
        arm = 'it' if one.arm == 'all' else named(one.arm)
        parts.append(f'{arm} needs {math.ceil(one.more):,} more {one.what}{more}')
    return 'not enough data: ' + ' and '.join(parts)


def _effect(found: Verdict) -> str:
    """The lift with its interval, or the difference where there is no lift."""
    if found.lift is not None and found.lift_ci is not None:
        return f'{percent(found.lift)}{_range(found, found.lift_ci, as_percent=True)}'
    return f'{signed(found.difference)} each{_range(found, found.difference_ci, as_percent=False)}'


def _range(found: Verdict, ci: Interval, *, as_percent: bool) -> str:
    # The winner is found one comparison after the other, the intervals hold for all at once: seldom they differ.
    if found.winner is not None and ci[0] <= 0 <= ci[1]:
        return ''
    shown = percent if as_percent else signed
    return f' ({shown(ci[0])} and more)' if math.isinf(ci[1]) else f' ({shown(ci[0])} to {shown(ci[1])})'


def _outlook(variant: Variant) -> str:
    outlook = variant.outlook
    if outlook is None or outlook.more is None or not outlook.more:
        return ''
    return f'; to see {percent(outlook.lift)}, each version needs about {rounded(outlook.more)} more visitors'


def chance(belief: Belief | None) -> str:
    """The chance to win, never 0 % or 100 %."""
    if belief is None:
        return ''
    return '> 99.9 %' if belief.chance_to_win > 0.999 else f'{max(belief.chance_to_win, 0.001) * 100:.3g} %'


def reading_of_shares(counts: Mapping[str, float], expected: Mapping[str, float], p: float) -> str:
    """That visitors were not split as planned, by the variant that is furthest off."""

    def off(name: str) -> float:
        return abs(counts[name] - expected[name]) / math.sqrt(expected[name] or 0.01)

    worst = max(counts, key=off)
    return (
        f'the split is off: {named(worst)} has {counts[worst]:,.0f} visitors where {expected[worst]:,.0f} were planned '
        f'(p = {p:.2g}); something loses or repeats visitors of one version, so do not trust the comparisons'
    )


def percent(share: float) -> str:
    """A lift for people.

    >>> percent(0.1234), percent(-0.034), percent(0.0042), percent(12.5)
    ('+12 %', '-3.4 %', '+0.42 %', '+1,250 %')
    """
    size = abs(share) * 100
    digits = 0 if size >= 9.95 else 1 if size >= 0.95 else 2
    return f'{share * 100:+,.{digits}f} %'


def signed(number: float) -> str:
    """A difference for people, with three digits that matter.

    >>> signed(0.0123456), signed(-1234.5), signed(0.0)
    ('+0.0123', '-1,234', '+0')
    """
    return f'{number:+,.0f}' if abs(number) >= 1000 else f'{number:+.3g}'


def rounded(number: int) -> str:
    """A number of visitors, with two digits that matter.

    >>> rounded(12345), rounded(7)
    ('12,000', '7')
    """
    return f'{round(number, 2 - len(str(number))) if number > 99 else number:,}'


def named(name: str) -> str:
    """A name, not longer than it can be read."""
    return name if len(name) <= _NAME else f'{name[: _NAME - 3]}...'
