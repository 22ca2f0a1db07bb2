"""The sum of many events: from events to the increments of each shard.

Events are added up first by what they count and when; only the distinct ones are spread over pk prefixes, dimension
nodes and intervals.  So a flood of similar events costs about one dictionary addition each, and the engine little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

from hailwhale.kept import Kept
from hailwhale.metrics import Micros
from hailwhale.paths import Path, encode, prefixes
from hailwhale.storage import Cells, Commit, Lanes, Series, Slot, series_at, shard_of
from hailwhale.storage import series as series_of

K = TypeVar('K')
Slots = tuple[Slot, ...]
#: By pk and node, both encoded, what was counted there: the amounts in one integer.
Sums = dict[str, dict[str, int]]


class Subject(NamedTuple):
    """What an event counts: a pk, and the dimension nodes that it touches (the overall one among them)."""

    pk: Path
    nodes: tuple[Path, ...]


@lru_cache(maxsize=16_384)
def subject_series(subject: Subject) -> tuple[Series, ...]:
    """Everything that an event of this subject adds to: every node of every prefix of the pk."""
    return tuple(series_of(pk, node) for pk in prefixes(subject.pk) for node in subject.nodes)


@lru_cache(maxsize=16_384)
def _encoded(nodes: tuple[Path, ...]) -> tuple[str, ...]:
    return tuple(encode(node) for node in nodes)


class Tally:
    """A sum of events.  Not for several threads at once.

    >>> from hailwhale.periods import Retention
    >>> tally = Tally(Kept([Retention.parse('1d:1y')], {}), now=1_700_000_000)
    >>> for dollars in (5, 7):
    ...     tally.add(Subject(('Product', '42'), ((),)), 1_700_000_000, {'dollars': dollars * 10**6})
    >>> [(commit.events, commit.increments) for commit in tally.commits()]
    [(2, 2)]
    """

    def __init__(self, kept: Kept, now: int) -> None:
        self.events = 0
        self.lanes = Lanes()
        self._kept = kept
        self._now = now
        self._sums: dict[Slots, dict[Subject, int]] = {}
        self._moments: dict[int, dict[Subject, int]] = {}

    def add(self, subject: Subject, at: int, amounts: Mapping[str, Micros]) -> None:
        """Add one event.  Raises `InvalidTime`, and adds nothing, when no kept interval covers ``at``."""
        self.add_packed(subject, at, self.lanes.pack(amounts))

    def add_packed(self, subject: Subject, at: int, packed: int) -> None:
        """Add one event whose amounts are in one integer already (``self.lanes``)."""
        sums = self._moments.get(at)
        if sums is None:
            sums = self._sums_at(at)
        sums[subject] = sums.get(subject, 0) + packed
        self.events += 1

    def _sums_at(self, at: int) -> dict[Subject, int]:
        slots = tuple(self._kept.slots(at, self._now))
        sums = self._moments[at] = self._sums.setdefault(slots, {})
        return sums

    def commits(self) -> Iterator[Commit]:
        """One commit for each shard."""
        for shard, grouped in self._grouped().items():
            yield self._commit(shard, grouped, ())

    def commit(self, shard: int, ids: Collection[str] = ()) -> Commit:
        """The commit of the one shard that all events share, with the ids to mark in it."""
        return self._commit(shard, self._grouped().get(shard, {}), ids)

    def _commit(self, shard: int, grouped: Mapping[Slots, Mapping[str, _Several]], ids: Collection[str]) -> Commit:
        cells = placed(shard, rolled_up({slots: spread(pks, _encoded) for slots, pks in grouped.items()}))
        return Commit(shard, cells, self.lanes, metrics_of_pks(grouped, self.lanes), ids, events=self.events)

    def _grouped(self) -> dict[int, dict[Slots, dict[str, _Several]]]:
        """By shard, slots and pk: what was counted for each choice of nodes."""
        shards: defaultdict[int, defaultdict[Slots, defaultdict[str, _Several]]]
        shards = defaultdict(lambda: defaultdict(lambda: defaultdict(dict)))
        for slots, sums in self._sums.items():
            for subject, packed in sums.items():
                shards[shard_of(subject.pk)][slots][encode(subject.pk)][subject.nodes] = packed
        return shards  # type: ignore[return-value]


_Several = dict[tuple[Path, ...], int]


def spread(pks: Mapping[str, Mapping[K, int]], nodes_of: Callable[[K], Iterable[str]]) -> Sums:
    """What each node of each pk and of all its prefixes counted, from what was counted for several nodes at once."""
    found: Sums = {}
    for pk, several in pks.items():
        sums = found[pk] = {}
        for nodes, packed in several.items():
            for node in nodes_of(nodes):
                sums[node] = sums.get(node, 0) + packed
    for level in range(max((pk.count('/') for pk in found), default=0), 0, -1):
        for pk in [pk for pk in found if pk.count('/') == level]:
            _add(found, pk.rpartition('/')[0], found[pk])
    return found


def rolled_up(by_slots: Mapping[Slots, Sums]) -> dict[Slot, Sums]:
    """What was counted in several slots at once, slot by slot.

    Minutes are added up to hours and hours to days: few sums have to be gone over again, not every event.
    """
    found: dict[Slot, Sums] = {}
    while by_slots:
        coarser: dict[Slots, Sums] = {}
        for slots, sums in by_slots.items():
            _add_all(found, slots[0], sums)
            if len(slots) > 1:
                _add_all(coarser, slots[1:], sums)
        by_slots = coarser
    return found


def placed(shard: int, by_slot: Mapping[Slot, Sums]) -> Cells:
    """The sums where they lie."""
    places: dict[str, dict[str, Series]] = {}
    cells: Cells = {}
    for slot, pks in by_slot.items():
        of_slot = cells[slot] = {}
        for pk, sums in pks.items():
            known = places.setdefault(pk, {})
            for node, packed in sums.items():
                place = known.get(node)
                if place is None:
                    place = known[node] = series_at(shard, pk, node)
                of_slot[place] = packed
    return cells


def metrics_of_pks(grouped: Mapping[Slots, Mapping[str, Mapping[K, int]]], lanes: Lanes) -> dict[str, set[str]]:
    """By pk (encoded), the metrics that something is added to.

    Looked for before anything is added up over nodes: where +5 of one meets -5 of another, both have counters.
    """
    packed: defaultdict[str, set[int]] = defaultdict(set)
    for pks in grouped.values():
        for pk, several in pks.items():
            packed[pk].update(several.values())
    known: defaultdict[str, set[str]] = defaultdict(set)
    for full, amounts in packed.items():
        names, pk = _names(amounts, lanes), full
        while pk:
            known[pk] |= names
            pk = pk.rpartition('/')[0]
    return known


def _names(several: Iterable[int], lanes: Lanes) -> set[str]:
    """The metrics that are not 0 in all of these amounts."""
    names: set[str] = set()
    for packed in several:
        names.update(name for name, micros in zip(lanes.names, lanes.unpack(packed), strict=True) if micros)
        if len(names) == len(lanes.names):
            break
    return names


def _add_all(known: dict[K, Sums], place: K, sums: Sums) -> None:
    """Add sums to those that are there already."""
    before = known.get(place)
    if before is None:
        known[place] = {pk: nodes.copy() for pk, nodes in sums.items()}
        return
    for pk, nodes in sums.items():
        _add(before, pk, nodes)


def _add(known: Sums, pk: str, nodes: Mapping[str, int]) -> None:
    before = known.get(pk)
    if before is None:
        known[pk] = dict(nodes)
        return
    for node, packed in nodes.items():
        before[node] = before.get(node, 0) + packed
