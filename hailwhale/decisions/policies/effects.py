"""Effects: by how much an option is better or worse below each path, as a mixed model.

In units of the base rate of a context, the rate of an option is 1 plus its effect below every path above the context,
plus one of the context itself.  What all options of a context have in common is left out, so that only differences
between options within a context count, and a busy context with a high rate cannot make the option that was shown there
look good.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.linalg import solve_triangular

from hailwhale.decisions.policies.arrays import Floats, Ints
from hailwhale.decisions.policies.layouts import ROOT, Kind, Layout, Level, Pairs
from hailwhale.decisions.policies.normals import normals
from hailwhale.decisions.policies.tuning import Tuning

#: How much all options of a context may be better than its base rate.
_COMMON = 1.0


@dataclass(slots=True)
class Spreads:
    """Variances of effects."""

    levels: dict[Level, float]
    kinds: dict[Kind, float]  #: of the contexts themselves

    @classmethod
    def guessed(cls, layout: Layout, tuning: Tuning) -> Spreads:
        """Before anything is known."""
        levels = dict.fromkeys(layout.levels, tuning.between_paths**2) | {ROOT: tuning.between_options**2}
        return cls(levels, dict.fromkeys(layout.kinds, tuning.between_contexts**2))

    def of_contexts(self, layout: Layout) -> Floats:
        """The variance of each context's own effects."""
        return np.array([self.kinds[kind] for kind in layout.kinds])[layout.kind]

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

    def among(self, most: int, options: int) -> tuple[Rows, int]:
        """The rows of so many options, those with most to tell; and how many options there are then."""
        if options <= most:
            return self, options
        told = np.bincount(self.option, self.expected, options)
        kept = np.full(options, -1)
        kept[np.argsort(-told, kind='stable')[:most]] = np.arange(most)
        inside = kept[self.option] >= 0
        return replace(
            self,
            context=self.context[inside],
            option=kept[self.option[inside]],
            lift=self.lift[inside],
            expected=self.expected[inside],
            base=self.base[inside],
        ), most

    def noise(self, lift: Floats | float = 0.0) -> Floats:
        """The variance of each lift when its true value is that."""
        mean = np.maximum(1 + lift, 0.1)
        return np.asarray(
            self.scatter * mean * (np.maximum(1 - mean * self.base, 0.05) if self.binary else 1) / self.expected
        )


class Equations:
    """The normal equations of the effects of paths, with contexts' own effects and what options have in common
    integrated out (Henderson, 1975)."""

    def __init__(self, rows: Rows, layout: Layout, pairs: Pairs, spreads: Spreads, options: int) -> None:
        self._layout, self._options = layout, options
        paths, contexts = len(layout.paths), len(layout.contexts)
        weight, lift = np.zeros((2, contexts, options))
        weight[rows.context, rows.option] = 1 / (rows.noise() + spreads.of_contexts(layout)[rows.context])
        lift[rows.context, rows.option] = rows.lift
        total = weight.sum(axis=1) + 1 / _COMMON**2
        weighted = weight * lift
        common = weighted.sum(axis=1)
        # Of each context the weights of its options, less what they have in common.
        inside = weight[:, :, None] * (weight / -total[:, None])[:, None, :]
        each = np.arange(options)
        inside[:, each, each] += weight
        matrix = np.zeros((paths, options, paths, options))
        matrix[pairs.first, :, pairs.second, :] = (pairs.below @ inside.reshape(contexts, -1)).reshape(
            -1, options, options
        )
        self._matrix = matrix.reshape(paths * options, -1)
        self._right = layout.summed(weighted - weight * (common / total)[:, None]).reshape(-1)
        #: What the likelihood has beside the effects, as its log.
        self._rest = 0.5 * float(
            np.log(weight[rows.context, rows.option]).sum()
            - np.log(total).sum()
            - (weighted * lift).sum()
            + (common**2 / total).sum()
        )

    def likelihood(self, levels: Mapping[Level, float]) -> float:
        """How likely all that was seen is where the effects of levels have such variances; its log, but for a constant.

        The effects are integrated out, so that it does not matter that options were shown by what had been seen.
        """
        precision = self._precision(levels)
        root = np.linalg.cholesky(self._matrix + np.diag(precision))
        found = solve_triangular(root, self._right, lower=True)
        return self._rest + float(0.5 * np.log(precision).sum() - np.log(np.diag(root)).sum() + 0.5 * (found**2).sum())

    def drawn(self, levels: Mapping[Level, float], names: list[str], spread: float, draws: int) -> Floats:
        """Joint draws of the effects, [path, option, draw]; each belongs to the names of its path and option."""
        root = np.linalg.cholesky(self._matrix + np.diag(self._precision(levels)))
        random = np.stack([normals(name, draws) for name in names])
        both = np.column_stack([solve_triangular(root, self._right, lower=True), random])
        both = solve_triangular(root, both, lower=True, trans='T')
        found = both[:, :1] + spread * both[:, 1:]
        return np.asarray(found.reshape(len(self._layout.paths), self._options, draws))

    def _precision(self, levels: Mapping[Level, float]) -> Floats:
        return 1 / np.repeat([levels[one] for one in self._layout.levels], self._options)
