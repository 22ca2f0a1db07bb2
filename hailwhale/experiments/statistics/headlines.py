"""The one result that may be looked at whenever one likes, and which method gave it and why."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Literal

from hailwhale.experiments.statistics.answers import Fields, Interval, NotEnoughData, NoValidMethod, Shortage
from hailwhale.experiments.statistics.eprocess import Counts, Mixture, interval, log_e
from hailwhale.experiments.statistics.moments import Moments, absolute, lift_interval, standard_errors
from hailwhale.experiments.statistics.numbers import LEAST_SHARE
from hailwhale.experiments.statistics.sequential import asymptotic, p_of, times_error
from hailwhale.experiments.statistics.sums import Kind, Sums

Allocation = Literal['fixed', 'adaptive']
ALLOCATIONS = ('fixed', 'adaptive')
Verdict = Literal['variant', 'control', 'undecided']

_WHY = {
    'e_process': 'holds at every look: the least evidence, over all common rates, that the rates differ',
    'bounded_e_process': 'holds at every look for amounts within the given bounds, whatever chose the versions',
    'asymptotic': 'holds at every look on a split by fixed shares, once means are nearly normal',
}
_HOLD_OUT = 'a hold-out of visitors whose versions chance alone chooses, holdout=.1'


@dataclass(frozen=True, slots=True)
class Plan:
    """How a comparison was asked for."""

    kind: Kind
    alpha: float
    allocation: Allocation
    lower_wins: bool
    share: float | None
    expected_lift: float
    tuning: float
    min_conversions: float
    bounds: Interval | None


@dataclass(frozen=True, slots=True)
class Headline(Fields):
    """Variant against control, valid at every look.

    ``lift`` is relative, ``diff`` absolute; each of the intervals holds at all looks together with chance
    1 - ``alpha``, and leaves out 0 just when ``p`` <= ``alpha``.  ``lift`` and ``ci_lift`` are None where the method
    says nothing of them.  ``winner`` is 'variant', 'control' or 'undecided'.  ``method`` is one of e_process,
    bounded_e_process, asymptotic; ``why`` says when it holds, and ``exact`` whether it does for any number of
    visitors, with no approximation.
    """

    method: str
    why: str
    exact: bool
    p: float
    log_e: float
    diff: float
    lift: float | None
    winner: Verdict
    alpha: float
    intervals: tuple[Callable[[], Interval], Callable[[], Interval] | None] = field(repr=False, compare=False)

    @property
    def ci_diff(self) -> Interval:
        return self.intervals[0]()

    @property
    def ci_lift(self) -> Interval | None:
        return None if self.intervals[1] is None else self.intervals[1]()

    @property
    def significant(self) -> bool:
        return self.p <= self.alpha

    def _names(self) -> list[str]:
        # The intervals take milliseconds: they are computed when they are read.
        names = super(Headline, self)._names()
        return [*names[:-1], 'significant', 'ci_diff', 'ci_lift']


def headline(
    a: Sums, b: Sums, moments: tuple[Moments, Moments], plan: Plan
) -> Headline | NotEnoughData | NoValidMethod:
    """The strongest method that is valid for such data; or what is missing."""
    refused = _no_method(plan)
    if refused is not None:
        return refused
    missing = missing_of(a, b, moments, plan)
    if missing is not None:
        return missing
    if plan.kind == 'binomial' and a.sum_pre is None:
        return _of_counts('e_process', a, b, (0.0, 1.0), plan)
    if plan.allocation == 'fixed':
        return _asymptotic(*moments, plan)
    return _of_counts('bounded_e_process', a, b, plan.bounds or (0.0, 1.0), plan)


def _no_method(plan: Plan) -> NoValidMethod | None:
    """Why no method would hold, however much is counted."""
    if plan.allocation == 'fixed' or plan.kind == 'binomial' or (plan.kind == 'mean' and plan.bounds is not None):
        return None
    if plan.kind == 'mean':
        needs = ('bounds of an amount, bounds=[0, 100] or the like', _HOLD_OUT)
        return NoValidMethod('the split was adaptive, and amounts without bounds are biased by it', needs)
    return NoValidMethod('the split was adaptive, and no method for ratios holds then', (_HOLD_OUT,))


def missing_of(a: Sums, b: Sums, moments: tuple[Moments, Moments], plan: Plan) -> NotEnoughData | None:
    """What the versions have too little of for anything to be said of them."""
    found = tuple(_shortages(a, b, plan))
    if found:
        return NotEnoughData(found)
    # Equal amounts tell nothing of how far a mean may be off.
    flat = [arm for arm, one in zip(('control', 'variant'), moments, strict=True) if one.variance <= 0]
    if plan.kind == 'binomial' or not flat:
        return None
    return NotEnoughData(tuple(Shortage(arm, 'amounts that differ', 0, 1) for arm in flat))


def _shortages(a: Sums, b: Sums, plan: Plan) -> Iterator[Shortage]:
    for arm, sums in (('control', a), ('variant', b)):
        conversions = sums.sum if plan.kind == 'binomial' else sums.conversions
        if conversions is None and sums.n >= plan.min_conversions:
            conversions = _amounts(sums)
        if conversions is not None and conversions < plan.min_conversions:
            rate = conversions / sums.n if sums.n else 0.0
            more = math.ceil((plan.min_conversions - conversions) / rate) if rate else None
            yield Shortage(arm, 'conversions', conversions, plan.min_conversions, more)
        elif sums.n < max(2, plan.min_conversions if conversions is None else 2):
            need = max(2, plan.min_conversions)
            yield Shortage(arm, 'visitors', sums.n, need, math.ceil(need - sums.n))


def _amounts(sums: Sums) -> float | None:
    """How many visitors had an amount, at the least; None where amounts of both signs cancel.

    No fewer have one than it takes of equal amounts for these sums (Cauchy, Schwarz).
    """
    found = []
    for total, squares in ((sums.sum, sums.sum_squares), (sums.sum_den, sums.sum_squares_den)):
        if squares is not None and (total or not squares):
            found.append(total / squares * total if total else 0.0)
    return min(found, default=None)


def _of_counts(method: str, a: Sums, b: Sums, bounds: Interval, plan: Plan) -> Headline:
    """By the e-process, on amounts mapped onto 0 .. 1."""
    low, width = bounds[0], bounds[1] - bounds[0]
    # Far from 0 a sum of bounds may round to less or more than there can be.
    s_a, s_b = (min(max((one.sum - low * one.n) / width, 0.0), one.n) for one in (a, b))
    counts = Counts(a.n, s_a, b.n, s_b)
    share = None
    if plan.allocation == 'fixed':
        share = plan.share or counted_share(a.n, b.n)
    # The mixture must not depend on the data; a counted share does, but only through chance in the split.
    exact = share is None or plan.share is not None
    mixture = Mixture.around(plan.expected_lift, share)
    found = float(log_e(counts, mixture))
    of_diff = partial(interval, counts, mixture, plan.alpha, relative=False)
    of_lift = partial(interval, counts, mixture, plan.alpha, relative=True) if not low else None
    mean_a, mean_b = a.sum / a.n, b.sum / b.n
    lift = (mean_b - mean_a) / abs(mean_a) if mean_a else None
    return _headline(
        method, found, mean_b - mean_a, lift, (partial(_scaled, of_diff, width), of_lift), plan, exact=exact
    )


def counted_share(n_a: float, n_b: float) -> float:
    """The variant's share of the visitors, of which neither version has all."""
    return min(max(n_b / (n_a + n_b), LEAST_SHARE), 1 - LEAST_SHARE) if n_a and n_b else 0.5


def _scaled(of: Callable[[], Interval], width: float) -> Interval:
    low, high = of()
    return low * width, high * width


def _asymptotic(a: Moments, b: Moments, plan: Plan) -> Headline:
    errors = standard_errors(a, b)
    difference, times = absolute(a, b), times_error(a.n + b.n, plan.alpha, plan.tuning)
    variance = max(of_a + of_b for of_a, of_b in errors)
    found = asymptotic(replace(difference, variance=variance), plan.alpha, plan.tuning)
    lift = None if not a.raw_mean else difference.value / abs(a.raw_mean)
    of_lift = None if lift is None else partial(lift_interval, difference.value, a.raw_mean, errors, times)
    intervals = (partial(_ci, found.ci), of_lift)
    return _headline('asymptotic', found.log_e, difference.value, lift, intervals, plan, exact=False)


def _ci(known: Interval) -> Interval:
    return known


def _headline(
    method: str,
    log_e: float,
    diff: float,
    lift: float | None,
    intervals: tuple[Callable[[], Interval], Callable[[], Interval] | None],
    plan: Plan,
    *,
    exact: bool,
) -> Headline:
    p = p_of(log_e)
    winner: Verdict = 'undecided'
    if p <= plan.alpha:
        winner = 'variant' if (diff < 0) == plan.lower_wins else 'control'
    return Headline(method, _WHY[method], exact, p, log_e, diff, lift, winner, plan.alpha, intervals)
