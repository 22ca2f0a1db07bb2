"""The sum of many events: from events to the increments of each shard.

Events are added up first by what they count and when; only the distinct ones are spread over pk prefixes, dimension
nodes and intervals.  So a flood of similar events costs about one dictionary addition each, and the engine little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import NamedTuple, TypeVar

from hailwhale.kept import Kept
from hailwhale.metrics import Micros
from hailwhale.paths import Path, encode, prefixes
from hailwhale.storage import Cells, Commit, Lanes, Series, Slot, shard_of
from hailwhale.storage import series as series_of

K = TypeVar('K')
Sums = dict[Series, int]


class Subject(NamedTuple):
    """What an event counts: a pk, and the dimension nodes that it touches (the overall one among them)."""

    pk: Path
    nodes: tuple[Path, ...]


@lru_cache(maxsize=16_384)
def subject_series(subject: Subject) -> tuple[Series, ...]:
    """Everything that an event of this subject adds to: every node of every prefix of the pk."""
    return tuple(series_of(pk, node) for pk in prefixes(subject.pk) for node in subject.nodes)


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
        self._sums: dict[tuple[Slot, ...], dict[Subject, int]] = {}
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
        for shard, cells in self._by_shard().items():
            yield self._commit(shard, cells, ())

    def commit(self, shard: int, ids: Collection[str] = ()) -> Commit:
        """The commit of the one shard that all events share, with the ids to mark in it."""
        return self._commit(shard, self._by_shard().get(shard, {}), ids)

    def _commit(self, shard: int, cells: Cells, ids: Collection[str]) -> Commit:
        return Commit(shard, cells, self.lanes, self._metrics_of_pks(shard), ids, events=self.events)

    def _metrics_of_pks(self, shard: int) -> dict[str, set[str]]:
        """By pk (encoded), the metrics that something is added to.

        Looked for before anything is added up over subjects: where +5 of one meets -5 of another, both have counters.
        """
        packed: defaultdict[Path, set[int]] = defaultdict(set)
        for sums in self._sums.values():
            for subject, amounts in sums.items():
                if shard_of(subject.pk) == shard:
                    packed[subject.pk].add(amounts)
        known: defaultdict[str, set[str]] = defaultdict(set)
        for full, several in packed.items():
            names = self._names(several)
            for pk in prefixes(full):
                known[encode(pk)] |= names
        return known

    def _names(self, several: Iterable[int]) -> set[str]:
        """The metrics that are not 0 in all of these amounts."""
        names: set[str] = set()
        for packed in several:
            amounts = zip(self.lanes.names, self.lanes.unpack(packed), strict=True)
            names.update(name for name, micros in amounts if micros)
            if len(names) == len(self.lanes.names):
                break
        return names

    def _by_shard(self) -> dict[int, Cells]:
        """The sums, spread over every series, then over the slots."""
        spread: defaultdict[int, dict[tuple[Slot, ...], Sums]] = defaultdict(dict)
        for slots, sums in self._sums.items():
            for shard, of_shard in _spread(sums).items():
                spread[shard][slots] = of_shard
        return {shard: _rolled_up(by_slots) for shard, by_slots in spread.items()}


def _spread(subjects: Mapping[Subject, int]) -> dict[int, Sums]:
    """By shard, what each series counted; all this in the same slots."""
    shards: dict[int, Sums] = {}
    for subject, packed in subjects.items():
        touched = subject_series(subject)
        sums = shards.setdefault(touched[0].shard, {})
        for one in touched:
            sums[one] = sums.get(one, 0) + packed
    return shards


def _rolled_up(by_slots: Mapping[tuple[Slot, ...], Sums]) -> Cells:
    """What was counted in several slots at once, slot by slot.

    Minutes are added up to hours and hours to days: few series have to be gone over again, not every event.
    """
    cells: Cells = {}
    while by_slots:
        coarser: dict[tuple[Slot, ...], Sums] = {}
        for slots, sums in by_slots.items():
            _add(cells, slots[0], sums)
            if len(slots) > 1:
                _add(coarser, slots[1:], sums)
        by_slots = coarser
    return cells


def _add(known: dict[K, Sums], place: K, sums: Sums) -> None:
    """Add sums to those that are there already."""
    before = known.get(place)
    if before is None:
        known[place] = sums.copy()
        return
    for one, packed in sums.items():
        before[one] = before.get(one, 0) + packed
