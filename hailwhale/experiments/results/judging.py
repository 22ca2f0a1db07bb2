"""From the sums of a table to typed answers: comparisons, their correction, what is still missing.  Pure."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from hailwhale.errors import InvalidInput
from hailwhale.experiments import statistics
from hailwhale.experiments.results.answers import (
    Belief,
    GoalResults,
    Headline,
    Once,
    Outlook,
    Refusal,
    Segment,
    Shares,
    Variant,
    Verdict,
)
from hailwhale.experiments.results.counts import Table
from hailwhale.experiments.results.goals import Goal
from hailwhale.experiments.results.kinds import arm, impossible, kind_of
from hailwhale.experiments.results.readings import reading_of, reading_of_shares
from hailwhale.experiments.statistics import Comparison, NotEnoughData, Shortage, compare
from hailwhale.experiments.statistics.headlines import Allocation
from hailwhale.experiments.statistics.headlines import Headline as Found
from hailwhale.experiments.statistics.multiple import Method
from hailwhale.experiments.statistics.sums import Kind
from hailwhale.experiments.statistics.sums import Sums as ArmSums


@dataclass(frozen=True, slots=True)
class Ask:
    """How a table is to be judged; ``weights`` by variant, None: no shares were planned."""

    control: str
    weights: Mapping[str, float] | None
    exposures: str
    allocation: Allocation
    alpha: float
    power: float
    expected_lift: float
    correction: Method


class _Pair(NamedTuple):
    """A variant against the control: at the level of one comparison, and at that of all of them together."""

    variant: str
    alone: Comparison
    together: Comparison


class _Judged(NamedTuple):
    """A goal on its way: its kind and pairs, or why there are none."""

    goal: Goal
    kind: Kind | None
    refusal: Refusal | None
    pairs: tuple[_Pair, ...]


def judge(tables: Mapping[tuple[str, ...], Table], whole: Table, goals: Sequence[Goal], ask: Ask) -> list[Segment]:
    """One segment for each table; kinds are found over the ``whole``, and p-values corrected over all the tables."""
    kinds = {goal: kind_of(goal, whole, ask.exposures) for goal in goals}
    number = sum(bool(kind) for kind in kinds.values()) * (len(whole) - 1) * len(tables)
    judged = {
        path: [_judged(goal, kinds[goal], table, ask, number) for goal in goals] for path, table in tables.items()
    }
    found = [pair for rows in judged.values() for row in rows for pair in row.pairs]
    corrected = iter(statistics.adjust([_p(pair) for pair in found], ask.correction))
    segments = []
    for path, rows in judged.items():
        shares = _shares(tables[path], ask)
        split_is_off = shares is not None and shares.mismatch
        answers = [_answer(row, tables[path], ask, corrected, split_is_off=split_is_off) for row in rows]
        segments.append(Segment(path, shares, tuple(answers)))
    return segments


def _judged(goal: Goal, kind: Kind | Refusal, table: Table, ask: Ask, number: int) -> _Judged:
    if isinstance(kind, Refusal):
        return _Judged(goal, None, kind, ())
    arms = {name: arm(goal, kind, sums, ask.exposures) for name, sums in table.items()}
    try:
        pairs = tuple(_pair(name, arms, goal, kind, ask, number) for name in arms if name != ask.control)
    except InvalidInput as error:
        if error.field == 'bounds':
            raise InvalidInput(error.message, field='goals') from error
        # Sums that cannot be those of such a metric: somebody counted some of them and not the others.
        return _Judged(goal, kind, impossible(goal, kind, table, ask.exposures, error.message), ())
    return _Judged(goal, kind, None, pairs)


def _pair(name: str, arms: Mapping[str, ArmSums], goal: Goal, kind: Kind, ask: Ask, number: int) -> _Pair:
    weights = ask.weights and (ask.weights[ask.control], ask.weights[name])

    def at(alpha: float) -> Comparison:
        return compare(
            arms[ask.control],
            arms[name],
            kind,
            alpha,
            goal='min' if goal.lower_wins else 'max',
            allocation=ask.allocation,
            weights=weights if weights and all(weights) else None,
            expected_lift=ask.expected_lift,
            bounds=goal.bounds,
        )

    return _Pair(name, at(ask.alpha), at(ask.alpha / (1 if ask.correction == 'none' else number)))


def _p(pair: _Pair) -> float:
    """What is not known yet is no evidence, and is corrected for all the same: it will be known."""
    headline = pair.together.headline
    return headline.p if isinstance(headline, Found) else 1.0


def _answer(row: _Judged, table: Table, ask: Ask, corrected: Iterator[float], *, split_is_off: bool) -> GoalResults:
    goal = row.goal
    better = 'lower' if goal.lower_wins else 'higher'
    if row.refusal is not None:
        counted = tuple(_counted(name, goal, table, ask) for name in _control_first(table, ask))
        return GoalResults(goal.text, row.kind, better, row.refusal, counted, f'{goal.text}: {row.refusal}')
    variants = [_control(row, ask)]
    variants += [_variant(pair, row, ask, next(corrected), split_is_off=split_is_off) for pair in row.pairs]
    return GoalResults(goal.text, row.kind, better, None, tuple(variants))


def _control_first(table: Table, ask: Ask) -> list[str]:
    return [ask.control, *(name for name in table if name != ask.control)]


def _counted(name: str, goal: Goal, table: Table, ask: Ask) -> Variant:
    sums = table[name]
    return Variant(name, _whole(sums[ask.exposures]), _whole(sums[goal.metric]), None, None)


def _control(row: _Judged, ask: Ask) -> Variant:
    rate = row.pairs[0].alone.control
    n, total = _whole(rate.n), _whole(rate.total)
    return Variant(ask.control, n, total, rate.mean if rate.n else None, rate.ci if rate.n else None)


def _variant(pair: _Pair, row: _Judged, ask: Ask, p_adjusted: float, *, split_is_off: bool) -> Variant:
    # Each takes a while: between two of them it is the turn of other threads and greenlets.
    time.sleep(0)
    alone, goal, rate = pair.alone, row.goal, pair.alone.variant
    headline = _headline(pair, goal, ask, p_adjusted)
    found = Variant(
        name=pair.variant,
        n=_whole(rate.n),
        total=_whole(rate.total),
        rate=rate.mean if rate.n else None,
        ci=rate.ci if rate.n else None,
        headline=headline,
        once=_once(alone) if headline and ask.allocation == 'fixed' else None,
        belief=_belief(pair, ask),
        outlook=_outlook(pair, ask),
        cautions=(*alone.cautions, *_cautions(row, pair)),
    )
    return replace(found, reading=reading_of(found, goal.text, ask.control, split_is_off=split_is_off))


def _headline(pair: _Pair, goal: Goal, ask: Ask, p_adjusted: float) -> Headline:
    found = pair.together.headline
    if isinstance(found, NotEnoughData):
        return _named(found, pair, ask)
    if not isinstance(found, Found):
        return found
    winner = None
    if p_adjusted <= ask.alpha:
        winner = pair.variant if (found.diff < 0) == goal.lower_wins else ask.control
    interval = None if found.lift is None else found.ci_lift
    return Verdict(
        winner,
        found.lift,
        interval,
        found.diff,
        found.ci_diff,
        found.p,
        p_adjusted,
        found.method,
        found.why,
        found.exact,
    )


def _once(comparison: Comparison) -> Once | None:
    lift, difference = comparison.t_relative, comparison.t_absolute
    if difference.undefined:
        return None
    has_lift = lift.undefined is None
    return Once(
        lift.diff if has_lift else None, lift.ci if has_lift else None, difference.diff, difference.ci, difference.p
    )


def _belief(pair: _Pair, ask: Ask) -> Belief | NotEnoughData:
    comparison = pair.alone
    for missing in (comparison.missing, _too_few_without(comparison)):
        if missing is not None:
            return _named(missing, pair, ask)
    if comparison.kind == 'binomial':
        exact = comparison.exact_beta
        losses = exact.expected_loss_choosing_b, exact.expected_loss_choosing_a
        return Belief(exact.chance_b_wins, *losses, exact.ci_diff)
    found = comparison.bayes_flat_absolute
    return Belief(found.chance_to_win, found.risk[1], found.risk[0], found.ci)


def _too_few_without(comparison: Comparison) -> NotEnoughData | None:
    """A flat prior has one visitor with a conversion and one without: it must not decide over what was counted."""
    if comparison.kind != 'binomial':
        return None
    need = comparison.plan.min_conversions
    without = [(arm, one.n - one.sum) for arm, one in zip(('control', 'variant'), comparison.sums, strict=True)]
    found = tuple(Shortage(arm, 'visitors without one', have, need) for arm, have in without if have < need)
    return NotEnoughData(found) if found else None


def _named(found: NotEnoughData, pair: _Pair, ask: Ask) -> NotEnoughData:
    """The same with the names of the variants."""
    names = {'control': ask.control, 'variant': pair.variant}
    return NotEnoughData(tuple(replace(one, arm=names[one.arm]) for one in found.missing))


def _cautions(row: _Judged, pair: _Pair) -> Iterator[str]:
    text = row.goal.text
    yield from row.goal.cautions
    if not any(sums.sum for sums in pair.alone.sums):
        yield f'nothing was counted of {text} (is that its name?)'
    elif row.kind == 'binomial' and row.goal.kind is None:
        yield f"{text} is taken for conversions, 0 or 1 for each exposure (if it is not, say kind='mean')"


def _outlook(pair: _Pair, ask: Ask) -> Outlook | None:
    """What can be seen at the level of the comparison, taken with all others."""
    comparison = pair.alone
    base, n_a, n_b = comparison.control.mean, comparison.control.n, comparison.variant.n
    kind, sd = ('binomial', None) if comparison.kind == 'binomial' else ('mean', _sd(comparison))
    if not n_a or not n_b or sd == 0:
        return None
    lift = difference = each = None
    alpha = pair.together.alpha
    # A rate of 0 or 1 has no spread to plan with, and no lift may lead past 1.
    with suppress(InvalidInput):
        least = statistics.detectable_effect(base, n_a, n_b, kind=kind, sd=sd, alpha=alpha, power=ask.power)  # type: ignore[arg-type]
        lift, difference = least.lift if math.isfinite(least.lift) else None, least.difference
    with suppress(InvalidInput):
        planned = {'kind': kind, 'sd': sd, 'alpha': alpha, 'power': ask.power}
        size = statistics.sample_size(base, ask.expected_lift, looking='always', **planned)  # type: ignore[arg-type]
        each = size.control
    more = None if each is None else max(0, round(each - min(n_a, n_b)))
    return Outlook(lift, difference, ask.expected_lift, each, more)


def _sd(comparison: Comparison) -> float:
    """The standard deviation of one visitor of the control."""
    if comparison.kind == 'mean':
        return float(comparison.mean_sd.a[1])
    return float(comparison.delta_method.se_a * comparison.control.n**0.5)


def _shares(table: Table, ask: Ask) -> Shares | None:
    if ask.weights is None or ask.allocation == 'adaptive':
        return None
    counts = {name: _whole(sums[ask.exposures]) for name, sums in table.items()}
    found = statistics.sample_ratio(list(counts.values()), [ask.weights[name] for name in counts])
    expected = dict(zip(counts, found.expected, strict=True))
    reading = reading_of_shares(counts, expected, found.sequential.p) if found.mismatch else ''
    return Shares(counts, expected, found.sequential.p, found.p, found.chi2, found.mismatch, found.missing, reading)


def _whole(number: float) -> float:
    """An int where it is whole, as all numbers of counters are answered."""
    return int(number) if number.is_integer() else number
