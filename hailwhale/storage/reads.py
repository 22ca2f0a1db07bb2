"""Reading: the amounts of single series, and of all children of a group, in one round trip a shard.

A series is read by a script, which turns its name into the number that its fields use and asks for just its buckets.
A group is read as it lies: its tables of numbers and its hashes, whole, decoded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby, islice
from operator import add, attrgetter
from typing import NamedTuple, TypeVar

from hailwhale.metrics import MICROS_PER_UNIT, Micros
from hailwhale.paths import escape, unescape
from hailwhale.storage import keys
from hailwhale.storage.keys import Series, Slot
from hailwhale.storage.redis import Engine, evaluate_all, evaluation
from hailwhale.storage.wire import Reply, bulk, pack, strings

R = TypeVar('R')
A = TypeVar('A')
#: Amounts that one call of a script reads; a millisecond of the engine's time.
_AMOUNTS = 2_000


class Chunk(NamedTuple):
    """A part of a question: some buckets of one chunk."""

    name: str  #: 'INTERVAL:CHUNK'
    length: int
    era: int
    offsets: tuple[int, ...]


class SeriesRead(NamedTuple):
    """A question for one child of a group."""

    series: Series
    chunks: tuple[Chunk, ...]
    metrics: tuple[str, ...]


class GroupRead(NamedTuple):
    """A question for all children of a group."""

    shard: int
    group: str
    chunks: tuple[Chunk, ...]
    metrics: tuple[str, ...]
    summed: bool = False  #: one amount over all buckets will do


Columns = dict[str, list[Micros]]


def chunks(slots: Iterable[Slot]) -> tuple[Chunk, ...]:
    """The chunks in which slots lie, in order; answers give one amount a slot, in the order of the slots."""
    offsets: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
    for slot in slots:
        offsets[slot.name, slot.length, slot.era].append(slot.offset)
    return tuple(Chunk(*place, tuple(of_chunk)) for place, of_chunk in offsets.items())


def eras_of(of_chunks: Iterable[Chunk]) -> list[int]:
    """The eras of some chunks, in order."""
    return sorted({chunk.era for chunk in of_chunks})


class Call:
    """One call of the script: a child of each of some groups of a shard, encoded but for the children's names."""

    def __init__(self, shard: int, groups: Sequence[str], of_chunks: Sequence[Chunk], metrics: Sequence[str]) -> None:
        self._count, self._chunks, self._metrics = len(groups), of_chunks, metrics
        self._eras = eras = eras_of(of_chunks)
        names = [escape(metric) for metric in metrics]
        touched: list[str] = []
        for group in groups:
            touched += [keys.names_key(shard, era, group) for era in eras]
            touched += [keys.counters_key(shard, chunk.name, group, name) for chunk in of_chunks for name in names]
        args = [len(eras), len(metrics), len(of_chunks)]
        for chunk in of_chunks:
            args += (eras.index(chunk.era) + 1, chunk.length, len(chunk.offsets), *chunk.offsets)
        self._head = evaluation('series', touched, args, more=len(groups))

    def data(self, children: Iterable[str]) -> bytes:
        """The command, for a child of each group."""
        return self._head + b''.join(map(bulk, children))

    def columns(self, reply: Reply) -> Iterator[Columns]:
        """What was answered of each child."""
        values, at = strings(reply), 0
        for _ in range(self._count):
            columns: Columns = {name: [] for name in self._metrics}
            for chunk in self._chunks:
                count = len(chunk.offsets)
                for column in columns.values():
                    wholes, rests = values[at : at + count], values[at + count : at + 2 * count]
                    column += [
                        int(whole or 0) * MICROS_PER_UNIT + int(rest or 0)
                        for whole, rest in zip(wholes, rests, strict=True)
                    ]
                    at += 2 * count
            yield columns

    def numbers(self, reply: Reply) -> list[bytes]:
        """The number of each child in each era; b'' where it has none."""
        return strings(reply)[-self._count * len(self._eras) :]


def together(of_chunks: Sequence[Chunk], metrics: Sequence[str]) -> int:
    """How many questions are asked by one call: no more than hold up others for long."""
    return max(1, _AMOUNTS // max(1, len(metrics) * sum(len(chunk.offsets) for chunk in of_chunks)))


def read_series(engine: Engine, reads: Sequence[SeriesRead]) -> list[Columns]:
    """For each question, by metric, one amount per offset, chunk by chunk; 0 where nothing was counted.

    Questions that follow each other and differ in nothing but their series are asked by one call of the script.
    """

    def ask(shard: int, some: Sequence[SeriesRead]) -> Iterator[Columns]:
        calls, datas = [], []
        for alike in _alike(some):
            _, of_chunks, metrics = alike[0]
            calls.append(Call(shard, [read.series.group for read in alike], of_chunks, metrics))
            datas.append(calls[-1].data(read.series.child for read in alike))
        replies = engine.run(shard, lambda wire: evaluate_all(wire, 'series', datas), again=True)
        for call, reply in zip(calls, replies, strict=True):
            yield from call.columns(reply)

    return _each_shard(reads, [read.series.shard for read in reads], ask)


def _alike(reads: Iterable[SeriesRead]) -> Iterator[Sequence[SeriesRead]]:
    """Questions that are asked together: alike but for their series."""
    for (of_chunks, metrics), some in groupby(reads, key=attrgetter('chunks', 'metrics')):
        alike, most = list(some), together(of_chunks, metrics)
        yield from (alike[start : start + most] for start in range(0, len(alike), most))


def fetch_groups(engine: Engine, reads: Sequence[GroupRead]) -> list[Callable[[], dict[str, Columns]]]:
    """For each question what tells its answer, as `read_groups` has it: in whatever thread, for nothing is asked then.

    Of a large group that takes longer than asking.
    """

    def ask(shard: int, some: Sequence[GroupRead]) -> Iterator[Callable[[], dict[str, Columns]]]:
        each = [list(_group_commands(read)) for read in some]
        replies = iter(engine.pipeline(shard, [command for commands in each for command in commands]))
        for read, commands in zip(some, each, strict=True):
            yield partial(_group_columns, read, list(islice(replies, len(commands))))

    return _each_shard(reads, [read.shard for read in reads], ask)


def read_groups(engine: Engine, reads: Sequence[GroupRead]) -> list[dict[str, Columns]]:
    """For each question, by child (its name as it was counted) and metric, one amount per offset, chunk by chunk.

    Children with nothing in any of the buckets are left out.  Where a question is ``summed``, each column is one
    amount: the sum over all its buckets, for a third of the time.
    """
    return [told() for told in fetch_groups(engine, reads)]


def _group_commands(read: GroupRead) -> Iterator[bytes]:
    for chunk in read.chunks:
        for metric in read.metrics:
            yield pack('HGETALL', keys.counters_key(read.shard, chunk.name, read.group, escape(metric)))
    # The tables last: a child that was first counted a moment ago is then in them, whatever was counted meanwhile.
    for era in eras_of(read.chunks):
        yield pack('HGETALL', keys.names_key(read.shard, era, read.group))


def _group_columns(read: GroupRead, answered: Sequence[Reply]) -> dict[str, Columns]:
    width = 1 if read.summed else sum(len(chunk.offsets) for chunk in read.chunks)
    replies = iter(answered)
    hashes = [(chunk, metric, strings(next(replies))) for chunk in read.chunks for metric in read.metrics]
    names = {era: _names(next(replies)) for era in eras_of(read.chunks)}
    by_number: defaultdict[tuple[int, str], dict[int, list[Micros]]] = defaultdict(dict)
    first = 0
    for chunk, metric, fields in hashes:
        if read.summed:
            _sum(fields, chunk, by_number[chunk.era, metric])
        else:
            _spread(fields, chunk, first, width, by_number[chunk.era, metric])
            first += len(chunk.offsets) if metric == read.metrics[-1] else 0
    found: dict[bytes, Columns] = {}
    for (era, metric), of_metric in by_number.items():
        for number, column in of_metric.items():
            name = names[era].get(number)
            if name is not None:
                _merge(found.setdefault(name, {}), metric, column)
    nothing = [0] * width
    return {
        unescape(name.decode()): {metric: columns.get(metric, nothing) for metric in read.metrics}
        for name, columns in found.items()
    }


# The two functions below go over every field of a hash, tens of thousands in a large group: what they do for each
# is spelled out, and conversions are left to `map`.


def _spread(fields: Sequence[bytes], chunk: Chunk, first: int, width: int, columns: dict[int, list[Micros]]) -> None:
    """Put the fields of one hash into columns, by the child's number; only the buckets that are asked for."""
    length = chunk.length
    places = dict(zip(chunk.offsets, range(first, first + len(chunk.offsets)), strict=True))
    of_offset = [places.get(offset, -1) for offset in range(length)]
    nothing = [0] * width
    for field, amount in zip(map(int, fields[::2]), map(int, fields[1::2]), strict=True):
        if field >= 0:
            amount *= MICROS_PER_UNIT
        else:
            field = -1 - field
        place = of_offset[field % length]
        if place >= 0:
            child = field // length
            if child in columns:
                columns[child][place] += amount
            else:
                column = columns[child] = nothing[:]
                column[place] = amount


def _sum(fields: Sequence[bytes], chunk: Chunk, sums: dict[int, list[Micros]]) -> None:
    """Add the fields of one hash to one sum for each child, by its number; only of the buckets that are asked for."""
    length = chunk.length
    wanted = [offset in chunk.offsets for offset in range(length)]
    wholes: defaultdict[int, int] = defaultdict(int)
    rests: defaultdict[int, int] = defaultdict(int)
    for field, amount in zip(map(int, fields[::2]), map(int, fields[1::2]), strict=True):
        if field >= 0:
            if wanted[field % length]:
                wholes[field // length] += amount
        elif wanted[(-1 - field) % length]:
            rests[(-1 - field) // length] += amount
    for child, whole in wholes.items():
        sums.setdefault(child, [0])[0] += whole * MICROS_PER_UNIT
    for child, rest in rests.items():
        sums.setdefault(child, [0])[0] += rest


def _merge(columns: Columns, metric: str, column: list[Micros]) -> None:
    """Add a column to the one that an earlier era has left for the same child."""
    before = columns.get(metric)
    columns[metric] = list(map(add, before, column)) if before else column


def _names(reply: Reply) -> dict[int, bytes]:
    fields = strings(reply)
    return {int(number): name for name, number in zip(fields[::2], fields[1::2], strict=True) if name}


def children(engine: Engine, shard: int, group: str, eras: Iterable[int]) -> set[str]:
    """The names of all children of a group that were counted in some era."""
    return _hash_fields(engine, shard, [keys.names_key(shard, era, group) for era in eras])


def top_children(engine: Engine, group: str, eras: Iterable[int]) -> set[str]:
    """The names of all children of a group that every shard has a part of."""
    known = list(eras)
    shards = range(keys.SHARDS)
    asked = [(shard, pack('HKEYS', keys.names_key(shard, era, group))) for shard in shards for era in known]
    return _field_names(engine.everywhere(asked))


def metric_names(engine: Engine, shard: int, pk: str, eras: Iterable[int]) -> set[str]:
    """The names of all metrics that were counted under a pk (encoded) in some era."""
    return _hash_fields(engine, shard, [keys.metrics_key(shard, era, pk) for era in eras])


def _hash_fields(engine: Engine, shard: int, hashes: Iterable[str]) -> set[str]:
    return _field_names(engine.pipeline(shard, [pack('HKEYS', key) for key in hashes]))


def _field_names(replies: Iterable[Reply]) -> set[str]:
    return {unescape(name.decode()) for reply in replies for name in strings(reply) if name}


def _each_shard(reads: Sequence[R], shards: Sequence[int], ask: Callable[[int, Sequence[R]], Iterable[A]]) -> list[A]:
    """The answers in the order of the questions, asked shard by shard."""
    places: defaultdict[int, list[int]] = defaultdict(list)
    for i, shard in enumerate(shards):
        places[shard].append(i)
    answers: dict[int, A] = {}
    for shard, some in places.items():
        answers.update(zip(some, ask(shard, [reads[i] for i in some]), strict=True))
    return [answers[i] for i in range(len(reads))]
