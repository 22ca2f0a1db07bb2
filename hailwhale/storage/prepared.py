"""Questions that are asked again and again: encoded once, asked of many children.

Of a child that was not asked for before, the script answers, and tells its numbers.  From then on plain commands read
the fields of these: an engine runs them in half the time that the script takes, and others get their turn in between.
A number stands for the same child as long as its table is there.  It is read along, after the fields; where it is
another one by then, for the tree was cleared, the script answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from hailwhale.metrics import MICROS_PER_UNIT, Micros
from hailwhale.paths import escape
from hailwhale.storage import keys
from hailwhale.storage.reads import Call, Chunk, eras_of, together
from hailwhale.storage.redis import Engine, evaluate_all
from hailwhale.storage.wire import Wire, bulk, pack

#: Questions that are remembered, and bytes of their commands.
_REMEMBERED, _BYTES = 2_000, 4_000_000


class _Group(NamedTuple):
    """The commands for a child of one group, but for the child's name and the fields."""

    names: list[bytes]  #: one an era
    counters: list[list[bytes]]  #: by chunk, one a metric


class _Known(NamedTuple):
    """What is known of the children of a question."""

    numbers: list[bytes]  #: child by child, one an era
    commands: bytes  #: that read their fields, and after these the numbers
    replies: int  #: as many as there are commands
    values: int  #: in them


class PreparedSeries:
    """Questions for a child of each of some groups of one shard, the same buckets and metrics of each."""

    def __init__(
        self, engine: Engine, shard: int, groups: Sequence[str], of_chunks: Sequence[Chunk], metrics: Sequence[str]
    ) -> None:
        self._engine, self._shard = engine, shard
        self._chunks, self._metrics = of_chunks, metrics
        self._eras = eras = eras_of(of_chunks)
        #: Each chunk, and the place of its era among the numbers of a child.
        self._places = [(chunk, eras.index(chunk.era)) for chunk in of_chunks]
        self._most = most = together(of_chunks, metrics)
        self._calls = [
            Call(shard, groups[start : start + most], of_chunks, metrics) for start in range(0, len(groups), most)
        ]
        self._groups = [self._group(group) for group in groups]
        self._known: dict[tuple[str, ...], _Known] = {}
        self._size = 0

    def _group(self, group: str) -> _Group:
        names = [pack('HGET', keys.names_key(self._shard, era, group), more=1) for era in self._eras]
        texts = [escape(metric) for metric in self._metrics]
        return _Group(
            names,
            [
                [
                    pack('HMGET', keys.counters_key(self._shard, chunk.name, group, text), more=2 * len(chunk.offsets))
                    for text in texts
                ]
                for chunk in self._chunks
            ],
        )

    def __call__(self, children: Sequence[str]) -> list[list[Micros]]:
        """Ask, for a child (encoded) of each group: metric by metric the sum over all buckets."""
        asked = tuple(children)
        if len(asked) != len(self._groups):
            raise ValueError(f'{len(asked)} children of {len(self._groups)} groups')
        if not self._chunks:
            return [[0] * len(self._metrics) for _ in asked]
        return self._engine.run(self._shard, lambda wire: self._asked(wire, asked), again=True)

    def _asked(self, wire: Wire, children: tuple[str, ...]) -> list[list[Micros]]:
        known = self._known.get(children)
        found = None if known is None else self._read(wire, known)
        return self._learned(wire, children) if found is None else found

    def _learned(self, wire: Wire, children: tuple[str, ...]) -> list[list[Micros]]:
        """By the script, which tells the numbers."""
        parts = (children[number * self._most :][: self._most] for number in range(len(self._calls)))
        datas = [call.data(part) for call, part in zip(self._calls, parts, strict=True)]
        sums: list[list[Micros]] = []
        numbers: list[bytes] = []
        for call, reply in zip(self._calls, evaluate_all(wire, 'series', datas), strict=True):
            sums += [[sum(column) for column in columns.values()] for columns in call.columns(reply)]
            numbers += call.numbers(reply)
        if len(self._known) >= _REMEMBERED or self._size > _BYTES:
            self._known, self._size = {}, 0
        self._known[children] = known = self._encoded(children, numbers)
        self._size += len(known.commands)
        return sums

    def _encoded(self, children: tuple[str, ...], numbers: list[bytes]) -> _Known:
        """The plain commands for children with these numbers."""
        counters: list[bytes] = []
        names: list[bytes] = []
        at = values = 0
        for child, group in zip(children, self._groups, strict=True):
            name = bulk(child)
            for head in group.names:
                names += (head, name)
            for (chunk, place), heads in zip(self._places, group.counters, strict=True):
                fields = _fields(chunk, numbers[at + place])
                if fields:
                    values += 2 * len(chunk.offsets) * len(heads)
                    for head in heads:
                        counters += (head, fields)
            at += len(self._eras)
        replies = (len(counters) + len(names)) // 2
        # The tables last: whatever changed meanwhile, numbers that are the same then were the same before.
        return _Known(numbers, b''.join((*counters, *names)), replies, values + len(numbers))

    def _read(self, wire: Wire, known: _Known) -> list[list[Micros]] | None:
        """By plain commands; None where a number is another one by now."""
        wire.send(known.commands)
        values, numbers = wire.values(known.replies, integers=known.values), known.numbers
        first = len(values) - len(numbers)
        if values[first:] != numbers:
            return None
        return list(self._sums([int(value) if value else 0 for value in values[:first]], numbers))

    def _sums(self, amounts: Sequence[int], numbers: Sequence[bytes]) -> Iterator[list[Micros]]:
        eras, metrics, at = len(self._eras), range(len(self._metrics)), 0
        for first in range(0, len(numbers), eras):
            sums = [0] * len(metrics)
            for chunk, era in self._places:
                if numbers[first + era]:
                    count = len(chunk.offsets)
                    for metric in metrics:
                        middle, end = at + count, at + 2 * count
                        sums[metric] += sum(amounts[at:middle]) * MICROS_PER_UNIT + sum(amounts[middle:end])
                        at = end
            yield sums


def _fields(chunk: Chunk, number: bytes) -> bytes:
    """The fields of a child in one chunk, wholes and then millionths; nothing where it has no number."""
    if not number:
        return b''
    fields = [int(number) * chunk.length + offset for offset in chunk.offsets]
    return b''.join(map(bulk, (*fields, *[-1 - field for field in fields])))
