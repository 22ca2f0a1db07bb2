"""What happened, as an event, as a commit, and as the obvious sum; and all that an engine holds."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from redis import Redis

from hailwhale.metrics import Micros
from hailwhale.paths import Path, encode, escape, prefixes
from hailwhale.periods import Retention
from hailwhale.storage import Commit, Event, Lanes, Reset, Slot, Slots, Span, series, shard_of
from tests.engines import Server

#: The first moment of 2100: its counters expire in the engine's future, whenever the tests run.
NOW = 4_102_444_800
ONE = 10**6
KEEP = [Slots(Retention.parse(text)) for text in ('1m:1d', '1h:31d', '1d:1y')]

Place = tuple[str, str, str, str, int]  # slot, group, child, metric, offset; as keys spell them


@dataclass(frozen=True)
class Happening:
    """One event; ``amounts`` in millionths."""

    pk: Path = ('signup',)
    nodes: tuple[Path, ...] = ((),)
    amounts: Mapping[str, Micros] = field(default_factory=lambda: {'hits': ONE})
    at: int = NOW
    id: str | None = None

    @property
    def shard(self) -> int:
        return shard_of(self.pk)

    @property
    def slots(self) -> list[Slot]:
        return slots_at(self.at)


def slots_at(at: int) -> list[Slot]:
    return [slots.at(slots.interval.floor(at)) for slots in KEEP]


def event(one: Happening) -> Event:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for node in sorted(one.nodes, key=len):
        for pk in prefixes(one.pk):
            lies = series(pk, node)
            groups[lies.group].append(lies.child)
    return Event(
        one.shard,
        [(group, tuple(of)) for group, of in groups.items()],
        [encode(pk) for pk in prefixes(one.pk)],
        one.slots,
        one.amounts,
        one.id,
    )


def commit(happened: Sequence[Happening], **more: Any) -> Commit:
    """All of them, which share one shard, as one commit."""
    lanes = Lanes()
    cells: dict[Slot, Counter[Any]] = {}
    pks: defaultdict[str, set[str]] = defaultdict(set)
    for one in happened:
        packed = lanes.pack(one.amounts)
        for pk in prefixes(one.pk):
            pks[encode(pk)].update(one.amounts)
            for slot in one.slots:
                for node in one.nodes:
                    cells.setdefault(slot, Counter())[series(pk, node)] += packed
    ids = [one.id for one in happened if one.id]
    shard = happened[0].shard if happened else 0
    return Commit(shard, cells, lanes, pks, ids, events=len(happened), **more)


def expected(happened: Iterable[Happening]) -> dict[Place, Micros]:
    """What all counters that are not 0 must hold."""
    sums: Counter[Place] = Counter()
    for one in happened:
        for pk in prefixes(one.pk):
            for node in one.nodes:
                _, group, child = series(pk, node)
                for slot in one.slots:
                    for metric, micros in one.amounts.items():
                        sums[slot.name, group, child, escape(metric), slot.offset] += micros
    return {place: amount for place, amount in sums.items() if amount}


class Entry(NamedTuple):
    """One key: its value, and when it ends (epoch seconds), -1 for never."""

    value: Any
    expires: int


READERS: dict[bytes, Callable[[Any, bytes], Any]] = {
    b'hash': lambda node, key: node.hgetall(key),
    b'set': lambda node, key: node.smembers(key),
    b'list': lambda node, key: node.lrange(key, 0, -1),
    b'string': lambda node, key: node.get(key),
}


def dump(server: Server) -> dict[str, Entry]:
    """Everything that an engine holds."""
    found = {}
    for node in server.nodes:
        keys = list(node.scan_iter(count=1_000))
        kinds, values = node.pipeline(transaction=False), node.pipeline(transaction=False)
        for key in keys:
            kinds.type(key)
        for key, kind in zip(keys, kinds.execute(), strict=True):
            READERS[kind](values, key)
            values.expiretime(key)
        read = iter(values.execute())
        found.update({key.decode(): Entry(value, next(read)) for key, value in zip(keys, read, strict=False)})
    return found


def is_counters(key: str) -> bool:
    return key.split(':')[2][0].isdigit()


def counted(server: Server, *, keep: Sequence[Slots] = KEEP) -> dict[Place, Micros]:
    """All counters that are not 0, by names instead of numbers, both parts of an amount together."""
    return counters(dump(server), keep=keep)


def counters(found: Mapping[str, Entry], *, keep: Sequence[Slots] = KEEP) -> dict[Place, Micros]:
    """Those of a dump."""
    lengths = {slots.name: (slots, slots.length) for slots in keep}
    sums: Counter[Place] = Counter()
    for key, (fields, _) in found.items():
        if is_counters(key):
            _, tag, interval, chunk, pk, parent, metric = key.split(':')
            slots, length = lengths[interval]
            table = found[f'hw:{tag}:n:{slots.era(int(chunk))}:{pk}:{parent}'].value
            names = {int(number): name.decode() for name, number in table.items() if name}
            for number, amount in fields.items():
                place, unit = (int(number), ONE) if int(number) >= 0 else (-1 - int(number), 1)
                child, offset = divmod(place, length)
                sums[f'{interval}:{chunk}', f'{pk}:{parent}', names[child], metric, offset] += int(amount) * unit
    return {place: amount for place, amount in sums.items() if amount}


def clearing(pk: Path, node: Path = (), metrics: Sequence[str] = (), *, since: int = NOW) -> Reset:
    spans = [Span(slots.name, slots.length, slots.chunks(since - 86_400, NOW + 86_400)) for slots in KEEP]
    return Reset(pk, node, metrics, spans)


@contextmanager
def configured(nodes: Iterable[Redis], name: str, value: str | int) -> Iterator[None]:
    """Engines with another setting for a while."""
    before: list[tuple[Redis, Any]] = [(node, node.config_get(name)[name]) for node in nodes]
    for node, _ in before:
        node.config_set(name, value)
    try:
        yield
    finally:
        for node, old in before:
            node.config_set(name, old)


def at_once(count: int, work: Callable[[int], object]) -> None:
    """Do the work in threads, each with its number."""
    with ThreadPoolExecutor(count) as pool:
        for done in [pool.submit(work, number) for number in range(count)]:
            done.result()
