"""Ways to choose among options."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Protocol

from hailwhale.decisions.contexts import Context


class Way(Protocol):
    """What chooses, and learns from what comes of it."""

    #: Whether it wants to know of an exposure only together with its reward.  Else it learns what counters do: an
    #: exposure at once, and a reward when there is one.
    joined: bool

    def tick(self, hours: float) -> None:
        """The clock."""

    def choose(self, context: Context, options: Sequence[str]) -> str:
        """An option for a visitor."""

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:
        """What an option did."""


class Even:
    """Every option as often as the others."""

    joined = False

    def __init__(self, rng: Random) -> None:
        self.rng = rng

    def tick(self, hours: float) -> None:
        """It needs no clock."""

    def choose(self, context: Context, options: Sequence[str]) -> str:  # noqa: ARG002
        """Any option."""
        return options[int(self.rng.random() * len(options))]

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:
        """It does not learn."""
