"""Several processes that serve at one port together, and the one that started them."""

from __future__ import annotations

import logging
import multiprocessing
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from hailwhale.errors import HailWhaleError
from hailwhale.wsgi.listening import bound, url

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

_log = logging.getLogger(__name__)


class Workers:
    """Processes that listen at one port together, and the one that started them, which only waits.

    ``prepare`` is called first thing in each of them, then its one of the ``works`` with the port; by name, in a new
    process.
    """

    def __init__(self, prepare: Callable[[], None], works: Sequence[Callable[..., None]], host: str, port: int) -> None:
        self._prepare = prepare
        self._works = works
        self._host = host
        self._port = port
        self._processes: list[SpawnProcess] = []
        self._stopping = False

    def serve(self, ready: Callable[[str], object]) -> int:
        # Alone first: sharing the port with another server that shares it would be no error.
        with closing(bound(self._host, self._port, shared=False)) as alone:
            port = alone.getsockname()[1]
        # Then held, without listening, so that it stays ours whatever becomes of a worker.
        with closing(bound(self._host, port, shared=True)), self._signals():
            try:
                for started in [self._start(work, port) for work in self._works]:
                    self._await_ready(started)
                if not self._stopping:
                    ready(url(self._host, port))
                return self._wait()
            finally:
                self._stop()
                for process in self._processes:
                    process.join()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, self._stop) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _start(self, work: Callable[..., None], port: int) -> Connection:
        # New processes, not forks: whatever this one has opened or locked, they begin with nothing.
        context = multiprocessing.get_context('spawn')
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_worker, args=(self._prepare, work, port, theirs, _log_settings()))
        process.start()
        self._processes.append(process)
        theirs.close()
        if self._stopping:
            process.terminate()
        return ours

    def _await_ready(self, started: Connection) -> None:
        with started:
            try:
                error = started.recv()
            except EOFError:
                error = (
                    None if self._stopping else HailWhaleError('a worker ended before it served; its output tells why')
                )
        if error is not None:
            raise error

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for process in self._processes:
            process.terminate()

    def _wait(self) -> int:
        """Until all workers have ended; 1 when one did that by itself."""
        status = 0
        going = list(self._processes)
        while going:
            ended = wait([process.sentinel for process in going])
            for process in [process for process in going if process.sentinel in ended]:
                going.remove(process)
                process.join()
                if not self._stopping:
                    _log.error('worker %d ended with %s; %d go on', process.pid, process.exitcode, len(going))
                    status = 1
        return status


def _log_settings() -> dict[str, Any]:
    """How this process logs, so that its workers log alike, to standard error."""
    root = logging.getLogger()
    formats = [handler.formatter._fmt for handler in root.handlers if handler.formatter]
    return {'level': root.level, 'format': formats[0] if formats else None}


def _worker(
    prepare: Callable[[], None],
    work: Callable[..., None],
    port: int,
    starter: Connection,
    log_settings: dict[str, Any],
) -> None:
    """A process of several."""
    prepare()
    logging.basicConfig(**log_settings)
    # A terminal's ^C goes to all; it is for the one that started us to say when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with starter:
        try:
            work(port, shared=True, ready=lambda _: starter.send(None))
        except HailWhaleError as error:
            _end_undisturbed()
            starter.send(error)
        finally:
            _end_undisturbed()


def _end_undisturbed() -> None:
    """This process ends by itself: to be told so as well must not cut that short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
