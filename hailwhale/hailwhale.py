"""Hail and whale on one engine, as one object."""

from __future__ import annotations

import time
from collections.abc import Callable

from hailwhale.hail import Hail
from hailwhale.keyrings import keyring
from hailwhale.pixels import Pixel, seal
from hailwhale.settings import Settings
from hailwhale.shared import HasDefault, shared
from hailwhale.whale import Whale


class HailWhale(HasDefault):
    """A whale and the hail in front of it: ``.hail`` takes floods, ``.whale`` counts at once and answers.

    Arguments as for `Whale`.
    """

    def __init__(
        self, url: str | None = None, *, settings: Settings | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self.whale = Whale(url, settings=settings, clock=clock)
        self.hail = Hail(self.whale)

    @shared
    def seal(self, pixel: Pixel) -> str:
        """A token for ``/pixel/TOKEN.gif``: it counts what the pixel says and nothing else.

        Sealed with the first key of HAILWHALE_SECRET, or with that of the store, which is made at the first use.
        Raises `InvalidInput` for a pixel that could not be counted.
        """
        whale = self.whale
        return seal(keyring(whale.storage, whale.settings), pixel, now=whale.clock(), limits=whale.settings.limits)

    def close(self) -> None:
        """Hang up."""
        self.whale.close()

    def __enter__(self) -> HailWhale:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
