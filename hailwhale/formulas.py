"""Formulas: what can be read of counted metrics.

One metric, or the ratio of two terms, over the buckets of a period: exact until the one division at the end.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import gcd

from hailwhale.errors import InvalidFormula, InvalidInput
from hailwhale.intervals import Span
from hailwhale.metrics import CONSTANTS, MICROS_PER_UNIT, NUMBER, Micros, metric_name, parse_amount, shown

# What a constant counts in, given in what its values are whole numbers of: seconds for the length of a bucket.
# Months and years are the mean ones of the calendar, 30.436875 and 365.2425 days.
_CONSTANT_SCALES = {
    '_count': 1,
    '_days_in_month': 1,
    'seconds': 1,
    'minutes': 60,
    'hours': 3600,
    'days': 86_400,
    'weeks': 604_800,
    'months': 2_629_746,
    'years': 31_556_952,
}
_MODIFIERS = {
    'cumulative': 'cumulative',
    'sum': 'cumulative',
    '+': 'cumulative',
    'last': 'last',
    'level': 'last',
    'set': 'last',
}
# A name in quotes or a bare one, and a modifier.
_TERM = r'(?:\s*"([^"]*)"\s*|([^/":]*))(?::([^/":]*))?'
_FORMULA = re.compile(rf'{_TERM}(?:(/){_TERM})?')
_MAX_FORMULA_TEXT = 1024

Columns = Mapping[str, Sequence[Micros]]


@dataclass(frozen=True, slots=True)
class Formula:
    """What can be read of counted metrics: one of them, or the ratio of two terms.

    ::

        formula   =  term  |  term / term
        term      =  metric  |  metric:modifier  |  number  |  constant  |  "metric"  |  "metric":modifier

    Modifiers: ``cumulative``, ``sum`` or ``+`` is the running total over the buckets; ``last``, ``level`` or ``set``
    repeats the last value other than 0 where a bucket has none, and that is its total too.

    Constants, read as such in ratios (``hits/hours``), those that begin with ``_`` alone too: ``_count`` is the number
    of buckets, ``_days_in_month`` those of the month in which a bucket starts (as a total: the last bucket),
    ``seconds minutes hours days weeks months years`` the length of a bucket or of all of them.  A metric that is
    named like a constant is written in double quotes.

    ``text`` is the spelling given, ``metrics`` the names to be read, in order, each once.

    >>> formula = Formula.parse('dollars/hits')
    >>> formula.metrics
    ('dollars', 'hits')
    >>> hours = [Span(0, 3600, 31), Span(3600, 7200, 31), Span(7200, 10800, 31)]
    >>> columns = {'dollars': [9_000_000, 0, 1_000_000], 'hits': [2_000_000, 0, 2_000_000]}
    >>> formula.points(columns, hours), formula.total(columns, hours)
    ([4.5, 0, 0.5], 2.5)
    """

    text: str
    metrics: tuple[str, ...]
    _top: _Metric | _Constant | _Number
    _bottom: _Metric | _Constant | _Number | None

    @classmethod
    def parse(cls, text: str) -> Formula:
        """Read a formula.  Raises `InvalidFormula` for a text that is none."""
        if not isinstance(text, str) or len(text) > _MAX_FORMULA_TEXT:
            raise _unreadable(text)
        found = _FORMULA.fullmatch(text)
        if found is None:
            raise _unreadable(text)
        quoted, plain, modifier, slash, *second = found.groups()
        try:
            top = _term(quoted, plain, modifier, in_ratio=slash is not None)
            bottom = _term(*second, in_ratio=True) if slash else None
        except InvalidInput as error:
            raise _unreadable(text, str(error)) from error
        names = dict.fromkeys(term.name for term in (top, bottom) if isinstance(term, _Metric))
        return cls(text, tuple(names), top, bottom)

    @property
    def weight(self) -> str | None:
        """The metric that tells how much stands behind a value: what a ratio is divided by, else its own one.

        None where that is a constant or a number, or a metric that is named like a constant.
        """
        term = self._top if self._bottom is None else self._bottom
        return term.name if isinstance(term, _Metric) and term.name not in _CONSTANT_SCALES else None

    @property
    def ordered(self) -> bool:
        """Whether its total depends on the order of the buckets; if not, one sum over all of them is column enough."""
        return any(isinstance(term, _Metric) and term.modifier == 'last' for term in (self._top, self._bottom))

    def points(self, columns: Columns, spans: Sequence[Span]) -> list[int | float]:
        """One value a bucket, in the order of ``spans``: an int where it is whole, 0 where the divisor is 0.

        ``columns`` has, under each name of ``metrics``, one amount for each span.
        """
        values = self._top.points(columns, spans)
        if self._bottom is None:
            scale = self._top.scale
            return [value / scale if value % scale else value // scale for value in values]
        up, down = _common(self._bottom.scale, self._top.scale)
        divisors = self._bottom.points(columns, spans)
        return [_ratio(value * up, divisor * down) for value, divisor in zip(values, divisors, strict=True)]

    def total(self, columns: Columns, spans: Sequence[Span]) -> int | float:
        """The one value over all buckets; that of a ratio is the ratio of the totals, 0 where the divisor is 0."""
        value = self._top.total(columns, spans)
        if self._bottom is None:
            return _ratio(value, self._top.scale)
        up, down = _common(self._bottom.scale, self._top.scale)
        return _ratio(value * up, self._bottom.total(columns, spans) * down)

    def sides(self, columns: Columns, spans: Sequence[Span]) -> tuple[int | float, int | float]:
        """The totals above and below the line of a ratio; of a single term, its total twice."""
        above = _ratio(self._top.total(columns, spans), self._top.scale)
        if self._bottom is None:
            return above, above
        return above, _ratio(self._bottom.total(columns, spans), self._bottom.scale)


@dataclass(frozen=True, slots=True)
class _Metric:
    """A metric's sums, in millionths."""

    name: str
    modifier: str = ''
    scale: int = MICROS_PER_UNIT

    def points(self, columns: Columns, _spans: Sequence[Span]) -> Sequence[int]:
        column = columns[self.name]
        if self.modifier == 'cumulative':
            return list(accumulate(column))
        if self.modifier == 'last':
            return list(accumulate(column, _latest))
        return column

    def total(self, columns: Columns, _spans: Sequence[Span]) -> int:
        column = columns[self.name]
        if self.modifier == 'last':
            return next((value for value in reversed(column) if value), 0)
        return sum(column)


@dataclass(frozen=True, slots=True)
class _Constant:
    """What the buckets themselves are: how many, how long, in what month."""

    name: str

    @property
    def scale(self) -> int:
        return _CONSTANT_SCALES[self.name]

    def points(self, _columns: Columns, spans: Sequence[Span]) -> Sequence[int]:
        if self.name == '_count':
            return [1] * len(spans)
        if self.name == '_days_in_month':
            return [span.days_in_month for span in spans]
        return [span.end - span.start for span in spans]

    def total(self, columns: Columns, spans: Sequence[Span]) -> int:
        if self.name == '_days_in_month':
            return spans[-1].days_in_month if spans else 0
        return sum(self.points(columns, spans))


@dataclass(frozen=True, slots=True)
class _Number:
    """A number written in the formula, in millionths."""

    micros: Micros
    scale: int = MICROS_PER_UNIT

    def points(self, _columns: Columns, spans: Sequence[Span]) -> Sequence[int]:
        return [self.micros] * len(spans)

    def total(self, _columns: Columns, _spans: Sequence[Span]) -> int:
        return self.micros


def _term(quoted: str | None, plain: str, modifier: str | None, *, in_ratio: bool) -> _Metric | _Constant | _Number:
    name = plain.strip() if quoted is None else quoted
    if modifier is not None:
        # In a URL a bare '+' is a blank, so that 'hits:+' arrives as 'hits: '.
        key = modifier.strip() or ('+' if modifier else '')
        if key not in _MODIFIERS:
            raise InvalidFormula(f'not a modifier: {shown(key)} (use one of {" ".join(_MODIFIERS)})')
        return _Metric(metric_name(name), _MODIFIERS[key])
    if quoted is None and name in _CONSTANT_SCALES and (in_ratio or name in CONSTANTS):
        return _Constant(name)
    if quoted is None and NUMBER.fullmatch(name):
        return _Number(parse_amount(name))
    return _Metric(metric_name(name))


def _unreadable(text: object, why: str = 'use a metric, or two with / between them, as dollars/hits') -> InvalidFormula:
    return InvalidFormula(f'not a formula: {shown(text)} ({why})', field='metrics')


def _latest(before: int, value: int) -> int:
    return value or before


def _common(scale: int, other: int) -> tuple[int, int]:
    """The two scales without their common factor."""
    shared = gcd(scale, other)
    return scale // shared, other // shared


def _ratio(value: int, divisor: int) -> int | float:
    if not divisor:
        return 0
    return value / divisor if value % divisor else value // divisor
