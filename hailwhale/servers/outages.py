"""What is wrong with the engine, told once in a while: not with every request that meets it."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable

from hailwhale.errors import StorageError

#: Seconds for which an error of one kind is not told again.
QUIET = 1.0


class Outages:
    """Tells a log of errors of the engine: each kind once a second at the most, and how many it did not tell."""

    def __init__(self, log: logging.Logger, clock: Callable[[], float] = time.monotonic) -> None:
        self._log = log
        self._clock = clock
        # By code, for messages tell numbers: when it was told last, and how many were not.
        self._told: dict[str, tuple[float, int]] = {}

    def warn(self, error: StorageError, what: str) -> None:
        """An error has come up; ``what`` says where."""
        now = self._clock()
        last, untold = self._told.get(error.code, (-math.inf, 0))
        if now - last < QUIET:
            self._told[error.code] = last, untold + 1
            return
        self._told[error.code] = now, 0
        more = f' (and {untold} times more since this was told last)' if untold else ''
        self._log.warning('%s: %s%s', what, error.message, more)
