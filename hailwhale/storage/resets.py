"""Taking back what was counted: a node with all that lies below it leaves no key, no field and no name behind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from hailwhale.errors import StorageConflict
from hailwhale.paths import Path, encode, escape, unescape
from hailwhale.storage import keys
from hailwhale.storage.commits import ATTEMPTS
from hailwhale.storage.keys import Series
from hailwhale.storage.redis import Engine
from hailwhale.storage.wire import Wire, checked, pack, strings, text


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


def reset(engine: Engine, what: Reset) -> int:
    """Clear it in one transaction; how many nodes were cleared, 0 where there was nothing.

    The nodes above keep what was counted under them.  Raises `StorageConflict` when the tree grew during every
    attempt.
    """
    shard = keys.shard_of(what.pk)
    for _ in range(ATTEMPTS):
        cleared = engine.run(shard, _Attempt(shard, what).run)
        if cleared is not None:
            return cleared
    raise StorageConflict(f'{list(what.pk)} grew during all of {ATTEMPTS} attempts to reset it: try again')


class _Attempt:
    def __init__(self, shard: int, what: Reset) -> None:
        self._shard = shard
        self._what = what
        self._eras = what.eras

    def run(self, wire: Wire) -> int | None:
        what = self._what
        wire.ask(pack('WATCH', keys.epoch_key(self._shard)))
        top = keys.series(what.pk, what.node)
        numbers = self._numbers(wire, top)
        groups, pks, nodes = self._below(wire, what.pk, what.node)
        if not numbers and not groups:
            wire.ask(pack('UNWATCH'))
            return 0
        metrics = [escape(name) for name in what.metrics or self._metrics(wire, what.pk)]
        commands = list(self._clear_child(top, numbers, metrics))
        for group in groups:
            commands += self._clear_group(group, metrics)
        if not what.metrics and not what.node:
            commands += [pack('UNLINK', keys.metrics_key(self._shard, era, pk)) for pk in pks for era in self._eras]
        commands.append(pack('INCR', keys.epoch_key(self._shard)))
        wire.send(b''.join([pack('MULTI'), *commands, pack('EXEC')]))
        refusals, reply = wire.simple(1 + len(commands)), wire.reply()
        for refusal in refusals:
            raise refusal
        done = checked(reply)
        return None if done is None else 1 + nodes

    def _watched(self, wire: Wire, group: str) -> list[str]:
        """The tables of a group; nobody may add a name to them until we are done."""
        tables = [keys.names_key(self._shard, era, group) for era in self._eras]
        wire.ask(pack('WATCH', *tables))
        return tables

    def _numbers(self, wire: Wire, series: Series) -> dict[int, int]:
        """The number of one child in each era that knows it."""
        numbers = {}
        for era, table in zip(self._eras, self._watched(wire, series.group), strict=True):
            number = text(checked(wire.ask(pack('HGET', table, series.child))))
            if number is not None:
                numbers[era] = int(number)
        return numbers

    def _names(self, wire: Wire, group: str) -> list[str]:
        names: set[bytes] = set()
        for table in self._watched(wire, group):
            names.update(strings(wire.ask(pack('HKEYS', table))))
        return sorted(unescape(name.decode()) for name in names if name)

    def _metrics(self, wire: Wire, pk: Path) -> list[str]:
        known = [keys.metrics_key(self._shard, era, encode(pk)) for era in self._eras]
        # A metric that is counted for the first time meanwhile would be left behind.
        wire.ask(pack('WATCH', *known))
        names: set[bytes] = set()
        for key in known:
            names.update(strings(wire.ask(pack('HKEYS', key))))
        return [unescape(name.decode()) for name in names]

    def _below(self, wire: Wire, pk: Path, node: Path) -> tuple[list[str], list[str], int]:
        """All groups below a node, the encoded pks among their members, and how many members there are."""
        groups: list[str] = []
        pks: list[str] = []
        members = 0
        waiting: list[tuple[Path, Path | None]] = [(pk, node)]
        if not node:
            pks.append(encode(pk))
            waiting.append((pk, None))
        while waiting:
            under, parent = waiting.pop()
            group = keys.pk_group(under) if parent is None else keys.group(under, parent)
            names = self._names(wire, group)
            if not names:
                continue
            groups.append(group)
            members += len(names)
            if parent is None:
                longer = [(*under, name) for name in names]
                pks += map(encode, longer)
                waiting += [(each, place) for each in longer for place in ((), None)]
            else:
                waiting += [(under, (*parent, name)) for name in names]
        return groups, pks, members

    def _hashes(self, group: str, metrics: Iterable[str]) -> Iterator[tuple[str, int, int]]:
        """Every hash in which a group may have counters, with the length of its chunk and its era."""
        for span in self._what.spans:
            for chunk, era in span.chunks:
                for metric in metrics:
                    yield keys.counters_key(self._shard, f'{span.name}:{chunk}', group, metric), span.length, era

    def _clear_child(self, series: Series, numbers: dict[int, int], metrics: Sequence[str]) -> Iterator[bytes]:
        for key, length, era in self._hashes(series.group, metrics):
            if era in numbers:
                first = numbers[era] * length
                fields = range(first, first + length)
                yield pack('HDEL', key, *fields, *(-1 - field for field in fields))
        if not self._what.metrics:
            for era in numbers:
                yield pack('HDEL', keys.names_key(self._shard, era, series.group), series.child)

    def _clear_group(self, group: str, metrics: Sequence[str]) -> Iterator[bytes]:
        for key, _, _ in self._hashes(group, metrics):
            yield pack('UNLINK', key)
        if not self._what.metrics:
            for era in self._eras:
                yield pack('UNLINK', keys.names_key(self._shard, era, group))
