"""How far effects spread, learned from all that was counted: where contexts are alike, one says much of the others.

Each spread in turn is tried at a few values, with the effects integrated out, and is then the mean of those by how
likely they make what was seen (empirical Bayes; Robbins, 1956).  Small spreads are expected.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.effects import Equations, Rows, Spreads
from hailwhale.decisions.policies.layouts import ROOT, Kind, Layout, Pairs
from hailwhale.decisions.policies.tuning import Tuning

#: Standard deviations that are tried.
_TRIED = np.array([0.02, 0.08, 0.17, 0.3, 0.5, 0.9])
_ALONE = np.geomspace(0.01, 2.0, 14)
#: How often each is tried, while the others change; large tables say enough at once, and take long.
_SWEEPS, _LARGE = 2, 2_000
#: Effects that spreads are learned from; of more, those of the options that were shown most.
_EFFECTS = 300


def learn(rows: Rows, layout: Layout, pairs: Pairs, spreads: Spreads, options: int, tuning: Tuning) -> None:
    """Improve the spreads of contexts and of paths, from what they are."""
    rows, options = rows.among(max(_EFFECTS // max(len(layout.paths), 1), 2), options)
    for _ in range(_SWEEPS if len(rows.lift) <= _LARGE else 1):
        for kind in spreads.kinds:
            # That contexts differ by next to nothing is less likely than that they differ: to find out takes long, and
            # whoever took them for alike would hardly try.
            scores = [
                _of_kind(rows, layout, pairs, spreads, options, kind, one * one) + 0.5 * np.log(one) for one in _TRIED
            ]
            spreads.kinds[kind] = _mean(scores, _TRIED, tuning.expected_contexts)
        equations = Equations(rows, layout, pairs, spreads, options)
        for one in dict.fromkeys(layout.levels):
            scores = [equations.likelihood(spreads.levels | {one: tried * tried}) for tried in _TRIED]
            expected = tuning.expected_options if one == ROOT else tuning.expected_paths
            spreads.levels[one] = _mean(scores, _TRIED, expected)


def _of_kind(
    rows: Rows, layout: Layout, pairs: Pairs, spreads: Spreads, options: int, kind: Kind, variance: float
) -> float:
    tried = Spreads(spreads.levels, spreads.kinds | {kind: variance})
    return Equations(rows, layout, pairs, tried, options).likelihood(spreads.levels)


def of_options(rows: Rows, tuning: Tuning) -> float:
    """The variance between options where there are no contexts; what they have in common says nothing (restricted
    likelihood; Patterson and Thompson, 1971)."""
    if len(rows.lift) < 2:
        return tuning.between_options**2
    noise, scores = rows.noise(), []
    for tried in _ALONE:
        weight = 1 / (tried * tried + noise)
        mean = (weight * rows.lift).sum() / weight.sum()
        scores.append(0.5 * (np.log(weight).sum() - np.log(weight.sum()) - (weight * (rows.lift - mean) ** 2).sum()))
    return _mean(scores, _ALONE, tuning.expected_options)


def _mean(scores: Sequence[float], tried: Floats, expected: float) -> float:
    """The variance: the mean of those tried by how likely they are, where a standard deviation is expected to be so
    large."""
    likely = np.array(scores) - tried / expected
    share = np.exp(likely - likely.max())
    return float((share * tried**2).sum() / share.sum())
