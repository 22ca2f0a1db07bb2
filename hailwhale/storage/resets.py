"""Taking back what was counted: a node with all that lies below it leaves no key, no field and no name behind.

A small tree is cleared in one transaction.  A large one would hold up everybody else for seconds: what lies below its
top is cleared first, in steps that take the engine a few milliseconds each, the deepest first; what is left then, and
what others have counted meanwhile, goes in one transaction.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from hailwhale.errors import StorageConflict
from hailwhale.paths import Path, encode, escape, unescape
from hailwhale.storage import keys
from hailwhale.storage.redis import Engine
from hailwhale.storage.wire import Reply, Wire, checked, pack, strings, text

#: How often the last step is tried while others count names that were not there before.
ATTEMPTS = 64
#: Keys that one step removes, most of which are not there: some ten milliseconds.
STEP = 20_000
#: Seconds between two steps.  A commit that is on its way when a step removes names has to begin again.
PAUSE = 0.03
#: Parents whose children are looked up together.
_PARENTS_AT_ONCE = 200
_TOO_LARGE = -1


@dataclass(frozen=True, slots=True)
class Span:
    """The chunks of one interval in which there may be counters."""

    name: str  #: of the interval
    length: int
    chunks: Sequence[tuple[int, int]]  #: chunk, era


@dataclass(frozen=True, slots=True)
class Reset:
    """What to clear: a node of a pk (``()``: the pk with all its dimensions and longer pks), all metrics or some."""

    pk: Path
    node: Path
    metrics: Collection[str]  #: () means all
    spans: Sequence[Span]

    @property
    def eras(self) -> list[int]:
        """Every era in which a name may be known."""
        return sorted({era for span in self.spans for _, era in span.chunks})


@dataclass(frozen=True, slots=True)
class _Parent:
    """Something that may have children: a dimension node of a pk, or with ``None`` the pk itself."""

    pk: Path
    node: Path | None

    @property
    def group(self) -> str:
        return keys.pk_group(self.pk) if self.node is None else keys.group(self.pk, self.node)

    def parents(self, name: str) -> list[_Parent]:
        """What one of its children may be the parent of."""
        if self.node is not None:
            return [_Parent(self.pk, (*self.node, name))]
        longer = (*self.pk, name)
        return [_Parent(longer, ()), _Parent(longer, None)]


@dataclass(frozen=True, slots=True)
class _Found:
    """A parent with children: their names, and the eras in which it has any."""

    parent: _Parent
    names: Sequence[str]
    eras: Sequence[int]


def reset(engine: Engine, what: Reset) -> int:
    """Clear it; how many nodes were cleared, 0 where there was nothing.

    The nodes above keep what was counted under them.  A tree with up to `STEP` keys is cleared in one transaction: it
    is there as a whole or not at all.  A larger one disappears step by step, and while that goes on its views need not
    agree.  In the end one transaction clears its top with all that is left: what others counted before it is gone from
    every view, and what they count after it is in every view.  A reset that was interrupted is finished by repeating
    it: the top keeps its name until the end.

    Only some metrics of a large tree: what others count of them meanwhile may stay in some of its nodes.

    Raises `StorageConflict` when the tree grew during every attempt.
    """
    shard = keys.shard_of(what.pk)
    clearing = _Clearing(shard, what)
    cleared, most = 0, STEP
    for _ in range(ATTEMPTS):
        done = engine.run(shard, partial(clearing.whole, most))
        if done == _TOO_LARGE:
            # Where others count as fast as it is cleared, the last step has to catch up with them.
            most *= 2
            cleared = max(cleared, 1 + clearing.below(engine))
            if what.metrics:
                engine.run(shard, clearing.top)
                return cleared
        elif done is not None:
            return max(cleared, done)
    raise StorageConflict(f'{list(what.pk)} grew during all of {ATTEMPTS} attempts to reset it: try again')


class _Clearing:
    def __init__(self, shard: int, what: Reset) -> None:
        self._shard = shard
        self._what = what
        self._eras = what.eras
        self._top = keys.series(what.pk, what.node)
        self._parents = [_Parent(what.pk, what.node)]
        if not what.node:
            self._parents.append(_Parent(what.pk, None))

    # -- in steps ----------------------------------------------------------------------------------------------------

    def below(self, engine: Engine) -> int:
        """Clear what lies below the top, the deepest first; how many nodes that were."""
        metrics = engine.run(self._shard, self._metrics, again=True)
        nodes, step = 0, list[str]()
        for found in self._walk(engine, self._parents):
            nodes += len(found.names)
            for some in self._parts(found, metrics):
                if step and len(step) + len(some) > STEP:
                    self._remove(engine, step)
                    step = []
                    time.sleep(PAUSE)
                step += some
        if step:
            self._remove(engine, step)
        return nodes

    def _parts(self, found: _Found, metrics: Sequence[str]) -> Iterator[list[str]]:
        """What goes with the children of a parent.  Their numbers, in the last part, go together with all that is
        counted under them: whoever is given such a number next begins at 0."""
        known = self._metrics_of(found)
        for first in range(0, len(known), STEP):
            yield known[first : first + STEP]
        yield self._counters_of(found, metrics)

    def _remove(self, engine: Engine, step: Sequence[str]) -> None:
        # When it is done twice, what was counted in between is gone too: what is left of that goes in the end.
        engine.run(self._shard, lambda wire: self._transaction(wire, [pack('UNLINK', *step)]), again=True)

    def _walk(self, engine: Engine, parents: Sequence[_Parent]) -> Iterator[_Found]:
        """All of these and of what lies below that has children; children before parents."""
        for first in range(0, len(parents), _PARENTS_AT_ONCE):
            some = parents[first : first + _PARENTS_AT_ONCE]
            found = self._found(some, engine.pipeline(self._shard, self._asking(some)))
            for one in found:
                yield from self._walk(engine, [below for name in one.names for below in one.parent.parents(name)])
            yield from found

    # -- at once -----------------------------------------------------------------------------------------------------

    def whole(self, most: int, wire: Wire) -> int | None:
        """Clear everything in one transaction; how many nodes, None when somebody counted a new one meanwhile.

        `_TOO_LARGE`, and nothing done, when that would remove more than ``most`` keys.
        """
        wire.ask(pack('WATCH', keys.epoch_key(self._shard)))
        by_era = self._numbers(wire)
        metrics = self._metrics(wire, watched=True)
        nodes, step = 0, list[str]()
        waiting = list(self._parents)
        while waiting:
            some, waiting = waiting[:_PARENTS_AT_ONCE], waiting[_PARENTS_AT_ONCE:]
            for found in self._children(wire, some):
                nodes += len(found.names)
                step += self._counters_of(found, metrics) + self._metrics_of(found)
                waiting += [below for name in found.names for below in found.parent.parents(name)]
            if len(step) > most:
                wire.ask(pack('UNWATCH'))
                return _TOO_LARGE
        if not by_era and not nodes:
            wire.ask(pack('UNWATCH'))
            return 0
        commands = [*self._clear_top(by_era, metrics), *([pack('UNLINK', *step)] if step else [])]
        return 1 + nodes if self._transaction(wire, commands) else None

    def top(self, wire: Wire) -> None:
        """Clear the counters of the top alone."""
        self._transaction(wire, list(self._clear_top(self._numbers(wire), self._metrics(wire))))

    def _children(self, wire: Wire, parents: Sequence[_Parent]) -> list[_Found]:
        """Those of some parents that have children; nobody may add a child to any of them until we are done."""
        watch = pack('WATCH', *[table for parent in parents for table in self._tables(parent.group)])
        _, *replies = self._together(wire, [watch, *self._asking(parents)])
        return self._found(parents, replies)

    # -- what there is -----------------------------------------------------------------------------------------------

    def _tables(self, group: str) -> list[str]:
        return [keys.names_key(self._shard, era, group) for era in self._eras]

    def _asking(self, parents: Iterable[_Parent]) -> list[bytes]:
        return [pack('HKEYS', table) for parent in parents for table in self._tables(parent.group)]

    def _found(self, parents: Iterable[_Parent], replies: Sequence[Reply]) -> list[_Found]:
        """The parents with children, from the answers to `_asking`."""
        found, each = [], iter(replies)
        for parent in parents:
            tables = {era: strings(next(each)) for era in self._eras}
            if any(tables.values()):
                names = {unescape(name.decode()) for table in tables.values() for name in table if name}
                found.append(_Found(parent, sorted(names), [era for era, table in tables.items() if table]))
        return found

    def _numbers(self, wire: Wire) -> dict[int, int]:
        """The number of the top in each era that knows it."""
        tables = self._tables(self._top.group)
        commands = [pack('WATCH', *tables), *(pack('HGET', table, self._top.child) for table in tables)]
        _, *replies = self._together(wire, commands)
        found = {era: text(reply) for era, reply in zip(self._eras, replies, strict=True)}
        return {era: int(number) for era, number in found.items() if number is not None}

    def _metrics(self, wire: Wire, *, watched: bool = False) -> list[str]:
        """The metrics to clear, escaped; those of a pk are those of all that is longer, too."""
        if self._what.metrics:
            return [escape(name) for name in self._what.metrics]
        known = [keys.metrics_key(self._shard, era, encode(self._what.pk)) for era in self._eras]
        # A metric that is counted for the first time meanwhile would be left behind.
        commands = [pack('WATCH', *known)] if watched else []
        replies = self._together(wire, commands + [pack('HKEYS', key) for key in known])[len(commands) :]
        return sorted({name.decode() for reply in replies for name in strings(reply) if name})

    def _hashes(self, group: str, eras: Collection[int], metrics: Iterable[str]) -> Iterator[tuple[str, int, int]]:
        """Every hash in which a group may have counters, with the length of its chunk and its era."""
        for span in self._what.spans:
            for chunk, era in span.chunks:
                if era in eras:
                    for metric in metrics:
                        yield keys.counters_key(self._shard, f'{span.name}:{chunk}', group, metric), span.length, era

    def _counters_of(self, found: _Found, metrics: Sequence[str]) -> list[str]:
        """All counters of the children of a parent, and the tables of their numbers."""
        group = found.parent.group
        counters = [key for key, _, _ in self._hashes(group, found.eras, metrics)]
        return (
            counters
            if self._what.metrics
            else counters + [keys.names_key(self._shard, era, group) for era in found.eras]
        )

    def _metrics_of(self, found: _Found) -> list[str]:
        """The names of the metrics of those children that are pks."""
        if self._what.metrics or found.parent.node is not None:
            return []
        pks = [encode((*found.parent.pk, name)) for name in found.names]
        return [keys.metrics_key(self._shard, era, pk) for pk in pks for era in self._eras]

    def _clear_top(self, by_era: dict[int, int], metrics: Sequence[str]) -> Iterator[bytes]:
        for key, length, era in self._hashes(self._top.group, by_era.keys(), metrics):
            first = by_era[era] * length
            fields = range(first, first + length)
            yield pack('HDEL', key, *fields, *(-1 - field for field in fields))
        if not self._what.metrics:
            for era in by_era:
                yield pack('HDEL', keys.names_key(self._shard, era, self._top.group), self._top.child)
            if not self._what.node:
                pk = encode(self._what.pk)
                yield pack('UNLINK', *[keys.metrics_key(self._shard, era, pk) for era in self._eras])

    # -- the engine --------------------------------------------------------------------------------------------------

    @staticmethod
    def _together(wire: Wire, commands: Sequence[bytes]) -> list[Reply]:
        wire.send(b''.join(commands))
        replies = [wire.reply() for _ in commands]
        return [checked(reply) for reply in replies]

    def _transaction(self, wire: Wire, commands: Sequence[bytes]) -> bool:
        """Do all of it in one step, and have the commits that are on their way begin again; False when something that
        is watched has changed."""
        commands = [*commands, pack('INCR', keys.epoch_key(self._shard))]
        wire.send(b''.join([pack('MULTI'), *commands, pack('EXEC')]))
        refusals, reply = wire.simple(1 + len(commands)), wire.reply()
        for refusal in refusals:
            raise refusal
        done = checked(reply)
        return done is not None
