"""The shipped policy behind the interface of a simulator that knows dimensions, metrics and seconds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from hailwhale.decisions.policies import Context
from hailwhale.decisions.simulation import Counted

_HOUR = 3_600


class Policy:
    """Chooses, and learns from counters alone.  ``formula`` is ``earned/hits``, or another ratio; more is better."""

    split_events = True

    def __init__(self, seed: int = 0, formula: str = 'earned/hits') -> None:
        self._earned, self._spent = formula.split('/')
        self._way = Counted(Random(seed), by_hits=self._spent == 'hits')
        self._known: dict[int, tuple[Mapping[str, Any], Context]] = {}

    def tick(self, now: float) -> None:
        """The clock, in seconds."""
        self._way.tick(now / _HOUR)

    def choose(self, context: Mapping[str, Any], options: Sequence[str]) -> str:
        """An option for a visitor."""
        return self._way.choose(self._context(context), options)

    def reward(self, option: str, context: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Count what happened."""
        exposure, reward = metrics.get(self._spent, 0), metrics.get(self._earned, 0)
        self._way.learn(option, self._context(context), exposure, reward)

    def _context(self, given: Mapping[str, Any]) -> Context:
        """The context of some dimensions, which a simulator gives as the same object each time."""
        known = self._known.get(id(given))
        if known is None or known[0] is not given:
            known = self._known[id(given)] = given, Context.of(given)
        return known[1]
