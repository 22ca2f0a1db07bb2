"""Sheets: the cells of a table as columns."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hailwhale.decisions.policies.arrays import Floats, Ints
from hailwhale.decisions.policies.lags import HOURS, delayed, lag_of
from hailwhale.decisions.policies.tables import Moments, Table
from hailwhale.decisions.policies.turns import binary

#: An option is new when it was not there for this share of the time.
_LATE = 0.6


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of a table as columns."""

    shape: tuple[int, int]  #: contexts, options
    context: Ints
    option: Ints
    age: Floats
    exposure: Floats
    reward: Floats
    times: Floats  #: how often something was earned
    rewards: float  #: how often in all, however long ago
    moments: Moments
    binary: bool  #: each reward is 0 or 1
    late: float = 0.0  #: hours from an exposure to its reward

    @classmethod
    def of(cls, table: Table, half_life: float | None) -> Sheet:
        """A sheet of a table; sums count less as they age where they have a half-life."""
        context, option, age, exposure, reward, times = table.columns()
        rewards = float(times.sum())
        if half_life:
            weight = 0.5 ** (age / half_life)
            exposure, reward, times = exposure * weight, reward * weight, times * weight
        shape = len(table.contexts), len(table.options)
        return cls(
            shape,
            context.astype(int),
            option.astype(int),
            age,
            exposure,
            reward,
            times,
            rewards,
            table.moments,
            binary(table.moments),
        )

    def often(self, *, by_hits: bool) -> Sheet:
        """The sheet of how often something was earned, whatever it was worth."""
        times = self.rewards
        moments = Moments(self.moments.exposure, times, times, self.moments.exposures, None if by_hits else 0.0)
        seldom = by_hits and times <= self.moments.exposure
        return replace(self, reward=self.times, moments=moments, binary=seldom)

    @property
    def scatter(self) -> float:
        """The variance of rewards as a multiple of their mean: 1 where they are seldom and 1, more for money."""
        return 1.0 if self.binary else _scatter(self.moments)

    @property
    def alike(self) -> bool:
        """Whether every reward is as large as all others."""
        squares = self.moments.reward if self.moments.squares is None else self.moments.squares
        return math.isclose(squares * self.rewards, self.moments.reward**2, rel_tol=1e-9)

    def scatter_of_sizes(self) -> float:
        """The same for the sizes of rewards, by how often something was earned."""
        return _scatter(Moments(self.rewards, self.moments.reward, self.moments.squares))

    def lag(self) -> float:
        """How late rewards come, in hours; 0: at once."""
        return lag_of(self.age, self.option, self.exposure, self.reward, self.scatter)

    def delayed(self, lag: float) -> Sheet:
        """The sheet with exposures moved to the hours in which their rewards should come.

        Of those that are older than `HOURS` all rewards have come.
        """
        young = self.age < HOURS
        hour = np.maximum(self.age[young], 0).astype(int)
        hours = int(hour.max(initial=0)) + 1
        pairs, pair = np.unique(self.context[young] * self.shape[1] + self.option[young], return_inverse=True)
        places = pair * hours + (hours - 1 - hour)
        shown, earned, times = (
            np.asarray(np.bincount(places, sums[young], len(pairs) * hours), float).reshape(-1, hours)
            for sums in (self.exposure, self.reward, self.times)
        )
        expected = delayed(shown, lag)
        row, column = np.nonzero((expected > 0) | (earned != 0))
        context, option = np.divmod(pairs[row], self.shape[1])
        moved = (context, option, hours - 1.0 - column, expected[row, column], earned[row, column], times[row, column])
        kept = (one[~young] for one in (self.context, self.option, self.age, self.exposure, self.reward, self.times))
        context, option, age, exposure, reward, times = (
            np.concatenate([old, new]) for old, new in zip(kept, moved, strict=True)
        )
        return replace(
            self, late=lag, context=context, option=option, age=age, exposure=exposure, reward=reward, times=times
        )

    def late_options(self) -> NDArray[np.bool_]:
        """Whether each option was first shown when the others had long been."""
        oldest = np.zeros(self.shape[1])
        shown = self.exposure > 0
        np.maximum.at(oldest, self.option[shown], self.age[shown])
        return np.asarray(oldest < _LATE * oldest.max(initial=0.0))

    def grids(self, hours: Floats) -> tuple[Floats, Floats]:
        """Exposure and reward, [context, option], of so many of the last hours, for each context."""
        inside = self.age < hours[self.context]
        places = self.context[inside] * self.shape[1] + self.option[inside]
        size = self.shape[0] * self.shape[1]
        exposure, reward = (
            np.asarray(np.bincount(places, sums[inside], size), float).reshape(self.shape)
            for sums in (self.exposure, self.reward)
        )
        return exposure, reward


def _scatter(moments: Moments) -> float:
    rate = moments.reward / moments.exposure
    return max(moments.rest(rate) / moments.reward, 1e-9 * rate)
