"""Answers that go on: pieces, sent as they come, until there are no more or nobody wants them any more."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from hailwhale.errors import HailWhaleError


class Pieces(ABC):
    """The body of an answer that goes on, as WSGI has it: an iterator of bytes with `close`.

    ``next`` waits for the next piece.  Whoever sends them calls `close` when it is done, whatever happened; from
    elsewhere `end` tells a sender that waits that there are no more.
    """

    def __iter__(self) -> Pieces:
        return self

    @abstractmethod
    def __next__(self) -> bytes:
        """The next piece; waits for it."""

    @abstractmethod
    def end(self) -> None:
        """There are no more pieces, for whoever waits for one, too.  From any thread, as often as you like; never
        waits."""

    @abstractmethod
    def close(self) -> None:
        """Give back what the pieces hold."""


class WhilePermitted(Pieces):
    """The same pieces, as long as whoever asked for them may have them.

    ``check``  raises once that is no longer so.  It is called before each piece is sent, so it has to be quick.
    """

    def __init__(self, pieces: Pieces, check: Callable[[], object]) -> None:
        self._pieces = pieces
        self._check = check

    def __next__(self) -> bytes:
        piece = next(self._pieces)
        try:
            self._check()
        except HailWhaleError:
            # The next request is told why.
            raise StopIteration from None
        return piece

    def end(self) -> None:
        self._pieces.end()

    def close(self) -> None:
        self._pieces.close()
