"""Group commit: events that arrive while a push is under way share the next one.

A push is one round trip to the engine, whether it brings one event or thousands.  So nobody pushes alone: whoever has
an event puts it with the others, and the first who gets the turn pushes them all.  Each is answered only when the push
that held it has returned: an event that was answered True is kept.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import TYPE_CHECKING

from hailwhale.errors import StorageError, StorageUnavailable

if TYPE_CHECKING:
    from hailwhale.storage import Arrival

    Sharded = tuple[int, Arrival]
    Push = Callable[[Mapping[int, Sequence[Arrival]]], Mapping[int, Sequence[bool] | StorageError]]

#: Whether an event was kept (False: the sealed pixel that it came by is used up), or why it was not.
Outcome = bool | StorageError
#: Events of one push, unless a single request has more: the engine takes them in a few milliseconds, and others wait.
MOST = 5_000

_log = logging.getLogger(__name__)


class Gathering:
    """Gathers events, and pushes them together.  Safe for threads and greenlets.

    ``push``  as `hailwhale.storage.Storage.push`: keeps the events of each shard; answers for each shard what became
              of its events, in their order, or why none was kept
    """

    def __init__(self, push: Push) -> None:
        self._push = push
        self._pending: deque[tuple[Sequence[Sharded], Callable[[list[Outcome]], object]]] = deque()
        self._turn = threading.Lock()

    def push(self, arrivals: Sequence[Sharded]) -> list[Outcome]:
        """Wait until all of these are kept or refused; what became of each, in their order."""
        outcomes: list[list[Outcome]] = []
        self._pending.append((arrivals, outcomes.append))
        while not outcomes:
            with self._turn:
                # Who had the turn before may have pushed ours with theirs.
                if not outcomes:
                    self._round()
        return outcomes[0]

    def submit(self, shard: int, arrival: Arrival, answer: Callable[[Outcome], object]) -> None:
        """Put an event with the others, without waiting.

        ``answer`` is called when the outcome is known, in whichever thread or greenlet pushes; it must not wait.
        Somebody has to `work` after this.
        """
        self._pending.append((((shard, arrival),), lambda outcomes: answer(outcomes[0])))

    def work(self) -> None:
        """Push until nothing is pending."""
        while self._pending:
            with self._turn:
                self._round()

    def _round(self) -> None:
        """Push what is pending, and tell everybody what became of theirs."""
        taken = list(self._some())
        by_shard: defaultdict[int, list[Arrival]] = defaultdict(list)
        for arrivals, _ in taken:
            for shard, arrival in arrivals:
                by_shard[shard].append(arrival)
        unknown = repeat(StorageUnavailable('the push was cut off: nobody knows whether the event was kept'))
        found: Mapping[int, Iterator[Outcome]] = {}
        try:
            found = self._pushed(by_shard)
        finally:
            # Whatever ends this one, the others must not wait for ever.
            for arrivals, answer in taken:
                outcomes = [next(found.get(shard, unknown)) for shard, _ in arrivals]
                try:
                    answer(outcomes)
                except Exception:
                    _log.exception('what became of an event could not be told')

    def _some(self) -> Iterator[tuple[Sequence[Sharded], Callable[[list[Outcome]], object]]]:
        """Take from what is pending as much as is pushed at once, and one at least."""
        room = MOST
        while self._pending and room > 0:
            taken = self._pending.popleft()
            room -= len(taken[0])
            yield taken

    def _pushed(self, by_shard: Mapping[int, Sequence[Arrival]]) -> dict[int, Iterator[Outcome]]:
        """For each shard what became of its events, one after the other."""
        if not by_shard:
            return {}
        try:
            found = self._push(by_shard)
        except StorageError as error:
            return {shard: repeat(error) for shard in by_shard}
        except Exception:
            _log.exception('a push failed')
            failed = StorageError('this server failed before it knew whether the event was kept; its log says how')
            return {shard: repeat(failed) for shard in by_shard}
        return {shard: repeat(each) if isinstance(each, StorageError) else iter(each) for shard, each in found.items()}
