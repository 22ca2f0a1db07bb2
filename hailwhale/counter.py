"""From events to increments: one event at once, many in few commits, a level that is set, a pk that is cleared."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from hailwhale.errors import HailWhaleError, InvalidDimensions, InvalidInput, LimitExceeded, StorageConflict
from hailwhale.kept import Kept
from hailwhale.limits import DEFAULT, Limits
from hailwhale.metrics import Micros, parse_metrics
from hailwhale.paths import Path, dimension_nodes, encode, pk_path, prefixes
from hailwhale.periods import parse_time
from hailwhale.storage import Commit, Event, Reset, Span, Storage, shard_of
from hailwhale.storage import series as series_of
from hailwhale.tally import Subject, Tally, subject_series

#: Events of one slice are read together, and added up together where they share a shard.
SLICE = 5_000
#: A transaction of so many increments holds up other clients for about 50 ms.
MAX_INCREMENTS = 16_000
#: One event may touch so many counters in each interval: the levels of its pk times its nodes times its metrics...
MAX_COUNTERS = 4_096
#: ... and their keys may have so many bytes together.  While one event is counted, all other clients wait.
MAX_KEY_BYTES = 1_000_000
_ATTEMPTS = 64
_FIELDS = ('pk', 'dimensions', 'metrics', 'at', 'id')
_ALIASES = {'dimension': 'dimensions', 'metric': 'metrics'}


class Read(NamedTuple):
    """An event that has been read: exact, checked, ready to be counted."""

    subject: Subject
    at: int
    amounts: Mapping[str, Micros]
    id: str | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """An event that was not counted: its place among those given, and why."""

    index: int
    error: HailWhaleError


@dataclass(slots=True)
class Counted:
    """What became of many events: ``counted`` and ``repeated`` (their id had been counted) are numbers of events."""

    counted: int
    repeated: int
    refused: list[Refusal]


def read_event(
    pk: object,
    dimensions: object,
    metrics: object,
    at: object,
    id: object,
    *,
    now: float,
    limits: Limits = DEFAULT,
) -> Read:
    """Read one event.  Raises `InvalidInput` with the name of the argument at fault."""
    subject = Subject(
        pk_path(pk, max_name_bytes=limits.name, max_depth=limits.depth),
        dimension_nodes(dimensions, max_name_bytes=limits.name, max_depth=limits.depth, max_nodes=limits.nodes),
    )
    amounts = parse_metrics(metrics, max_metrics=limits.metrics)
    _check_size(subject, len(amounts))
    return Read(subject, parse_time(at, now), amounts, None if id is None else _event_id(id))


def _check_size(subject: Subject, metrics: int) -> None:
    """Each part of an event has its limit; this is the one on what they make together."""
    pk, nodes = subject
    counters = len(pk) * len(nodes) * metrics
    if counters > MAX_COUNTERS:
        raise LimitExceeded(
            f'{counters} counters in each interval for one event, more than {MAX_COUNTERS}: {len(pk)} levels of the pk '
            f'x {len(nodes)} dimensions x {metrics} metrics (count fewer of them at once)',
            field='dimensions',
        )
    # An escaped character takes three times its bytes, of which it has four at the most.
    characters = sum(map(len, pk)) + max(sum(map(len, node)) for node in nodes) + len(pk) + 16
    if counters * characters * 12 > MAX_KEY_BYTES and (size := counters * _key_bytes(subject)) > MAX_KEY_BYTES:
        raise LimitExceeded(
            f'{counters} counters in each interval for one event, with {size} bytes of names, more than '
            f'{MAX_KEY_BYTES} (shorten the names, or count fewer dimensions or metrics at once)',
            field='dimensions',
        )


def _key_bytes(subject: Subject) -> int:
    return len(encode(subject.pk).encode()) + max(len(encode(node).encode()) for node in subject.nodes)


def _event_id(id: object) -> str:
    if not isinstance(id, str) or not 0 < len(id) <= 256:
        raise InvalidInput(f'not an event id: {id!r:.80} (a text of 1 to 256 characters)', field='id')
    # A lone surrogate has no UTF-8 to be stored as.
    if not id.isascii() and any('\ud800' <= character <= '\udfff' for character in id):
        raise InvalidInput(f'not an event id: {id!r:.80} (half a surrogate pair; decode it as UTF-8 first)', field='id')
    return id


def read_any(event: object, *, now: float, limits: Limits = DEFAULT) -> Read:
    """Read an event given as a mapping with the names of `read_event`, or as a sequence in their order."""
    if isinstance(event, Mapping):
        given = {_ALIASES.get(name, name): value for name, value in event.items()}
        unknown = [name for name in given if name not in _FIELDS]
        if unknown:
            raise InvalidInput(
                f'no such field of an event: {unknown[0]!r:.80} (there are {", ".join(_FIELDS)})', field='event'
            )
        if len(given) < len(event):
            raise InvalidInput(f'an event with both spellings of a field: {event!r:.200} (give one)', field='event')
        return read_event(*(given.get(name) for name in _FIELDS), now=now, limits=limits)
    if isinstance(event, list | tuple) and 0 < len(event) <= len(_FIELDS):
        return read_event(*event, *[None] * (len(_FIELDS) - len(event)), now=now, limits=limits)
    raise InvalidInput(f'not an event: {event!r:.200} (a mapping with {", ".join(_FIELDS)})', field='event')


@lru_cache(maxsize=16_384)
def _groups(subject: Subject) -> tuple[tuple[tuple[str, tuple[str, ...]], ...], tuple[str, ...]]:
    """The groups that an event touches with the children in each, those of its pks first; and its pks, encoded."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    pks = prefixes(subject.pk)
    for pk in pks:
        groups[series_of(pk, ()).group].append(series_of(pk, ()).child)
    for _, group, child in subject_series(subject):
        if child not in groups[group]:
            groups[group].append(child)
    return tuple((group, tuple(children)) for group, children in groups.items()), tuple(encode(pk) for pk in pks)


class Counter:
    """Counts into one store."""

    def __init__(self, storage: Storage, kept: Kept) -> None:
        self._storage = storage
        self._kept = kept

    def count(self, event: Read, *, now: int) -> bool:
        """Count one event in one round trip; False when its id was counted before."""
        return self._storage.count(self._event(event, now), now=now)

    def _event(self, event: Read, now: int) -> Event:
        groups, pks = _groups(event.subject)
        slots = self._kept.slots(event.at, now)
        return Event(shard_of(event.subject.pk), groups, pks, slots, event.amounts, event.id)

    def count_many(self, events: Iterable[object], *, now: float, limits: Limits = DEFAULT) -> Counted:
        """Count events slice by slice, one commit a shard; what cannot be read is refused one by one."""
        result = Counted(0, 0, [])
        numbered = enumerate(events)
        while some := list(islice(numbered, SLICE)):
            by_shard: defaultdict[int, list[Read]] = defaultdict(list)
            for index, event in some:
                try:
                    read = read_any(event, now=now, limits=limits)
                    self._kept.slots(read.at, int(now))
                except HailWhaleError as error:
                    result.refused.append(Refusal(index, error))
                else:
                    by_shard[shard_of(read.subject.pk)].append(read)
            for shard, reads in by_shard.items():
                counted = self._commit(shard, reads, int(now))
                result.counted += counted
                result.repeated += len(reads) - counted
        return result

    def _commit(self, shard: int, reads: Sequence[Read], now: int) -> int:
        """Commit events of one shard; how many were counted.  Those whose id was counted before are left out."""
        for _ in range(_ATTEMPTS):
            commit = self.sum(shard, reads, now)
            if commit.increments > MAX_INCREMENTS and len(reads) > 1:
                half = len(reads) // 2
                return self._commit(shard, reads[:half], now) + self._commit(shard, reads[half:], now)
            if not commit.cells or self._storage.commit(commit, now=now):
                return commit.events
        raise StorageConflict(f'others counted the same ids during all of {_ATTEMPTS} attempts: try again')

    def sum(self, shard: int, reads: Sequence[Read], now: int) -> Commit:
        """Add up events of one shard, each id once, without those whose id was counted before."""
        fresh = self._fresh(shard, reads, now)
        tally = Tally(self._kept, now)
        for read in fresh:
            tally.add(read.subject, read.at, read.amounts)
        return tally.commit(shard, [read.id for read in fresh if read.id])

    def _fresh(self, shard: int, reads: Sequence[Read], now: int) -> list[Read]:
        """Without those whose id was counted before, and without all but the first of those that share one."""
        firsts: dict[str, int] = {}
        for place, read in enumerate(reads):
            if read.id:
                firsts.setdefault(read.id, place)
        if not firsts:
            return list(reads)
        known = self._storage.fresh(shard, list(firsts), now=now)
        wanted = {place for place, is_fresh in zip(firsts.values(), known, strict=True) if is_fresh}
        return [read for place, read in enumerate(reads) if not read.id or place in wanted]

    # -- levels ------------------------------------------------------------------------------------------------------

    def set_level(self, subject: Subject, at: int, amounts: Mapping[str, Micros], *, now: int) -> None:
        """Make the bucket of ``at``, in every interval, read these amounts at the leaf; move all above it as far.

        The nodes above, and the same nodes of the pk's prefixes, move by the difference, so that children still sum
        to their parents.  Over time levels do not sum: the hour reads what was set last within it.  One step of the
        engine, whoever else counts there.  A leaf for which its parent has no room is set as ``__other__``.
        """
        _check_one_path(subject)
        self._storage.set_level(self._event(Read(subject, at, amounts, None), now), now=now)

    # -- clearing ----------------------------------------------------------------------------------------------------

    def reset(self, pk: Path, nodes: Iterable[Path], metrics: Collection[str], *, now: int) -> int:
        """Clear nodes with all below them; ``()`` is the pk itself with its longer pks.  How many were cleared."""
        spans = [Span(slots.name, slots.length, self._kept.chunks(slots, now)) for slots in self._kept.intervals]
        return sum(self._storage.reset(Reset(pk, node, metrics, spans)) for node in nodes)


def _check_one_path(subject: Subject) -> None:
    """Raise unless one node alone has no other below it: the last of the event's groups is then that of the leaf."""
    above = {node[:-1] for node in subject.nodes if node}
    leaves = [node for node in subject.nodes if node not in above]
    if len(leaves) > 1:
        shown = ' and '.join(repr(list(leaf)) for leaf in leaves)
        raise InvalidDimensions(
            f'one level cannot be set for {shown} at once, they may stand at different ones (set each by itself)',
            field='dimensions',
        )
