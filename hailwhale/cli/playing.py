"""Ways to choose among options, played against each other on rates that are known: what each of them loses.

Imported when something is to be played: what chooses takes time to import.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import combinations
from random import Random
from typing import NamedTuple

from hailwhale.decisions.policies import Cell, Context, Model, Moments, Table, fit, picked
from hailwhale.experiments.statistics import Headline, compare

_ANYBODY = Context.of(None)
#: A model is made anew when there are so many more decisions.
_SHARE, _LEAST, _MOST = 0.03, 20, 400


class Played(NamedTuple):
    """What one way to choose did: conversions lost against the best option, day by day, and how it ended."""

    lost: tuple[float, ...]  #: expected, on each day
    best: float  #: the share of visitors that the best option had on the last day


class Even:
    """Every option as often as the others."""

    def __init__(self, options: list[str], alpha: float) -> None:
        self.options, self.alpha = options, alpha
        self.shown: defaultdict[str, int] = defaultdict(int)
        self.won: defaultdict[str, int] = defaultdict(int)

    def choose(self, number: float, at: float) -> str:  # noqa: ARG002
        """An option for a visitor, by a number below 1, at an hour."""
        return self.options[int(number * len(self.options))]

    def learn(self, option: str, won: bool, at: float) -> None:  # noqa: ARG002
        """What came of it."""
        self.shown[option] += 1
        self.won[option] += won

    def end_day(self) -> None:
        """A look at what was counted."""


class OneTest(Even):
    """Every option as often as the others, until an always-valid test says which is the best; then that one."""

    winner: str | None = None

    def choose(self, number: float, at: float) -> str:
        return self.winner or super().choose(number, at)

    def end_day(self) -> None:
        if self.winner is None:
            self.winner = self._found()

    def _found(self) -> str | None:
        best = max(self.options, key=lambda option: self.won[option] / max(self.shown[option], 1))
        alpha = self.alpha / max(1, len(list(combinations(self.options, 2))))
        for option in self.options:
            if option != best:
                control, variant = ((self.shown[name], self.won[name]) for name in (option, best))
                headline = compare(control, variant, alpha=alpha, weights=(1, 1)).headline
                if not isinstance(headline, Headline) or headline.winner != 'variant':
                    return None
        return best


class Decisions(Even):
    """The policy of `Whale.decide`, over the same counters."""

    def __init__(self, options: list[str], alpha: float) -> None:
        super().__init__(options, alpha)
        self._hours: defaultdict[tuple[str, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._model: Model | None = None
        self._decisions, self._next = 0, _LEAST

    def choose(self, number: float, at: float) -> str:
        self._decisions += 1
        if self._decisions >= self._next:
            self._next = self._decisions + min(max(int(_SHARE * self._decisions), _LEAST), _MOST)
            self._model = fit(self._table(at))
        if self._model is None:
            return super().choose(number, at)
        live = {option: (float(self.shown[option]), float(self.won[option])) for option in self.options}
        return picked(self._model.weights(_ANYBODY, self.options, live), number)

    def learn(self, option: str, won: bool, at: float) -> None:
        super().learn(option, won, at)
        sums = self._hours[option, int(at)]
        sums[0] += 1
        sums[1] += won

    def _table(self, at: float) -> Table:
        places = {option: place for place, option in enumerate(self.options)}
        cells = [Cell(0, places[option], at - hour, *sums) for (option, hour), sums in self._hours.items()]
        won = float(sum(self.won.values()))
        return Table([_ANYBODY], self.options, cells, Moments(sum(self.shown.values()), won, won))


WAYS: Mapping[str, type[Even]] = {'even split': Even, 'test, then winner': OneTest, 'decide': Decisions}


def play(
    rates: Mapping[str, float], *, days: int, per_day: int, alpha: float, seed: int
) -> Iterator[tuple[str, Played]]:
    """Each way, with the same visitors: whom an option would convert is the same for all of them."""
    best = max(rates.values())
    for name, way in WAYS.items():
        rng, chooser = Random(seed), way(list(rates), alpha)
        lost, at_best = [], 0
        for day in range(days):
            lost.append(0.0)
            at_best = 0
            for visitor in range(per_day):
                at = 24 * (day + visitor / per_day)
                number, luck = rng.random(), rng.random()
                option = chooser.choose(number, at)
                chooser.learn(option, luck < rates[option], at)
                lost[-1] += best - rates[option]
                at_best += rates[option] == best
            chooser.end_day()
        yield name, Played(tuple(lost), at_best / per_day)
