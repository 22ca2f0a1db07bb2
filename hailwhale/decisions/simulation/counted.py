"""The policy that ships, over the counters that an engine would hold."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from random import Random

import numpy as np

from hailwhale.decisions.policies import Cell, Context, Model, Moments, Sums, Table, Tuning, Weights, even, fit, picked
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.tables import NOTHING
from hailwhale.decisions.policies.tuning import renewed_after

#: Hours are told apart for so many days, as far as an engine is asked for them; before that, days.
_DAY, _DAYS = 24, 7


class Counted:
    """The policy of `Whale.decide`: it remembers sums by context, option and hour, and nothing else.

    ``by_hits``  each exposure is a hit
    """

    joined = False

    def __init__(self, rng: Random, *, by_hits: bool = True, tuning: Tuning | None = None) -> None:
        self.rng, self.by_hits, self.tuning = rng, by_hits, tuning
        self.model: Model | None = None
        self._now = 0.0
        #: Of the hour that goes on, and of those before as rows like `Cell`, with the hour in place of its age.
        self._hour: defaultdict[tuple[int, int], Sums] = defaultdict(lambda: NOTHING)
        self._before: list[Floats] = []
        self._contexts: dict[Context, int] = {}
        self._options: dict[str, int] = {}
        self._live: defaultdict[Context, dict[str, Sums]] = defaultdict(dict)
        self._moments = [0.0] * 5
        self._decisions, self._next = 0, int(renewed_after(0))

    def tick(self, hours: float) -> None:
        """The clock."""
        if int(hours) != int(self._now):
            self._end_hour(int(hours) // _DAY - int(self._now) // _DAY > 0)
        self._now = hours

    def choose(self, context: Context, options: Sequence[str]) -> str:
        """An option for a visitor."""
        self._decisions += 1
        if self._decisions >= self._next:
            self._next = self._decisions + int(renewed_after(self._decisions))
            self.renew()
        return picked(self.weights(context, options), self.rng.random())

    def weights(self, context: Context, options: Sequence[str]) -> Weights:
        """The chance of each option to be chosen."""
        return self.model.weights(context, options, self._live[context]) if self.model else even(options)

    def renew(self) -> None:
        """Make a model of what was counted."""
        self.model = fit(self.table(), by_hits=self.by_hits, tuning=self.tuning)

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:
        """Count what happened."""
        key = (
            self._contexts.setdefault(context, len(self._contexts)),
            self._options.setdefault(option, len(self._options)),
        )
        self._hour[key] = _plus(self._hour[key], exposure, reward)
        live = self._live[context]
        live[option] = _plus(live.get(option, NOTHING), exposure, reward)
        for place, amount in enumerate((exposure, reward, reward**2, exposure**2, exposure * reward)):
            self._moments[place] += amount

    def table(self) -> Table:
        """What was counted, as it is read from an engine."""
        cells = np.concatenate([*self._before, self._rows()])
        self._before = [cells[: len(cells) - len(self._hour)]]
        aged = cells.copy()
        aged[:, 2] = self._now - cells[:, 2]
        return Table(list(self._contexts), list(self._options), aged, Moments(*self._moments))

    def _rows(self) -> Floats:
        """The hour that goes on."""
        hour = int(self._now)
        return np.array([(*key, hour, *sums) for key, sums in self._hour.items()], float).reshape(-1, len(Cell._fields))

    def _end_hour(self, of_day: bool) -> None:
        self._before.append(self._rows())
        self._hour.clear()
        if of_day:
            self._before = [_by_day(np.concatenate(self._before), int(self._now) // _DAY - _DAYS + 2)]


def _plus(sums: Sums, exposure: float, reward: float) -> Sums:
    return Sums(sums[0] + exposure, sums[1] + reward, sums[2] + (reward != 0))


def _by_day(cells: Floats, first: int) -> Floats:
    """The cells with the hours before a day as days."""
    old = cells[:, 2] < first * _DAY
    days = cells[old]
    days[:, 2] -= days[:, 2] % _DAY
    keys, places = np.unique(days[:, :3], axis=0, return_inverse=True)
    sums = [np.bincount(places.reshape(-1), column, len(keys)) for column in days[:, 3:].T]
    return np.concatenate([np.column_stack([keys, *sums]), cells[~old]])
