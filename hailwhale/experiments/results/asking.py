"""From a question about a split to its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hailwhale.arguments import either, naming, natural, one_node
from hailwhale.errors import InvalidInput, LimitExceeded
from hailwhale.experiments.results.answers import Results, Segment
from hailwhale.experiments.results.counts import CONTEXT, HOLDOUT, Counts, Split, Table, plan_of, variant_names
from hailwhale.experiments.results.goals import Goal, read_goals
from hailwhale.experiments.results.judging import Ask, judge
from hailwhale.experiments.results.kinds import were_decided
from hailwhale.experiments.statistics import NotEnoughData, Shortage
from hailwhale.experiments.statistics.eprocess import EXPECTED_LIFT
from hailwhale.experiments.statistics.headlines import ALLOCATIONS, Allocation
from hailwhale.experiments.statistics.multiple import Method, method_of
from hailwhale.experiments.statistics.numbers import (
    NEAREST_OF_ALL,
    a_lift,
    a_power,
    fraction,
    number,
    one_of,
    shares_of,
    told,
)
from hailwhale.metrics import DEFAULT_METRIC, metric_name, shown
from hailwhale.paths import Path, pk_path
from hailwhale.products import is_product

if TYPE_CHECKING:
    from hailwhale.whale import Whale

#: Each takes a thirtieth of a second or so.
MOST_COMPARISONS = 100
_SEGMENTS = 10
_ADAPTIVE = 'what was counted chose who saw what: only methods that hold for such a split are used'
_HELD_OUT = 'what was counted chose who saw what: compared are the visitors of the hold-out, who saw what chance chose'


def results(
    whale: Whale,
    pk: object = None,
    goals: object = None,
    *,
    control: str | None = None,
    variants: object = None,
    split: object = None,
    dimension: object = None,
    by: object = None,
    limit: int = _SEGMENTS,
    period: object = None,
    tz: object = None,
    kind: str | None = None,
    goal: str = 'max',
    exposures: str = DEFAULT_METRIC,
    weights: object = None,
    allocation: Allocation | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    lift: float = EXPECTED_LIFT,
    correction: Method = 'holm',
    dimensions: object = None,
    periods: object = None,
) -> Results:
    """Compare the variants of a split by what was counted of each; two pipelines of reads at the most.

    The variants are the pks below ``pk``, as `Whale.count_decided_now` counts them; or with ``split`` the children of
    that dimension.  Each is compared with ``control``: by default the one named 'control', else the first by name.

    ``goals``       metrics counted for each exposure, or ratios of two (``earned/spent``); a mapping of them to their
                    kind, or to ``{'kind', 'goal', 'bounds'}``; by default all metrics that were counted
    ``kind``        of all goals: 'binomial' (0 or 1 for each exposure), 'mean', 'ratio'; found by what was counted
    ``goal``        'min' for what is better when it is lower
    ``exposures``   the metric that counts who saw a variant
    ``dimension``   results within one dimension, below the variant
    ``by``          a table for each child of this dimension as well, of the ``limit`` largest
    ``period``      the whole life of the test, with a fixed start where it is longer than a year; 'year'
    ``weights``     the planned shares, by name or in the order of the names; equal; 'none': none were planned
    ``allocation``  'adaptive': what was counted chose who saw what, as `Whale.decide` does; else 'fixed'.  Found by
                    the marks of `Whale.count_decided_now`: say 'fixed' of a split of your own that it counts.  Where
                    there is a hold-out, that is the answer overall
    ``alpha``       the chance of any false winner, over all variants and goals (and over the segments by themselves)
    ``lift``        the lift that matters: where the method is strongest, and what sample sizes are for.  Choose it
                    before you look
    ``correction``  for several comparisons, as `hailwhale.experiments.statistics.adjust`

    Raises `InvalidInput` for arguments that cannot be used, `Unanswerable` for periods that are not kept.  A goal that
    was not counted as its kind needs has a `Refusal` in the answer, too little data a `NotEnoughData`.
    """
    with naming('split'):
        node = None if split is None else one_node(split)
    with naming('exposures'):
        exposures = metric_name(exposures)
    place = Split(pk_path(pk), node)
    wanted = _goals(whale, place.pk, goals, kind, goal, exposures)
    dimension, period = either('dimension', dimension, dimensions), either('period', period, periods)
    within = one_node(dimension)
    with naming('by'):
        below = None if by is None else one_node(by)
    if within and below is not None:
        raise InvalidInput('both dimension and by are given (give one of them)', field='by')
    names = variant_names(variants)
    planned = _planned(weights, names)
    most = natural(limit, 'limit', 'not a number of segments', '1 or more', least=1)
    plan = plan_of(whale, 'year' if period is None else period, tz)
    metrics = (exposures, *(metric for one in wanted for metric in one.metrics))
    counts = Counts(whale, place, plan, metrics, names, planned if isinstance(planned, Mapping) else ())
    chosen = _control(control, counts.names)
    missing = _missing(counts.names, wanted)
    how = None if allocation is None else one_of(allocation, ALLOCATIONS, 'allocation')
    level = fraction(alpha, 'alpha', nearest=NEAREST_OF_ALL)
    ask = Ask(
        chosen or '',
        _weights(planned, counts.names),
        exposures,
        'adaptive' if how == 'adaptive' else 'fixed',
        level,
        a_power(power, level),
        a_lift(lift, 'lift'),
        _correction(correction),
    )
    about = (place.pk, str(plan.period), counts.names, chosen)
    options = (ask.alpha, ask.correction, missing)
    if missing is not None:
        return Results(*about, ask.allocation, *options, Segment(within, None, ()))
    whole, holdout, is_adaptive = _tables(counts, within, ask, marked=how is None and place.node is None)
    if is_adaptive or (how is None and were_decided(wanted, counts.overall)):
        ask = replace(ask, allocation='adaptive')
    tables, left_out = _segments(counts, below, most, exposures)
    _check_size(counts.names, wanted, len(tables) + bool(holdout))
    (overall,) = judge({within: whole}, whole, wanted, ask)
    everyone = None
    if holdout:
        everyone, by_chance = overall, replace(ask, allocation='fixed')
        (overall,) = judge({(HOLDOUT,): holdout}, holdout, wanted, by_chance)
    segments = tuple(judge(tables, whole, wanted, ask))
    notes = () if ask.allocation == 'fixed' else (_HELD_OUT if holdout else _ADAPTIVE,)
    return Results(*about, ask.allocation, *options, overall, everyone, segments, left_out, notes)


def _tables(counts: Counts, within: Path, ask: Ask, *, marked: bool) -> tuple[Table, Table | None, bool]:
    """What is compared, the hold-out where there is one, and whether decisions have left their marks."""
    if not marked:
        return counts.within(within)[0] if within else counts.overall, None, False
    whole, holdout, contexts = counts.within(within, (HOLDOUT,), (CONTEXT,))
    seen = [any(sums[ask.exposures] for sums in table.values()) for table in (holdout, contexts)]
    return whole, holdout if seen[0] and not within else None, any(seen)


def _goals(whale: Whale, pk: Path, goals: object, kind: object, goal: object, exposures: str) -> tuple[Goal, ...]:
    """The goals that are named, or all that were counted: there may be none yet."""
    if goals is None:
        goals = [name for name in whale.metric_names(pk) if name not in (exposures, DEFAULT_METRIC)]
        goals = [name for name in goals if not is_product(name)]
        if not goals:
            return ()
    return read_goals(goals, kind=kind, goal=goal, exposures=exposures)


def _planned(weights: object, names: Sequence[str] | None) -> Mapping[str, float] | Sequence[float] | None:
    """Planned shares as they are given: by name, in order, () for equal ones, None for none at all."""
    if weights is None:
        return ()
    if weights == 'none':
        return None
    if isinstance(weights, Mapping):
        shares = {str(name): number(share, 'weights') for name, share in weights.items()}
        absent = [name for name in names or () if name not in shares]
        if absent:
            raise InvalidInput(f'no weight of {shown(absent[0])} (give one for each variant)', field='weights')
        return shares
    if isinstance(weights, Sequence) and not isinstance(weights, str):
        return [number(share, 'weights') for share in weights]
    way_out = 'use {"a": 1, "b": 2}, or a list in the order of the names, or none'
    raise InvalidInput(f'not planned shares: {told(weights)} ({way_out})', field='weights')


def _weights(planned: Mapping[str, float] | Sequence[float] | None, names: Sequence[str]) -> dict[str, float] | None:
    """The planned share of each variant."""
    if planned is None:
        return None
    if isinstance(planned, Mapping):
        absent = [name for name in names if name not in planned]
        if absent:
            message = f'no weight of {shown(absent[0])}, which was counted (give one for each variant)'
            raise InvalidInput(message, field='weights')
        return dict(zip(names, shares_of([planned[name] for name in names]), strict=True))
    if planned and len(planned) != len(names):
        if len(names) < 2:  # What was not counted yet may be one of them.
            return None
        way_out = f'give one for each, in order: {", ".join(names):.200}; or by name'
        raise InvalidInput(f'{len(planned)} weights for {len(names)} variants ({way_out})', field='weights')
    return dict(zip(names, shares_of(planned) if planned else [1.0] * len(names), strict=True))


def _control(given: object, names: Sequence[str]) -> str | None:
    if given is None:
        return 'control' if 'control' in names else next(iter(names), None)
    if str(given) not in names:
        known = ', '.join(names[:10]) or 'none yet'
        raise InvalidInput(f'not a variant that was counted: {shown(given)} (there are {known:.200})', field='control')
    return str(given)


def _correction(given: object) -> Method:
    method_of(given, 'correction')
    return given  # type: ignore[return-value]


def _missing(names: Sequence[str], goals: Sequence[Goal]) -> NotEnoughData | None:
    found = [Shortage('all', 'variants', len(names), 2)] if len(names) < 2 else []
    found += [] if goals else [Shortage('all', 'goals', 0, 1)]
    return NotEnoughData(tuple(found)) if found else None


def _segments(counts: Counts, by: Path | None, most: int, exposures: str) -> tuple[dict[Path, Table], int]:
    """The largest children of a dimension, and how many others there are."""
    if by is None:
        return {}, 0
    found = counts.by(by)
    size = {child: sum(sums[exposures] for sums in table.values()) for child, table in found.items()}
    largest = sorted(found, key=lambda child: (-size[child], child))
    return {(*by, child): found[child] for child in largest[:most]}, len(largest[most:])


def _check_size(names: Sequence[str], goals: Sequence[Goal], more: int) -> None:
    asked = (len(names) - 1) * len(goals) * (1 + more)
    if asked > MOST_COMPARISONS:
        message = f'{asked} comparisons, more than {MOST_COMPARISONS} (ask for fewer goals, variants or segments)'
        raise LimitExceeded(message, field='goals')
