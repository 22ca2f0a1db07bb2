"""Metrics: named amounts, as exact decimals.

An amount is kept as `Micros`: a Python integer, the amount times a million.  Sums of them are exact in any order;
`number` gives them back as people write them, and `split` as the two integers that the engine adds.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache

from hailwhale.errors import InvalidAmount, InvalidMetric, LimitExceeded

Micros = int

MICROS_PER_UNIT = 10**6
MAX_AMOUNT = 10**15
MAX_METRICS = 64
MAX_METRIC_BYTES = 128

DEFAULT_METRIC = 'hits'
CONSTANTS = ('_count', '_days_in_month')

# Every text of digits in which Decimal and people agree; neither 1_000 nor the digits of other scripts.
NUMBER = re.compile(r'[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?')


_MAX_MICROS = MAX_AMOUNT * MICROS_PER_UNIT
_MAX_AMOUNT_TEXT = 128
# Decimals of fifteen digits or less and the floats next to them are one to one, so such a float *is* its decimal.
_MAX_ONE_TO_ONE = 10**15
_MILLIONTH = Decimal('0.000001')
# Precise enough for every amount; where a digit would be lost it raises instead.
_EXACT = Context(prec=40, Emax=10**6, Emin=-(10**6), traps=[Inexact, InvalidOperation])


def parse_amount(value: object, name: str = 'amount') -> Micros:
    """The exact amount in millionths; ``name`` is the metric that a complaint names.

    Integers, decimals and texts of them (``'5.25'``, ``'-2000'``, ``'.50'``) are taken as they are.  A float is the
    decimal that Python prints for it; where the millionths are followed by nothing but the noise of binary
    arithmetic (``0.1 + 0.2``: a few units in the last place), the noise is dropped.

    Raises `InvalidAmount` for finer than millionths, for 10**15 and more, NaN, infinities, booleans, anything else.

    >>> parse_amount(5.25), parse_amount('.50'), parse_amount(-2000)
    (5250000, 500000, -2000000000)
    """
    if type(value) is int:
        micros = value * MICROS_PER_UNIT
    elif isinstance(value, float):
        micros = _micros_of_float(float(value), name)
    elif isinstance(value, bool):
        raise _refused(value, name, 'a number, not a boolean')
    elif isinstance(value, Decimal):
        micros = _micros_of_decimal(value, value, name)
    elif isinstance(value, str):
        micros = _micros_of_text(value, name)
    else:
        micros = _micros_of_integer(value, name)
    if -_MAX_MICROS < micros < _MAX_MICROS:
        return micros
    raise _too_large(value, name)


def parse_metrics(metrics: object = None, *, max_metrics: int = MAX_METRICS) -> dict[str, Micros]:
    """The amount of each metric of an event, in the order given; ``hits`` is 1 unless it is given.

    ``None`` is ``hits`` alone, a text or a list of texts is 1 of each, a mapping gives the amounts.

    Raises `InvalidMetric` for a name that no formula could read back, `InvalidAmount` as `parse_amount` does, and
    `LimitExceeded` for more than ``max_metrics``.

    >>> parse_metrics({'revenue': 5.25, 'sales': 1})
    {'revenue': 5250000, 'sales': 1000000, 'hits': 1000000}
    """
    if metrics is None:
        return {DEFAULT_METRIC: MICROS_PER_UNIT}
    if isinstance(metrics, str):
        metrics = (metrics,)
    if not isinstance(metrics, (dict, list, tuple, Mapping)):
        message = f'not metrics: {shown(metrics)} (use a name, a list of names, or names with amounts)'
        raise InvalidMetric(message, field='metrics')
    if len(metrics) > max_metrics:
        message = f'{len(metrics)} metrics in one event, more than {max_metrics} (count them in several events)'
        raise LimitExceeded(message, field='metrics')
    if isinstance(metrics, (list, tuple)):
        amounts = {metric_name(name): MICROS_PER_UNIT for name in metrics}
    else:
        amounts = {(known := metric_name(name)): parse_amount(value, known) for name, value in metrics.items()}
    if DEFAULT_METRIC not in amounts:
        amounts[DEFAULT_METRIC] = MICROS_PER_UNIT
    return amounts


def metric_name(name: object) -> str:
    """The name itself, when a metric may have it.

    That is a text of at most 128 bytes of UTF-8 that a formula can hold: not empty, no blanks around it, no ``/``,
    ``:`` or ``"`` in it, no number, and neither ``_count`` nor ``_days_in_month``.  Else raises `InvalidMetric`.
    """
    if not isinstance(name, str):
        raise InvalidMetric(f'not the name of a metric: {shown(name)} (names are texts)', field='metrics')
    return _checked_name(str.__str__(name))


def number(micros: Micros) -> int | float:
    """The amount as people write it: an int where it is whole, else the nearest float.

    >>> number(3_000_000), number(5_250_000)
    (3, 5.25)
    """
    return micros / MICROS_PER_UNIT if micros % MICROS_PER_UNIT else micros // MICROS_PER_UNIT


def split(micros: Micros) -> tuple[int, int]:
    """The whole part and the millionths, both with the amount's sign, as the engine adds them apart.

    >>> split(5_250_000), split(-500_000)
    ((5, 250000), (0, -500000))
    """
    if micros < 0:
        whole, rest = divmod(-micros, MICROS_PER_UNIT)
        return -whole, -rest
    return divmod(micros, MICROS_PER_UNIT)


# The names are few and every event repeats them; refusals are not remembered.
@lru_cache(maxsize=4096)
def _checked_name(name: str) -> str:
    fault = _fault_of_name(name)
    if fault:
        raise InvalidMetric(f'not the name of a metric: {shown(name)} ({fault})', field='metrics')
    return name


def _fault_of_name(name: str) -> str:
    if not name or name != name.strip():
        return 'it needs characters, and no blanks around them'
    if any(special in name for special in '/:"'):
        return 'leave out / : and ", they belong to formulas'
    if NUMBER.fullmatch(name) or name in CONSTANTS:
        return 'it reads as a number in formulas; choose another'
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        return 'it holds half a surrogate pair; decode it as UTF-8 first'
    return f'it has more than {MAX_METRIC_BYTES} bytes; shorten it' if size > MAX_METRIC_BYTES else ''


def _micros_of_integer(value: object, name: str) -> Micros:
    """What other libraries' integers amount to; a Fraction or a complex number is none of them."""
    try:
        return operator.index(value) * MICROS_PER_UNIT  # type: ignore[arg-type]
    except TypeError as error:
        raise _refused(value, name, 'an integer, a float, a Decimal or a text such as 5.25') from error


def _micros_of_float(value: float, name: str) -> Micros:
    if not -MAX_AMOUNT < value < MAX_AMOUNT:  # NaN is never between
        raise _too_large(value, name)
    micros = round(value * MICROS_PER_UNIT)
    if -_MAX_ONE_TO_ONE < micros < _MAX_ONE_TO_ONE and micros / MICROS_PER_UNIT == value:
        return micros
    rounded = round(value, 6)
    # Noise of a few additions, not digits that somebody meant: 100000/3 is refused like 1/3.
    if abs(value - rounded) > 64 * math.ulp(max(1.0, abs(value))):
        raise _too_fine(value, name)
    return _micros_of_decimal(Decimal(float.__repr__(rounded)), value, name)


def _micros_of_text(text: str, name: str) -> Micros:
    bare = text.strip()
    if len(bare) > _MAX_AMOUNT_TEXT or not NUMBER.fullmatch(bare):
        raise _refused(text, name, 'a decimal such as 5.25')
    return _micros_of_decimal(Decimal(bare), text, name)


def _micros_of_decimal(value: Decimal, given: object, name: str) -> Micros:
    # The size comes first: 1e999999 as an integer would be a million digits.
    if not value:
        return 0
    if not value.is_finite() or value.adjusted() >= 15:
        raise _too_large(given, name)
    try:
        return int(_EXACT.scaleb(_EXACT.quantize(value, _MILLIONTH), 6))
    except (Inexact, InvalidOperation) as error:
        raise _too_fine(given, name) from error


def _refused(value: object, name: str, wanted: str) -> InvalidAmount:
    return InvalidAmount(f'not an amount of {name}: {shown(value)} (use {wanted})', field='metrics')


def _too_fine(value: object, name: str) -> InvalidAmount:
    return _refused(value, name, 'at most 6 digits after the point')


def _too_large(value: object, name: str) -> InvalidAmount:
    return _refused(value, name, 'a finite number nearer to 0 than 10**15')


def shown(value: object) -> str:
    """A value as a message shows it: never longer than a line, never the digits of a huge integer."""
    if isinstance(value, int) and value.bit_length() > 256:
        return 'an integer of more than 77 digits'
    plain = value is None or isinstance(value, (str, int, float, Decimal))
    text = repr(value) if plain else f'a {type(value).__name__}'
    return text if len(text) <= 80 else f'{text[:77]}...'
