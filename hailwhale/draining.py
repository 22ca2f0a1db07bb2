"""The way from the lists of waiting events into the counters, exactly once.

A drain takes the head of a shard's list, adds it up, and commits the increments in the transaction that also takes
these events off the list.  While the engine is at work on one slice, the next is encoded and a later one added up.
Slices are as long as their increments allow: a transaction holds up all others for as long as it runs.

**Order.**  Events of many pks touch about as many counters as there are events; the same events pk by pk touch few.  So
where many wait, the head of the list is first put into the order of pks, in a transaction of its own; that costs a
small part of what it saves.

An event that cannot be counted is put aside in the same transaction, with the reason, and stops none of the others.
"""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

from hailwhale.errors import CounterFull, HailWhaleError, InvalidInput, StorageError, StorageRefused
from hailwhale.storage import Commit, Lanes
from hailwhale.waiting import Adder, Sum, TooWide, ids_in
from hailwhale.whale import Whale

#: Increments of one transaction: so many hold up others for 25 to 45 ms.  A slice is cut only where it has half more.
INCREMENTS = 20_000
#: Events of one shard that are read, and put in order, together; and how many bytes they may have.
WINDOW = 200_000
WINDOW_BYTES = 32_000_000
#: Events that are read from a list about which nothing is known yet, and those of its first slice.
FIRST = 1_000
#: Slices on their way at once.  While the engine executes the first and looks up numbers for the third, the second is
#: encoded and the fourth added up.
_FLYING = 4
#: No counter moves by so many micros in one commit: one that is far from the end of its range cannot pass it.
FAR = 2**60 * 10**6
#: Seconds between two looks at empty lists, and after failures of the engine: at first and at the most.
_PAUSES = (0.02, 0.2)
_FAILED_PAUSES = (0.2, 5.0)

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drained:
    """How far a drain has come."""

    events: int  #: taken off the lists
    dead: int  #: of them put aside
    seconds: float  #: since it began
    backlog: int  #: events that still wait, of those that waited when it last looked

    @property
    def rate(self) -> float:
        """Events a second."""
        return self.events / self.seconds if self.seconds else 0.0

    @property
    def behind(self) -> float:
        """Seconds until those that wait will be counted, at this rate."""
        return self.backlog / self.rate if self.rate else 0.0


@dataclass(slots=True)
class _Shard:
    """One shard's list: how many events are to be drained, and its head, as far as it has been read."""

    number: int
    left: int = 0
    room: int = field(default_factory=lambda: FIRST)  #: events of the next slice
    window: int = field(default_factory=lambda: FIRST)  #: events to read at once
    sequence: int | None = None  #: of the list where the next event stood when it was read; None: never drained
    texts: Sequence[bytes] = ()
    at: int = 0  #: how many of the texts are taken
    full: dict[bytes, HailWhaleError] = field(default_factory=dict)  #: events that were refused by themselves

    def begin(self, left: int) -> _Shard:
        """A new round: what slices had room for is still known."""
        self.left = left
        self.full.clear()
        self.forget()
        return self

    def forget(self) -> None:
        """Read the list again: others take from it, or nobody knows."""
        self.texts, self.at, self.window = (), 0, FIRST

    def move(self, count: int) -> None:
        """Take so many events, or give them back."""
        self.at += count
        self.left -= count
        self.sequence = (self.sequence or 0) + count

    def learn(self, events: int, increments: int) -> None:
        """How many events the next slice may have, after one with so many increments."""
        room = max(1, min(2 * events, events * INCREMENTS // max(1, increments), WINDOW))
        # A small slice says little of how much larger ones fit.
        self.room = max(self.room, room) if 2 * increments < INCREMENTS else room


@dataclass(slots=True)
class _Slice:
    """Some events on their way."""

    shard: _Shard
    sequence: str | None
    texts: Sequence[bytes]
    counted: frozenset[str]  #: ids that were counted before
    now: int = 0
    commit: Commit | None = None


class Drain:
    """One drain of a whale's lists.  Not for several threads; any number of drains may be under way."""

    def __init__(self, whale: Whale, stopping: threading.Event | None = None) -> None:
        self.whale = whale
        self.events = self.dead = 0
        self._stopping = stopping or threading.Event()
        self._began = monotonic()
        self._adder: Adder | None = None
        self._shards: dict[int, _Shard] = {}
        self._turns: deque[_Shard] = deque()
        self._flying: deque[_Slice] = deque()
        self._limit: int | None = None
        self._share: int | None = None

    @property
    def progress(self) -> Drained:
        """How far it has come."""
        left = sum(shard.left for shard in self._shards.values())
        return Drained(self.events, self.dead, monotonic() - self._began, left)

    def forever(self) -> Iterator[int]:
        """Drain until ``stopping`` is set, whatever becomes of the engine.  Yields as `round` does."""
        pause, failed = _PAUSES[0], 0.0
        while not self._stopping.is_set():
            before = self.events
            try:
                yield from self.round()
            except StorageError as error:
                if not failed:
                    _log.warning('draining waits for the engine: %s', error)
                failed = min(2 * failed or _FAILED_PAUSES[0], _FAILED_PAUSES[1])
                self._stopping.wait(failed)
                continue
            if failed:
                _log.warning('draining goes on')
                failed = 0.0
            if self.events > before:
                pause = _PAUSES[0]
            else:
                self._stopping.wait(pause)
                pause = min(2 * pause, _PAUSES[1])

    def round(self, limit: int | None = None, *, first: int = 0) -> Iterator[int]:
        """Drain what waits now, ``limit`` events at the most.  Yields the number of its shard after each slice.

        The shards take turns from the ``first`` on, and share the limit.  What is pushed meanwhile is left.
        """
        self._begin(limit, first)
        while self._fly():
            current = self._flying[0]
            done = self._commit(current)
            self._land(current, done)
            if done:
                yield current.shard.number
            if self._stopping.is_set():
                return

    def _fly(self) -> bool:
        """Have a slice ready to be committed, and some behind it; False where nothing is left."""
        while len(self._flying) < _FLYING:
            if self._flying:
                # It may give events back, so it is first before others are taken behind it.
                self._sum(self._flying[-1])
            found = self._next()
            if found is None:
                break
            self._flying.append(found)
        if self._flying:
            self._sum(self._flying[0])
        return bool(self._flying)

    def _land(self, current: _Slice, done: bool) -> None:
        """A slice is counted; or it is given back, and all behind it in the same list."""
        if done:
            self._flying.popleft()
            return
        back = [slice for slice in self._flying if slice.shard is current.shard]
        self._flying = deque(slice for slice in self._flying if slice.shard is not current.shard)
        for slice in reversed(back):
            self._return(slice)

    def _begin(self, limit: int | None, first: int) -> None:
        backlog = self.whale.storage.backlog()
        waits = [shard for shard in (*range(first, len(backlog)), *range(first)) if backlog[shard]]
        known = self._shards
        self._shards = {shard: (known.get(shard) or _Shard(shard)).begin(backlog[shard]) for shard in waits}
        self._turns.clear()
        self._flying.clear()
        self._limit = limit

    # -- reading -----------------------------------------------------------------------------------------------------

    def _next(self) -> _Slice | None:
        """The next slice; None where there is none, or where its list has to be read after those on their way."""
        while self._limit is None or self._limit > 0:
            if not self._turns:
                self._turns.extend(shard for shard in self._shards.values() if shard.left > 0)
                if not self._turns:
                    return None
                self._share = None if self._limit is None else max(1, self._limit // len(self._turns))
            shard = self._turns[0]
            if shard.at >= len(shard.texts):
                if any(slice.shard is shard for slice in self._flying):
                    return None
                self._fill(shard)
            self._turns.popleft()
            if found := self._taken(shard):
                return found
            shard.left = 0
        return None

    def _taken(self, shard: _Shard) -> _Slice | None:
        """The next events of a shard that has been read; None where nothing waits any more."""
        most = min(shard.room, shard.left, shard.left if self._share is None else self._share)
        texts = shard.texts[shard.at : shard.at + most]
        if not texts:
            return None
        sequence = None if shard.sequence is None else str(shard.sequence)
        ids = ids_in(texts)
        known = self.whale.storage.fresh(shard.number, ids, now=int(self.whale.clock())) if ids else ()
        counted = frozenset(id for id, is_fresh in zip(ids, known, strict=True) if not is_fresh)
        found = _Slice(shard, sequence, texts, counted)
        self._move(shard, len(texts))
        return found

    def _move(self, shard: _Shard, count: int) -> None:
        shard.move(count)
        if self._limit is not None:
            self._limit -= count

    def _return(self, slice: _Slice) -> None:
        """Take nothing, after all."""
        self._move(slice.shard, -len(slice.texts))
        slice.shard.forget()

    def _fill(self, shard: _Shard) -> None:
        """Read the head of a shard's list; where many wait, put them in order first."""
        while True:
            most = shard.left if self._limit is None else min(shard.left, self._limit)
            sequence, texts = self.whale.storage.waiting(shard.number, min(shard.window, most))
            shard.sequence, shard.texts, shard.at = None if sequence is None else int(sequence), texts, 0
            size = sum(map(len, texts)) // max(1, len(texts)) + 1
            shard.window = max(FIRST, min(32 * shard.window, WINDOW, WINDOW_BYTES // size))
            if len(texts) <= 2 * shard.room or self._ordered(shard):
                return

    def _ordered(self, shard: _Shard) -> bool:
        """Put the events that were read in order; False where somebody else has taken from them."""
        ordered = sorted(shard.texts, key=_after_moment)
        if ordered == shard.texts:
            return True
        sequence = None if shard.sequence is None else str(shard.sequence)
        commit = Commit(shard.number, {}, Lanes(), taken=shard.texts, sequence=sequence, ordered=ordered)
        try:
            if not self.whale.storage.commit(commit, now=int(self.whale.clock())):
                return False
        except StorageRefused:
            # A full engine has no room to put them back, but they can be counted as they come.
            return True
        shard.texts, shard.sequence = ordered, (shard.sequence or 0) + 1
        return True

    # -- adding up ---------------------------------------------------------------------------------------------------

    def _sum(self, slice: _Slice) -> None:
        """Make the commit of a slice, and the slice as short as a transaction has to be."""
        while slice.commit is None:
            slice.now = int(self.whale.clock())
            count = len(slice.texts)
            try:
                found, dead = self._added(slice)
            except TooWide:
                self._cut(slice, max(1, count // 2))
                continue
            slice.shard.learn(count, found.increments)
            if count > 1 and (2 * found.increments > 3 * INCREMENTS or found.largest >= FAR):
                self._cut(slice, min(slice.shard.room, count // 2))
                continue
            slice.commit = found.commit
            slice.commit.taken, slice.commit.sequence, slice.commit.dead = slice.texts, slice.sequence, dead
            self.whale.storage.prepare(slice.commit)

    def _cut(self, slice: _Slice, count: int) -> None:
        """Keep so many events, and leave the others to the next slice."""
        self._move(slice.shard, count - len(slice.texts))
        slice.texts = slice.texts[:count]
        slice.shard.room = count

    def _added(self, slice: _Slice) -> tuple[Sum, list[bytes]]:
        """The sum of those that can be counted; the others, as they are put aside."""
        kept = self.whale.kept
        if self._adder is None or self._adder.kept is not kept:
            self._adder = Adder(kept)
        good, dead = slice.texts, list[bytes]()
        if not slice.shard.full:
            try:
                return self._adder.sum(slice.shard.number, good, slice.now, slice.counted), dead
            except InvalidInput:
                pass
        good, dead = self._parted(slice, self._adder)
        return self._adder.sum(slice.shard.number, good, slice.now, slice.counted), dead

    @staticmethod
    def _parted(slice: _Slice, adder: Adder) -> tuple[list[bytes], list[bytes]]:
        """Those that can be counted, and those that cannot, with the reason."""
        good, dead = [], []
        for text in slice.texts:
            try:
                if text in slice.shard.full:
                    raise slice.shard.full[text]
                adder.check(slice.shard.number, text, slice.now)
            except HailWhaleError as error:
                event = text.decode(errors='surrogateescape')
                dead.append(json.dumps({'event': event, 'reason': error.message, 'at': slice.now * 1_000}).encode())
            else:
                good.append(text)
        return good, dead

    # -- committing --------------------------------------------------------------------------------------------------

    def _meanwhile(self) -> None:
        """Do what can be done for those behind while the engine is at work on the first."""
        for slice in list(self._flying)[1:]:
            if slice.commit and slice.commit.prepared:
                slice.commit.prepared.encode()
            self._sum(slice)

    def _commit(self, slice: _Slice) -> bool:
        """Commit the first slice; False where it has to be read again."""
        assert slice.commit is not None
        behind = [one.commit for one in self._flying if one.commit][1:]
        try:
            if self.whale.storage.commit(slice.commit, now=slice.now, meanwhile=self._meanwhile, behind=behind):
                self.events += len(slice.texts)
                self.dead += len(slice.commit.dead)
                return True
            room = slice.shard.room
        except CounterFull as error:
            if len(slice.texts) == 1:
                slice.shard.full[slice.texts[0]] = error
            room = max(1, len(slice.texts) // 2)
        slice.shard.room = room
        return False


def _after_moment(text: bytes) -> bytes:
    return text.partition(b'\t')[2]
