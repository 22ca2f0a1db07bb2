"""Turns: rewards of any kind as something positive, of which more is better."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.tables import Moments, Table

#: One amount, or many.
Amount = TypeVar('Amount', float, Floats)


@dataclass(frozen=True, slots=True)
class Turn:
    """What is done to all rewards before they are compared, so that the best option is the one with the highest ratio.

    ``swap``   the least ``spent/earned`` is the highest ``earned/spent``
    ``sign``   -1: less is better
    ``shift``  added for each unit of exposure, so that no option has a sum far below 0
    """

    swap: bool = False
    sign: int = 1
    shift: float = 0.0

    @classmethod
    def of(cls, table: Table, *, least: bool, by_hits: bool) -> Turn:
        """How to turn the rewards of a table; ``least``: those that are to be as small as can be."""
        if least and not by_hits:
            return cls(swap=True)
        moments, sign = table.moments, -1 if least else 1
        if least and binary(moments):
            # One minus a success is a success of the other kind.
            return cls(sign=-1, shift=1.0)
        mean = sign * moments.reward / moments.exposure if moments.exposure > 0 else 0.0
        if mean > 0 and np.all(sign * table.columns()[4] >= 0):
            return cls(sign=sign)
        square = (moments.reward if moments.squares is None else moments.squares) / max(moments.exposure, 1e-300)
        return cls(sign=sign, shift=math.sqrt(max(square - mean * mean, square * 1e-6, 0.0)) - mean)

    def sums(self, exposure: Amount, reward: Amount) -> tuple[Amount, Amount]:
        """The sums as they are compared."""
        if self.swap:
            exposure, reward = reward, exposure
        return exposure, self.sign * reward + self.shift * exposure

    def value(self, ratio: float) -> float:
        """The ratio that users know, of one that is compared."""
        found = self.sign * (ratio - self.shift)
        return (1 / found if found else math.inf) if self.swap else found

    def table(self, table: Table) -> Table:
        """A table as it is compared."""
        context, option, age, exposure, reward, times = table.columns()
        cells: Floats = np.array([context, option, age, *self.sums(exposure, reward), times]).T
        return replace(table, cells=cells, moments=self._moments(table.moments))

    def _moments(self, old: Moments) -> Moments:
        compared = old.swapped() if self.swap else old
        exposure, reward = compared.exposure, compared.reward
        squares, exposures, products = compared.powers()
        c, sign = self.shift, self.sign
        return Moments(
            exposure,
            sign * reward + c * exposure,
            squares + 2 * sign * c * products + c * c * exposures,
            exposures,
            sign * products + c * exposures,
        )


def binary(moments: Moments) -> bool:
    """Whether each exposure is 1 and each reward 0 or 1."""
    plain = moments.exposures is None or moments.exposures == moments.exposure
    whole = moments.squares is None or moments.squares == moments.reward
    return plain and whole and 0 <= moments.reward <= moments.exposure
