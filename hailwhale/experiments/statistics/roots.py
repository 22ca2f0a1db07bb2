"""Where a function that rises through 0 does so: few evaluations, several roots at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from hailwhale.experiments.statistics.mixtures import Floats

Function = Callable[[Floats], Floats]
#: A place and its value.
Point = tuple[Floats, Floats]
Limits = tuple[ArrayLike, ArrayLike]

# No place can be told from the next one below this share of it.
_DIGITS = 4 * float(np.finfo(float).eps)
_LEAST_STEP = 1e-30


def root(
    of: Function, guess: ArrayLike, step: ArrayLike, limits: Limits, precision: float = 1e-12, steps: int = 200
) -> Floats:
    """Places at which ``of`` is just not below 0, to ``precision`` of the range in which they were found.

    ``of`` takes places as an array, one for each root, and rises.  The search goes from ``guess`` by ``step``, and
    further where it has to; where ``of`` stays below 0 up to a limit, or above it down to one, that limit is found.
    After so many ``steps`` it is the nearest place so far.
    """
    given = (np.atleast_1d(np.asarray(one, float)) for one in (guess, step, *limits))
    low, high = _bracket(of, *np.broadcast_arrays(*given))
    width = precision * (high[0] - low[0]) + _DIGITS * np.maximum(np.abs(low[0]), np.abs(high[0]))
    found = _chandrupatla(of, low, high, width, steps)
    return np.where(low[1] >= 0, low[0], np.where(high[1] < 0, high[0], found))


def _bracket(of: Function, guess: Floats, step: Floats, least: Floats, most: Floats) -> tuple[Point, Point]:
    """Two points on either side of each root, as far as the limits allow."""
    # A search by no step at all would never end.
    step = np.maximum(step, _LEAST_STEP)
    low, high = (np.clip(place, least, most) for place in (guess - step, guess + step))
    below, above = of(low), of(high)
    while (off := (below >= 0) & (low > least)).any():
        high, above = np.where(off, low, high), np.where(off, below, above)
        step = 4 * step
        low = np.where(off, np.maximum(low - step, least), low)
        below = np.where(off, of(low), below)
    while (off := (above < 0) & (high < most)).any():
        low, below = np.where(off, high, low), np.where(off, above, below)
        step = 4 * step
        high = np.where(off, np.minimum(high + step, most), high)
        above = np.where(off, of(high), above)
    return (low, below), (high, above)


def _chandrupatla(of: Function, low: Point, high: Point, width: Floats, steps: int) -> Floats:
    """Inverse quadratic interpolation where three points allow it, else the middle (Chandrupatla, 1997, "A New Hybrid
    Quadratic/Bisection Algorithm for Finding the Zero of a Nonlinear Function without Using Derivatives").

    The search ends at places where ``of`` is not below 0.
    """
    (x, f), (other, g) = low, high
    with np.errstate(all='ignore'):
        share = np.nan_to_num(f / (f - g), nan=0.5)
        has_none = (f < 0) == (g < 0)
        for _ in range(steps):
            least = np.minimum(width / np.abs(other - x), 0.5)
            if (has_none | (least >= 0.5) | (f == 0) | (g == 0)).all():
                break
            new = x + np.clip(share, least, 1 - least) * (other - x)
            h = of(new)
            same = (h < 0) == (f < 0)
            old, old_f = np.where(same, x, other), np.where(same, f, g)
            other, g = np.where(same, other, x), np.where(same, g, f)
            x, f = new, h
            share = _share((x, f), (other, g), (old, old_f))
    return np.where(f >= 0, x, other)


def _share(last: Point, other: Point, old: Point) -> Floats:
    """How far the next place lies from the last one to the one on the other side of the root."""
    (x, f), (y, g), (z, h) = last, other, old
    place, value = (x - y) / (z - y), (f - g) / (h - g)
    inside = (value * value < place) & ((1 - value) ** 2 < 1 - place)
    quadratic = f / (g - f) * h / (g - h) + (z - x) / (y - x) * f / (h - f) * g / (h - g)
    return np.where(inside & np.isfinite(quadratic), quadratic, 0.5)
