"""Lengths: how far back from now a period reaches, and how long a bucket is kept."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from hailwhale.intervals import DAY, UNIT_SECONDS, Interval, date_of, day_number, not_a_length
from hailwhale.times import clock

__all__ = ['Between', 'DayBefore', 'Last', 'Length', 'Since']

_TEXT = re.compile(r'\d{0,12}\s*(?:s|m|h|d|w|mo|y)?', re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Last:
    """A length of time that ends with the current bucket: ``count`` units.

    >>> Last.parse('31d').seconds
    2678400
    """

    count: int
    unit: str

    @classmethod
    def parse(cls, text: object) -> Last:
        """Read ``30s``, ``5m``, ``1h``, ``7d``, ``4w``, ``1mo``, ``1y`` or bare seconds."""
        if isinstance(text, str) and not _TEXT.fullmatch(text.strip()):
            raise not_a_length(text)
        length = Interval.parse(text)
        return cls(length.count, length.unit)

    def __str__(self) -> str:
        return f'{self.count}{self.unit}'

    @property
    def seconds(self) -> int:
        """How long; in the mean, for months and years."""
        return self.count * UNIT_SECONDS[self.unit]

    def window(self, interval: Interval, now: int) -> tuple[int, int]:
        current = interval.floor(now)
        if self.unit in ('mo', 'y'):
            start = interval.floor(self.before(now, interval.zone))
        else:
            start = interval.back(current, -(-self.seconds // interval.width) - 1)
        return start, interval.next(current)

    def before(self, ts: int, zone_name: str) -> int:
        """The moment one length before ``ts``: for months the same date and time, or the month's last day."""
        if self.unit not in ('mo', 'y'):
            return ts - self.seconds
        here = clock(zone_name)
        day, time = divmod(here.local(ts), DAY)
        on = date_of(day)
        year, month, longest = self._month(on, -1)
        return here.first(day_number(date(year, month, min(on.day, longest))) * DAY + time)

    def after(self, ts: int, zone_name: str) -> int:
        """When no moment `before` lies before ``ts`` any more: for months the same date and time, or a little later."""
        if self.unit not in ('mo', 'y'):
            return ts + self.seconds
        here = clock(zone_name)
        day, time = divmod(here.local(ts), DAY)
        on = date_of(day)
        year, month, longest = self._month(on, 1)
        if on.day > longest:
            # A month after 30 January is 1 March: all of 28 February goes back to 28 January.
            return here.last((day_number(date(year, month, longest)) + 1) * DAY)
        # On 31 March a month goes back to the hours of 28 February too, as on 28 March.
        ends = time > 0 and on.day == monthrange(on.year, on.month)[1]
        return here.last(day_number(date(year, month, longest if ends else on.day)) * DAY + time)

    def _month(self, on: date, direction: int) -> tuple[int, int, int]:
        """Year, month and days of the month that lies one length away."""
        months = self.count * (12 if self.unit == 'y' else 1) * direction
        year, month = divmod(on.year * 12 + on.month - 1 + months, 12)
        return year, month + 1, monthrange(year, month + 1)[1]


@dataclass(frozen=True, slots=True)
class Since:
    """From the start of the current day, week, month or year to the end of the current bucket."""

    unit: str

    def window(self, interval: Interval, now: int) -> tuple[int, int]:
        return _whole(self.unit, interval).floor(now), interval.next(now)


@dataclass(frozen=True, slots=True)
class DayBefore:
    """The local day before the current one."""

    unit: str = 'd'

    def window(self, interval: Interval, now: int) -> tuple[int, int]:
        day = _whole(self.unit, interval)
        today = day.floor(now)
        return day.back(today, 1), today


@dataclass(frozen=True, slots=True)
class Between:
    """From ``start`` until before ``end``, in epoch seconds, whatever the time is."""

    start: int
    end: int

    def window(self, interval: Interval, now: int) -> tuple[int, int]:  # noqa: ARG002 - asked like the others
        return self.start, self.end


Length = Last | Since | DayBefore | Between


def _whole(unit: str, interval: Interval) -> Interval:
    return _unit(unit, interval.zone, interval.week_start)


@lru_cache(maxsize=1_024)
def _unit(unit: str, zone_name: str, week_start: int) -> Interval:
    return Interval(1, unit, zone_name, week_start)
