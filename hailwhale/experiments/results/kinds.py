"""Which kind of metric a goal is, by what was counted; and whether what that kind takes was counted."""

from __future__ import annotations

from collections.abc import Iterable

from hailwhale.experiments.results.answers import Refusal
from hailwhale.experiments.results.counts import Sums, Table
from hailwhale.experiments.results.goals import Goal
from hailwhale.experiments.statistics.sums import Kind
from hailwhale.experiments.statistics.sums import Sums as ArmSums
from hailwhale.metrics import shown
from hailwhale.products import product_of, square_of, times_of


def kind_of(goal: Goal, table: Table, exposures: str) -> Kind | Refusal:
    """The kind of a goal, or why it has none.

    Conversions are whole and at most one for each exposure; where the squares of amounts were counted they are
    conversions only if these are the same, since 0 and 1 are their own squares.
    """
    if goal.below is not None and goal.kind in (None, 'ratio'):
        lacking = _lacking(goal, table, goal.metrics)
        return 'ratio' if lacking is None else lacking
    below = goal.below or exposures
    several = _more_than_one(goal.metric, below, table)
    squares = square_of(goal.metric)
    if goal.kind == 'binomial' or (goal.kind is None and not any(sums[squares] for sums in table.values())):
        if not several:
            return 'binomial'
        way_out = "say kind='mean'" if goal.kind else _counted_so(goal.metric)
        return Refusal(f'{several}, so these are no conversions', way_out)
    lacking = _lacking(goal, table, (squares,))
    if lacking is not None:
        return lacking
    is_binary = not several and all(sums[squares] == sums[goal.metric] for sums in table.values())
    return 'binomial' if is_binary and goal.kind is None else 'mean'


def were_decided(goals: Iterable[Goal], table: Table) -> bool:
    """Whether decisions counted any of the goals: they alone count how often there was an amount.

    That mark they leave of visitors without dimensions too, of whom nothing else tells it.
    """
    times = [times_of(metric) for goal in goals for metric in (goal.metric, goal.below) if metric]
    return any(sums[name] for sums in table.values() for name in times)


def _more_than_one(metric: str, below: str, table: Table) -> str | None:
    """Where there are not 0 to 1 of a metric for each exposure."""
    for name, sums in table.items():
        if not 0 <= sums[metric] <= sums[below] or sums[metric] % 1:
            return f'{shown(name)} has {sums[metric]:,.12g} {metric} of {sums[below]:,.12g} {below}'
    return None


def _lacking(goal: Goal, table: Table, needed: Iterable[str]) -> Refusal | None:
    """Sums of squares or products that were not counted, of a metric that was."""
    for squares in needed:
        for name, sums in table.items():
            if '*' in squares and not sums[squares] and _has(goal, squares, sums):
                return Refusal(f'{squares} was not counted of {shown(name)}', _counted_so(squares.partition('*')[0]))
    return None


def _has(goal: Goal, squares: str, sums: Sums) -> bool:
    """Whether there is something that its squares were to be counted of; products may be 0 by right."""
    return any(sums[metric] for metric in (goal.metric, goal.below) if metric and squares == square_of(metric))


def _counted_so(metric: str) -> str:
    squares = square_of(metric)
    return f'for a mean count the squares too, as count_decided_now does: {{{metric!r}: 25, {squares!r}: 625}}'


def arm(goal: Goal, kind: Kind, sums: Sums, exposures: str) -> ArmSums:
    """The sums of one variant as statistics take them."""
    total, squares = sums[goal.metric], sums[square_of(goal.metric)]
    if kind == 'ratio' and goal.below is not None:
        below = goal.below
        products = sums[product_of(goal.metric, below)]
        return ArmSums(sums[exposures], total, squares, sums[below], sums[square_of(below)], products)
    n = sums[goal.below or exposures]
    return ArmSums(n, total, squares if kind == 'mean' else None)
