"""Moments and time zones: what callers may write for them, and where the clocks of a zone stand."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from hailwhale.errors import InvalidTime, InvalidZone

__all__ = ['EARLIEST', 'LATEST', 'Clock', 'clock', 'parse_time', 'shown', 'zone', 'zone_name']

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_NONE = timedelta(0)
#: No moment outside of these is read: calendars of every zone and interval still have years for them.
EARLIEST = (datetime(100, 1, 1, tzinfo=UTC) - _EPOCH) // _SECOND
LATEST = 10**11

_UTC_NAMES = frozenset({'', 'UTC', 'Z', 'GMT', 'UCT', 'ZULU', 'ETC/UTC', 'ETC/GMT', 'ETC/UCT', 'ETC/ZULU'})
_HOURS = re.compile(r'(?:UTC|GMT)?\s*([+-]?)(\d{1,2})(?::?([0-5]\d)|(\.\d+))?', re.ASCII | re.IGNORECASE)
_IANA = re.compile(r'[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*', re.ASCII)
# Files of the zone database that are no zones, or that depend on the machine or count leap seconds.
_NO_ZONES = re.compile(r'localtime|posixrules|Factory|(?:posix|right)/.*')
_MAX_ZONE_NAME = 64
_MAX_OFFSET = 14 * 60

_NUMBER = re.compile(r'[+-]?\d{1,20}(?:\.\d*)?', re.ASCII)
_ISO = re.compile(r'(\d{4}-[\dW-]+)(?:[T ]([\d:.,]+) ?(Z|[+-][\d:]+)?)?', re.ASCII)
# '+' of a query string that nobody quoted arrives as a space.
_LOST_PLUS = re.compile(r'([T ]\d\d:\d\d\S*) (\d\d:?\d\d)', re.ASCII)
_MAX_TIME_TEXT = 64
_WAYS = 'try 1795374000, 2026-11-22T19:00:00Z, 2026-11-22T19:00:00+05:30'


def parse_time(at: object, now: float) -> int:
    """When an event happened, in epoch seconds (fractions are cut off towards the past).

    ``at`` is None for ``now``, a datetime or date, epoch seconds as a number or as text, or an ISO 8601 text; what
    names no offset is in UTC.  Raises `InvalidTime`.

    >>> parse_time('2026-11-22T19:00:00+05:30', now=0)
    1795354200
    >>> parse_time('2026-11-22 13:30', now=0)
    1795354200
    >>> parse_time(1795354200.7, now=0)
    1795354200
    """
    if at is None:
        return math.floor(now)
    if isinstance(at, str):
        return _checked(_text_seconds(at), at)
    if isinstance(at, datetime):
        return _checked(_seconds(at), at)
    if isinstance(at, date):
        return _checked((at.toordinal() - _EPOCH.toordinal()) * 86_400, at)
    if isinstance(at, int | float | Decimal) and not isinstance(at, bool):
        return _checked(_number_seconds(at), at)
    raise _not_a_time(at)


def _checked(seconds: int | None, at: object) -> int:
    if seconds is None:
        raise _not_a_time(at)
    if seconds > LATEST:
        raise InvalidTime(
            f'too large for epoch seconds: {shown(at)} (are these milliseconds? divide by 1000)', field='at'
        )
    if seconds < EARLIEST:
        raise InvalidTime(f'too long ago: {shown(at)} ({_WAYS})', field='at')
    return seconds


def _not_a_time(at: object) -> InvalidTime:
    return InvalidTime(f'not a time: {shown(at)} ({_WAYS})', field='at')


def _is_finite(number: float | Decimal) -> bool:
    # Not by math.isfinite: it fails on integers beyond floats and on signalling NaNs.
    if isinstance(number, Decimal):
        return number.is_finite()
    return isinstance(number, int) or math.isfinite(number)


def _number_seconds(number: float | Decimal) -> int | None:
    if not _is_finite(number):
        return None
    # Bounded first: the whole part of Decimal('1e999999') would take all memory.
    return math.floor(min(max(number, EARLIEST - 1), LATEST + 1))


def _seconds(moment: datetime) -> int:
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH) // _SECOND


def _text_seconds(text: str) -> int | None:
    stripped = text.strip().upper()
    if len(stripped) > _MAX_TIME_TEXT:
        return None
    if _NUMBER.fullmatch(stripped):
        return _number_seconds(Decimal(stripped))
    match = _ISO.fullmatch(_LOST_PLUS.sub(r'\1+\2', stripped))
    if match is None:
        return None
    day, time, offset = match.groups()
    try:
        return _seconds(datetime.fromisoformat(f'{day}T{time or "00:00"}{offset or ""}'))
    except ValueError:
        return None


def zone(name: object = None) -> str:
    """The name of a time zone, checked: of the IANA database, or ``UTC+05:30`` for a fixed offset.

    Hours east of UTC are read too, as a number or as text (the ``tzoffset`` of old).  None and all names of UTC are
    ``'UTC'``.  Raises `InvalidZone`.

    >>> zone('America/New_York'), zone(-5), zone('5.5'), zone('+05:30'), zone('Z')
    ('America/New_York', 'UTC-05:00', 'UTC+05:30', 'UTC+05:30', 'UTC')
    """
    if name is None:
        return 'UTC'
    if isinstance(name, ZoneInfo) and name.key:
        return _zone(name.key)
    if isinstance(name, int | float | Decimal) and not isinstance(name, bool):
        if _is_finite(name) and -_MAX_OFFSET <= name <= _MAX_OFFSET:
            return _fixed(float(name) * 60, name)
    elif isinstance(name, str) and len(name) <= _MAX_ZONE_NAME:
        return _zone(name.strip())
    raise _not_a_zone(name)


def zone_name(name: object) -> str:
    """A text for caches to go by, checked only where it is no text: `zone` reads it when it is used."""
    return name if isinstance(name, str) else zone(name)


def shown(value: object) -> str:
    """A value as messages show it, however long it is."""
    text = repr(value)
    return text if len(text) <= 80 else f'{text[:77]}...'


@lru_cache(maxsize=1_024)
def _zone(name: str) -> str:
    if name.upper() in _UTC_NAMES:
        return 'UTC'
    match = _HOURS.fullmatch(name)
    if match:
        sign, hours, minutes, fraction = match.groups()
        size = int(hours) * 60 + int(minutes or 0) + float(fraction or 0) * 60
        return _fixed(-size if sign == '-' else size, name)
    if not _IANA.fullmatch(name) or _NO_ZONES.fullmatch(name):
        raise _not_a_zone(name)
    try:
        return ZoneInfo(name).key
    except (KeyError, ValueError, OSError) as error:
        raise _not_a_zone(name) from error


def _fixed(minutes: float, name: object) -> str:
    whole = round(minutes)
    if abs(whole) > _MAX_OFFSET or abs(minutes - whole) > 1e-6:
        raise _not_a_zone(name)
    if whole == 0:
        return 'UTC'
    return f'UTC{"-" if whole < 0 else "+"}{abs(whole) // 60:02}:{abs(whole) % 60:02}'


def _not_a_zone(name: object) -> InvalidZone:
    return InvalidZone(f'not a time zone: {shown(name)} (try UTC, Europe/London, +05:30 or -5)', field='tz')


class Clock:
    """The wall clocks of one zone.  Local time is in seconds since they showed 1970-01-01 00:00."""

    def __init__(self, name: str) -> None:
        self.name = zone(name)
        #: For aware datetimes of this zone.
        self.tzinfo: tzinfo = UTC
        #: Seconds east of UTC where that never changes, else None.
        self.fixed: int | None = 0
        if self.name.startswith('UTC') and self.name != 'UTC':
            hours, minutes = int(self.name[4:6]), int(self.name[7:9])
            self.fixed = (hours * 3_600 + minutes * 60) * (-1 if self.name[3] == '-' else 1)
            self.tzinfo = timezone(timedelta(seconds=self.fixed), self.name)
        elif self.name != 'UTC':
            self.fixed = None
            self.tzinfo = ZoneInfo(self.name)

    def offset(self, ts: int) -> int:
        """Seconds east of UTC at the moment ``ts``."""
        if self.fixed is not None:
            return self.fixed
        east = datetime.fromtimestamp(ts, self.tzinfo).utcoffset() or _NONE
        return east.days * 86_400 + east.seconds

    def local(self, ts: int) -> int:
        """What the clocks show at the moment ``ts``."""
        return ts + self.offset(ts)

    def first(self, local: int) -> int:
        """The first moment at which the clocks show ``local``, or have skipped it."""
        if self.fixed is not None:
            return local - self.fixed
        face = self._face(local)
        ts = int(face.timestamp())
        if ts + self.offset(ts) == local:
            return ts
        # Skipped.  The two readings of a time that never was lie on either side of the change.
        return self._change(int(face.replace(fold=1).timestamp()), ts)

    def last(self, local: int) -> int:
        """The last moment at which the clocks show ``local``; the first that they show later, where they skip it."""
        return max(self.first(local), int(self._face(local).replace(fold=1).timestamp()))

    def _face(self, local: int) -> datetime:
        return datetime.fromtimestamp(local, UTC).replace(tzinfo=self.tzinfo)

    def _change(self, before: int, after: int) -> int:
        old = self.offset(before)
        while after - before > 1:
            middle = (before + after) // 2
            if self.offset(middle) == old:
                before = middle
            else:
                after = middle
        return after


@lru_cache(maxsize=1_024)
def clock(name: str) -> Clock:
    """The clocks of a zone; made once for each name."""
    return Clock(name)
