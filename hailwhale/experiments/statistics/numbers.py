"""Numbers and words that callers give: checked by name, and within what statistics can be made of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import SupportsFloat

from hailwhale.errors import InvalidInput
from hailwhale.metrics import shown

#: What is not 0 is between these in size: squares and products of such numbers stay within the range of floats.
SMALLEST, LARGEST = 1e-30, 1e30
#: More visitors than this nobody has, and floats do not tell them apart.
MOST_VISITORS = 1e15
#: Lifts that can be looked for: a hundredth of a percent, a hundred times as much again.
LEAST_LIFT, MOST_LIFT = 1e-4, 100.0
#: A smaller share of the visitors is none.
LEAST_SHARE = 1e-9
#: Chances are no nearer to 0 and 1; a chance that is yet to be divided among comparisons is further off.
NEAREST, NEAREST_OF_ALL = 1e-12, 1e-9


def number(value: object, field: str, *, least: float = SMALLEST, most: float = LARGEST) -> float:
    """A finite number, 0 or from ``least`` to ``most`` in size; else raises `InvalidInput`.

    >>> number('0.25', 'lift')
    0.25
    """
    try:
        found = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        found = math.nan
    except OverflowError:
        found = 10 * LARGEST
    if not math.isfinite(found):
        raise InvalidInput(f'not a number: {shown(value)} (use a finite one, such as 0.2)', field=field)
    if abs(found) > most:
        raise InvalidInput(f'{field} is {shown(value)}, too large (use one up to {most:g})', field=field)
    if 0 < abs(found) < least:
        raise InvalidInput(f'{field} is {shown(value)}, too near 0 (use one from {least:g})', field=field)
    return found


def told(value: object) -> str:
    """A value as a message shows it; a list or a mapping with what is in it."""
    if not isinstance(value, list | tuple | dict):
        return shown(value)
    try:
        return f'{value!r:.80}'
    except ValueError:  # Python writes no integers of thousands of digits.
        return f'a {type(value).__name__} with huge numbers'


def fraction(value: SupportsFloat, field: str, *, nearest: float = NEAREST) -> float:
    """A number between 0 and 1, ``nearest`` to them at the most; else raises `InvalidInput`."""
    found = number(value, field)
    if not 0 < found < 1:
        raise InvalidInput(f'{field} is {found:g} (use a number between 0 and 1, such as 0.05)', field=field)
    if not nearest <= found <= 1 - nearest:
        edge = 0 if found < 0.5 else 1
        raise InvalidInput(f'{field} is {found!r}, too near {edge} (keep {nearest:g} away from it)', field=field)
    return found


def positive(value: SupportsFloat, field: str, *, least: float = SMALLEST, most: float = LARGEST) -> float:
    """A number above 0; else raises `InvalidInput`."""
    found = number(value, field, least=least, most=most)
    if found <= 0:
        raise InvalidInput(f'{field} is {found:g} (use a number above 0)', field=field)
    return found


def a_lift(value: SupportsFloat, field: str) -> float:
    """A lift that can be looked for: 0.2 is a fifth more; else raises `InvalidInput`."""
    return positive(value, field, least=LEAST_LIFT, most=MOST_LIFT)


def a_power(value: SupportsFloat, alpha: float) -> float:
    """The chance to see what is there, which is above the chance ``alpha`` to see what is not."""
    found = fraction(value, 'power')
    if found <= alpha:
        message = f'power is {found:g}, no more than alpha, {alpha:g} (0.8 is customary, with an alpha of 0.05)'
        raise InvalidInput(message, field='power')
    return found


def shares_of(weights: Sequence[SupportsFloat], field: str = 'weights') -> list[float]:
    """Planned shares, which sum to 1, of weights on any scale; else raises `InvalidInput`."""
    given = [number(weight, field) for weight in weights]
    wrong = [weight for weight in given if weight < 0]
    if wrong:
        raise InvalidInput(f'not a weight: {wrong[0]:g} (planned shares are 0 or more)', field=field)
    if sum(weight > 0 for weight in given) < 2:
        raise InvalidInput('fewer than two weights above 0 (a split has at least two groups)', field=field)
    whole = math.fsum(given)
    for weight in given:
        if 0 < weight < LEAST_SHARE * whole:
            way_out = f'planned shares are 0, or {LEAST_SHARE:g} of all and more'
            raise InvalidInput(f'a weight of {weight:g} among {whole:g} ({way_out})', field=field)
    return [weight / whole for weight in given]


def count(value: SupportsFloat, field: str) -> float:
    """A number of visitors or of what they did, 0 or more; else raises `InvalidInput`."""
    found = number(value, field, most=MOST_VISITORS)
    if found < 0:
        raise InvalidInput(f'{field} is {found:g} (counts are 0 or more)', field=field)
    return found


def whole_number(value: SupportsFloat, field: str) -> float:
    """A count that is whole; else raises `InvalidInput`."""
    found = number(value, field, most=MOST_VISITORS)
    if found < 0 or not found.is_integer():
        raise InvalidInput(f'{field} has {found:g} (counts are whole numbers, 0 or more)', field=field)
    return found


def interval_of(value: object, field: str) -> tuple[float, float]:
    """Two numbers, the lower one first; else raises `InvalidInput`."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise InvalidInput(f'not bounds: {told(value)} (the lowest and the highest amount: [0, 100])', field=field)
    low, high = number(value[0], field), number(value[1], field)
    if not low < high:
        way_out = 'give the lowest and the highest amount, in this order: [0, 100]'
        raise InvalidInput(f'bounds {low:g} and {high:g} ({way_out})', field=field)
    return low, high


def one_of(value: object, choices: Sequence[str], field: str) -> str:
    """One of a few words; else raises `InvalidInput`."""
    if not isinstance(value, str) or value not in choices:
        article = 'an' if field[0] in 'aeiou' else 'a'
        raise InvalidInput(f'not {article} {field}: {told(value)} (use one of {", ".join(choices)})', field=field)
    return value
