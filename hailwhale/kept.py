"""What is kept, and so what can be answered: the intervals that events are counted in, and from which of them a
question is answered exactly.

A question is about buckets of any interval in any zone.  It is answered from the coarsest kept interval whose buckets
tile those of the question (hours tile the days of New York, quarters of an hour those of Kathmandu) and reach back
far enough.  Where there is none, `Unanswerable` says what would answer it: nothing is answered approximately.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from hailwhale.errors import InvalidTime, Unanswerable
from hailwhale.intervals import DAY, Interval, Span
from hailwhale.periods import Period, Retention
from hailwhale.storage import Chunk, Slot, Slots, Storage, chunks

#: An event may be ahead of the clock by so much: clocks differ, and schedules are known before they happen.
FUTURE = DAY
#: Seconds after which a writer looks again at what others have registered.
AGREE_SECONDS = 30
#: Seconds until all writers of a store, and what they have counted ahead of the clock, know of a change.
GRACE = FUTURE + 2 * AGREE_SECONDS
_REMEMBERED = 2_048

#: By interval: how long it is kept, and since when every event is in it.
Intervals = Mapping[str, tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How a question about the buckets of a period is answered."""

    period: Period
    spans: Sequence[Span]  #: the buckets asked for
    source: Slots  #: the kept interval that answers
    starts: Sequence[int]  #: its buckets, ascending
    folds: (
        Sequence[int] | None
    )  #: for each of them the bucket asked for that it is part of; None where they are the same
    chunks: tuple[Chunk, ...]  #: where they lie

    def fold(self, columns: Mapping[str, Sequence[int]]) -> Mapping[str, Sequence[int]]:
        """By metric, one amount for each bucket asked for, from one for each of the source."""
        if self.folds is None:
            return columns
        return {metric: self._summed(column, self.folds) for metric, column in columns.items()}

    def _summed(self, column: Sequence[int], folds: Sequence[int]) -> list[int]:
        sums = [0] * len(self.spans)
        for place, amount in zip(folds, column, strict=True):
            sums[place] += amount
        return sums


def with_zones(keep: Sequence[Retention], zones: Sequence[str]) -> list[Retention]:
    """What is kept when zones are counted as such: each day, week, month and year also by the clocks of every zone.

    >>> [str(kept) for kept in with_zones([Retention.parse('1h:31d'), Retention.parse('1d:1y')], ['Asia/Tokyo'])]
    ['1h:31d', '1d:1y', '1d@Asia/Tokyo:1y']
    """
    local = [
        replace(kept, interval=replace(kept.interval, zone=zone))
        for zone in zones
        for kept in keep
        if kept.interval.unit not in ('s', 'm', 'h') and kept.interval.zone == 'UTC' != zone
    ]
    return [*keep, *local]


def agreed(storage: Storage, wanted: Sequence[Retention], now: int, *, register: bool) -> Kept:
    """What all writers of a store count: what is registered there, and with ``register`` what our settings want too.

    An interval that only others name is counted as well: were it not, their answers would miss our events.  Of two
    lengths the longer one holds.  Writers look every `AGREE_SECONDS`, so a new interval holds every event only from
    `GRACE` on; what was written before ends as it was to end, so a longer one is kept from its next chunk on.
    """
    before: Intervals = storage.intervals()
    changed = _changes(before, wanted, now) if register or not before else {}
    known = {**before, **changed}
    if register and changed:
        # One that others have just named is theirs to date.
        storage.register({name: value for name, value in changed.items() if name not in before})
        storage.register({name: value for name, value in changed.items() if name in before}, replace=True)
        known = storage.intervals()
    retentions = [Retention.parse(f'{name}:{length}') for name, (length, _) in known.items()]
    retentions.sort(key=lambda retention: (retention.interval.width, retention.interval.name))
    kept = Kept(retentions, {name: since for name, (_, since) in known.items()})
    if register and changed and before:
        # Names were to end with the counters of then.
        storage.extend(kept.longest)
    return kept


def _changes(known: Intervals, wanted: Sequence[Retention], now: int) -> Intervals:
    """What is to be registered: intervals that nobody has named, and those that are to be kept longer."""
    changed: dict[str, tuple[str, int]] = {}
    for retention in wanted:
        name, length = retention.interval.name, str(retention.length)
        if name not in known:
            changed[name] = (length, now + GRACE if known else 0)
            continue
        before, since = known[name]
        if retention.length.seconds > Retention.parse(f'{name}:{before}').length.seconds:
            chunk = Slots(retention).length * retention.interval.width
            changed[name] = (length, max(since, now + GRACE + chunk))
    return changed


class Kept:
    """The intervals that events are counted in.

    ``since`` says from which moment on an interval holds every event; 0, or no word of it, means always.
    """

    def __init__(self, retentions: Sequence[Retention], since: Mapping[str, int]) -> None:
        self.intervals = [Slots(retention) for retention in retentions]
        #: What tells it from another.
        self.agreement = {str(retention): since.get(retention.interval.name, 0) for retention in retentions}
        self._since = since
        self._coarsest_first = sorted(self.intervals, key=lambda slots: -slots.interval.width)
        #: Seconds that no kept interval tells apart: all events within them are counted alike.
        self.moment = 60 if all(slots.interval.width % 60 == 0 for slots in self.intervals) else 1
        self._moments: dict[int, list[tuple[int, Slot]]] = {}
        self._plans: dict[tuple[Period, int], tuple[int, Plan]] = {}

    @property
    def longest(self) -> int:
        """Seconds from the start of a chunk to the end of the longest-kept counter."""
        return max(slots.longest for slots in self.intervals)

    def slots(self, at: int, now: int, *, accepted: bool = False) -> list[Slot]:
        """Where an event of the moment ``at`` is counted: one slot for each interval that still keeps it.

        Raises `InvalidTime` when none does, or when it is more than a day ahead; but not when it was ``accepted``
        before: then the clock has been put back meanwhile.
        """
        found = [slot for ends, slot in self._bucket_slots(at // self.moment) if ends > now]
        if found and (accepted or at <= now + FUTURE):
            return found
        moment = datetime.fromtimestamp(at, UTC).isoformat()
        if found:
            raise InvalidTime(
                f'more than a day ahead of the clock: {moment} (is it in milliseconds, or in local time?)', field='at'
            )
        oldest = self._coarsest_first[0].retention
        raise InvalidTime(f'older than everything that is kept ({oldest}): {moment} (see HAILWHALE_KEEP)', field='at')

    def _bucket_slots(self, moment: int) -> list[tuple[int, Slot]]:
        known = self._moments.get(moment)
        if known is None:
            if len(self._moments) >= _REMEMBERED:
                self._moments.clear()
            starts = [(slots, slots.interval.floor(moment * self.moment)) for slots in self.intervals]
            # Whole before any other thread can find it: half of it would be half of an event's counters.
            known = [(slots.retention.expires(start), slots.at(start)) for slots, start in starts]
            self._moments[moment] = known
        return known

    def plan(self, period: Period, now: int) -> Plan:
        """How the buckets of a period are answered, ``now``.  Raises `Unanswerable`."""
        minute = now // 60
        known = self._plans.get((period, minute))
        if known and known[0] == now // self.moment:
            return known[1]
        if len(self._plans) >= _REMEMBERED:
            self._plans.clear()
        plan = self._plan(period, now)
        self._plans[period, minute] = (now // self.moment, plan)
        return plan

    def _plan(self, period: Period, now: int) -> Plan:
        spans = period.interval.spans(period.buckets(now))
        boundaries = [span.start for span in spans] + [spans[-1].end]
        for slots in self._coarsest_first:
            if self._tiles(slots.interval, boundaries) and self._reaches(slots, boundaries[0], now):
                return _plan_from(slots, period, spans, boundaries)
        raise self._unanswerable(period, boundaries, now)

    @staticmethod
    def _tiles(interval: Interval, boundaries: Sequence[int]) -> bool:
        return all(interval.floor(boundary) == boundary for boundary in boundaries)

    def _reaches(self, slots: Slots, first: int, now: int) -> bool:
        return slots.retention.kept(first, now) and first >= self._since.get(slots.interval.name, 0)

    def _unanswerable(self, period: Period, boundaries: Sequence[int], now: int) -> Unanswerable:
        fits = [slots for slots in self._coarsest_first if self._tiles(slots.interval, boundaries)]
        first = datetime.fromtimestamp(boundaries[0], UTC).isoformat()
        if not fits:
            kept = ', '.join(slots.interval.name for slots in self.intervals)
            return Unanswerable(
                f'{period} cannot be answered exactly: no kept interval ({kept}) tiles {period.interval.name} '
                f'(add {period.interval.name} to HAILWHALE_KEEP or its zone to HAILWHALE_ZONES)',
                field='period',
            )
        reach = [f'{slots.retention}' for slots in fits]
        late = [
            f'{slots.interval.name} holds every event only since {datetime.fromtimestamp(since, UTC).isoformat()}'
            for slots in fits
            if slots.retention.kept(boundaries[0], now) and (since := self._since.get(slots.interval.name, 0))
        ]
        return Unanswerable(
            f'{period} begins {first}, before {" and ".join(reach)} {"; ".join(late) or "are kept"} '
            f'(ask for less, or for coarser buckets, or keep {period.interval.name} longer with HAILWHALE_KEEP'
            f'{"" if period.interval.zone == "UTC" else " and its zone with HAILWHALE_ZONES"})',
            field='period',
        )

    def eras(self, now: int) -> list[int]:
        """Every era in which a counter may still be kept."""
        return sorted({era for slots in self.intervals for _, era in self.chunks(slots, now)})

    def chunks(self, slots: Slots, now: int) -> list[tuple[int, int]]:
        """Every chunk of an interval that may still be kept, with its era."""
        length = slots.retention.expires(0)
        return slots.chunks(now - length - slots.length * slots.interval.width, now + FUTURE)


def _plan_from(slots: Slots, period: Period, spans: Sequence[Span], boundaries: Sequence[int]) -> Plan:
    firsts = boundaries[:-1]
    starts = slots.interval.buckets(boundaries[0], boundaries[-1])
    folds = None if starts == firsts else [bisect_right(firsts, start) - 1 for start in starts]
    return Plan(period, spans, slots, starts, folds, chunks(map(slots.at, starts)))
