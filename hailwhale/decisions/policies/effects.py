"""Effects: by how much an option is better or worse below each path, as a mixed model.

In units of the base rate of a context, the rate of an option is 1 plus its effect below every path above the context,
plus one of the context itself.  What all options of a context have in common is left out, so that only differences
between options within a context count, and a busy context with a high rate cannot make the option that was shown there
look good.  How far effects of a level spread is estimated too (MacKay, 1992; for contexts by restricted likelihood,
Patterson and Thompson, 1971), from all that was counted and a weak guess.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from hailwhale.decisions.policies.arrays import Floats, Ints
from hailwhale.decisions.policies.layouts import ROOT, Layout, Level
from hailwhale.decisions.policies.normals import normals
from hailwhale.decisions.policies.tuning import Tuning

Kind = tuple[Level, ...]
#: Variances that are tried, and how large spreads of options and of contexts are expected to be.
_GRID = np.geomspace(0.01, 2.0, 14) ** 2
_EXPECTED_OPTIONS, _EXPECTED_CONTEXTS = 0.5, 0.4
#: How much all options of a context may be better than its base rate.
_COMMON = 1.0
#: A guess counts as much as one effect that is known.
_GUESSED = 1.0
_LEAST = 1e-4


@dataclass(slots=True)
class Spreads:
    """Variances of effects."""

    levels: dict[Level, float]
    kinds: dict[Kind, float]  #: of the contexts themselves

    @classmethod
    def guessed(cls, layout: Layout, tuning: Tuning) -> Spreads:
        """Before anything is known."""
        levels = dict.fromkeys(layout.levels, tuning.between_paths**2) | {ROOT: tuning.between_options**2}
        return cls(levels, {context.kind: tuning.between_contexts**2 for context in layout.contexts})

    def of_contexts(self, layout: Layout) -> Floats:
        """The variance of each context's own effects."""
        return np.array([self.kinds[context.kind] for context in layout.contexts])

    def of_paths(self, layout: Layout) -> Floats:
        """The variance of what the paths above each context add up to."""
        by_path = np.array([*(self.levels[one] for one in layout.levels), 0.0])
        return np.asarray(by_path[layout.above].sum(axis=1))


@dataclass(frozen=True, slots=True)
class Rows:
    """What was seen: a row for each option that was shown in a context."""

    context: Ints
    option: Ints
    lift: Floats  #: by how much its rate is above the base rate, as a share of that
    expected: Floats  #: sum of rewards that the base rate expects
    base: Floats
    scatter: float
    binary: bool

    @classmethod
    def of(cls, exposure: Floats, reward: Floats, bases: Floats, scatter: float, binary: bool) -> Rows:
        """The rows of sums by [context, option]."""
        context, option = np.nonzero(exposure > 0)
        base = bases[context]
        expected = exposure[context, option] * base
        return cls(context, option, reward[context, option] / expected - 1, expected, base, scatter, binary)

    def noise(self, lift: Floats | float = 0.0) -> Floats:
        """The variance of each lift when its true value is that."""
        mean = np.maximum(1 + lift, 0.1)
        return np.asarray(
            self.scatter * mean * (np.maximum(1 - mean * self.base, 0.05) if self.binary else 1) / self.expected
        )


class Equations:
    """The normal equations of all effects of paths."""

    def __init__(self, rows: Rows, layout: Layout, spreads: Spreads, options: int) -> None:
        self._layout, self._options = layout, options
        count, size = len(rows.lift), len(layout.paths) * options
        weight = 1 / (rows.noise() + spreads.of_contexts(layout)[rows.context])
        above = layout.above[rows.context]
        columns = np.where(above >= 0, above * options + rows.option[:, None], size)
        design = np.zeros((count, size + 1))
        design[np.arange(count)[:, None], columns] = 1.0
        self._design = design = design[:, :size]
        weighted = design * weight[:, None]
        contexts = len(layout.contexts)
        common = np.zeros((contexts, size))
        np.add.at(common, rows.context, weighted)
        total = np.bincount(rows.context, weight, contexts) + 1 / _COMMON**2
        lift = np.bincount(rows.context, weight * rows.lift, contexts)
        self._matrix = design.T @ weighted - (common / total[:, None]).T @ common
        self._right = weighted.T @ rows.lift - common.T @ (lift / total)
        self._mean = np.zeros(size)
        self._root = np.zeros((size, size))

    def solve(self, spreads: Spreads, tuning: Tuning) -> None:
        """Find the effects; then how far those of each level spread."""
        layout, options = self._layout, self._options
        variance = np.repeat([spreads.levels[one] for one in layout.levels], options)
        self._root = np.linalg.inv(np.linalg.cholesky(self._matrix + np.diag(1 / variance)))
        self._mean = self._root.T @ (self._root @ self._right)
        left = np.einsum('ij,ij->j', self._root, self._root)
        known = (1 - left / variance).reshape(-1, options).sum(axis=1)
        squares = (self._mean**2).reshape(-1, options).sum(axis=1)
        sums: dict[Level, Floats] = defaultdict(lambda: np.zeros(2))
        for number, one in enumerate(layout.levels):
            sums[one] += (squares[number], known[number])
        for one, (square, count) in sums.items():
            guess = (tuning.between_options if one == ROOT else tuning.between_paths) ** 2
            spreads.levels[one] = max(float((square + _GUESSED * guess) / (count + _GUESSED)), _LEAST)

    def lifts(self) -> Floats:
        """What the effects say of each row."""
        return np.asarray(self._design @ self._mean)

    def drawn(self, names: list[str], spread: float, draws: int) -> Floats:
        """Joint draws of the effects, [path, option, draw]; each belongs to the names of its path and option."""
        random = np.stack([normals(name, draws) for name in names])
        found = self._mean[:, None] + spread * (self._root.T @ random)
        return np.asarray(found.reshape(len(self._layout.paths), self._options, draws))


def spread_of_options(rows: Rows) -> float:
    """The variance between options where there are no contexts."""
    if len(rows.lift) < 2:
        return Tuning().between_options ** 2
    return _likeliest(rows.context * 0, rows.lift, rows.noise(), _EXPECTED_OPTIONS)


def spread_of_contexts(rows: Rows, lifts: Floats, chosen: Ints) -> float | None:
    """The variance of contexts' own effects, among some rows; None where they are too few to say."""
    noise = rows.noise(lifts)
    chosen = chosen & (rows.noise() < 1)
    if chosen.sum() < 2:
        return None
    return _likeliest(rows.context[chosen], (rows.lift - lifts)[chosen], noise[chosen], _EXPECTED_CONTEXTS)


def _likeliest(group: Ints, rest: Floats, noise: Floats, expected: float) -> float:
    """The variance beside noise, by restricted likelihood: what the members of a group have in common says nothing.

    A likelihood, not moments: which options were shown more depends on what was seen, and a likelihood does not mind.
    """
    scores = -np.sqrt(_GRID) / expected
    for place, variance in enumerate(_GRID):
        weight = 1 / (variance + noise)
        total, sums = np.bincount(group, weight), np.bincount(group, weight * rest)
        used = total > 0
        scores[place] += 0.5 * (
            np.log(weight).sum()
            - np.log(total[used]).sum()
            - (weight * rest * rest).sum()
            + (sums[used] ** 2 / total[used]).sum()
        )
    share = np.exp(scores - scores.max())
    return float((share * _GRID).sum() / share.sum())
