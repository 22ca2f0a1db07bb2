"""Sliding windows: the algorithm of the library ``limits``, on our connections to the engine.

The only file that knows the library, an extra; `hailwhale.access.rates` imports it when a rate is first asked.
"""

from __future__ import annotations

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter

from hailwhale.errors import StorageError
from hailwhale.storage import access
from hailwhale.storage.redis import Engine


class _OurEngine(RedisStorage):
    """Where `limits` counts.  Its own client would have connections, time limits and errors of its own."""

    STORAGE_SCHEME: list[str] = []  # noqa: RUF012 - as it is declared there; no address leads here

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @property
    def base_exceptions(self) -> type[Exception]:
        return StorageError

    wrap_exceptions = False

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        return access.take(self.engine, key, self.SCRIPT_ACQUIRE_SLIDING_WINDOW, [limit, expiry, amount])


class Windows:
    """What was taken lately, by name."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._limiter = SlidingWindowCounterRateLimiter(_OurEngine(engine))

    def take(self, name: str, amount: int, seconds: int, cost: int) -> bool:
        """Take ``cost`` where no more than ``amount`` was taken in ``seconds`` with it; whether it was taken."""
        return self._limiter.hit(_Item(amount, seconds), name, cost=cost)

    def held(self, name: str) -> tuple[int, int, int, int]:
        """Of the window before the current one, and of the current one: what was taken, and for how many milliseconds
        that is remembered."""
        return access.window(self._engine, name)


class _Item(RateLimitItemPerSecond):
    """A rate, counted under the bare name: what else would be in it never changes for one key."""

    __slots__ = ()

    def key_for(self, *identifiers: bytes | str | int | float) -> str:
        return str(identifiers[0])
