"""Sums of squares and products, and how many amounts there were: the counters from which their scatter is known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from math import isqrt

from hailwhale.errors import InvalidAmount
from hailwhale.metrics import DEFAULT_METRIC, MAX_AMOUNT, MICROS_PER_UNIT, Micros

#: The square of a larger amount could not be counted itself.
_LARGEST = isqrt(MAX_AMOUNT) * MICROS_PER_UNIT


def square_of(metric: str) -> str:
    """The metric that sums the squares of another one's amounts."""
    return product_of(metric, metric)


def product_of(one: str, other: str) -> str:
    """The metric that sums the products of two others' amounts.

    >>> product_of('spent', 'earned'), square_of('earned')
    ('earned*spent', 'earned*earned')
    """
    return '*'.join(sorted((one, other)))


def times_of(metric: str) -> str:
    """The metric that counts how many amounts another one is the sum of.

    >>> times_of('earned')
    '*earned'
    """
    return f'*{metric}'


def is_product(metric: str) -> bool:
    """Whether a metric sums squares or products of others, or counts their amounts."""
    return '*' in metric


def with_products(amounts: Mapping[str, Micros]) -> dict[str, Micros]:
    """The amounts of an event, their squares and products, and 1 for each that is not 0; hits are 1, and have none.

    Rounded to millionths.  Raises `InvalidAmount` where an amount is too large to be squared.
    """
    single = {name: amount for name, amount in amounts.items() if name != DEFAULT_METRIC and amount}
    for name, amount in single.items():
        if abs(amount) > _LARGEST:
            raise InvalidAmount(
                f'{name}: {amount / MICROS_PER_UNIT:.15g} is too large to be squared, as decisions on money need '
                f'({_LARGEST // MICROS_PER_UNIT:,} at the most; count it in thousands)',
                field='metrics',
            )
    pairs = [*((name, name) for name in single), *combinations(sorted(single), 2)]
    products = {product_of(*pair): _rounded(single[pair[0]] * single[pair[1]]) for pair in pairs}
    return {**amounts, **products, **{times_of(name): MICROS_PER_UNIT for name in single}}


def _rounded(micros: int) -> Micros:
    whole, rest = divmod(micros, MICROS_PER_UNIT)
    return whole + (2 * rest >= MICROS_PER_UNIT)
