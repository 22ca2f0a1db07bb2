"""A progress bar on standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from hailwhale.cli.drawing import bar, plain

if TYPE_CHECKING:
    from hailwhale.importing import Imported

_WIDTH = 24
_PAUSE = 0.1


class Bar:
    """How far an import is, how fast, and how long it will still take; one line that is written over.

    Shown on a terminal alone, or ``always``.  Without a terminal a line is written every ten percent.
    """

    def __init__(self, what: str, *, always: bool = False, clock: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._terminal = sys.stderr.isatty()
        self._shown = always or self._terminal
        self._clock = clock
        self._began = clock()
        self._drawn = -1.0
        self._tenths = 0
        self._width = 0

    def show(self, imported: Imported) -> None:
        """Draw how far it is."""
        if not self._shown:
            return
        now = self._clock()
        if self._terminal:
            if imported.share < 1 and now - self._drawn < _PAUSE:
                return
            self._drawn = now
            self._write(self._line(imported, now))
        elif int(imported.share * 10) > self._tenths:
            self._tenths = int(imported.share * 10)
            print(self._line(imported, now), file=sys.stderr, flush=True)

    def _line(self, imported: Imported, now: float) -> str:
        seconds = max(now - self._began, 1e-3)
        drawn = bar(imported.share, _WIDTH).ljust(_WIDTH)
        text = f'{self._what} {drawn} {imported.share:4.0%}  {imported.rows:,} rows  {imported.rows / seconds:,.0f}/s'
        if 0 < imported.share < 1:
            text += f'  {_span(seconds / imported.share - seconds)} left'
        try:
            text.encode(sys.stderr.encoding or 'ascii')
        except UnicodeEncodeError:
            return plain(text)
        return text

    def _write(self, text: str) -> None:
        print(f'\r{text.ljust(self._width)}', end='', file=sys.stderr, flush=True)
        self._width = len(text)

    def clear(self) -> None:
        """Take the line away, so that something else can be written."""
        if self._width:
            print(f'\r{" " * self._width}\r', end='', file=sys.stderr, flush=True)
            self._width = 0

    def __enter__(self) -> Bar:
        return self

    def __exit__(self, *_: object) -> None:
        if self._width:
            print(file=sys.stderr, flush=True)


def _span(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f'{minutes}:{rest:02} min' if minutes else f'{rest} s'
