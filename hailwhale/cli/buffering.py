"""``hailwhale drain``, ``dead`` and ``tail``: what waits, what could not be counted, what comes in."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hailwhale.cli.options import COUNTING, clean, natural, note, positive, value_of, whale_of

if TYPE_CHECKING:
    from hailwhale.draining import Drained

_DRAINING = (*COUNTING, 'max_children', 'ids_kept')
#: Seconds between two lines of progress, and between two looks at what came in.
_OFTEN = 1.0
_LOOK = 0.25


def drain_options(parser: ArgumentParser) -> None:
    """The options of ``drain``."""
    parser.add_argument('--forever', action='store_true', help='go on until SIGTERM or Ctrl-C, whatever still comes')
    parser.add_argument('--limit', type=positive, metavar='N', help='at most so many events')
    parser.add_argument('--progress', action='store_true', help='show progress even where that is no terminal')
    parser.set_defaults(run=drain, settings=_DRAINING)


def drain(arguments: Namespace) -> None:
    """Bring what waits into the counters."""
    import logging

    from hailwhale.hail import Hail

    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format='%(asctime)s %(levelname)s %(message)s')
    progress = _Progress(always=arguments.progress)
    began = time.monotonic()
    with whale_of(arguments) as whale, _stopped_by_signals() as stopping:
        count = Hail(whale).drain(arguments.limit, arguments.forever, stopping=stopping, progress=progress.show)
    progress.clear()
    seconds = time.monotonic() - began
    print(f'drained {count:,} events in {seconds:.1f} s' + (f', {progress.dead:,} put aside' if progress.dead else ''))


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """What SIGTERM and Ctrl-C set, so that the slice under way is finished."""
    stopping = threading.Event()
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: stopping.set()) for number in numbers]
    try:
        yield stopping
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


class _Progress:
    """How far a drain is, on one line that is written over; without a terminal only where it is asked for."""

    def __init__(self, *, always: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self._terminal = sys.stderr.isatty()
        self._shown = always or self._terminal
        self._clock = clock
        self._last = -_OFTEN
        self._width = 0
        self.dead = 0

    def show(self, drained: Drained) -> None:
        """Draw how far it is, once a second at the most."""
        self.dead = drained.dead
        now = self._clock()
        if not self._shown or now - self._last < _OFTEN:
            return
        self._last = now
        line = f'{drained.events:,} events, {drained.rate:,.0f}/s, {drained.backlog:,} wait'
        if drained.backlog:
            line += f', {drained.behind:.0f} s behind'
        if self._terminal:
            self._width = max(self._width, len(line))
            print(f'\r{line.ljust(self._width)}', end='', file=sys.stderr, flush=True)
        else:
            note(line)

    def clear(self) -> None:
        """Take the line away."""
        if self._width:
            print(f'\r{" " * self._width}\r', end='', file=sys.stderr, flush=True)


# -- what could not be counted ---------------------------------------------------------------------------------------


def dead_options(parser: ArgumentParser) -> None:
    """The options of ``dead``."""
    parser.add_argument('--limit', type=positive, metavar='N', default=20, help='at most so many, the newest; 20')
    parser.add_argument('--again', action='store_true', help='put all of them back, to be drained once more')
    parser.add_argument('--json', action='store_true', help='print JSON, a line each')
    parser.set_defaults(run=dead, settings=_DRAINING)


def dead(arguments: Namespace) -> None:
    """Show the events that were put aside, and why."""
    from hailwhale.hail import Hail

    with whale_of(arguments) as whale:
        hail = Hail(whale)
        if arguments.again:
            print(f'put back {hail.dead_again():,} events')
            return
        found = hail.dead(arguments.limit)
    for one in found:
        print(json.dumps(one, ensure_ascii=False) if arguments.json else _dead_line(one))
    if not found and not arguments.json:
        print('none')


def _dead_line(one: dict[str, Any]) -> str:
    """One event that was put aside."""
    return f'{_time(one.get("at"))}  {clean(str(one["reason"]))}  {clean(str(one["event"]))}'


def _time(milliseconds: Any) -> str:
    if not milliseconds:
        return '-'
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(' ', 'seconds').removesuffix('+00:00')


# -- what comes in ---------------------------------------------------------------------------------------------------


def tail_options(parser: ArgumentParser) -> None:
    """The options of ``tail``."""
    parser.add_argument('pk', metavar='PK', nargs='?', help='only what is counted under it')
    parser.add_argument('--uid', metavar='UID', help='only what this visitor did')
    parser.add_argument('-n', type=natural, default=10, dest='count', metavar='N', help='begin with the last N; 10')
    parser.add_argument('--no-follow', dest='follow', action='store_false', help='show those, and end')
    parser.add_argument('--json', action='store_true', help='print JSON, a line each')
    parser.set_defaults(run=tail, settings=COUNTING)


def tail(arguments: Namespace) -> None:
    """Show events as the buffer takes them; those that are counted directly leave no trace in its log."""
    from hailwhale.hail import Hail

    with whale_of(arguments) as whale, _stopped_by_signals() as stopping:
        hail, pk = Hail(whale), value_of(arguments.pk, 'pk')
        before: list[dict[str, Any]] = hail.spy(pk, uid=arguments.uid)
        _print(before[: arguments.count], arguments)
        while arguments.follow and not stopping.wait(_LOOK):
            now = hail.spy(pk, uid=arguments.uid)
            _print(newer(before, now), arguments)
            before = now


def newer(before: list[Any], now: list[Any]) -> list[Any]:
    """What a log, newest first, holds now and did not hold before; an older end may be gone.

    >>> newer([3, 2, 1], [5, 4, 3, 2])
    [5, 4]
    """
    counts = range(len(now) + 1)
    return next(now[:count] for count in counts if now[count:] == before[: len(now) - count])


def _print(events: list[dict[str, Any]], arguments: Namespace) -> None:
    """Events, which come newest first, in the order in which they happened."""
    for one in reversed(events):
        print(json.dumps(one, ensure_ascii=False) if arguments.json else _tail_line(one), flush=True)


def _tail_line(one: dict[str, Any]) -> str:
    metrics = ' '.join(f'{name}={amount}' for name, amount in one['metrics'].items())
    parts = (
        _time(one['at']),
        '/'.join(map(str, one['pk'])),
        metrics,
        json.dumps(one['dimensions'], ensure_ascii=False),
    )
    return '  '.join(map(clean, parts))
