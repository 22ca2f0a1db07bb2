"""Periods: how long a rollup is asked for, and retentions: how long it is kept.

A period is spelled ``interval:length`` (``1h:7d``), by name (``yesterday``), by dates, or by a length alone::

    1h:24h 1d:1mo 60:3600 60x3600    buckets of the interval, the current one the last
    7d 1mo 3600                      the same; the interval is 1m up to an hour, 1h up to six days, else 1d
    hour day 24h seven thirty year   1m:1h 1h:24h 1h:24h 1d:7d 1d:30d 1d:1y
    today yesterday                  hours since midnight; hours of the day before
    wtd mtd ytd                      days since the start of the week, month or year
    2026-11-22    11/22/2026         one day
    2026-11-01/2026-11-22            days, both included; also with ``:``, ``..`` or ``to`` between them,
    11/01/2026-11/22/2026            and as months and days are written in the US
    2026-11-22T10:00/2026-11-22T12:30Z   from the first moment until before the second
    1h:yesterday 1h:2026-11-01/2026-11-07    any of them in buckets of another interval

Times without an offset, days, weeks, months and years are those of the zone that the period is read for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache

from hailwhale.errors import InvalidPeriod, LimitExceeded
from hailwhale.intervals import DAY, MAX_BUCKETS, UNIT_SECONDS, Interval, Span, day_number
from hailwhale.lengths import Between, DayBefore, Last, Length, Since
from hailwhale.times import EARLIEST, LATEST, Clock, clock, parse_time, shown, zone, zone_name

__all__ = [
    'DEFAULT_PERIODS',
    'MAX_BUCKETS',
    'NAMED_PERIODS',
    'Between',
    'DayBefore',
    'Interval',
    'Last',
    'Period',
    'Retention',
    'Since',
    'Span',
    'parse_time',
    'zone',
]

#: What `Whale.totals` answers when no period is named.
DEFAULT_PERIODS = ('year', 'thirty', 'seven', 'day', 'hour', 'mtd', 'ytd')

_WAYS = 'try 1h:24h, 7d, yesterday or 2026-11-01/2026-11-22'
_DAY = r'(?:\d{4}-\d\d-\d\d|\d\d?/\d\d?/\d{4})'
_MOMENT = _DAY + r'(?:[T ]\d\d:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?'
_DATES = re.compile(
    rf'(?:(?P<interval>[^:]+):)??(?P<first>{_MOMENT})(?:\s*(?:/|-|:|\.\.|\bto\b)\s*(?P<last>{_MOMENT}))?',
    re.ASCII | re.IGNORECASE,
)
_PAIR = re.compile(r'(?P<interval>.+):(?P<length>[^:]+)')
_SECONDS_PAIR = re.compile(r'(\d+)x(\d+)', re.ASCII | re.IGNORECASE)


#: Name: interval and length.
NAMED_PERIODS: dict[str, tuple[str, Length]] = {
    'hour': ('1m', Last(1, 'h')),
    'day': ('1h', Last(1, 'd')),
    '24h': ('1h', Last(1, 'd')),
    'today': ('1h', Since('d')),
    'yesterday': ('1h', DayBefore()),
    'seven': ('1d', Last(7, 'd')),
    'thirty': ('1d', Last(30, 'd')),
    'wtd': ('1d', Since('w')),
    'mtd': ('1d', Since('mo')),
    'ytd': ('1d', Since('y')),
    'year': ('1d', Last(1, 'y')),
}


#: Calendar intervals of which every day, week, month or year has a whole number.
_WITHIN = {'d': {'d'}, 'w': {'d', 'w'}, 'mo': {'d', 'mo'}, 'y': {'d', 'mo', 'y'}}


@dataclass(frozen=True, slots=True)
class Period:
    """What is asked for: buckets of ``interval`` over ``length``; ``name`` is the spelling given, the key in results.

    >>> hourly = Period.parse('1h:7d')
    >>> hourly.floor(1_700_000_123)
    1699999200
    >>> len(hourly.buckets(now=1_700_000_123))
    168
    >>> start, end = Period.parse('mtd').window(now=1_700_000_123)
    >>> (end - start) // 86_400  # 14 November
    14
    """

    interval: Interval
    length: Length
    name: str

    @classmethod
    def parse(cls, period: object, zone: object = 'UTC', week_start: int = 0) -> Period:
        """Read a period as the module's page spells them; a `Period` stays what it is.

        Raises `InvalidPeriod`, `InvalidZone`, and `LimitExceeded` above `MAX_BUCKETS` buckets.
        """
        if isinstance(period, Period):
            return period
        if isinstance(period, int) and not isinstance(period, bool):
            period = str(period)
        if not isinstance(period, str) or len(period) > 128:
            raise _not_a_period(period)
        return _parse(period.strip(), zone_name(zone), week_start)

    def __str__(self) -> str:
        return self.name

    def floor(self, ts: int) -> int:
        """The start of the bucket that holds ``ts``."""
        return self.interval.floor(ts)

    def window(self, now: int) -> tuple[int, int]:
        """What the period covers at the moment ``now``: from the first until before the second, both bucket starts.

        Fixed lengths hold exactly as many buckets as fit, rounded up, the current one the last.  Months and years go
        back to the bucket of the same date: at any time of 22 November, ``1d:1y`` begins on 22 November a year before.
        """
        return self.length.window(self.interval, now)

    def buckets(self, now: int) -> list[int]:
        """The starts of all buckets of the window, ascending.  Raises `LimitExceeded` above `MAX_BUCKETS`."""
        return self.interval.buckets(*self.window(now))


@dataclass(frozen=True, slots=True)
class Retention:
    """How long buckets are kept: each until one ``length`` after its end.

    >>> Retention.parse('1h:31d').expires(0) == 3_600 + 31 * 86_400
    True
    """

    interval: Interval
    length: Last

    @classmethod
    def parse(cls, text: object, zone: object = 'UTC', week_start: int = 0) -> Retention:
        """Read ``interval:length``, as in ``1h:31d``.  Raises `InvalidPeriod` and `InvalidZone`."""
        if isinstance(text, Retention):
            return text
        # The interval's own zone may hold a ':', as in '1d@UTC+05:30:1y'.
        interval, colon, length = text.rpartition(':') if isinstance(text, str) else ('', '', '')
        if not colon:
            raise InvalidPeriod(f'not a retention: {shown(text)} (try 1h:31d)', field='keep')
        kept = cls(Interval.parse(interval, zone, week_start), Last.parse(length))
        _check_length(kept.interval, kept.length)
        return kept

    @classmethod
    def parse_list(cls, text: str, zone: object = 'UTC', week_start: int = 0) -> tuple[Retention, ...]:
        """Read retentions with spaces or commas between them, no interval twice.

        >>> [str(kept) for kept in Retention.parse_list('1m:1d, 1h:31d 1d:1y')]
        ['1m:1d', '1h:31d', '1d:1y']
        """
        kept = tuple(cls.parse(word, zone, week_start) for word in re.split(r'[\s,]+', text) if word)
        names = [each.interval.name for each in kept]
        if len(set(names)) != len(names) or not kept:
            raise InvalidPeriod(
                f'not a list of retentions, each interval once: {shown(text)} (try 1m:1d 1h:31d 1d:1y)', field='keep'
            )
        return kept

    def __str__(self) -> str:
        return f'{self.interval.name}:{self.length}'

    def expires(self, start: int) -> int:
        """When the bucket that begins at ``start`` is gone."""
        return self.length.after(self.interval.next(start), self.interval.zone)

    def kept(self, start: int, now: int) -> bool:
        """Whether the bucket that begins at ``start`` is still there at the moment ``now``."""
        return now < self.expires(start)


def _not_a_period(value: object) -> InvalidPeriod:
    return InvalidPeriod(f'not a period: {shown(value)} ({_WAYS})', field='period')


@lru_cache(maxsize=4_096)
def _parse(text: str, zone_name: str, week_start: int) -> Period:
    interval, length = _read(text, zone_name, week_start)
    if isinstance(length, Last):
        _check_length(interval, length)
        size = length.seconds
    elif isinstance(length, Between):
        _check_ends(interval, length, text)
        size = length.end - length.start
    else:
        _check_whole(interval, length, text)
        size = UNIT_SECONDS[length.unit]
    if size > MAX_BUCKETS * interval.width:
        raise LimitExceeded(f'more than {MAX_BUCKETS} buckets: {text!r} (try a longer interval)', field='period')
    return Period(interval, length, text)


def _read(text: str, zone_name: str, week_start: int) -> tuple[Interval, Length]:
    def interval(spelling: str) -> Interval:
        return Interval.parse(spelling, zone_name, week_start)

    named = NAMED_PERIODS.get(text.lower())
    if named:
        return interval(named[0]), named[1]
    dates = _DATES.fullmatch(text)
    if dates:
        own = interval(dates['interval']) if dates['interval'] else None
        length = _between(dates['first'], dates['last'], own.zone if own else zone_name, text)
        return own or _usual_interval_between(
            length, zone_name, with_times=':' in dates['first'] + (dates['last'] or '')
        ), length
    pair = _PAIR.fullmatch(_SECONDS_PAIR.sub(r'\1:\2', text))
    if pair:
        named = NAMED_PERIODS.get(pair['length'].strip().lower())
        return interval(pair['interval']), named[1] if named else Last.parse(pair['length'])
    try:
        last = Last.parse(text)
    except InvalidPeriod as error:
        raise _not_a_period(text) from error
    return interval(_usual_interval(last.seconds)), last


def _usual_interval(seconds: int) -> str:
    """What makes 60 to 170 buckets of a common length, as the named periods have them."""
    if seconds < 60:
        return '1s'
    if seconds <= 3_600:
        return '1m'
    return '1h' if seconds < 7 * DAY else '1d'


def _usual_interval_between(length: Between, zone_name: str, *, with_times: bool) -> Interval:
    """Days between dates; between times the longest interval that both ends fit."""
    for spelling in ('1d', '1h', '1m') if with_times else ():
        interval = Interval.parse(spelling, zone_name)
        if _fits(interval, length):
            return interval
    return Interval.parse('1s' if with_times else '1d', zone_name)


def _between(first: str, last: str | None, zone_name: str, text: str) -> Between:
    if last is None and ':' in first:
        raise _not_a_period(text)
    here = clock(zone_name)
    try:
        start = _moment(first, here, later=0)
        end = _moment(last or first, here, later=1)
    except ValueError as error:
        raise _not_a_period(text) from error
    if start >= end:
        raise InvalidPeriod(f'ends before it begins: {text!r} (write the earlier date first)', field='period')
    if not EARLIEST <= start < end <= LATEST:
        raise InvalidPeriod(f'too far away: {text!r} ({_WAYS})', field='period')
    return Between(start, end)


def _moment(text: str, here: Clock, *, later: int) -> int:
    """A date's first moment, ``later`` days on; or just the moment, where a time is given."""
    day = text.upper().replace('T', ' ').split(' ')[0]
    if '/' in day:
        month, number, year = (int(part) for part in day.split('/'))
        on = date(year, month, number)
    else:
        on = date.fromisoformat(day)
    if len(day) == len(text):
        return here.first((day_number(on) + later) * DAY)
    moment = datetime.fromisoformat(f'{on.isoformat()}T{text.upper()[len(day) + 1 :]}')
    if moment.tzinfo is not None:
        return int(moment.timestamp())
    return here.first(day_number(on) * DAY + moment.hour * 3_600 + moment.minute * 60 + moment.second)


def _fits(interval: Interval, length: Between) -> bool:
    return interval.floor(length.start) == length.start and interval.floor(length.end) == length.end


def _check_length(interval: Interval, length: Last) -> None:
    if length.seconds < interval.width:
        spelling = f'{length.count}{length.unit}'
        raise InvalidPeriod(
            f'shorter than its interval: {interval}:{spelling} (try {interval}:{interval})', field='period'
        )


def _check_ends(interval: Interval, length: Between, text: str) -> None:
    if not _fits(interval, length):
        raise InvalidPeriod(
            f'no whole buckets of {interval}: {text!r} (try a shorter interval, or other dates)', field='period'
        )


def _check_whole(interval: Interval, length: Since | DayBefore, text: str) -> None:
    """Buckets must not reach over the start of the day, week, month or year."""
    if interval.unit in ('s', 'm', 'h'):
        whole = DAY % interval.width == 0
    else:
        whole = interval.count == 1 and interval.unit in _WITHIN[length.unit]
    if not whole:
        raise InvalidPeriod(
            f'no whole buckets of {interval}: {text!r} (try 1d:{text.rpartition(":")[2]})', field='period'
        )
