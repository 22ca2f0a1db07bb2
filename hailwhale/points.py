"""The shapes in which plotpoints are answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from typing import Any, Literal

from hailwhale.errors import InvalidInput
from hailwhale.intervals import Span
from hailwhale.times import clock

Number = int | float
Shape = type[dict[object, object]] | type[list[object]] | Literal['dict', 'list', 'ms']
Points = dict[datetime, Number] | list[list[Any]]


class Shaper:
    """Puts values into the shape asked for, for many series over the same buckets.

    ``dict``: bucket start (aware, in ``zone``) to value.  ``list``: pairs of the same.  ``'ms'``: pairs with epoch
    milliseconds, as JavaScript counts time.  The earliest bucket first, unless ``descending``.

    A start that the zone's clocks show twice has its offset for a zone: of two datetimes of one zone that differ in
    their ``fold`` alone Python says that they are equal, and a dict would lose one.
    """

    def __init__(self, spans: Sequence[Span], shape: Shape, zone: str, *, descending: bool) -> None:
        if shape not in (dict, list, 'dict', 'list', 'ms'):
            raise InvalidInput(f'not a shape of points: {shape!r} (dict, list or "ms")', field='points')
        here = clock(zone)
        self._starts: list[int] | list[datetime]
        if shape == 'ms':
            self._starts = [span.start * 1000 for span in spans]
        else:
            starts = [datetime.fromtimestamp(span.start, here.tzinfo) for span in spans]
            self._starts = list(map(_told_apart, starts)) if here.fixed is None else starts
        self._pairs = shape not in (dict, 'dict')
        self._descending = descending

    def shape(self, values: Sequence[Number]) -> Points:
        """The values of one series, one for each bucket."""
        pairs: Iterable[tuple[Any, Number]] = zip(self._starts, values, strict=True)
        if self._descending:
            pairs = reversed(list(pairs))
        return [list(pair) for pair in pairs] if self._pairs else dict(pairs)


def _told_apart(start: datetime) -> datetime:
    """The same moment, equal to no other one."""
    offset = start.utcoffset()
    assert offset is not None
    if offset == start.replace(fold=1 - start.fold).utcoffset():
        return start
    return start.replace(tzinfo=timezone(offset, start.tzname() or ''), fold=0)
