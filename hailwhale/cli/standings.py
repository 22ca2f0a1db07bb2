"""Results of split tests as a terminal shows them: a table, intervals over one axis, and sentences.

Imported when there are results to be shown: what makes them takes time to import.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from hailwhale.cli import drawing
from hailwhale.cli.options import clean, shown, table
from hailwhale.experiments.results import GoalResults, Results, Segment, Variant, Verdict
from hailwhale.experiments.results.readings import chance, percent

_KINDS = {'binomial': 'conversions', 'mean': 'mean', 'ratio': 'ratio', None: 'not comparable'}
_RATES = {'binomial': 'rate', 'mean': 'mean', 'ratio': 'ratio', None: ''}
_LONGEST_NAME = 24
#: An axis reaches this far at the most, in lifts; and drawings are so wide at the least and at the most.
_FARTHEST = 2.0
_NARROW, _WIDE = 12, 40


def lines(found: Results, width: int) -> Iterator[str]:
    """The answer overall, and then by segment."""
    for note in found.notes:
        yield f'note: {note}'
    if found.missing is not None:
        yield str(found.missing)
        return
    yield from _segment(found.overall, width)
    titled = [('all visitors', found.everyone)] if found.everyone else []
    titled += [(' / '.join(segment.path), segment) for segment in found.segments]
    for title, segment in titled:
        yield from ('', f'== {clean(title)} ==', '')
        yield from _segment(segment, width)
    if found.left_out:
        yield from ('', f'{found.left_out:,} smaller ones are left out')


def _segment(segment: Segment, width: int) -> Iterator[str]:
    shares = segment.sample_ratio
    if shares is not None and shares.mismatch:
        yield from (clean(f'! {shares.reading}'), '')
    for number, goal in enumerate(segment.goals):
        if number:
            yield ''
        yield from _goal(goal, width)


def _goal(goal: GoalResults, width: int) -> Iterator[str]:
    yield f'{clean(goal.goal)} ({_KINDS[goal.kind]}, {goal.better} is better)'
    heads = ('', 'visitors', 'total', _RATES[goal.kind], '', 'to win', 'lift')
    aligned = table([heads, *(_row(variant, goal) for variant in goal.variants)], [False, *[True] * 6])
    longest = max(map(len, aligned))
    drawn = ['', *_drawn(goal.variants, width - longest - 2)]
    yield from (f'{text.ljust(longest)}  {cells}'.rstrip() for text, cells in zip(aligned, drawn, strict=True))
    yield from (clean(text) for text in (goal.reading, *(one.reading for one in goal.variants)) if text)
    cautions = dict.fromkeys(caution for variant in goal.variants for caution in variant.cautions)
    yield from (clean(f'note: {caution}') for caution in cautions)


def _row(variant: Variant, goal: GoalResults) -> tuple[str, ...]:
    name = clean(variant.name)
    name = name if len(name) <= _LONGEST_NAME else f'{name[: _LONGEST_NAME - 3]}...'
    rate = ('', '')
    if variant.rate is not None and variant.ci is not None:
        as_share = goal.kind == 'binomial'
        low, high = (_amount(end, as_share=as_share) for end in variant.ci)
        rate = _amount(variant.rate, as_share=as_share), f'{low.removesuffix(" %")} to {high}'
    verdict = _verdict(variant)
    return (
        name,
        shown(variant.n),
        shown(variant.total),
        *rate,
        chance(variant.belief),
        '' if verdict is None or verdict.lift is None else percent(verdict.lift),
    )


def _verdict(variant: Variant) -> Verdict | None:
    return variant.headline if isinstance(variant.headline, Verdict) else None


def _amount(number: float, *, as_share: bool) -> str:
    return f'{100 * number:.2f} %' if as_share else f'{number:,.4g}'


def _drawn(variants: Sequence[Variant], room: int) -> list[str]:
    """The lifts of all variants over one axis; nothing where there is no room, or no lift."""
    found = [_verdict(variant) for variant in variants]
    ends = [end for one in found if one and one.lift_ci for end in one.lift_ci]
    if room < _NARROW or not ends:
        return [''] * len(variants)
    low = min(0.0, *ends)
    high = max(0.0, *(end for end in ends if math.isfinite(end)), -low / 4)
    axis = max(low, -_FARTHEST), min(high, _FARTHEST)
    width = min(room, _WIDE)
    return [
        drawing.span(one.lift_ci[0], one.lift, one.lift_ci[1], axis, width) if one and one.lift_ci and one.lift else ''
        for one in found
    ]
