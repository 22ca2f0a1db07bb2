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

# Counters hold millionths: the squares of smaller amounts have hardly a digit.
_SMALL = 0.003


def kind_of(goal: Goal, table: Table, exposures: str) -> Kind | Refusal:
    """The kind of a goal, or why it has none.

    Conversions are whole and at most one for each exposure; where the squares of amounts were counted they are
    conversions only if these are the same, since 0 and 1 are their own squares.
    """
    for refusal in (_unseen(goal, table, exposures), _tiny(goal, table)):
        if refusal is not None:
            return refusal
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


def impossible(goal: Goal, kind: Kind, table: Table, exposures: str, why: str) -> Refusal:
    """Why sums of a table cannot be those of such a metric, and the way out; ``why`` if no reason is found here."""
    below = exposures if kind == 'ratio' else goal.below or exposures
    way_out = f'count all of it in the same events, with the same dimensions, and {below} once for each visitor'
    unseen = _unseen(goal, table, exposures)
    if unseen is not None:
        return unseen
    several = _more_than_one(goal.metric, below, table) if kind == 'binomial' else None
    if several is not None:
        return Refusal(f'{several}, so these are no conversions', way_out)
    flat = _too_little_spread(goal, kind, table, below)
    return Refusal(why, way_out) if flat is None else flat


def _unseen(goal: Goal, table: Table, exposures: str) -> Refusal | None:
    """Something was counted of visitors that were not."""
    below = exposures if goal.kind in (None, 'ratio') else goal.below or exposures
    for name, sums in table.items():
        counted = [metric for metric in _amounts(goal, goal.kind) if sums[metric]]
        if counted and not sums[below]:
            why = f'{shown(name)} has {sums[counted[0]]:,.12g} {counted[0]} and no {below}'
            return Refusal(why, 'count each visitor once, or say by exposures which metric counts them; hits does')
    return None


def _too_little_spread(goal: Goal, kind: Kind, table: Table, below: str) -> Refusal | None:
    """Squares that are less than so many visitors with such amounts can have."""
    for name, sums in table.items():
        for metric in _amounts(goal, kind) if sums[below] else ():
            total, squares, least = sums[metric], sums[square_of(metric)], sums[metric] / sums[below] * sums[metric]
            if squares < least:
                return Refusal(
                    f'the squares of {total:,.12g} {metric} by {sums[below]:,.12g} {below} of {shown(name)} sum to '
                    f'{least:,.12g} at the least, and {squares:,.12g} were counted',
                    f'count what one visitor brings in one event, its square beside it, and {below} once a visitor',
                )
    return None


def _amounts(goal: Goal, kind: Kind | None) -> tuple[str, ...]:
    """The metrics of which squares are taken."""
    if goal.below is None or kind not in (None, 'ratio'):
        return (goal.metric,)
    return goal.metric, goal.below


def _tiny(goal: Goal, table: Table) -> Refusal | None:
    """Amounts whose squares have no digits in millionths: those of decisions, which count how many there were."""
    for name, sums in table.items():
        for metric in _amounts(goal, goal.kind):
            times, total = sums[times_of(metric)], sums[metric]
            if goal.kind != 'binomial' and total and sums[square_of(metric)] < _SMALL * _SMALL * times:
                mean = total / times
                why = f'{shown(name)} has {metric} of {mean:.2g} on average, whose squares are too small to be counted'
                return Refusal(why, f'count {metric} in thousandths: {1000 * mean:.2g} instead of {mean:.2g}')
    return None


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
    # Only decisions count how often there was an amount; of the others it is judged by their squares.
    times = sums[times_of(goal.metric)] or None
    if kind == 'ratio' and goal.below is not None:
        below = goal.below
        products = sums[product_of(goal.metric, below)]
        of_below = sums[below], sums[square_of(below)]
        return ArmSums(sums[exposures], total, squares, *of_below, products, conversions=times)
    n = sums[goal.below or exposures]
    if kind == 'binomial':
        return ArmSums(n, total)
    return ArmSums(n, total, squares, conversions=times)
