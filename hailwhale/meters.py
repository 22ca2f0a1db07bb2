"""What a process has done, in plain numbers: written on every request, read when somebody asks for metrics.

Nothing here is locked.  Under threads a number may rarely miss one; what was counted for users is not here.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from hailwhale.errors import HailWhaleError, TokenRefused

T = TypeVar('T')
Result = TypeVar('Result')

#: Seconds: from less than a round trip to longer than anybody waits.
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
#: Events of one round trip.
SIZES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0)
#: Looks at the lists that are remembered; when there are more, every other one of them is forgotten.
_MOST_LOOKS = 512
#: Seconds between two looks that are remembered.
_APART = 1.0
#: Seconds over which a speed is measured, at the least.
_SPEED_OVER = 10.0


class Histogram:
    """How often something was at most how much.

    >>> histogram = Histogram((1, 10))
    >>> for value in (0.5, 10, 99):
    ...     histogram.observe(value)
    >>> histogram.cumulated(), histogram.total
    ([1, 2, 3], 109.5)
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def cumulated(self) -> list[int]:
        """For each bound how many were at most that; last, how many there were."""
        sums, count = [], 0
        for one in self.counts:
            count += one
            sums.append(count)
        return sums


class Meters:
    """What one process has taken, refused, pushed and answered since it started."""

    def __init__(self) -> None:
        #: Events that were kept, by the way they came: ``get``, ``post``, ``pixel``.
        self.taken: defaultdict[str, int] = defaultdict(int)
        #: Events that were not kept, by the code of the error; for sealed pixels ``token_`` and the reason.
        self.refused: defaultdict[str, int] = defaultdict(int)
        self.push_sizes = Histogram(SIZES)
        self.push_seconds = Histogram(SECONDS)
        #: Streams that are open; and by kind, events that were sent on them: ``all``, ``points``, ``problem``.
        self.streams = 0
        self.streamed: defaultdict[str, int] = defaultdict(int)
        #: By path, how long requests took; by path and status, how many there were.
        self.request_seconds: defaultdict[str, Histogram] = defaultdict(lambda: Histogram(SECONDS))
        self.answers: defaultdict[tuple[str, int], int] = defaultdict(int)

    def refuse(self, error: Exception, count: int = 1) -> None:
        """Events were refused for this."""
        self.refused[reason_of(error)] += count

    def answered(self, path: str, status: int, seconds: float) -> None:
        """A request was answered."""
        self.request_seconds[path].observe(seconds)
        self.answers[path, status] += 1

    def measured(
        self, push: Callable[[Mapping[int, Sequence[T]]], Result]
    ) -> Callable[[Mapping[int, Sequence[T]]], Result]:
        """The same push, with its round trips counted."""

        def pushed(arrivals: Mapping[int, Sequence[T]]) -> Result:
            began = time.perf_counter()
            try:
                return push(arrivals)
            finally:
                self.push_seconds.observe(time.perf_counter() - began)
                self.push_sizes.observe(sum(map(len, arrivals.values())))

        return pushed


def reason_of(error: Exception) -> str:
    """One word for why something was refused.

    >>> reason_of(TokenRefused('expired')), reason_of(KeyError('a'))
    ('token_expired', 'internal')
    """
    if isinstance(error, TokenRefused):
        return f'token_{error.reason}'
    return error.code if isinstance(error, HailWhaleError) else 'internal'


class Look(NamedTuple):
    """The lists of waiting events as they were once."""

    time: float
    taken: tuple[int, ...]  #: by shard, events that had been taken off since the store was made
    waiting: tuple[int, ...]  #: by shard, events that waited

    def pushed(self, shard: int) -> int:
        """How many events had been put on the list."""
        return self.taken[shard] + self.waiting[shard]


class Lags:
    """How long events wait, from looks at the lists.

    Nothing is written with an event for this.  The event at the head of a list was put there after the last look that
    did not count it; so the time since that look is what it has waited at the most.  The more often somebody looks, the
    more exact that is.  After a start the first look stands for all that was before: the lag grows from 0 then, until
    what had waited has been drained.
    """

    def __init__(self) -> None:
        self._looks: list[Look] = []

    def look(self, time: float, taken: Sequence[int], waiting: Sequence[int]) -> None:
        """Remember how the lists are."""
        looks = self._looks
        if len(looks) >= _MOST_LOOKS:
            # Those of long ago thin out: what waits for an hour is told to the minute.
            del looks[1:-1:2]
        if len(looks) > 1 and time - looks[-2].time < _APART:
            looks.pop()
        looks.append(Look(time, tuple(taken), tuple(waiting)))

    def _before_head(self, shard: int) -> int:
        """The last look before which the head of a list had not come; the first one where all had seen it."""
        head = self._looks[-1].taken[shard]
        for place in range(len(self._looks) - 1, 0, -1):
            if self._looks[place].pushed(shard) <= head:
                return place
        return 0

    def seconds(self) -> float:
        """How long the oldest event has waited, at the most; 0 when none waits."""
        if not self._looks:
            return 0.0
        last = self._looks[-1]
        waits = [shard for shard, waiting in enumerate(last.waiting) if waiting]
        return max((last.time - self._looks[self._before_head(shard)].time for shard in waits), default=0.0)

    def speed(self) -> float:
        """Events that are taken off in a second, over the last ten seconds or since the first look."""
        if len(self._looks) < 2:
            return 0.0
        last = self._looks[-1]
        before = [look for look in self._looks[:-1] if look.time <= last.time - _SPEED_OVER]
        first = before[-1] if before else self._looks[0]
        # Where two looks fell on the same moment, or the clock was put back, nobody can tell.
        return (sum(last.taken) - sum(first.taken)) / (last.time - first.time) if last.time > first.time else 0.0
