"""Whether every view agrees: what is kept of coarser buckets is compared with the finer ones that they consist of.

What must hold, and is looked at:

* For each child of each group and each metric, the finer buckets that tile a coarser one sum to it, exactly, where all
  of them are kept: minutes to hours, hours to days, days to weeks.  Both sides are read in one step of the engine, so
  counting may go on.  Metrics that levels were set of (`Whale.update_count_to`) do not sum over time, and are left out.
* A number belongs to one name of a table; every counter has a name; every key ends.

What need not hold, and is not looked at: that children sum to their parents.  An event may name no child of a node, or
several; only a pk that every event names further sums from the longer ones.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from hailwhale.kept import FUTURE, Kept
from hailwhale.metrics import MICROS_PER_UNIT, Micros
from hailwhale.paths import Path, decode, encode, path_name, pk_path, unescape
from hailwhale.storage import Slot, Slots, Storage, audits, keys
from hailwhale.storage.audits import Counters, Found, Names
from hailwhale.whale import Whale

#: Writers' clocks differ: what ends within so many seconds may have ended for some of them.
_MARGIN = 120


class Finding(NamedTuple):
    """Something that does not agree."""

    what: str  #: 'sum', 'number', 'name' or 'expiry'
    pk: Path
    node: Path
    metric: str
    bucket: str  #: such as '1h 2026-11-22T10:00:00+00:00'; or the key, where it is about one
    text: str

    def __str__(self) -> str:
        where = f'{list(self.pk)} {path_name(self.node)} {self.metric} {self.bucket}'
        return f'{self.what}: {where.strip()}: {self.text}'


#: By era, the numbers of the children; by slot, the fields of a hash.
_Tables = Mapping[int, Mapping[str, int]]
_Read = Mapping[str, Mapping[bytes, bytes]]


class _Bucket(NamedTuple):
    """A coarser bucket, and the finer ones that it consists of."""

    slot: Slot
    shown: str  #: its interval and start
    finer: str  #: the interval of those
    fine: Sequence[Slot]


_Difference = tuple[_Bucket, str, tuple[Micros, Micros]]


class Verified:
    """What has been looked at so far."""

    def __init__(self) -> None:
        self.keys = 0
        self.sums = 0
        self.findings = 0


def verify(
    whale: Whale,
    pk: object = None,
    *,
    done: Verified | None = None,
    progress: Callable[[Verified], None] | None = None,
) -> Iterator[Finding]:
    """Everything that does not agree, of one pk with all that is longer or of the whole store.

    Reads every counter of it, a step of bounded size at a time, while others go on counting.  ``done`` is kept up to
    date, and ``progress`` called with it.
    """
    tree = None if pk is None else encode(pk_path(pk))
    return Verifying(whale.storage, whale.kept, int(whale.clock()), done or Verified()).run(tree, progress)


class Verifying:
    """Looks over one store."""

    def __init__(self, storage: Storage, kept: Kept, now: int, done: Verified) -> None:
        self.done = done
        self._engine = storage.engine
        self._by_slot: defaultdict[str, list[_Bucket]] = defaultdict(list)
        self._coarser: defaultdict[str, set[str]] = defaultdict(set)
        for bucket in _buckets(kept, now):
            self._by_slot[bucket.slot.name].append(bucket)
            for fine in bucket.fine:
                self._coarser[fine.name].add(bucket.slot.name)
        self._eras = {
            f'{slots.name}:{chunk}': (era, slots.length)
            for slots in kept.intervals
            for chunk, era in kept.chunks(slots, now)
        }

    def run(self, pk: str | None, progress: Callable[[Verified], None] | None = None) -> Iterator[Finding]:
        """All findings."""
        for some in audits.look_over(self._engine, pk):
            for finding in self._some(some):
                self.done.findings += 1
                yield finding
            self.done.keys += len(some)
            if progress:
                progress(self.done)

    def _some(self, some: Sequence[tuple[str, Found]]) -> Iterator[Finding]:
        by_shard: defaultdict[int, list[tuple[str, Found]]] = defaultdict(list)
        for key, found in some:
            by_shard[found.shard].append((key, found))
        for shard, of_shard in by_shard.items():
            ends = audits.endings(self._engine, shard, [key for key, _ in of_shard])
            for (key, found), seconds in zip(of_shard, ends, strict=True):
                if seconds == -1:
                    yield _about_key('expiry', key, found, 'never ends')
                if isinstance(found, Counters):
                    yield from self._counters(key, found)
                elif ':n:' in key:
                    yield from self._table(key, found)

    # -- tables ------------------------------------------------------------------------------------------------------

    def _table(self, key: str, found: Names) -> Iterator[Finding]:
        (table,) = audits.read_whole(self._engine, found.shard, [key])
        following = int(table.pop(b'', b'0'))
        by_number: defaultdict[int, list[bytes]] = defaultdict(list)
        for name, number in table.items():
            by_number[int(number)].append(name)
        for each, names in by_number.items():
            if len(names) > 1:
                shown = ' and '.join(sorted(unescape(name.decode()) for name in names))
                yield _about_key('number', key, found, f'{each} belongs to {shown}')
        if by_number and max(by_number) >= following:
            yield _about_key('number', key, found, f'{max(by_number)} is in use, and {following} would be the next')

    # -- counters ----------------------------------------------------------------------------------------------------

    def _counters(self, key: str, found: Counters) -> Iterator[Finding]:
        if found.slot in self._eras:
            yield from self._nameless(key, found)
        # A coarser hash that is not there at all is compared for the sake of its finer ones.
        coarser = sorted(self._coarser.get(found.slot, ()))
        there = audits.lengths(self._engine, found.shard, [_key(found, slot) for slot in coarser])
        for slot in (found.slot, *(slot for slot, fields in zip(coarser, there, strict=True) if not fields)):
            for bucket, child, amounts in self._differences(found, self._by_slot.get(slot, ())):
                pk, node = audits.place(found.group, child)
                if not self._is_level(found, pk):
                    coarse, fine = map(_shown, amounts)
                    text = f'{coarse}, but {fine} in its {len(bucket.fine)} buckets of {bucket.finer}'
                    yield Finding('sum', pk, node, unescape(found.metric), bucket.shown, text)

    def _nameless(self, key: str, found: Counters) -> Iterator[Finding]:
        """Counters whose number no name has."""
        era, length = self._eras[found.slot]
        table_key = keys.names_key(found.shard, era, found.group)
        if sum(audits.lengths(self._engine, found.shard, [key, table_key])) > audits.FIELDS:
            return
        table, fields = audits.read_whole(self._engine, found.shard, [table_key, key])
        known = {int(number) for name, number in table.items() if name}
        used = {(int(field) if int(field) >= 0 else -1 - int(field)) // length for field in fields}
        for number in sorted(used - known):
            yield _about_key('name', key, found, f'no name has the number {number}')

    def _is_level(self, found: Counters, pk: Path) -> bool:
        """Whether a level of the metric was set at a pk or a longer one."""
        eras = sorted({era for era, _ in self._eras.values()})
        asked = [keys.metrics_key(found.shard, era, encode(pk)) for era in eras]
        read = audits.read_whole(self._engine, found.shard, asked)
        return any(found.metric.encode() in known.get(b'', b'').split() for known in read)

    def _differences(self, found: Counters, buckets: Sequence[_Bucket]) -> Iterator[_Difference]:
        """The buckets and children of one hash, and of the finer ones, that differ; with both sums."""
        if not buckets:
            return
        slots = {slot.name: slot for bucket in buckets for slot in (bucket.slot, *bucket.fine)}
        tables = {slot.era: keys.names_key(found.shard, slot.era, found.group) for slot in slots.values()}
        hashes = {name: _key(found, name) for name in slots}
        there = audits.lengths(self._engine, found.shard, [*tables.values(), *hashes.values()])
        used = {name for name, fields in zip(hashes, there[len(tables) :], strict=True) if fields}
        touched = [*tables.values(), *(hashes[name] for name in hashes if name in used)]
        buckets = [bucket for bucket in buckets if any(slot.name in used for slot in (bucket.slot, *bucket.fine))]
        if sum(there) <= audits.FIELDS:
            read = audits.read_whole(self._engine, found.shard, touched)
            names = dict(zip(tables, map(_numbers, read[: len(tables)]), strict=True))
            fields = dict(zip([name for name in hashes if name in used], read[len(tables) :], strict=True))
            yield from self._compared(buckets, names, fields)
        else:
            # Names keep their numbers unless somebody clears them meanwhile.
            read = audits.read_whole(self._engine, found.shard, list(tables.values()))
            names = dict(zip(tables, map(_numbers, read), strict=True))
            for bucket in buckets:
                yield from self._in_slices(found, bucket, names)

    def _in_slices(self, found: Counters, bucket: _Bucket, names: _Tables) -> Iterator[_Difference]:
        """One bucket of a group with too many children to be read as a whole."""
        slots = (bucket.slot, *bucket.fine)
        children = sorted({name for slot in slots for name in names[slot.era]})
        step = max(1, audits.FIELDS // (2 * len(slots)))
        for first in range(0, len(children), step):
            few = children[first : first + step]
            some = {era: {name: table[name] for name in few if name in table} for era, table in names.items()}
            wanted: defaultdict[str, list[int]] = defaultdict(list)
            for slot in slots:
                for number in some[slot.era].values():
                    wanted[slot.name] += _fields(slot, number)
            asked = {_key(found, name): fields for name, fields in wanted.items()}
            read = audits.read_fields(self._engine, found.shard, asked)
            yield from self._compared([bucket], some, dict(zip(wanted, read, strict=True)))

    def _compared(self, buckets: Iterable[_Bucket], names: _Tables, read: _Read) -> Iterator[_Difference]:
        for bucket in buckets:
            slots = (bucket.slot, *bucket.fine)
            if any(read.get(slot.name) for slot in slots):
                for child in sorted({name for slot in slots for name in names[slot.era]}):
                    coarse, *fine = (_amount(slot, names, read, child) for slot in slots)
                    self.done.sums += 1
                    if coarse != sum(fine):
                        yield bucket, child, (coarse, sum(fine))


def _key(found: Counters, slot: str) -> str:
    return keys.counters_key(found.shard, slot, found.group, unescape(found.metric))


def _numbers(table: Mapping[bytes, bytes]) -> dict[str, int]:
    return {name.decode(): int(number) for name, number in table.items() if name}


def _fields(slot: Slot, number: int) -> tuple[int, int]:
    """The fields of a child: the whole amount, and the millionths."""
    field = number * slot.length + slot.offset
    return field, -1 - field


def _amount(slot: Slot, names: _Tables, read: _Read, child: str) -> Micros:
    number = names[slot.era].get(child)
    known = read.get(slot.name)
    if number is None or not known:
        return 0
    whole, rest = (int(known.get(b'%d' % field, 0)) for field in _fields(slot, number))
    return whole * MICROS_PER_UNIT + rest


def _shown(micros: Micros) -> str:
    """An amount, exactly.

    >>> _shown(-2_500_000), _shown(7_000_000)
    ('-2.5', '7')
    """
    whole, rest = divmod(abs(micros), MICROS_PER_UNIT)
    return f'{"-" if micros < 0 else ""}{whole}' + (f'.{rest:06}'.rstrip('0') if rest else '')


def _about_key(what: str, key: str, found: Found, text: str) -> Finding:
    pk, _, parent = found.group.partition(':')
    node = () if parent == keys.CHILDREN else decode(parent)
    metric = unescape(found.metric) if isinstance(found, Counters) else ''
    return Finding(what, decode(pk), node, metric, key, text)


def _buckets(kept: Kept, now: int) -> Iterator[_Bucket]:
    """Every bucket that is kept together with the finer ones that tile it; of those, the coarsest that do."""
    by_width = sorted(kept.intervals, key=lambda slots: slots.interval.width)
    for coarse in by_width:
        finer = [slots for slots in reversed(by_width) if slots.interval.width < coarse.interval.width]
        longest = max((slots.retention.expires(0) for slots in finer), default=0)
        start = coarse.interval.floor(max(now - longest, 0))
        while finer and start <= now + FUTURE:
            end = coarse.interval.next(start)
            fine = next((slots for slots in finer if _tiles(kept, coarse, slots, start, end, now)), None)
            if fine:
                shown = f'{coarse.interval.name} {datetime.fromtimestamp(start, UTC).isoformat()}'
                parts = [fine.at(each) for each in fine.interval.buckets(start, end)]
                yield _Bucket(coarse.at(start), shown, fine.interval.name, parts)
            start = end


def _tiles(kept: Kept, coarse: Slots, fine: Slots, start: int, end: int, now: int) -> bool:
    """Whether the finer buckets make up the coarser one, and both hold every event."""
    return (
        fine.interval.floor(start) == start
        and fine.interval.floor(end) == end
        and all(slots.retention.kept(start, now + _MARGIN) for slots in (coarse, fine))
        and all(start >= kept.agreement[str(slots.retention)] for slots in (coarse, fine))
    )
