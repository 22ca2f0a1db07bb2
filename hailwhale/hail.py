"""The hail: a buffer that takes events at one round trip for many, and brings them into the counters exactly once.

`Hail.count` appends to the list of the event's shard.  `Hail.drain` reads the head of a list, adds it up, and
commits the increments in the transaction that also takes the events off the list: whatever is killed and whenever,
an event is on the list or in all of its counters.  Any number of drainers may run: of two that read the same head,
the second finds that the list has moved on.

An event that cannot be counted (it waited until nothing keeps its moment any more, or a counter of its own is full) is
moved to the shard's list of dead events in the same transaction, with the reason; it stops none of the others.
"""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from hailwhale import waiting
from hailwhale.arguments import either, natural
from hailwhale.counter import Read, read_any
from hailwhale.draining import Drain, Drained
from hailwhale.errors import InvalidInput, StorageError
from hailwhale.metrics import number
from hailwhale.paths import pk_path
from hailwhale.shared import HasDefault, shared
from hailwhale.storage import SHARDS, Arrival, Use, shard_of
from hailwhale.storage.keys import DEAD_KEPT, spied_pk_key, spied_uid_key
from hailwhale.whale import Whale

_MAX_UID = 256
_REVIVED_AT_ONCE = 1_000


class Hail(HasDefault):
    """The buffer in front of a whale, on the same engine.  Safe for threads, greenlets and forks."""

    def __init__(self, whale: Whale | None = None) -> None:
        self.whale = whale or Whale.default()
        self._turn = 0  #: the shard that the next drain begins with

    @shared
    def count(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        *,
        id: str | None = None,
        uid: str | None = None,
        dimension: object = None,
        metric: object = None,
    ) -> None:
        """Take one event, as `Whale.count_now` does; it is in the counters once it has been drained.

        When it returns, the engine has the event.  ``uid`` names the visitor in whose spy log it shows too.  Raises
        `InvalidInput` for an event that could not be counted, `StorageError` when it was not kept.
        """
        dimensions, metrics = either('dimension', dimension, dimensions), either('metric', metric, metrics)
        shard, arrival = self.read(pk, dimensions, metrics, at, id, uid)
        self._push({shard: [arrival]})

    @shared
    def count_decided(
        self,
        pk_base: object,
        decision_name: object,
        option: object,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        *,
        id: str | None = None,
        visitor: object = None,
        holdout: float = 0.0,
    ) -> None:
        """Keep what an option did until it is drained; arguments as for `Whale.count_decided_now`."""
        event = self.whale.decided_event(
            pk_base, decision_name, option, dimensions, metrics, at, id=id, visitor=visitor, holdout=holdout
        )
        self.count(**event)

    @shared
    def push_many(self, events: Iterable[object]) -> int:
        """Take many events with one round trip; how many.

        One that cannot be read refuses the call as a whole, before any is taken.  When an error of the engine ends the
        call, those of some shards may be kept: give each event an ``id``, and the whole call can be repeated.
        """
        now, limits = self.whale.clock(), self.whale.limits
        by_shard: defaultdict[int, list[Arrival]] = defaultdict(list)
        for event in events:
            shard, arrival = self._arrival(read_any(event, now=now, limits=limits), now, None, None)
            by_shard[shard].append(arrival)
        self._push(by_shard)
        return sum(map(len, by_shard.values()))

    def read(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        id: object = None,
        uid: object = None,
        use: Use | None = None,
    ) -> tuple[int, Arrival]:
        """An event, checked and written, with its shard, ready to be pushed.  Raises `InvalidInput`."""
        now = self.whale.clock()
        return self._arrival(self.whale.read(pk, dimensions, metrics, at, id, now=now), now, uid, use)

    def _arrival(self, event: Read, now: float, uid: object, use: Use | None) -> tuple[int, Arrival]:
        kept, pk = self.whale.kept, event.subject.pk
        kept.slots(event.at, int(now))
        shard = shard_of(pk)
        spied: tuple[str, ...] = ()
        if self.whale.settings.spy:
            spied = (spied_pk_key(shard, pk[0]),)
            if uid is not None:
                spied += (spied_uid_key(shard, _visitor(uid)),)
        text = waiting.written(event, kept.moment)
        return shard, Arrival(text, int(now * 1_000), spied, use, event.id is not None)

    def push(self, arrivals: Mapping[int, Sequence[Arrival]]) -> dict[int, list[bool] | StorageError]:
        """Push what `read` has made, by shard: for each event whether it was kept (False for one whose sealed pixel is
        used up), or for a shard why none of its events was."""
        return self.whale.storage.push(arrivals)

    def _push(self, arrivals: Mapping[int, Sequence[Arrival]]) -> None:
        for outcome in self.push(arrivals).values():
            if isinstance(outcome, StorageError):
                raise outcome

    @shared
    def waiting(self) -> int:
        """How many events wait to be drained."""
        return sum(self.whale.storage.backlog())

    @shared
    def drain(
        self,
        limit: int | None = None,
        forever: bool = False,
        *,
        stopping: threading.Event | None = None,
        progress: Callable[[Drained], object] | None = None,
    ) -> int:
        """Bring the events that wait now into the counters, exactly once, ``limit`` of them at the most; how many.

        The shards take turns, and share a limit.  What is pushed meanwhile is left to the next drain; with ``forever``
        the next one follows at once, and an engine that is away is waited for.  Ends between two slices once
        ``stopping`` is set.  ``progress`` is called after each slice.
        """
        if limit is not None:
            natural(limit, 'limit', 'not a number of events', '1 or more', least=1)
        drain = Drain(self.whale, stopping)
        for shard in drain.forever() if forever else drain.round(limit, first=self._turn):
            self._turn = (shard + 1) % SHARDS
            if progress:
                progress(drain.progress)
        return drain.events

    # -- what came in, and what could not be counted -----------------------------------------------------------------

    @shared
    def spy(self, pk: object = None, uid: str | None = None, limit: int = 1_000) -> list[dict[str, Any]]:
        """The last events that came in, newest first: those under a pk, those of a visitor, or both; else all.

        Each with ``at`` (when it came, in epoch milliseconds), ``moment`` (when it happened, in epoch seconds, as far
        as the counters tell moments apart), ``pk``, ``dimensions``, ``metrics``, and ``id`` where it has one.
        """
        natural(limit, 'limit', 'not a number of events', '1 or more', least=1)
        whole = None if pk is None else pk_path(pk)
        if uid is not None:
            shards = range(SHARDS) if whole is None else [shard_of(whole)]
            logs = [spied_uid_key(shard, _visitor(uid)) for shard in shards]
        elif whole:
            logs = [spied_pk_key(shard_of(whole), whole[0])]
        else:
            logs = self.whale.storage.spied_logs()
        # Which of a log's events lie under a longer pk shows only once they are here.
        entries = self.whale.storage.spied(logs, self.whale.settings.spy if whole else limit)
        found = [_spied(entry) for entry in entries]
        return [one for one in found if not whole or tuple(one['pk'][: len(whole)]) == whole][:limit]

    @shared
    def dead(self, limit: int = 1_000) -> list[dict[str, Any]]:
        """The last events that could not be counted, newest first.

        Each with ``event`` (its text), ``reason``, and ``at`` (when it was put aside, in epoch milliseconds).
        """
        entries = [entry for of_shard in self.whale.storage.dead(limit).values() for entry in of_shard]
        found = sorted(map(json.loads, entries), key=itemgetter('at'), reverse=True)[:limit]
        return [one | {'event': _bytes_of(one).decode(errors='replace')} for one in found]

    @shared
    def dead_again(self) -> int:
        """Let all events that were put aside wait again, after what was in their way is gone; how many."""
        found = self.whale.storage.dead(DEAD_KEPT)
        return sum(
            self.whale.storage.revive(shard, [(entry, _bytes_of(json.loads(entry))) for entry in some])
            for shard, entries in found.items()
            for some in _batched(entries[::-1], _REVIVED_AT_ONCE)
        )


def _batched(entries: Sequence[bytes], size: int) -> Iterator[Sequence[bytes]]:
    """Some of them after the others."""
    for first in range(0, len(entries), size):
        yield entries[first : first + size]


def _bytes_of(dead: Mapping[str, str]) -> bytes:
    return dead['event'].encode(errors='surrogateescape')


def _spied(entry: bytes) -> dict[str, Any]:
    """An entry of a spy log, as it is shown."""
    at, _, text = entry.partition(b'\t')
    event = waiting.read(text)
    shown: dict[str, Any] = {
        'at': int(at),
        'moment': event.at,
        'pk': list(event.subject.pk),
        'dimensions': waiting.dimensions_of(event.subject.nodes),
        'metrics': {name: number(micros) for name, micros in event.amounts.items()},
    }
    return shown if event.id is None else {**shown, 'id': event.id}


def _visitor(uid: object) -> str:
    if not isinstance(uid, str) or not 0 < len(uid) <= _MAX_UID:
        raise InvalidInput(f'not a visitor: {uid!r:.80} (a text of 1 to {_MAX_UID} characters)', field='uid')
    return uid
