"""One event, counted by one call of a script: one round trip.

The command names some eighty keys.  Most of them are the same for the events of a minute, so they are encoded once: by
shard, moment and metrics, by group, and by the children within it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial

from hailwhale.errors import StorageRefused
from hailwhale.metrics import Micros, split
from hailwhale.paths import escape
from hailwhale.storage import keys
from hailwhale.storage.bounds import Bounds
from hailwhale.storage.keys import Slot, era_expires
from hailwhale.storage.numbering import Folding
from hailwhale.storage.redis import Engine, evaluate
from hailwhale.storage.scripts import digest
from hailwhale.storage.wire import bulk, numbers

_CALLS = {script: b'$7\r\nEVALSHA\r\n' + bulk(digest(script)) for script in ('count', 'level')}
_NO_ROOM_FOR_IDS = -1


@dataclass(frozen=True, slots=True)
class Event:
    """One event, ready to be counted.  The first ``groups``, each with the children to count, are those of ``pks``."""

    shard: int
    groups: Sequence[tuple[str, tuple[str, ...]]]
    pks: Sequence[str]
    slots: Sequence[Slot]
    amounts: Mapping[str, Micros]
    id: str | None


def count(engine: Engine, event: Event, *, longest: int, bounds: Bounds, now: int) -> bool:
    """Add an event's amounts to every child of every group in every slot, in one round trip.

    A new child of a parent that has no room for it is counted as `keys.OTHER`, with a round trip for each level at
    which that is found.  False, and nothing added, when its id was counted within the time that ids are kept.
    """
    return _run(engine, 'count', event, longest=longest, bounds=bounds, now=now)


def set_level(engine: Engine, event: Event, *, longest: int, bounds: Bounds, now: int) -> None:
    """Set the amounts of the last child of the last group in every slot; move all others by the same difference.

    One script call: all or nothing, whoever else counts there.  A child without room is set as `keys.OTHER`.
    """
    _run(engine, 'level', event, longest=longest, bounds=bounds, now=now)


def _run(engine: Engine, script: str, event: Event, *, longest: int, bounds: Bounds, now: int) -> bool:
    # Each time another name becomes `OTHER`, which has room everywhere: this ends.
    while True:
        data = command(script, event, longest=longest, bounds=bounds, now=now)
        reply = engine.run(event.shard, partial(evaluate, name=script, data=data))
        if not isinstance(reply, list):
            break
        places = numbers(reply)
        event = _folded(event, [(g - 1, c - 1) for g, c in zip(places[::2], places[1::2], strict=True)])
    if reply == _NO_ROOM_FOR_IDS:
        raise StorageRefused(
            f'shard {event.shard} remembers {bounds.ids} ids of today already, and as many may be (set '
            'HAILWHALE_MAX_IDS higher, count events without an id, or try again tomorrow); nothing was counted'
        )
    return reply == 1


def _folded(event: Event, places: Iterable[tuple[int, int]]) -> Event:
    """The event with those children counted as `OTHER`, and what lies below them below it."""
    folding = Folding({(event.groups[group][0], event.groups[group][1][child]) for group, child in places})
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for group, children in event.groups:
        # Two that become one are added both: so a node's children sum to what they would have summed to.
        groups[folding.group(group)] += [folding.child(group, child) for child in children]
    return replace(
        event,
        groups=[(group, tuple(children)) for group, children in groups.items()],
        pks=[folding.pk(pk) for pk in event.pks],
    )


def command(script: str, event: Event, *, longest: int, bounds: Bounds, now: int) -> bytes:
    """The call of a script that takes its arguments as `scripts/event.lua` reads them."""
    layout = _layout(event.shard, tuple(event.slots), tuple(event.amounts), longest)
    names, counters, children = [], [], []
    size = 0
    for group, of_group in event.groups:
        tables, hashes = _group(layout, group)
        names.append(tables)
        counters.append(hashes)
        children.append(_children(of_group))
        size += 1 + len(of_group)
    pks = [_pk(layout, pk) for pk in event.pks]
    ids = keys.ids_keys(event.shard, now, bounds.ids_kept) if event.id else ()
    keyed = len(ids) + len(event.groups) * layout.hashes + len(pks) * len(layout.eras)
    id = keys.id_digest(event.id) if event.id else b''
    most = (bounds.ids, bounds.children)
    head: tuple[bytes | int, ...] = (
        id,
        keys.ids_expire(now, bounds.ids_kept),
        len(ids),
        *most,
        len(event.groups),
        len(pks),
    )
    return b''.join(
        [
            b'*%d\r\n' % (3 + keyed + len(head) + layout.size + 3 * len(event.amounts) + size),
            *(_CALLS[script], bulk(keyed), *map(bulk, ids), *names, *pks, *counters),
            *(*map(bulk, head), layout.args, *layout.amounts(event.amounts.values()), *children),
        ]
    )


class _Layout:
    """What the events of one shard, moment and choice of metrics share."""

    def __init__(self, shard: int, slots: Sequence[Slot], metrics: Sequence[str], longest: int) -> None:
        self.shard = shard
        self.eras = sorted({slot.era for slot in slots})
        self.places = [f'{keys.tag(shard)}{slot.name}:' for slot in slots]
        self.metrics = [escape(name) for name in metrics]
        self._names = [bulk(name) for name in self.metrics]
        args: list[int] = [len(self.eras), len(slots), len(metrics)]
        args += [era_expires(era, longest) for era in self.eras]
        for slot in slots:
            args += (self.eras.index(slot.era) + 1, slot.length, slot.offset, slot.expires)
        self.args = b''.join(map(bulk, args))
        self.size = len(args)
        #: Keys for each group: its tables and its counters.
        self.hashes = len(self.eras) + len(slots) * len(metrics)

    def amounts(self, amounts: Iterable[Micros]) -> Iterator[bytes]:
        """Each metric's name, whole amount and millionths."""
        for name, micros in zip(self._names, amounts, strict=True):
            whole, rest = split(micros)
            yield name + bulk(whole) + bulk(rest)


_layout = lru_cache(maxsize=256)(_Layout)


@lru_cache(maxsize=8_192)
def _group(layout: _Layout, group: str) -> tuple[bytes, bytes]:
    """The keys of a group's tables, and those of its counters; about a kilobyte."""
    tables = [keys.names_key(layout.shard, era, group) for era in layout.eras]
    counters = [f'{place}{group}:{metric}' for place in layout.places for metric in layout.metrics]
    return b''.join(map(bulk, tables)), b''.join(map(bulk, counters))


@lru_cache(maxsize=8_192)
def _pk(layout: _Layout, pk: str) -> bytes:
    """The keys under which the metrics of a pk are known."""
    return b''.join([bulk(keys.metrics_key(layout.shard, era, pk)) for era in layout.eras])


@lru_cache(maxsize=8_192)
def _children(children: tuple[str, ...]) -> bytes:
    return bulk(len(children)) + b''.join(map(bulk, children))
