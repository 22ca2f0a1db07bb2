"""Reading: the amounts of single series, and of all children of a group, in one round trip a shard.

A series is read by a script, which turns its name into the number that its fields use and asks for just its buckets.
A group is read as it lies: its tables of numbers and its hashes, whole, decoded here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import add
from typing import NamedTuple, TypeVar

from hailwhale.metrics import Micros
from hailwhale.paths import escape, unescape
from hailwhale.storage import keys
from hailwhale.storage.keys import Series, Slot
from hailwhale.storage.redis import Engine, evaluate, evaluate_all, evaluation
from hailwhale.storage.wire import Reply, Wire, pack, strings

R = TypeVar('R')
A = TypeVar('A')
_MILLION = 1_000_000


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


Columns = dict[str, list[Micros]]


def chunks(slots: Iterable[Slot]) -> tuple[Chunk, ...]:
    """The chunks in which slots lie, in order; answers give one amount a slot, in the order of the slots."""
    offsets: defaultdict[tuple[str, int, int], list[int]] = defaultdict(list)
    for slot in slots:
        offsets[slot.name, slot.length, slot.era].append(slot.offset)
    return tuple(Chunk(*place, tuple(of_chunk)) for place, of_chunk in offsets.items())


def read_series(engine: Engine, reads: Sequence[SeriesRead]) -> list[Columns]:
    """For each question, by metric, one amount per offset, chunk by chunk; 0 where nothing was counted."""

    def ask(shard: int, some: Sequence[SeriesRead]) -> Iterator[Columns]:
        datas = [_series_evaluation(read) for read in some]
        replies = engine.run(shard, lambda wire: evaluate_all(wire, 'series', datas), again=True)
        return map(_series_columns, some, replies)

    return _each_shard(reads, [read.series.shard for read in reads], ask)


def read_one(wire: Wire, read: SeriesRead) -> Columns:
    """The answer to one question, on a connection that is in the middle of something."""
    return _series_columns(read, evaluate(wire, 'series', _series_evaluation(read)))


def touched(read: SeriesRead) -> list[str]:
    """The hashes that hold the answer to a question."""
    shard, group, _ = read.series
    return [
        keys.counters_key(shard, chunk.name, group, escape(metric)) for chunk in read.chunks for metric in read.metrics
    ]


def _series_evaluation(read: SeriesRead) -> bytes:
    shard, group, child = read.series
    eras = sorted({chunk.era for chunk in read.chunks})
    tables = [keys.names_key(shard, era, group) for era in eras]
    args: list[str | int] = [child, len(eras), len(read.metrics)]
    for chunk in read.chunks:
        args += (eras.index(chunk.era) + 1, chunk.length, len(chunk.offsets), *chunk.offsets)
    return evaluation('series', tables + touched(read), args)


def _series_columns(read: SeriesRead, reply: Reply) -> Columns:
    values, at = strings(reply), 0
    columns: Columns = {name: [] for name in read.metrics}
    for chunk in read.chunks:
        count = len(chunk.offsets)
        for column in columns.values():
            wholes, rests = values[at : at + count], values[at + count : at + 2 * count]
            column += [int(whole or 0) * _MILLION + int(rest or 0) for whole, rest in zip(wholes, rests, strict=True)]
            at += 2 * count
    return columns


def read_groups(engine: Engine, reads: Sequence[GroupRead]) -> list[dict[str, Columns]]:
    """For each question, by child (its name as it was counted) and metric, one amount per offset, chunk by chunk.

    Children with nothing in any of the buckets are left out.
    """

    def ask(shard: int, some: Sequence[GroupRead]) -> Iterator[dict[str, Columns]]:
        commands = [command for read in some for command in _group_commands(read)]
        replies = iter(engine.pipeline(shard, commands))
        return iter([_group_columns(read, replies) for read in some])

    return _each_shard(reads, [read.shard for read in reads], ask)


def _group_commands(read: GroupRead) -> Iterator[bytes]:
    for chunk in read.chunks:
        for metric in read.metrics:
            yield pack('HGETALL', keys.counters_key(read.shard, chunk.name, read.group, escape(metric)))
    # The tables last: a child that was first counted a moment ago is then in them, whatever was counted meanwhile.
    for era in _eras(read):
        yield pack('HGETALL', keys.names_key(read.shard, era, read.group))


def _eras(read: GroupRead) -> list[int]:
    return sorted({chunk.era for chunk in read.chunks})


def _group_columns(read: GroupRead, replies: Iterator[Reply]) -> dict[str, Columns]:
    width = sum(len(chunk.offsets) for chunk in read.chunks)
    hashes = [(chunk, metric, strings(next(replies))) for chunk in read.chunks for metric in read.metrics]
    names = {era: _names(next(replies)) for era in _eras(read)}
    starts = accumulate((len(chunk.offsets) for chunk in read.chunks), initial=0)
    firsts = dict(zip(read.chunks, starts, strict=False))
    found: dict[bytes, Columns] = {}
    for chunk, metric, fields in hashes:
        places = {offset: firsts[chunk] + i for i, offset in enumerate(chunk.offsets)}
        for number, column in _decode(fields, chunk.length, places, width).items():
            name = names[chunk.era].get(number)
            if name is not None:
                _merge(found.setdefault(name, {}), metric, column)
    nothing = [0] * width
    return {
        unescape(name.decode()): {metric: columns.get(metric, nothing) for metric in read.metrics}
        for name, columns in found.items()
    }


def _decode(fields: Sequence[bytes], length: int, places: Mapping[int, int], width: int) -> dict[int, list[Micros]]:
    """The fields of one hash as columns, by the child's number; only the buckets in ``places`` (offset -> place)."""
    columns: dict[int, list[Micros]] = {}
    for field, value in zip(fields[::2], fields[1::2], strict=True):
        number = int(field)
        amount = int(value) if number < 0 else int(value) * _MILLION
        child, offset = divmod(number if number >= 0 else -1 - number, length)
        place = places.get(offset)
        if place is not None:
            column = columns.get(child)
            if column is None:
                column = columns[child] = [0] * width
            column[place] += amount
    return columns


def _merge(columns: Columns, metric: str, column: list[Micros]) -> None:
    """Add a column to the one that an earlier chunk has left for the same child."""
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
