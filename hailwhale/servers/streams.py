"""Live plotpoints as server-sent events: whoever watches is told what has changed, within a second.

::

    retry: 2000                        how many milliseconds a browser waits before it comes back

    id: 1700000000000123456789012      grows; whoever comes back with it is told nothing that it knows
    event: all                         the answer of /plotpoints: at first, and when its buckets or dimensions change
    data: {"_":{"hits":[[1699999200000,1],[1700002800000,2]]}}

    id: 1700000000500456789012345
    event: points                      of it the buckets whose numbers have changed
    data: {"_":{"hits":[[1700002800000,3]]}}

    event: problem                     an error, as all answers have it; ``all`` follows when it is over

However many watch, a question is asked of the engine once: by its `Watcher`, which is there while anybody watches.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import ujson

from hailwhale.errors import HailWhaleError, StorageError, TooManyStreams
from hailwhale.meters import Meters
from hailwhale.servers.outages import Outages
from hailwhale.servers.params import refusal
from hailwhale.servers.pieces import Pieces
from hailwhale.servers.versions import Event, Found, Versions
from hailwhale.whale import Whale

#: Seconds from one look to the next; where a look takes longer than half of that, as long as it took.
EVERY = 0.5
#: Seconds without an event after which a line without a meaning is sent.
QUIET = 15.0
#: Milliseconds after which a browser comes back.
RETRY = 2_000
#: The name of the threads that look.
THREAD = 'hailwhale-watcher'

_HEAD = b'retry: %d\n\n' % RETRY
_NOTHING = b': \n\n'

_log = logging.getLogger(__name__)


class Streams:
    """The streams of a process.

    ``whale``   answers the questions
    ``most``    that may be open at the same time, by default what the setting ``max_streams`` says
    ``meters``  where it is noted how many are open, and what was sent
    """

    def __init__(self, whale: Whale, *, most: int | None = None, meters: Meters | None = None) -> None:
        self._whale = whale
        self._most = whale.settings.max_streams if most is None else most
        self._meters = meters or Meters()
        self._outages = Outages(_log)
        self._lock = threading.Lock()
        self._watchers: dict[str, Watcher] = {}
        self._ended: list[Watcher] = []  # that may be looking still

    def open(self, question: dict[str, Any], last_id: str = '') -> Pieces:
        """Watch the answer to a question, the arguments of `Whale.plotpoints`: what is told of it, piece by piece.

        ``last_id``  the last id that whoever asks was told, by any process

        Waits for the first look.  Raises what is wrong with the question, and `TooManyStreams`; that the engine is away
        is told on the stream.
        """
        viewer, is_new = self._enter(question)
        try:
            if is_new:
                viewer.watcher.start()
            viewer.begin(last_id)
        except BaseException:
            viewer.close()
            raise
        return viewer

    def _enter(self, question: dict[str, Any]) -> tuple[Viewer, bool]:
        """Another viewer, and whether it needs a watcher that has yet to be started."""
        asked = repr(sorted(question.items()))
        with self._lock:
            if self._meters.streams >= self._most:
                raise TooManyStreams(
                    f'{self._meters.streams} streams are open, and {self._most} may (ask /plotpoints now and then '
                    'instead, or let more open with HAILWHALE_MAX_STREAMS)'
                )
            self._meters.streams += 1
            watcher = self._watchers.get(asked)
            is_new = watcher is None or watcher.failure is not None
            if watcher is None or is_new:
                watcher = self._watchers[asked] = Watcher(asked, self._whale, question, self._outages)
            viewer = Viewer(watcher, self._meters, self._leave)
            watcher.viewers.add(viewer)
            # Not started here: it would be waited for, and nothing else might be opened or closed meanwhile.
            return viewer, is_new

    def _leave(self, viewer: Viewer) -> None:
        watcher = viewer.watcher
        with self._lock:
            self._meters.streams -= 1
            watcher.viewers.discard(viewer)
            if watcher.viewers:
                return
            if self._watchers.get(watcher.asked) is watcher:
                del self._watchers[watcher.asked]
            self._ended = [*(each for each in self._ended if each.looks), watcher]
        watcher.end()

    def close(self) -> None:
        """End all streams, and wait until nobody looks any more."""
        with self._lock:
            watchers = [*self._watchers.values(), *self._ended]
            self._watchers, self._ended = {}, []
        for watcher in watchers:
            watcher.end()
        for watcher in watchers:
            watcher.join()


class Watcher:
    """Looks at the answer to one question, and wakes those who watch when it has changed; until it is ended."""

    def __init__(self, asked: str, whale: Whale, question: dict[str, Any], outages: Outages) -> None:
        self.asked = asked
        self.viewers: set[Viewer] = set()
        #: Why there is no more to be told: what is wrong with the question.
        self.failure: Exception | None = None
        self._whale = whale
        self._question = question
        self._outages = outages
        self._is_away = False
        self._ending = threading.Event()
        self._looks_no_more = threading.Event()
        #: Held for moments only.
        self._lock = threading.Lock()
        self._versions = Versions()

    def start(self) -> None:
        """Look, in a thread."""
        threading.Thread(target=self._run, name=THREAD, daemon=True).start()

    @property
    def looks(self) -> bool:
        """Whether it may look, or is looking."""
        return not self._looks_no_more.is_set()

    @property
    def has_ended(self) -> bool:
        """Whether nothing new comes any more."""
        return self._ending.is_set()

    def end(self) -> None:
        """Look no more."""
        self._ending.set()
        self._wake()

    def join(self) -> None:
        """Wait until it looks no more."""
        # A thread of greenlets that has ended is waited for as if it had not.
        self._looks_no_more.wait()

    def _run(self) -> None:
        pause = 0.0
        try:
            while not self._ending.wait(pause):
                began = time.perf_counter()
                if self._look():
                    self._wake()
                took = time.perf_counter() - began
                pause = max(EVERY - took, took)
        finally:
            self._looks_no_more.set()

    def _look(self) -> bool:
        """Whether there is anything new to tell."""
        try:
            found: Found = self._whale.plotpoints(**self._question, points='ms')
        except StorageError as error:
            if self._is_away:
                return False
            self._is_away = True
            self._outages.warn(error, 'a stream')
            self._interrupt(error)
            return True
        except Exception as error:
            if not isinstance(error, HailWhaleError):
                _log.exception('a stream failed')
            self.failure = error
            self._interrupt(error)
            self._ending.set()
            return True
        self._is_away = False
        with self._lock:
            return self._versions.look(found, self._moment())

    def _interrupt(self, error: Exception) -> None:
        with self._lock:
            # In ASCII: a message may quote what no encoding has a byte for.
            problem = ujson.dumps(refusal(error).body, escape_forward_slashes=False).encode()
            self._versions.interrupt(problem, self._moment())

    def _moment(self) -> int:
        return int(self._whale.clock() * 1_000)

    def _wake(self) -> None:
        for viewer in tuple(self.viewers):
            viewer.wake()

    # -- what viewers ask --------------------------------------------------------------------------------------------

    @property
    def has_looked(self) -> bool:
        """Whether there is anything to tell."""
        return self._versions.number > 0

    def knows(self, last_id: str) -> int:
        """The version that somebody knows who was told an id last."""
        with self._lock:
            return self._versions.knows(last_id)

    def since(self, version: int) -> tuple[int, Event | None]:
        """The newest version, and what is told of it to somebody who knows an earlier one."""
        with self._lock:
            return self._versions.number, self._versions.since(version)


class Viewer(Pieces):
    """One stream: what its client knows, and nothing that waits for it."""

    def __init__(self, watcher: Watcher, meters: Meters, leave: Callable[[Viewer], object]) -> None:
        self.watcher = watcher
        self._meters = meters
        self._leave = leave
        self._version = 0
        self._head = _HEAD
        self._woken = threading.Event()
        self._has_ended = False
        self._is_open = True

    def begin(self, last_id: str) -> None:
        """Wait for the first look.  Raises what is wrong with the question."""
        watcher = self.watcher
        while not watcher.has_looked and not watcher.has_ended:
            self._woken.wait()
            self._woken.clear()
        if watcher.failure is not None:
            raise watcher.failure
        self._version = watcher.knows(last_id)

    def __next__(self) -> bytes:
        head, self._head = self._head, b''
        while True:
            # First: whatever comes from here on wakes us.
            self._woken.clear()
            if self._has_ended:
                raise StopIteration
            piece = self._news()
            if head or piece:
                return head + piece
            if self.watcher.has_ended:
                raise StopIteration
            if not self._woken.wait(QUIET):
                return _NOTHING

    def _news(self) -> bytes:
        self._version, event = self.watcher.since(self._version)
        if event is None:
            return b''
        self._meters.streamed[event.kind] += 1
        return event.text

    def wake(self) -> None:
        """There may be something new."""
        self._woken.set()

    def end(self) -> None:
        self._has_ended = True
        self._woken.set()

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._leave(self)
