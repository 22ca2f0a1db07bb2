"""Fitting: from a table of sums to a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hailwhale.decisions.policies import drift, spreading
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.effects import Equations, Rows, Spreads
from hailwhale.decisions.policies.estimates import Estimate, Quantity
from hailwhale.decisions.policies.layouts import ROOT, Layout
from hailwhale.decisions.policies.models import Model
from hailwhale.decisions.policies.rates import Rates
from hailwhale.decisions.policies.sheets import Sheet
from hailwhale.decisions.policies.tables import Table
from hailwhale.decisions.policies.tuning import Tuning
from hailwhale.decisions.policies.turns import Turn


# What odd sums overflow to is sorted out at the end.
@np.errstate(all='ignore')
def fit(table: Table, *, least: bool = False, by_hits: bool = True, tuning: Tuning | None = None) -> Model:
    """The model of what was counted.

    ``least``    the reward is to be as small as can be
    ``by_hits``  the exposure is the number of hits, not another metric

    150 ms at the most for 1,000 contexts of 5 options.  A table in which nothing was earned, or nothing shown, gives
    even weights.
    """
    tuning = tuning or Tuning()
    table = _narrowed(replace(table, cells=table.columns().T), tuning.most_contexts)
    order = sorted(range(len(table.options)), key=lambda place: table.options[place])
    options, whole = [table.options[place] for place in order], table.sums()
    if table.moments.exposure <= 0:
        return Model(options, tuning, Turn(), whole)
    turn = Turn.of(table, least=least, by_hits=by_hits)
    model = Model(options, tuning, turn, whole)
    turned = turn.table(table)
    if turned.moments.exposure <= 0 or turned.moments.reward <= 0:
        return model
    layout = Layout.of(turned.contexts)
    worth = Sheet.of(turned, tuning.half_life)
    by_times = turn == Turn() and worth.rewards > 0
    # Where all rewards are alike there is nothing to find out about their size.
    apart = by_times and not worth.alike
    often = worth.often(by_hits=by_hits) if by_times else worth
    if by_hits and (lag := often.lag()):
        worth, often = worth.delayed(lag), often.delayed(lag)
    hours = drift.trusted(often, layout, tuning)
    if apart:
        hours = np.minimum(hours, drift.trusted(worth, layout, tuning))
    exposure, reward = (grid[:, order] for grid in often.grids(hours))
    if exposure.sum() <= 0 or reward.sum() <= 0:
        return model
    width = tuning.spread if by_times or often.binary else tuning.spread_of_money
    model.late, model.by_times = often.late, by_times
    model.unit = worth.moments.reward / worth.rewards if by_times and not apart else 1.0
    model.often = _estimate(layout, options, Quantity(exposure, reward, often.scatter, often.binary, width), tuning)
    if apart:
        earned = worth.grids(hours)[1][:, order]
        size = Quantity(reward, earned, worth.scatter_of_sizes(), False, tuning.spread_of_money, 'size ')
        model.size = _estimate(layout, options, size, tuning)
    if not all(one is None or one.is_finite() for one in (model.often, model.size)):
        # Sums that no visitors can have left, such as much that was earned by what was never shown.
        return Model(options, tuning, turn, whole)
    return model


def _estimate(layout: Layout, options: Sequence[str], quantity: Quantity, tuning: Tuning) -> Estimate:
    places = {option: place for place, option in enumerate(options)}
    rates = Rates.of(layout, quantity.exposure, quantity.reward, quantity.scatter)
    spreads = Spreads.guessed(layout, tuning)
    bases, rows = _rows(layout, rates, quantity, spreads)
    if not layout.paths:
        root = spreading.of_options(rows, tuning)
        return Estimate(quantity, places, layout, rates, bases, np.full(len(bases), root), root, None, tuning)
    pairs = layout.pairs()
    spreading.learn(rows, layout, pairs, spreads, len(options), tuning)
    bases, rows = _rows(layout, rates, quantity, spreads)
    equations = Equations(rows, layout, pairs, spreads, len(options))
    names = [f'{quantity.purpose}{option}\0{path}' for path in layout.paths for option in options]
    drawn = equations.drawn(spreads.levels, names, quantity.width, tuning.draws)
    own, root = spreads.of_contexts(layout), spreads.levels[ROOT]
    return Estimate(quantity, places, layout, rates, bases, own, root, drawn, tuning)


def _rows(layout: Layout, rates: Rates, seen: Quantity, spreads: Spreads) -> tuple[Floats, Rows]:
    """Base rates, and what was seen in units of those, where effects spread so far."""
    spread = spreads.of_contexts(layout) + spreads.of_paths(layout)
    bases = rates.bases(layout, seen.exposure, seen.reward, seen.scatter, spread)
    return bases, Rows.of(seen.exposure, seen.reward, bases, seen.scatter, seen.binary)


def _narrowed(table: Table, most: int) -> Table:
    """The table with so many contexts: the others are left to what lies above them."""
    contexts = len(table.contexts)
    if contexts <= most:
        return table
    columns = table.columns()
    context = columns[0].astype(int)
    traffic = np.bincount(context, np.abs(columns[3]), contexts)
    kept = np.sort(np.argsort(-traffic, kind='stable')[:most])
    places = np.full(contexts, -1)
    places[kept] = np.arange(most)
    inside = places[context] >= 0
    cells = np.array([places[context], *columns[1:]]).T[inside]
    return replace(table, contexts=[table.contexts[place] for place in kept.tolist()], cells=cells)
