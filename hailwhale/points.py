"""The shapes in which plotpoints are answered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Literal

from hailwhale.errors import InvalidInput
from hailwhale.intervals import Span
from hailwhale.times import clock

Number = int | float
Shape = type[dict[object, object]] | type[list[object]] | Literal['dict', 'list', 'ms']
Points = dict[datetime, Number] | list[list[datetime | Number]] | list[list[Number]]


def shaped(values: Sequence[Number], spans: Sequence[Span], shape: Shape, zone: str, *, descending: bool) -> Points:
    """One value for each bucket, in the shape asked for; the earliest first unless ``descending``.

    ``dict``: bucket start (aware, in ``zone``) to value.  ``list``: pairs of the same.  ``'ms'``: pairs with epoch
    milliseconds, as JavaScript counts time.
    """
    pairs: Iterable[tuple[Span, Number]] = zip(spans, values, strict=True)
    if descending:
        pairs = reversed(list(pairs))
    if shape == 'ms':
        return [[span.start * 1000, value] for span, value in pairs]
    tzinfo = clock(zone).tzinfo
    if shape in (dict, 'dict'):
        return {datetime.fromtimestamp(span.start, tzinfo): value for span, value in pairs}
    if shape in (list, 'list'):
        return [[datetime.fromtimestamp(span.start, tzinfo), value] for span, value in pairs]
    raise InvalidInput(f'not a shape of points: {shape!r} (dict, list or "ms")', field='points')
