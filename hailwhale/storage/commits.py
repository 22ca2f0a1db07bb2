"""Commits: the sums of many events in one transaction, with what says that they were counted.  All of it, or nothing.

Commands encoded beforehand cost the engine the least for each increment.  While a transaction runs, other clients wait
(14,000 increments: about 40 ms), so callers bound the increments in one.  `events` counts a single event.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from hailwhale.errors import CounterFull, StorageConflict, StorageError, StorageRefused
from hailwhale.paths import escape
from hailwhale.storage import keys
from hailwhale.storage.bounds import Bounds
from hailwhale.storage.cells import Encoder, Lanes
from hailwhale.storage.keys import Series, Slot, era_expires
from hailwhale.storage.numbering import Numbered, Question, number
from hailwhale.storage.redis import Engine, teach
from hailwhale.storage.wire import NoScript, Reply, Wire, checked, numbers, pack

#: Increments, and what ends their hashes.
Commands = tuple[list[bytes], list[bytes]]

#: How often a commit is tried when other writers change what it watches.
ATTEMPTS = 64
#: Events that one command puts back.
_PUSHED_AT_ONCE = 10_000


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
    ordered: Sequence[bytes] = ()  #: those taken, put back in this order: then nothing is counted
    position: Position | None = None
    dead: Sequence[bytes] = ()  #: events that can never be counted, for the shard's list of them
    events: int = 0  #: how many events are added up in it
    prepared: Prepared | None = None  #: what could be done beforehand

    @property
    def increments(self) -> int:
        """How many increments there are at the most."""
        return sum(map(len, self.cells.values())) * len(self.lanes.names)


class Prepared:
    """What of a commit is done before its turn: its children's numbers are looked up, and its commands made with them.

    They are a guess: others may reset names, tables end, and an engine that starts again may have lost its last second.
    So the same question is asked again when the commit has its turn and nobody can change the answer any more; the
    commands are sent only where it is the same.
    """

    def __init__(self, commit: Commit, *, longest: int, room: int) -> None:
        self._shard, self._lanes = commit.shard, commit.lanes
        self._cells, self._pks = commit.cells, commit.pks
        self._question = Question(commit.shard, commit.cells, room=room, longest=longest)
        self._answer: Reply = None
        self._found: Numbered | None = None
        self._commands: Commands | None = None
        self.asked = not self._question.call

    @property
    def call(self) -> bytes:
        """What asks for all the numbers; b'' where that is more than one question."""
        return self._question.call

    def answered(self, reply: Reply) -> None:
        """Take what the engine has answered to the call.  What is an error here is asked for again in time."""
        self.asked = True
        if isinstance(reply, list) and (found := self._question.found(reply)):
            self._answer, self._found = reply, Numbered(self._cells, self._pks, found)

    def encode(self) -> None:
        """Make the commands, where the numbers are known."""
        if self._found and not self._commands:
            self._commands = _encoded(self._shard, self._lanes, self._found)

    def still(self, reply: Reply) -> tuple[Numbered, Commands] | None:
        """What was prepared; None where the call is not answered now as it was before."""
        if self._found is None and isinstance(reply, list):
            self.answered(reply)
        if self._found is None or reply != self._answer:
            return None
        self.encode()
        assert self._commands
        return self._found, self._commands


def _encoded(shard: int, lanes: Lanes, found: Numbered) -> Commands:
    return Encoder(shard, lanes).commands(found.cells, found.numbers)


def fresh(engine: Engine, shard: int, ids: Sequence[str], *, kept: int, now: int) -> list[bool]:
    """For each id, whether no event with it was counted within the last ``kept`` seconds."""
    digests = list(map(keys.id_digest, ids))
    replies = engine.pipeline(shard, [pack('SMISMEMBER', key, *digests) for key in keys.ids_keys(shard, now, kept)])
    return [not any(days) for days in zip(*map(numbers, replies), strict=True)]


def commit(
    engine: Engine,
    commit: Commit,
    *,
    longest: int,
    bounds: Bounds,
    now: int,
    meanwhile: Callable[[], object] | None = None,
    behind: Sequence[Prepared] = (),
) -> bool:
    """Do all of a commit in one transaction.  ``meanwhile`` is called once, while the engine is at work on it; then it
    answers what those ``behind`` ask.

    False, and nothing done, when what says that it was done is there already (one of its ids), or when the position
    or the sequence is another than expected.  Raises `StorageConflict` when others changed what it
    watches during every attempt.
    """
    attempt = _Attempt(commit, longest, bounds, now, meanwhile, behind)
    for _ in range(ATTEMPTS):
        done = engine.run(commit.shard, attempt.run)
        if done is not None:
            return done
    raise StorageConflict(f'shard {commit.shard} was changed by others during all of {ATTEMPTS} attempts: try again')


class _Attempt:
    """A commit on its way to the engine."""

    def __init__(
        self,
        commit: Commit,
        longest: int,
        bounds: Bounds,
        now: int,
        meanwhile: Callable[[], object] | None,
        behind: Sequence[Prepared],
    ) -> None:
        self._commit = commit
        self._longest = longest
        self._bounds = bounds
        self._now = now
        self._meanwhile = meanwhile
        self._behind = behind
        self._ids = keys.ids_keys(commit.shard, now, bounds.ids_kept) if commit.ids else ()
        self._digests = list(map(keys.id_digest, commit.ids))
        self._sequence = keys.sequence_key(commit.shard)
        self._place = keys.position_key(commit.shard, commit.position.name) if commit.position else ''

    def run(self, wire: Wire) -> bool | None:
        """One try: True when it is done, False when it had been done before, None when somebody else was faster."""
        answer = self._asked(wire)
        if answer is False:
            wire.ask(pack('UNWATCH'))
            return False
        prepared = self._commit.prepared
        found, (increments, expiries) = (prepared and prepared.still(answer)) or self._encoded(wire)
        teach(wire, 'add')
        queued = _send(wire, increments, expiries + self._metrics(found) + self._marks())
        asking = [one for one in self._behind if not one.asked]
        wire.send(b''.join([one.call for one in asking]))
        if self._meanwhile:
            meanwhile, self._meanwhile = self._meanwhile, None
            meanwhile()
        results = _results(wire, queued, asking)
        return None if results is None else self._checked(wire, found, results)

    def _encoded(self, wire: Wire) -> tuple[Numbered, Commands]:
        commit = self._commit
        room = self._bounds.children
        found = number(wire, commit.shard, commit.cells, commit.pks, room=room, longest=self._longest)
        return found, _encoded(commit.shard, commit.lanes, found)

    def _asked(self, wire: Wire) -> Reply | Literal[False]:
        """Watch what says that it was done, and look at it, in one round trip; False when it was.

        Otherwise the answer to the question that was `Prepared`.
        """
        commit = self._commit
        watched = [keys.epoch_key(commit.shard), *self._ids]
        asked = [pack('SMISMEMBER', key, *self._digests) for key in self._ids]
        wanted: list[Reply] = [[0] * len(self._digests)] * len(self._ids)
        if commit.position:
            watched.append(self._place)
            asked.append(pack('GET', self._place))
            wanted.append(_bytes(commit.position.before))
        if commit.taken:
            watched.append(self._sequence)
            asked.append(pack('GET', self._sequence))
            wanted.append(_bytes(commit.sequence))
        call = commit.prepared.call if commit.prepared else b''
        wire.send(b''.join([pack('WATCH', *watched), *asked, call]))
        replies = [wire.reply() for _ in range(1 + len(asked))]
        # Where this one is an error, `number` asks again.
        answer = wire.reply() if call else None
        if list(map(checked, replies))[1:] != wanted:
            return False
        return answer

    def _marks(self) -> list[bytes]:
        """What says that it was done."""
        marks = []
        if self._ids:
            marks.append(pack('SADD', self._ids[0], *self._digests))
            marks.append(pack('EXPIREAT', self._ids[0], keys.ids_expire(self._now, self._bounds.ids_kept)))
        if self._commit.position:
            marks.append(pack('SET', self._place, self._commit.position.after, 'EX', keys.POSITION_KEPT))
        if self._commit.dead:
            marks.append(pack('RPUSH', keys.dead_key(self._commit.shard), *self._commit.dead))
            marks.append(pack('LTRIM', keys.dead_key(self._commit.shard), -keys.DEAD_KEPT, -1))
        if self._commit.taken:
            marks.append(pack('LTRIM', keys.hits_key(self._commit.shard), len(self._commit.taken), -1))
            marks += _pushed(self._commit.shard, self._commit.ordered)
            # Whatever becomes of the list, who has read it before must find that it is another.
            marks.append(pack('INCRBY', self._sequence, 1 if self._commit.ordered else len(self._commit.taken)))
        return marks

    def _checked(self, wire: Wire, found: Numbered, results: Sequence[Reply]) -> bool | None:
        """True when all was done.  A transaction goes on where one of its commands is refused: then undo the others."""
        refused = [reply for reply in results if isinstance(reply, StorageError)]
        if not refused:
            return True
        below = {slot: {place: -packed for place, packed in cells.items()} for slot, cells in found.cells.items()}
        lines, _ = Encoder(self._commit.shard, self._commit.lanes).commands(below, found.numbers)
        taken = [line for line, reply in zip(lines, results, strict=False) if isinstance(reply, int)]
        undone = _results(wire, _send(wire, taken, self._unmark()))
        assert undone is not None, 'nothing is watched after EXEC'
        if all(isinstance(reply, NoScript) for reply in refused):
            # Somebody made the engine forget its scripts: teach it again, and try again.
            wire.taught.clear()
            return None
        kind = CounterFull if isinstance(refused[0], CounterFull) else StorageRefused
        raise kind(f'{refused[0]} ({len(refused)} of {len(lines)} commands; none was kept)')

    def _unmark(self) -> list[bytes]:
        """What takes `_marks` back."""
        commit, undo = self._commit, []
        if self._ids:
            undo.append(pack('SREM', self._ids[0], *self._digests))
        if commit.position and commit.position.before is None:
            undo.append(pack('DEL', self._place))
        elif commit.position:
            undo.append(pack('SET', self._place, commit.position.before or '', 'EX', keys.POSITION_KEPT))
        if commit.dead:
            undo.append(pack('LTRIM', keys.dead_key(commit.shard), 0, -1 - len(commit.dead)))
        if commit.taken:
            # The sequence goes on: who has read the list in between must not take it for the one it was.
            undo += _pushed(commit.shard, commit.taken)
            undo.append(pack('INCR', self._sequence))
        return undo

    def _metrics(self, found: Numbered) -> list[bytes]:
        """The names of the metrics, kept for those who ask what has been counted."""
        commands = []
        eras = {slot.era for slot in found.cells}
        for pk, metrics in found.pks.items():
            if not metrics:
                continue
            fields = [part for name in metrics for part in (escape(name), '1')]
            for era in eras:
                key = keys.metrics_key(self._commit.shard, era, pk)
                commands.append(pack('HSET', key, *fields))
                commands.append(pack('EXPIREAT', key, era_expires(era, self._longest)))
        return commands


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else value.encode()


def _pushed(shard: int, events: Sequence[bytes]) -> Iterator[bytes]:
    """Commands that put events before all that wait, the first of them first."""
    for end in range(len(events), 0, -_PUSHED_AT_ONCE):
        yield pack('LPUSH', keys.hits_key(shard), *reversed(events[max(0, end - _PUSHED_AT_ONCE) : end]))


def _send(wire: Wire, increments: Sequence[bytes], others: Sequence[bytes]) -> int:
    """Send everything between MULTI and EXEC; how many one-line replies come before the results."""
    wire.send(b''.join([pack('MULTI'), *increments, *others, pack('EXEC')]))
    return 1 + len(increments) + len(others)


def _results(wire: Wire, queued: int, asking: Sequence[Prepared] = ()) -> list[Reply] | None:
    """The results of what was sent; None when a watched key had changed.  Whatever they are, all replies are read."""
    refusals, results = wire.simple(queued), wire.reply()
    for one in asking:
        one.answered(wire.reply())
    if isinstance(results, list):
        return results
    for refusal in refusals:
        raise refusal
    checked(results)
    return None
