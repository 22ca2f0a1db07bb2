"""What is known of a decision: its model, and when it is time for a new one."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import getpid
from typing import NamedTuple

from hailwhale.choices import Weights
from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies import Model, Sums
from hailwhale.decisions.policies.tuning import renewed_after
from hailwhale.decisions.reading import Asked, Taken, Today

#: A model is made anew after so many seconds.
_OLD = 30.0
#: Making models takes this share of the time at the most, and a model serves for so many seconds at the least.  Of the
#: first decisions each teaches much: then it may take more.
_BUSY, _YOUNG = 0.01, 0.5
_FIRST, _BUSY_FIRST, _YOUNG_FIRST = 5_000, 0.3, 0.05
#: However long a model took, the next one is not put off for longer than this.
_LONGEST = 600.0
#: Whoever asks after a pause waits for a new model, where that takes no longer than ``_QUICK``: one that is older than
#: ``_TOO_OLD``, or made of nothing and older than ``_BLANK``, says too little.
_QUICK, _TOO_OLD, _BLANK = 0.2, 2 * _OLD, 1.0
#: Whoever asks for reasons takes a model that is younger: a page that shows many would have one made for each.
_FRESH = 1.0


class Seen(NamedTuple):
    """The weights of options in a context, and what they are of."""

    model: Model  #: which the rest is of
    context: Context  #: in which it was looked at
    live: dict[str, Sums] | None  #: sums by now, at least in the fields that the model asks for
    weights: Weights
    read: float  #: when, on the clock that never goes back


class Lock:
    """A lock of each process: a fork may leave that of its parent to nobody, for ever."""

    def __init__(self) -> None:
        self._by_process: dict[int, threading.Lock] = {}

    def own(self) -> threading.Lock:
        """That of this process."""
        pid = getpid()
        return self._by_process.get(pid) or self._by_process.setdefault(pid, threading.Lock())


@dataclass(slots=True)
class Known:
    """A model, and how old it is."""

    asked: Asked
    least: bool
    today: Today  #: reads what was counted lately
    learned: tuple[Taken, Model] | None = None
    missing: str | None = None  #: what was never counted, where something else was
    failed: bool = False  #: whether the last try to make a model failed
    made: float = 0.0  #: when that was last tried
    took: float = 0.0  #: seconds
    decisions: int = 0  #: since then
    counted: float = 0.0  #: exposures that were seen since then, whoever decided
    stirred: bool = False  #: whether something was earned since then, of which the model knows nothing at all
    total: int = 0  #: decisions of this process
    busy: int = 0  #: the process that makes a new one
    stuck: bool = False  #: whether the last try to have one made behind could not begin
    seen: dict[str, Seen] = field(default_factory=dict)  #: by context
    lock: Lock = field(default_factory=Lock)

    def due(self, now: float) -> bool:
        """Whether it is time for a new model, made behind."""
        if not self._rested(now):
            return False
        if now - self.made > _OLD:
            return True
        enough = max(self.decisions, self.counted) >= renewed_after(self._exposure)
        return not self.failed and (self.stirred or enough)

    def overdue(self, now: float) -> bool:
        """Whether a decision is to wait for a new model."""
        if self.failed or self.took > _QUICK or not self._rested(now):
            return False
        return self.stirred or now - self.made > (_BLANK if self._is_blank else _TOO_OLD)

    def stale(self, now: float) -> bool:
        """Whether reasons are to wait for a new model."""
        return not self.failed and now - self.made >= max(_FRESH, self.took / _BUSY_FIRST)

    def renewed(self, learned: tuple[Taken, Model], now: float, took: float) -> None:
        """Take a model that was made."""
        self.learned, self.seen, self.made, self.took = learned, {}, now, took

    def saw(self, live: Mapping[str, Sums], before: Mapping[str, Sums]) -> None:
        """Note what was counted since the last look, by option."""
        pairs = [(live[option], before[option]) for option in live]
        if self.asked.by_hits:
            self.counted += sum(max(now.exposure - old.exposure, 0.0) for now, old in pairs)
        if self._is_blank:
            # Weights stay even until something is earned; of a ratio either side may be what is missing.
            by_hits = self.asked.by_hits
            self.stirred |= any(
                now.reward != old.reward or not (by_hits or now.exposure == old.exposure) for now, old in pairs
            )

    @property
    def size(self) -> int:
        """Sums and weights that are held."""
        return len(self.seen) * len(self.asked.options) + (len(self.learned[1].whole) if self.learned else 0)

    @property
    def _is_blank(self) -> bool:
        """Whether all options are alike because nothing was earned yet."""
        return self.learned is None or self.learned[1].often is None

    @property
    def _exposure(self) -> float:
        return self.learned[0].table.moments.exposure if self.learned and self.asked.by_hits else 0.0

    def _rested(self, now: float) -> bool:
        """Whether making another model would not take too much of the time."""
        first = max(self._exposure, self.total) < _FIRST
        busy, young = (_BUSY_FIRST, _YOUNG_FIRST) if first else (_BUSY, _YOUNG)
        return now - self.made >= min(max(young, self.took / busy), _LONGEST)
