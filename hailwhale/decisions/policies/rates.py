"""Base rates: what visitors of a context are worth whatever is shown to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.layouts import Layout
from hailwhale.paths import Path

#: Expected successes of the path above that a rate is mixed with.
_PRIOR = 4.0
#: No rate is taken to be below this share of that of all: what brings losses has none to speak of.
_LEAST = 1e-3


@dataclass(frozen=True, slots=True)
class Rates:
    """A first guess at the rate of a context: of each of its branches the rate of the longest path that is known."""

    overall: float
    by_path: dict[Path, float]

    @classmethod
    def of(cls, layout: Layout, exposure: Floats, reward: Floats, scatter: float) -> Rates:
        """The rates below each path, each mixed with the one above it."""
        overall = max(float(reward.sum()) / max(float(exposure.sum()), 1e-300), 1e-300)
        below, earned = layout.summed(exposure).sum(axis=1), layout.summed(reward).sum(axis=1)
        prior = _PRIOR * scatter / overall
        found: dict[Path, float] = {}
        for path, number in layout.numbers.items():
            parent = next((found[path[:end]] for end in range(len(path) - 1, 0, -1) if path[:end] in found), overall)
            found[path] = max((earned[number] + prior * parent) / (below[number] + prior), _LEAST * overall)
        return cls(overall, found)

    def guess(self, context: Context) -> float:
        """The rate of a context, of which nothing else need be known."""
        several = len(context.paths) > 1
        longest = {
            path[0] if several else '': self.by_path[path] for path in context.above if path and path in self.by_path
        }
        rate = self.overall
        for found in longest.values():
            rate *= found / self.overall
        return rate

    def bases(self, layout: Layout, exposure: Floats, reward: Floats, scatter: float, spread: Floats) -> Floats:
        """The base rate of each context: options count by how well their rates are known, never by how often they
        were shown, or the option that was shown most would be the measure of all."""
        guess = np.array([self.guess(context) for context in layout.contexts])[:, None]
        seen = exposure > 0
        with np.errstate(divide='ignore', invalid='ignore'):
            weight = np.where(seen, 1 / (spread[:, None] + scatter / (exposure * guess)), 0.0)
            rate = np.where(seen, reward / exposure, 0.0)
        found = (_PRIOR * guess[:, 0] + (weight * rate).sum(axis=1)) / (_PRIOR + weight.sum(axis=1))
        return np.asarray(np.maximum(found, _LEAST * self.overall))
