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
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from operator import index

from hailwhale.arguments import either
from hailwhale.counter import MAX_INCREMENTS, Read, read_any, read_event
from hailwhale.errors import CounterFull, HailWhaleError, InvalidInput
from hailwhale.metrics import MAX_AMOUNT, MICROS_PER_UNIT
from hailwhale.shared import HasDefault, shared
from hailwhale.storage import shard_of
from hailwhale.tally import Subject
from hailwhale.times import parse_time
from hailwhale.whale import Whale

#: Events of one shard that are drained in one transaction, at the most; fewer where they need too many increments.
SLICE = 2_000


class Hail(HasDefault):
    """The buffer in front of a whale, on the same engine.  Safe for threads, greenlets and forks."""

    def __init__(self, whale: Whale | None = None) -> None:
        self.whale = whale or Whale.default()

    @shared
    def count(
        self,
        pk: object = None,
        dimensions: object = None,
        metrics: object = None,
        at: object = None,
        *,
        id: str | None = None,
        dimension: object = None,
        metric: object = None,
    ) -> None:
        """Take one event, as `Whale.count_now` does; it is in the counters once it has been drained.

        When it returns, the engine has the event.  Raises `InvalidInput` for an event that could not be counted,
        `StorageError` when it was not kept.
        """
        now = self.whale.clock()
        event = read_event(
            pk, either('dimension', dimension, dimensions), either('metric', metric, metrics), at, id, now=now
        )
        self.whale.kept.slots(event.at, int(now))
        self.whale.storage.push(shard_of(event.subject.pk), [_written(event)])

    @shared
    def push_many(self, events: Iterable[object]) -> int:
        """Take many events with one round trip a shard; how many.

        One that cannot be read refuses the call as a whole, before any is taken.
        """
        now = self.whale.clock()
        by_shard: defaultdict[int, list[bytes]] = defaultdict(list)
        for event in events:
            read = read_any(event, now=now)
            self.whale.kept.slots(read.at, int(now))
            by_shard[shard_of(read.subject.pk)].append(_written(read))
        for shard, written in by_shard.items():
            self.whale.storage.push(shard, written)
        return sum(map(len, by_shard.values()))

    @shared
    def waiting(self) -> int:
        """How many events wait to be drained."""
        return sum(self.whale.storage.backlog())

    @shared
    def drain(self, limit: int | None = None) -> int:
        """Bring the events that wait now into the counters, exactly once, ``limit`` of them at the most; how many.

        The shards take turns, and share a limit.  What is pushed meanwhile is left to the next drain.
        """
        left = {shard: count for shard, count in enumerate(self.whale.storage.backlog()) if count}
        rooms = dict.fromkeys(left, SLICE)
        drained = 0
        while left and (limit is None or drained < limit):
            share = SLICE if limit is None else max(1, (limit - drained) // len(left))
            for shard in list(left):
                if limit is not None and drained >= limit:
                    break
                taken = self._drain_slice(shard, min(rooms[shard], left[shard], share))
                drained += taken
                left[shard] -= taken
                # Where a slice had to be cut the next is not much longer, so that it is not cut as often.
                rooms[shard] = min(SLICE, 2 * taken)
                if not taken or not left[shard]:
                    del left[shard]
        return drained

    def _drain_slice(self, shard: int, room: int) -> int:
        """Commit the head of one list; how many events it held, 0 when the list is empty."""
        storage, now = self.whale.storage, int(self.whale.clock())
        full: dict[bytes, HailWhaleError] = {}  # an event that was refused by itself
        while True:
            sequence, waiting = storage.waiting(shard, room)
            if not waiting:
                return 0
            reads, dead = self._parted(waiting, now, full)
            commit = self.whale.counter.sum(shard, reads, now)
            if commit.increments > MAX_INCREMENTS and len(waiting) > 1:
                room = len(waiting) // 2
                continue
            commit.taken, commit.sequence, commit.dead = waiting, sequence, dead
            try:
                if storage.commit(commit, now=now):
                    return len(waiting)
            except CounterFull as error:
                # What was taken back has moved the sequence on, and another drainer may have been here: read again.
                if len(waiting) == 1:
                    full[waiting[0]] = error
                room = max(1, len(waiting) // 2)

    def _parted(
        self, waiting: Sequence[bytes], now: int, full: Mapping[bytes, HailWhaleError]
    ) -> tuple[list[Read], list[bytes]]:
        """Those that can be counted, and those that cannot, with the reason."""
        reads, dead = [], []
        for text in waiting:
            try:
                if text in full:
                    raise full[text]
                event = _read(text)
                self.whale.kept.slots(event.at, now)
            except HailWhaleError as error:
                dead.append(_dead(text, error))
            else:
                reads.append(event)
        return reads, dead


def _written(event: Read) -> bytes:
    """An event as it waits: everything about it is decided already."""
    subject, at, amounts, id = event
    return json.dumps([subject.pk, subject.nodes, at, amounts, id], separators=(',', ':')).encode()


def _dead(text: bytes, error: HailWhaleError) -> bytes:
    """An event as it is put aside."""
    return json.dumps({'event': text.decode(errors='replace'), 'reason': error.message}).encode()


def _read(text: bytes) -> Read:
    try:
        pk, nodes, at, amounts, id = json.loads(text)
        event = Read(Subject(tuple(pk), tuple(map(tuple, nodes))), at, amounts, id)
        _check(event)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidInput(f'not a waiting event: {error}') from error
    return event


def _check(event: Read) -> None:
    """Raise for what `_written` never writes: further on it would stop all that wait behind it."""
    (first, *longer), nodes = event.subject
    ''.join((first, *longer, *chain(*nodes), *event.amounts, event.id or '')).encode()
    parse_time(index(event.at), 0)
    for micros in event.amounts.values():
        if abs(index(micros)) > MAX_AMOUNT * MICROS_PER_UNIT:
            raise ValueError(f'an amount of {micros} micros is too large')
