"""Time as tests set it."""

from __future__ import annotations

#: Sunday, 22 November 2037, 18:41:40 UTC.  Ahead of the engines' own clocks, which drop what has expired.
NOW = 2_142_528_100


class Clock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
