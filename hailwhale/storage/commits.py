"""Commits: the sums of many events in one transaction, with what says that they were counted.  All of it, or nothing.

Commands encoded beforehand cost the engine the least for each increment.  While a transaction runs, other clients wait
(14,000 increments: about 40 ms), so callers bound the increments in one.  `events` counts a single event.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hailwhale.errors import CounterFull, StorageConflict, StorageError, StorageRefused
from hailwhale.paths import escape
from hailwhale.storage import keys
from hailwhale.storage.cells import Encoder, Lanes, negated, tables
from hailwhale.storage.keys import Series, Slot, era_expires
from hailwhale.storage.reads import Columns, SeriesRead, read_one, touched
from hailwhale.storage.redis import Engine, evaluate, evaluation, teach
from hailwhale.storage.wire import NoScript, Reply, Wire, checked, numbers, pack, text

#: How often a commit is tried when other writers change what it watches.
ATTEMPTS = 64
#: Names that one call of a script looks up; more would hold up other clients.
_NAMES_AT_ONCE = 5_000

Table = tuple[int, str]  # era, group


@dataclass(frozen=True, slots=True)
class Position:
    """How far a reader of a file or a log has come: ``after`` once the commit is done, ``before`` until then."""

    name: str
    before: str | None
    after: str


@dataclass(slots=True)
class Commit:
    """What is done in one step: the increments of one shard, and what says that they were done."""

    shard: int
    cells: Mapping[Slot, Mapping[Series, int]]
    lanes: Lanes
    pks: Mapping[str, Collection[str]] = field(default_factory=dict)  #: encoded pk -> the metrics counted under it
    ids: Collection[str] = ()  #: of events; none of them may have been counted before
    taken: Sequence[bytes] = ()  #: the waiting events that are added up in it, to take off the head of the shard's list
    sequence: str | None = None  #: of that list, when the events were read
    position: Position | None = None
    expected: tuple[SeriesRead, Columns] | None = None  #: what must still be counted
    dead: Sequence[bytes] = ()  #: events that can never be counted, for the shard's list of them
    events: int = 0  #: how many events are added up in it

    @property
    def increments(self) -> int:
        """How many increments there are at the most."""
        return sum(map(len, self.cells.values())) * len(self.lanes.names)


def fresh(engine: Engine, shard: int, ids: Sequence[str], *, now: int) -> list[bool]:
    """For each id, whether no event with it was counted within the last 48 hours."""
    replies = engine.pipeline(shard, [pack('SMISMEMBER', key, *ids) for key in keys.ids_keys(shard, now)])
    return [not any(days) for days in zip(*map(numbers, replies), strict=True)]


def commit(engine: Engine, commit: Commit, *, longest: int, now: int) -> bool:
    """Do all of a commit in one transaction.

    False, and nothing done, when what says that it was done is there already (one of its ids), or when the position,
    the sequence or the counters are others than expected.  Raises `StorageConflict` when others changed what it
    watches during every attempt.
    """
    attempt = _Attempt(commit, longest, now)
    for _ in range(ATTEMPTS):
        done = engine.run(commit.shard, attempt.run)
        if done is not None:
            return done
    raise StorageConflict(f'shard {commit.shard} was changed by others during all of {ATTEMPTS} attempts: try again')


class _Attempt:
    """A commit on its way to the engine."""

    def __init__(self, commit: Commit, longest: int, now: int) -> None:
        self._commit = commit
        self._longest = longest
        self._now = now
        self._ids = keys.ids_keys(commit.shard, now) if commit.ids else ()
        self._sequence = keys.sequence_key(commit.shard)
        self._place = keys.position_key(commit.shard, commit.position.name) if commit.position else ''

    def run(self, wire: Wire) -> bool | None:
        """One try: True when it is done, False when it had been done before, None when somebody else was faster."""
        watched = [keys.epoch_key(self._commit.shard), *self._ids]
        if self._commit.expected:
            watched += touched(self._commit.expected[0])
        if self._place:
            watched.append(self._place)
        if self._commit.taken:
            watched.append(self._sequence)
        wire.ask(pack('WATCH', *watched))
        if self._done_before(wire):
            wire.ask(pack('UNWATCH'))
            return False
        encoder = Encoder(self._commit.shard, self._commit.lanes)
        increments, expiries = encoder.commands(self._commit.cells, self._number(wire))
        teach(wire, 'add')
        results = _transaction(wire, increments, expiries + self._metrics() + self._marks())
        return None if results is None else self._checked(wire, increments, results)

    def _done_before(self, wire: Wire) -> bool:
        if any(any(numbers(wire.ask(pack('SMISMEMBER', key, *self._commit.ids)))) for key in self._ids):
            return True
        position, expected = self._commit.position, self._commit.expected
        if position and text(wire.ask(pack('GET', self._place))) != position.before:
            return True
        if self._commit.taken and text(wire.ask(pack('GET', self._sequence))) != self._commit.sequence:
            return True
        return expected is not None and read_one(wire, expected[0]) != expected[1]

    def _marks(self) -> list[bytes]:
        """What says that it was done."""
        marks = []
        if self._ids:
            marks.append(pack('SADD', self._ids[0], *self._commit.ids))
            marks.append(pack('EXPIREAT', self._ids[0], keys.ids_expire(self._now)))
        if self._commit.position:
            marks.append(pack('SET', self._place, self._commit.position.after, 'EX', keys.POSITION_KEPT))
        if self._commit.dead:
            marks.append(pack('RPUSH', keys.dead_key(self._commit.shard), *self._commit.dead))
            marks.append(pack('LTRIM', keys.dead_key(self._commit.shard), -keys.DEAD_KEPT, -1))
        if self._commit.taken:
            marks.append(pack('LTRIM', keys.hits_key(self._commit.shard), len(self._commit.taken), -1))
            marks.append(pack('INCRBY', self._sequence, len(self._commit.taken)))
        return marks

    def _checked(self, wire: Wire, increments: Sequence[bytes], results: Sequence[Reply]) -> bool | None:
        """True when all was done.  A transaction goes on where one of its commands is refused: then undo the others."""
        refused = [reply for reply in results if isinstance(reply, StorageError)]
        if not refused:
            return True
        taken = [negated(line) for line, reply in zip(increments, results, strict=False) if isinstance(reply, int)]
        undone = _transaction(wire, taken, self._unmark())
        assert undone is not None, 'nothing is watched after EXEC'
        if all(isinstance(reply, NoScript) for reply in refused):
            # Somebody made the engine forget its scripts: teach it again, and try again.
            wire.taught.clear()
            return None
        kind = CounterFull if isinstance(refused[0], CounterFull) else StorageRefused
        raise kind(f'{refused[0]} ({len(refused)} of {len(increments)} increments; none was kept)')

    def _unmark(self) -> list[bytes]:
        """What takes `_marks` back."""
        commit, undo = self._commit, []
        if self._ids:
            undo.append(pack('SREM', self._ids[0], *commit.ids))
        if commit.position and commit.position.before is None:
            undo.append(pack('DEL', self._place))
        elif commit.position:
            undo.append(pack('SET', self._place, commit.position.before or '', 'EX', keys.POSITION_KEPT))
        if commit.dead:
            undo.append(pack('LTRIM', keys.dead_key(commit.shard), 0, -1 - len(commit.dead)))
        if commit.taken:
            # The sequence goes on: who has read the list in between must not take it for the one it was.
            undo.append(pack('LPUSH', keys.hits_key(commit.shard), *reversed(commit.taken)))
            undo.append(pack('INCR', self._sequence))
        return undo

    def _metrics(self) -> list[bytes]:
        """The names of the metrics, kept for those who ask what has been counted."""
        commands = []
        eras = {slot.era for slot in self._commit.cells}
        for pk, metrics in self._commit.pks.items():
            if not metrics:
                continue
            fields = [part for name in metrics for part in (escape(name), '1')]
            for era in eras:
                key = keys.metrics_key(self._commit.shard, era, pk)
                commands.append(pack('HSET', key, *fields))
                commands.append(pack('EXPIREAT', key, era_expires(era, self._longest)))
        return commands

    def _number(self, wire: Wire) -> dict[Table, dict[str, int]]:
        """The number of every child, from its group's table; new children get the next one.

        Numbers given to a commit that then fails stay in the table and expire with it.
        """
        found: dict[Table, dict[str, int]] = {}
        for batch in _batches(tables(self._commit.cells)):
            places = [keys.names_key(self._commit.shard, era, group) for (era, group), _ in batch]
            args: list[str | int] = []
            for (era, _), names in batch:
                args += (era_expires(era, self._longest), len(names), *names)
            answers = iter(numbers(evaluate(wire, 'number', evaluation('number', places, args))))
            for table, names in batch:
                known = found.setdefault(table, {})
                for name in names:
                    known[name] = next(answers)
        return found


def _batches(needed: Mapping[Table, Iterable[str]]) -> Iterable[list[tuple[Table, list[str]]]]:
    """The names to look up, at most `_NAMES_AT_ONCE` at a time."""
    batch: list[tuple[Table, list[str]]] = []
    room = _NAMES_AT_ONCE
    for table, wanted in needed.items():
        names = list(wanted)
        while names:
            taken, names = names[:room], names[room:]
            batch.append((table, taken))
            room -= len(taken)
            if not room:
                yield batch
                batch, room = [], _NAMES_AT_ONCE
    if batch:
        yield batch


def _transaction(wire: Wire, increments: Sequence[bytes], others: Sequence[bytes]) -> list[Reply] | None:
    """Send everything between MULTI and EXEC; the results, None when a watched key had changed."""
    wire.send(b''.join([pack('MULTI'), *increments, *others, pack('EXEC')]))
    queued, results = wire.simple(1 + len(increments) + len(others)), wire.reply()
    if isinstance(results, list):
        return results
    for refusal in queued:
        raise refusal
    checked(results)
    return None
