"""Fitting: from a table of sums to a model."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies import drift, spreading
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.effects import Equations, Rows, Spreads
from hailwhale.decisions.policies.estimates import Estimate, Quantity, fresh
from hailwhale.decisions.policies.layouts import ROOT, Layout
from hailwhale.decisions.policies.models import Model
from hailwhale.decisions.policies.rates import Rates
from hailwhale.decisions.policies.sheets import Sheet
from hailwhale.decisions.policies.tables import Moments, Table
from hailwhale.decisions.policies.tuning import Tuning
from hailwhale.decisions.policies.turns import Turn, binary

#: Effects of paths on options, and contexts times the square of options, at the most: what is beyond that is left to
#: the paths above, and to what all visitors have in common.
_EFFECTS, _SQUARES = 900, 4_000_000
#: One exposure tells as much as this share of a success, at the least, however rare or even they are.
_LEAST_TOLD = 0.01
_ANYBODY = Context.of(None)


# What odd sums overflow to is sorted out at the end.
@np.errstate(all='ignore')
def fit(table: Table, *, least: bool = False, by_hits: bool = True, tuning: Tuning | None = None) -> Model:
    """The model of what was counted.

    ``least``    the reward is to be as small as can be
    ``by_hits``  the exposure is the number of hits, not another metric

    About 0.1 s for 1,000 contexts of 5 options, half a second for the largest tables.  A table in which nothing was
    earned, or nothing shown, gives even weights.
    """
    tuning = tuning or Tuning()
    most = min(tuning.most_contexts, max(_SQUARES // max(len(table.options), 1) ** 2, 1))
    table = replace(table, cells=table.columns().T)
    whole, table = table.sums(), _narrowed(table, most)
    order = sorted(range(len(table.options)), key=lambda place: table.options[place])
    options = [table.options[place] for place in order]
    if table.moments.exposure <= 0:
        return Model(options, tuning, Turn(), whole)
    turn = Turn.of(table, least=least, by_hits=by_hits)
    model = Model(options, tuning, turn, whole)
    turned = turn.table(table)
    if turned.moments.exposure <= 0 or turned.moments.reward <= 0:
        return model
    layout = Layout.of(turned.contexts).narrowed(_traffic(turned), max(_EFFECTS // len(options), 1))
    worth = Sheet.of(turned, tuning.half_life)
    by_times = turn == Turn() and worth.rewards > 0
    # Where all rewards are alike there is nothing to find out about their size.
    apart = by_times and not worth.alike
    often = worth.often(by_hits=by_hits) if by_times else worth
    if by_hits and (lag := often.lag()):
        worth = worth.delayed(lag)
        often = worth.often(by_hits=by_hits) if by_times else worth
    hours = drift.trusted(often, layout, tuning)
    if apart:
        hours = np.minimum(hours, drift.trusted(worth, layout, tuning))
    exposure, reward = (grid[:, order] for grid in often.grids(hours))
    if exposure.sum() <= 0 or reward.sum() <= 0:
        return model
    width = tuning.spread if by_times or often.binary else tuning.spread_of_money
    late = worth.late_options()[order]
    model.late, model.by_times = often.late, by_times
    model.unit = worth.moments.reward / worth.rewards if by_times and not apart else 1.0
    quantity = Quantity(exposure, reward, often.scatter, often.binary, width)
    model.often = _estimate(layout, options, quantity, late, tuning)
    model.unproven = _unproven(model, table.moments, [options[place] for place in np.flatnonzero(late)])
    if apart:
        earned = worth.grids(hours)[1][:, order]
        size = Quantity(reward, earned, worth.scatter_of_sizes(), False, tuning.spread_of_money, 'size ')
        model.size = _estimate(layout, options, size, late, tuning)
    if not all(one is None or one.is_finite() for one in (model.often, model.size)):
        # Sums that no visitors can have left, such as much that was earned by what was never shown.
        return Model(options, tuning, turn, whole)
    return model


def _estimate(
    layout: Layout, options: Sequence[str], quantity: Quantity, late: NDArray[np.bool_], tuning: Tuning
) -> Estimate:
    places = {option: place for place, option in enumerate(options)}
    rates = Rates.of(layout, quantity.exposure, quantity.reward, quantity.scatter)
    spreads = Spreads.guessed(layout, tuning)
    bases, rows = _rows(layout, rates, quantity, spreads)
    if not layout.paths:
        root = spreading.of_options(rows, tuning)
        own = np.where(late, fresh(root, tuning), root)[None].repeat(len(bases), axis=0)
        apart = tuning.between_contexts**2
        return Estimate(quantity, places, layout, rates, bases, own, apart, root, None, tuning)
    pairs = layout.pairs()
    spreading.learn(rows, layout, pairs, spreads, len(options), tuning)
    bases, rows = _rows(layout, rates, quantity, spreads)
    equations = Equations(rows, layout, pairs, spreads, len(options))
    names = [f'{quantity.purpose}{option}\0{path}' for path in layout.paths for option in options]
    drawn = equations.drawn(spreads.levels, names, quantity.width, tuning.draws)
    own, root = spreads.of_contexts(layout), spreads.levels[ROOT]
    return Estimate(quantity, places, layout, rates, bases, own[:, None], float(own.mean()), root, drawn, tuning)


def _unproven(model: Model, moments: Moments, late: Sequence[str]) -> dict[str, float]:
    """Of each option that came late, the share of `Tuning.proven` that it has not been shown for yet."""
    shown, earned = defaultdict[str, float](float), defaultdict[str, float](float)
    for (_, option), sums in model.whole.items():
        pair = (sums.reward, sums.exposure) if model.turn.swap else (sums.exposure, sums.reward)
        shown[option] += pair[0]
        earned[option] += pair[1]
    found = {}
    for option in late:
        others = sum(shown.values()) - shown[option]
        # Its own successes do not count: more of them are never to its harm.
        rate = (sum(earned.values()) - earned[option]) / others if others > 0 else 0.0
        told = shown[option] * min(max(_told(rate, moments, model.turn), _LEAST_TOLD), 1.0)
        found[option] = min(max(1 - told / model.tuning.proven, 0.0), 1.0)
    return {option: share for option, share in found.items() if share > 0}


def _told(rate: float, moments: Moments, turn: Turn) -> float:
    """How much one exposure tells of a rate, in successes: the inverse of the variance as a share of the square."""
    if binary(moments):
        return min(rate, 1 - rate)
    compared = moments.swapped() if turn.swap else moments
    rest = compared.rest(rate)
    return rate * rate * compared.exposure / rest if rest > 0 else 1.0


def _rows(layout: Layout, rates: Rates, seen: Quantity, spreads: Spreads) -> tuple[Floats, Rows]:
    """Base rates, and what was seen in units of those, where effects spread so far."""
    spread = spreads.of_contexts(layout) + spreads.of_paths(layout)
    bases = rates.bases(layout, seen.exposure, seen.reward, seen.scatter, spread)
    return bases, Rows.of(seen.exposure, seen.reward, bases, seen.scatter, seen.binary)


def _narrowed(table: Table, most: int) -> Table:
    """The table with so many contexts: the others, with least traffic, are together one of whom nothing is known."""
    contexts = len(table.contexts)
    if contexts <= most:
        return table
    columns = table.columns()
    busiest = np.argsort(-_traffic(table), kind='stable')[:most].tolist()
    kept = sorted(place for place in busiest[: most - 1] if table.contexts[place] != _ANYBODY)
    places = np.full(contexts, len(kept))
    places[kept] = np.arange(len(kept))
    cells = np.array([places[columns[0].astype(int)], *columns[1:]]).T
    return replace(table, contexts=[*(table.contexts[place] for place in kept), _ANYBODY], cells=cells)


def _traffic(table: Table) -> Floats:
    """How much was shown in each context."""
    columns = table.columns()
    return np.asarray(np.bincount(columns[0].astype(int), np.abs(columns[3]), len(table.contexts)), float)
