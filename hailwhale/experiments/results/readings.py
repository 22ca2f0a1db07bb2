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
        more = '' if one.what == 'visitors' else _visitors(one.more_visitors)
        parts.append(f'{named(one.arm)} needs {one}{more and f" (about {more})"}')
    return 'not enough data: ' + ' and '.join(parts)


def _visitors(more: int | None) -> str:
    """How many more visitors, or nothing where none are missing."""
    if not more:
        return ''
    return f'{rounded(more)} more visitor{"s" if more > 1 else ""}'


def _effect(found: Verdict) -> str:
    """The lift with its interval, or the difference where there is no lift or nothing is known of it."""
    if found.lift is not None and found.lift_ci is not None and not all(map(math.isinf, found.lift_ci)):
        return f'{percent(found.lift)}{_range(found, found.lift_ci, as_percent=True)}'
    return f'{signed(found.difference)} each{_range(found, found.difference_ci, as_percent=False)}'


def _range(found: Verdict, ci: Interval, *, as_percent: bool) -> str:
    low, high = ci
    # Winners are found one comparison after the other, the intervals hold for all at once: where they still reach over
    # 0 the winner is known all the same, so that is where they end.
    if found.winner is not None and low <= 0 <= high:
        low, high = (0.0, high) if found.difference > 0 else (low, 0.0)
    shown = percent if as_percent else signed
    if math.isinf(low) or math.isinf(high):
        return f' ({shown(low)} and more)' if math.isinf(high) else f' ({shown(high)} and less)'
    return f' ({shown(low)} to {shown(high)})'


def _outlook(variant: Variant) -> str:
    outlook = variant.outlook
    if outlook is None or outlook.more is None or not outlook.more:
        return ''
    return f'; to see {percent(outlook.lift)}, each version needs about {_visitors(outlook.more)}'


def chance(belief: Belief | NotEnoughData | None) -> str:
    """The chance to win, never 0 % or 100 %; nothing where too little was counted.

    >>> chance(Belief(.25, 0, 0, (0, 0))), chance(Belief(1e-7, 0, 0, (0, 0))), chance(None)
    ('25 %', '< 0.1 %', '')
    """
    if not isinstance(belief, Belief):
        return ''
    won = belief.chance_to_win
    return '> 99.9 %' if won > 0.999 else '< 0.1 %' if won < 0.001 else f'{won * 100:.3g} %'


def reading_of_shares(counts: Mapping[str, float], expected: Mapping[str, float], p: float) -> str:
    """That visitors were not split as planned, by the variant that is furthest off."""

    def off(name: str) -> float:
        return abs(counts[name] - expected[name]) / math.sqrt(expected[name] or 0.01)

    worst = max(counts, key=off)
    return (
        f'the split is off: {named(worst)} has {counts[worst]:,.0f} visitors where {expected[worst]:,.0f} were planned '
        f'({p_value(p)}); something loses or repeats visitors of one version, so do not trust the comparisons'
    )


def p_value(p: float) -> str:
    """A p-value for people, never 0.

    >>> p_value(0.0), p_value(0.0213)
    ('p < 0.001', 'p = 0.021')
    """
    return 'p < 0.001' if p < 0.001 else f'p = {p:.2g}'


def percent(share: float) -> str:
    """A lift for people.

    >>> percent(0.1234), percent(-0.034), percent(0.0042), percent(12.5)
    ('+12 %', '-3.4 %', '+0.42 %', '+1,250 %')
    >>> percent(0.0)
    '0 %'
    """
    if not share:
        return '0 %'
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
