"""How much a key may do in how long.

The algorithm is the sliding window counter of the library ``limits`` (the extra ``rates``): two counters a rate, and
what was taken in the window before fades as the current one goes on.  In no stretch of time that is as long as the
window does more than about the amount get through, and from an empty window never more than it to the last one.

It runs as a script in the engine, by the engine's own clock, so all processes and machines share one count.  It goes
out on the connections that everything else uses (`hailwhale.storage`): with their time limits, their way to a cluster's
node, and the same errors.  With the engine away nothing gets through, and the error says so.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, NamedTuple

from hailwhale.errors import InvalidInput, SettingsError, TooManyRequests
from hailwhale.intervals import DAY
from hailwhale.times import shown

if TYPE_CHECKING:
    from hailwhale.access.windows import Windows
    from hailwhale.storage.redis import Engine

_TEXT = re.compile(r'([1-9]\d{0,8})/([1-9]\d{0,4})?([smhd])', re.ASCII)
_UNITS = {'s': 1, 'm': 60, 'h': 3_600, 'd': DAY}
_LONGEST = 31 * DAY


class Rate(NamedTuple):
    """So much in so many seconds.

    >>> Rate.parse('6000/m'), str(Rate.parse('1000/10s'))
    (Rate(amount=6000, seconds=60), '1000/10s')
    """

    amount: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read ``100/s``, ``6000/m``, ``1000/10s``.  Raises `InvalidInput`."""
        match = _TEXT.fullmatch(text)
        seconds = int(match[2] or 1) * _UNITS[match[3]] if match else 0
        if match is None or seconds > _LONGEST:
            raise InvalidInput(
                f'not a rate: {shown(text)} (try 100/s, 6000/m, or 1000/10s for as much on average but up to 1000 at '
                'once; a window of 31d at the most)',
                field='rate',
            )
        return cls(int(match[1]), seconds)

    def __str__(self) -> str:
        unit, length = next(each for each in reversed(_UNITS.items()) if self.seconds % each[1] == 0)
        count = self.seconds // length
        return f'{self.amount}/{count if count > 1 else ""}{unit}'

    def wait(self, cost: int, before: int, before_ends: int, current: int, ends: int) -> float:
        """Seconds until ``cost`` fits, when nobody else takes anything; `limits` counts so:

        ``before * before_ends / window``, rounded down, plus ``current``.  The current window's key lives for two
        windows, of which the second is that in which it is the window before.  Lengths are in milliseconds.
        """
        window = self.seconds * 1000
        if 0 < ends < window:  # its time is over already, and nobody has asked since
            before, before_ends, current, ends = current, ends, 0, ends + window
        # What is rounded down may come to nearly one more.
        room = self.amount - cost + 1
        if current < room:
            wait = before_ends - (room - current) * window / before if before else 0.0
        else:
            # It becomes the window before at ``ends - window``, and fades from then on.
            wait = ends - room * window / current
        # At that very moment it is all there still.
        return (max(0.0, wait) + 1) / 1000


class Rates:
    """What keys have left of their rates."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._windows: Windows | None = None

    def spend(self, key_id: str, rate: Rate, cost: int) -> None:
        """Take so much of a key's rate, all or nothing, in one round trip.

        Raises `TooManyRequests` that says when to come again, `StorageUnavailable` when nobody can tell,
        `SettingsError` without the library: what cannot be counted is not let through.
        """
        if self._windows is None:
            self._windows = open_windows(self._engine)
        if self._windows.take(key_id, *rate, cost):
            return
        if cost > rate.amount:
            raise TooManyRequests(
                f'{cost} at once is more than the key hw_{key_id} ever lets through, {rate} (send {rate.amount} at '
                'once at the most)',
                retry_after=rate.seconds,
                field='key',
            )
        wait = max(1, math.ceil(rate.wait(cost, *self._windows.held(key_id))))
        raise TooManyRequests(
            f'more than the key hw_{key_id} lets through, {rate} (come again in {wait} s)',
            retry_after=wait,
            field='key',
        )


def open_windows(engine: Engine) -> Windows:
    """The windows in which rates are counted.  Raises `SettingsError` without the library that they need."""
    try:
        from hailwhale.access.windows import Windows
    except ImportError as cause:
        raise SettingsError(
            "rates need a library that is not installed: pip install 'hailwhale[rates]'", field='rate'
        ) from cause
    return Windows(engine)
