"""Fitting: from a table of sums to a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hailwhale.decisions.policies import drift, effects
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.effects import Equations, Rows, Spreads
from hailwhale.decisions.policies.layouts import ROOT, Layout
from hailwhale.decisions.policies.models import Fitted, Model
from hailwhale.decisions.policies.rates import Rates
from hailwhale.decisions.policies.sheets import Sheet, scatter_of
from hailwhale.decisions.policies.tables import Table
from hailwhale.decisions.policies.tuning import Tuning
from hailwhale.decisions.policies.turns import Turn

#: How often spreads and effects are estimated by turns.
_TURNS = 2


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
    options = [table.options[place] for place in order]
    whole = table.sums()
    turn = Turn.of(table, least=least, by_hits=by_hits)
    turned = turn.table(table)
    if turned.moments.exposure <= 0 or turned.moments.reward <= 0:
        return Model(options, tuning, turn, whole, None)
    layout = Layout.of(turned.contexts)
    sheet = Sheet.of(turned, tuning.half_life)
    scatter = scatter_of(turned.moments)
    if by_hits:
        sheet = sheet.delayed(scatter)
    hours = drift.trusted(sheet, layout, scatter, tuning)
    exposure, reward = (grid[:, order] for grid in sheet.grids(hours))
    if reward.sum() <= 0:
        return Model(options, tuning, turn, whole, None)
    fitted = _fitted(layout, options, exposure, reward, scatter, sheet.binary, tuning)
    return Model(options, tuning, turn, whole, replace(fitted, late=sheet.lag > 0))


def _fitted(
    layout: Layout,
    options: Sequence[str],
    exposure: Floats,
    reward: Floats,
    scatter: float,
    binary: bool,
    tuning: Tuning,
) -> Fitted:
    rates = Rates.of(layout, exposure, reward, scatter)
    spreads = Spreads.guessed(layout, tuning)
    spread = spreads.of_contexts(layout) + spreads.of_paths(layout)
    bases = rates.bases(layout, exposure, reward, scatter, spread)
    rows = Rows.of(exposure, reward, bases, scatter, binary)
    width = tuning.spread if binary else tuning.spread_of_money
    if not layout.paths:
        root = effects.spread_of_options(rows)
        return Fitted(
            layout, rates, bases, exposure, reward, scatter, binary, np.full(len(bases), root), root, None, width
        )
    equations = Equations(rows, layout, spreads, len(options))
    for _ in range(_TURNS):
        equations.solve(spreads, tuning)
    lifts = equations.lifts()
    kinds = [context.kind for context in layout.contexts]
    for kind in spreads.kinds:
        same = np.array([one == kind for one in kinds])
        found = effects.spread_of_contexts(rows, lifts, same[rows.context])
        spreads.kinds[kind] = spreads.kinds[kind] if found is None else found
    names = [f'{option}\0{path}' for path in layout.paths for option in options]
    drawn = equations.drawn(names, width, tuning.draws)
    own = spreads.of_contexts(layout)
    return Fitted(layout, rates, bases, exposure, reward, scatter, binary, own, spreads.levels[ROOT], drawn, width)


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
