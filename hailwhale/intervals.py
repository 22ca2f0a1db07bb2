"""Intervals: the widths of buckets, in fixed seconds or by the calendar of a time zone.

Whatever the zone does to its clocks, the buckets of an interval tile time: ``floor(t) <= t < next(floor(t))``, and a
bucket begins where the one before it ends.

* A day, week, month or year begins at the first moment whose local date is in it, or after it.  So a day has 23 or 25
  hours where clocks change, begins later than midnight where midnight is skipped, and at the first of two midnights.
* Seconds, minutes and hours are counted from the epoch.  In a zone whose offset is no whole number of them (hours of
  Kathmandu, four hours of New York) they follow the local clocks, if whole numbers of them make a day.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import NamedTuple, Protocol

from hailwhale.errors import InvalidPeriod, LimitExceeded
from hailwhale.times import EARLIEST, Clock, clock, shown, zone, zone_name

__all__ = [
    'DAY',
    'MAX_BUCKETS',
    'UNIT_SECONDS',
    'WEEKDAYS',
    'Interval',
    'Span',
    'date_of',
    'day_number',
    'not_a_length',
]

DAY = 86_400
#: Months and years have their mean length in the Gregorian calendar.
UNIT_SECONDS = {'s': 1, 'm': 60, 'h': 3_600, 'd': DAY, 'w': 7 * DAY, 'mo': 2_629_746, 'y': 31_556_952}
#: More buckets than this are never listed.
MAX_BUCKETS = 100_000
WEEKDAYS = ('mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun')

_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
#: Monday, 29 December 1969, in days since the epoch: weeks are counted from here.
_FIRST_MONDAY = -3
_MAX_WIDTH = 100 * UNIT_SECONDS['y']
_LARGER = (('s', 60, 'm'), ('m', 60, 'h'), ('h', 24, 'd'), ('mo', 12, 'y'))
_TEXT = re.compile(r'(\d{0,12})\s*(s|m|h|d|w|mo|y)?(?:\.(mon|tue|wed|thu|fri|sat|sun))?(?:@(.+))?', re.ASCII | re.I)
#: No bucket of the calendar, in any zone and year, is shorter than this.
_SLOT = 6 * 3_600
_REMEMBERED = 8_192


class Span(NamedTuple):
    """One bucket of time: from ``start`` up to ``end`` in epoch seconds, and the days of the month it starts in."""

    start: int
    end: int
    days_in_month: int


class _Tiles(Protocol):
    def floor(self, ts: int) -> int: ...
    def next(self, ts: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Interval:
    """A bucket's width: ``count`` units of s, m, h, d, w, mo or y, by the clocks of ``zone``.

    Weeks begin on the day ``week_start``, 0 for Monday.  Whole numbers of a larger unit are that unit: 60 m are 1 h,
    24 h are 1 d, 12 mo are 1 y (7 d stay 7 d, which do not begin on Mondays).  Raises `InvalidPeriod`, `InvalidZone`.

    >>> hour = Interval.parse('1h')
    >>> hour.floor(1_700_000_123)
    1699999200
    >>> day = Interval(1, 'd', 'America/New_York')
    >>> day.next(1_793_505_600) - 1_793_505_600  # 1 November 2026: clocks go back
    90000
    """

    count: int
    unit: str
    zone: str = 'UTC'
    week_start: int = 0
    _width: int = field(init=False, repr=False, compare=False)
    _phase: int = field(init=False, repr=False, compare=False)
    _tiles: _Tiles = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        count, unit = _normal(self.count, self.unit)
        put = object.__setattr__
        put(self, 'count', count)
        put(self, 'unit', unit)
        put(self, 'zone', zone(self.zone))
        if self.week_start not in range(7):
            raise InvalidPeriod(f'not a day of the week: {self.week_start!r} (0 for Monday to 6 for Sunday)')
        width, phase = _fixed(self)
        put(self, '_width', width)
        put(self, '_phase', phase)
        put(self, '_tiles', _tiles(count, unit, self.zone, self.week_start))

    @classmethod
    def parse(cls, text: object, zone: object = 'UTC', week_start: int = 0) -> Interval:
        """Read ``1h``, ``5m``, ``mo``, bare seconds, or what ``name`` writes, which has its own zone and week start.

        >>> Interval.parse('90m'), Interval.parse(3600).name, Interval.parse('d', zone=-5).name
        (Interval(count=90, unit='m', zone='UTC', week_start=0), '1h', '1d@UTC-05:00')
        """
        if isinstance(text, Interval):
            return text
        return _parse(text, zone_name(zone), week_start)

    @property
    def width(self) -> int:
        """Seconds in one bucket; in the mean, where they differ."""
        return self.count * UNIT_SECONDS[self.unit]

    @property
    def name(self) -> str:
        """What tells these buckets from others: ``1h``, ``1d@Asia/Tokyo``, ``1w.sun``.

        Hours have a zone in it only where they differ from those of UTC.
        """
        weekday = f'.{WEEKDAYS[self.week_start]}' if self.unit == 'w' and self.week_start else ''
        calendar = UNIT_SECONDS[self.unit] >= DAY
        own = self.zone != 'UTC' and (calendar or not self._width or self._phase != 0)
        return f'{self}{weekday}@{self.zone}' if own else f'{self}{weekday}'

    def __str__(self) -> str:
        return f'{self.count}{self.unit}'

    def floor(self, ts: int) -> int:
        """The start of the bucket that holds ``ts``."""
        width = self._width
        if width:
            return ts - (ts - self._phase) % width
        return self._tiles.floor(ts)

    def next(self, start: int) -> int:
        """The start of the bucket after the one that holds ``start``."""
        width = self._width
        if width:
            return start - (start - self._phase) % width + width
        return self._tiles.next(start)

    def back(self, start: int, count: int) -> int:
        """The start of the bucket ``count`` before the one that holds ``start``."""
        start = self.floor(start)
        if self._width:
            return start - count * self._width
        for _ in range(count):
            start = self._tiles.floor(start - 1)
        return start

    def buckets(self, start: int, end: int) -> list[int]:
        """The starts of all buckets that hold a moment of ``[start, end)``, ascending.

        Raises `LimitExceeded` where they are more than `MAX_BUCKETS`.

        >>> Interval(1, 'd').buckets(0, 200_000)
        [0, 86400, 172800]
        """
        if end - start > MAX_BUCKETS * self.width:
            raise LimitExceeded(f'more than {MAX_BUCKETS} buckets of {self} (try a longer interval, or less time)')
        if start >= end:
            return []
        first = self.floor(start)
        if self._width:
            return list(range(first, end, self._width))
        starts, following = [], self._tiles.next
        while first < end:
            starts.append(first)
            first = following(first)
        return starts

    def spans(self, starts: Sequence[int]) -> list[Span]:
        """The buckets that begin at ``starts``, with what formulas need to know of them.

        >>> Interval(1, 'd').spans([951_782_400])  # 29 February 2000
        [Span(start=951782400, end=951868800, days_in_month=29)]
        """
        month = Interval(1, 'mo', self.zone)
        here, begins, ends, days = clock(self.zone), 0, 0, 0
        spans = []
        for start in starts:
            if not begins <= start < ends:
                begins, ends = month.floor(start), month.next(start)
                first = date_of(here.local(begins) // DAY)
                days = monthrange(first.year, first.month)[1]
            spans.append(Span(start, self.next(start), days))
        return spans


def _normal(count: object, unit: str) -> tuple[int, str]:
    if unit not in UNIT_SECONDS or isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise not_a_length(f'{count}{unit}')
    for small, many, large in _LARGER:
        if unit == small and count % many == 0:
            count, unit = count // many, large
    if count * UNIT_SECONDS[unit] > _MAX_WIDTH:
        raise InvalidPeriod(f'too long for an interval: {count}{unit} (at most 100y)', field='period')
    return count, unit


def not_a_length(value: object) -> InvalidPeriod:
    """The error for what is no interval and no length."""
    return InvalidPeriod(f'not a length of time: {shown(value)} (try 30s, 5m, 1h, 1d)', field='period')


def _parse(text: object, zone_name: str, week_start: int) -> Interval:
    if isinstance(text, int) and not isinstance(text, bool):
        text = str(text)
    if not isinstance(text, str) or len(text) > 128:
        raise not_a_length(text)
    return _parse_text(text.strip(), zone_name, week_start)


@lru_cache(maxsize=4_096)
def _parse_text(text: str, zone_name: str, week_start: int) -> Interval:
    match = _TEXT.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        raise not_a_length(text)
    count, unit, weekday, own_zone = match.groups()
    if weekday:
        if unit not in ('w', 'W'):
            raise not_a_length(text)
        week_start = WEEKDAYS.index(weekday.lower())
    return Interval(int(count or 1), (unit or 's').lower(), own_zone or zone_name, week_start)


def _fixed(interval: Interval) -> tuple[int, int]:
    """Width and phase of buckets that are equally long for ever; a width of 0 for those that are not."""
    here, width = clock(interval.zone), interval.width
    if interval.unit in ('mo', 'y'):
        return 0, 0
    if interval.unit in ('s', 'm', 'h') and (DAY % width or _whole_offsets(here, width)):
        return width, 0
    if here.fixed is None:
        return 0, 0
    first = (_FIRST_MONDAY + interval.week_start) * DAY if interval.unit == 'w' else 0
    return width, (first - here.fixed) % width


def _whole_offsets(here: Clock, width: int) -> bool:
    # Clocks that were off by odd seconds are gone since 1972; both halves of 65 years show every other offset in use.
    return all(here.offset((year * 365 + 3 + half) * DAY) % width == 0 for year in range(3, 68) for half in (15, 200))


@lru_cache(maxsize=1_024)
def _tiles(count: int, unit: str, zone_name: str, week_start: int) -> _Tiles:
    if unit in ('s', 'm', 'h'):
        return _Hours(count * UNIT_SECONDS[unit], zone_name)
    return _Calendar(count, unit, zone_name, week_start)


class _Calendar:
    """Days, weeks, months or years of a zone.  A bucket has a number; its start is found once, and remembered."""

    def __init__(self, count: int, unit: str, zone_name: str, week_start: int) -> None:
        self._count, self._unit, self._clock = count, unit, clock(zone_name)
        self._first_day = _FIRST_MONDAY + week_start
        self._slots: dict[int, tuple[int, int, int]] = {}
        self._next: dict[int, int] = {}
        self._starts: dict[int, int] = {}
        self._following = (EARLIEST - 1, 0)

    def floor(self, ts: int) -> int:
        # At most one bucket begins within a slot: (when, what holds the moments before, what those after).
        slot = self._slots.get(ts // _SLOT)
        if slot is None:
            slot = self._remember(ts // _SLOT)
        return slot[2] if ts >= slot[0] else slot[1]

    def next(self, ts: int) -> int:
        following = self._next.get(ts)
        if following is None:
            if len(self._next) >= _REMEMBERED:
                self._next.clear()
            following = self._next[ts] = self._bounds(ts)[1]
        return following

    def _remember(self, number: int) -> tuple[int, int, int]:
        if len(self._slots) >= _REMEMBERED:
            self._slots.clear()
        start, end = self._bounds(number * _SLOT)
        slot = self._slots[number] = (end, start, end)
        return slot

    def _bounds(self, ts: int) -> tuple[int, int]:
        # Buckets are mostly asked for in order: what follows the last one has a number already.
        known, number = self._following
        if ts != known:
            number = self._number(self._clock.local(ts) // DAY)
        start, end = self._start(number), self._start(number + 1)
        # Clocks that went back over a bucket's start show the bucket before again; a skipped bucket has no time.
        while end <= ts:
            number += 1
            start, end = end, self._start(number + 1)
        self._following = end, number + 1
        return start, end

    def _number(self, day: int) -> int:
        if self._unit == 'd':
            return day // self._count
        if self._unit == 'w':
            return (day - self._first_day) // 7 // self._count
        year, month = date_of(day).timetuple()[:2]
        if self._unit == 'mo':
            return (year * 12 + month - 1) // self._count
        return year // self._count

    def _start(self, number: int) -> int:
        start = self._starts.get(number)
        if start is None:
            if len(self._starts) >= _REMEMBERED:
                self._starts.clear()
            start = self._starts[number] = self._clock.first(self._first_day_of(number * self._count) * DAY)
        return start

    def _first_day_of(self, number: int) -> int:
        if self._unit == 'd':
            return number
        if self._unit == 'w':
            return number * 7 + self._first_day
        if self._unit == 'mo':
            return day_number(date(number // 12, number % 12 + 1, 1))
        return day_number(date(number, 1, 1))


class _Hours:
    """Hours, minutes or seconds that follow the clocks of a zone, and begin anew with each of its days."""

    def __init__(self, width: int, zone_name: str) -> None:
        self._width, self._clock = width, clock(zone_name)
        self._day = _tiles(1, 'd', zone_name, 0)
        self._ticks: dict[int, list[int]] = {}

    def floor(self, ts: int) -> int:
        ticks = self._of_day(self._day.floor(ts))
        return ticks[bisect_right(ticks, ts) - 1]

    def next(self, ts: int) -> int:
        day = self._day.floor(ts)
        ticks = self._of_day(day)
        index = bisect_right(ticks, ts)
        return ticks[index] if index < len(ticks) else self._day.next(day)

    def _of_day(self, day: int) -> list[int]:
        ticks = self._ticks.get(day)
        if ticks is None:
            if len(self._ticks) >= _REMEMBERED // 24:
                self._ticks.clear()
            ticks = self._ticks[day] = self._starts(day, self._day.next(day))
        return ticks

    def _starts(self, day: int, end: int) -> list[int]:
        width, offset = self._width, self._clock.offset(day)
        change = self._clock.offset(end - 1) - offset
        if change % width == 0:
            # Hours go on where clocks are put back by whole hours: the hour shown twice is two buckets.
            second = day - (day + offset) % width + width
            return [day, *range(second, end, width)]
        midnight = (day + offset) // DAY * DAY
        starts = {self._clock.first(local) for local in range(midnight, midnight + DAY, width)}
        return sorted({day} | {start for start in starts if day < start < end})


def day_number(day: date) -> int:
    """Days from 1970-01-01 to a date."""
    return day.toordinal() - _EPOCH_ORDINAL


def date_of(number: int) -> date:
    """The date that many days after 1970-01-01."""
    return date.fromordinal(_EPOCH_ORDINAL + number)
