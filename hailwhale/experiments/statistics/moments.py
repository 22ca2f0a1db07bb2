"""Means, variances and the standard error of a difference, out of sums."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from hailwhale.experiments.statistics.answers import Interval
from hailwhale.experiments.statistics.sums import Kind, Sums

# A few units in the last place of a sum of squares.
_NOISE = 4e-15


@dataclass(frozen=True, slots=True)
class Moments:
    """One version: its mean (rate, ratio), the variance of one visitor, and the mean before any adjustment."""

    n: float
    mean: float
    variance: float
    raw_mean: float

    @property
    def se(self) -> float:
        return math.sqrt(max(self.variance, 0.0) / self.n) if self.n else 0.0


@dataclass(frozen=True, slots=True)
class Difference:
    """Variant minus control, absolute or over the control's mean; ``undefined`` where it has no value."""

    value: float
    variance: float
    dof: float
    n: float
    undefined: str | None = None

    @property
    def se(self) -> float:
        return math.sqrt(self.variance)


def moments_of(control: Sums, variant: Sums, kind: Kind) -> tuple[Moments, Moments, float | None]:
    """The moments of both versions, and theta where sums of a time before the test are given (CUPED).

    A proportion has the variance m (1 - m), a mean the one over n - 1, a ratio that of the delta method (Deng,
    Knoblich, Lu, 2018, "Applying the Delta Method in Metric Analytics"), an adjusted mean that of y - theta x with one
    theta of both versions (Deng, Xu, Kohavi, Walker, 2013, "Improving the Sensitivity of Online Controlled Experiments
    by Utilizing Pre-Experiment Data").
    """
    if kind == 'ratio':
        return _ratio(control), _ratio(variant), None
    plain = partial(_mean, binomial=kind == 'binomial')
    theta = None
    if control.sum_pre is not None and variant.sum_pre is not None:
        theta = _theta(control, variant, binomial=kind == 'binomial')
    if not theta:
        return plain(control), plain(variant), theta
    adjusted = partial(_adjusted, theta=theta, binomial=kind == 'binomial')
    return adjusted(plain(control), control), adjusted(plain(variant), variant), theta


def absolute(a: Moments, b: Moments) -> Difference:
    """b - a, Welch."""
    return _difference(b.mean - a.mean, a, b, 1.0, 1.0)


def relative(a: Moments, b: Moments) -> Difference:
    """(b - a) / a by the delta method."""
    base = abs(a.raw_mean)
    if not base:
        return Difference(0.0, 0.0, 1.0, a.n + b.n, 'the mean of the control is 0')
    return _difference((b.mean - a.mean) / a.raw_mean, a, b, b.raw_mean / a.raw_mean / base, 1 / base)


def standard_errors(a: Moments, b: Moments) -> tuple[tuple[float, float], tuple[float, float]]:
    """What each version adds to the variance of a difference: by its own variance, and by that of both together.

    Where one version has few visitors its own variance is too low whenever its mean is, since both hang on the same
    few large amounts; looking often would find just these moments."""
    share = (1 / a.n + 1 / b.n) / (a.n + b.n - 2)
    return (a.variance / a.n, b.variance / b.n), ((a.n - 1) * a.variance * share, (b.n - 1) * b.variance * share)


def lift_interval(difference: float, base: float, errors: Sequence[tuple[float, float]], times: float) -> Interval:
    """All lifts over the size of ``base`` that are within so many standard errors of the difference.

    A lift is refuted where variant - (1 + lift) control is too far from 0 (Fieller, 1954, "Some Problems in Interval
    Estimation"), so no lift at all is just when no difference is.  Where the control may as well be 0 an end is
    infinite.  ``errors`` are variances of both versions; of several the widest interval counts.
    """
    scale = times / base * (times / base)
    found = [_fieller(difference / base, of_a * scale, of_b * scale) for of_a, of_b in errors]
    low, high = min(low for low, _ in found), max(high for _, high in found)
    return (low, high) if base > 0 else (-high, -low)


def _fieller(lift: float, of_a: float, of_b: float) -> Interval:
    """Where (1 - of_a) x**2 - 2 (lift + of_a) x + lift**2 - of_a - of_b is not above 0, on the side of the lift."""
    square, half, rest = 1 - of_a, lift + of_a, lift * lift - of_a - of_b
    if square <= 0 and rest <= 0:
        return -math.inf, math.inf
    end = half + math.copysign(math.sqrt(of_a * (1 + lift) ** 2 + of_b * square), half)
    # As the root of the quadratic that loses no digits, and the other one by their product.
    ends = rest / end, end / square if square else math.inf
    if square > 0:
        return min(ends), max(ends)
    # The control may be 0, or of the other sign: the lift is over its size, whichever that is.
    nearest = min(map(abs, ends))
    return (nearest, math.inf) if lift > 0 else (-math.inf, -nearest)


def _difference(value: float, a: Moments, b: Moments, slope_a: float, slope_b: float) -> Difference:
    if a.n < 2 or b.n < 2:
        return Difference(0.0, 0.0, 1.0, a.n + b.n, 'a version has fewer than 2 visitors')
    if a.variance <= 0 or b.variance <= 0:
        return Difference(0.0, 0.0, 1.0, a.n + b.n, 'all visitors of a version are alike, so their spread is unknown')
    variance = b.variance / b.n * slope_b * slope_b + a.variance / a.n * slope_a * slope_a
    # Welch and Satterthwaite, scaled by the larger part so that squares neither overflow nor vanish.
    one, other = a.variance / a.n, b.variance / b.n
    top = max(one, other)
    one, other = one / top, other / top
    dof = (one + other) ** 2 / (one * one / (a.n - 1) + other * other / (b.n - 1))
    return Difference(value, variance, dof, a.n + b.n)


def _spread(n: float, total: float, squares: float) -> float:
    """The variance over n - 1; what rounding may have left of equal amounts is no spread."""
    spread = squares - total / n * total if n > 1 else 0.0
    return spread / (n - 1) if spread > _NOISE * squares else 0.0


def _mean(sums: Sums, *, binomial: bool) -> Moments:
    mean = sums.sum / sums.n if sums.n else 0.0
    variance = mean * ((sums.n - sums.sum) / sums.n) if binomial and sums.n else 0.0
    if not binomial:
        variance = _spread(sums.n, sums.sum, sums.sum_squares or 0.0)
    return Moments(sums.n, mean, variance, mean)


def _covariance(n: float, products: float, one: float, other: float) -> float:
    return (products - one / n * other) / (n - 1) if n > 1 else 0.0


def _ratio(sums: Sums) -> Moments:
    n, below = sums.n, sums.sum_den or 0.0
    if not below:
        return Moments(n, 0.0, 0.0, 0.0)
    ratio, mean_below = sums.sum / below, below / n
    variance = _spread(n, sums.sum, sums.sum_squares or 0.0)
    variance += ratio * ratio * _spread(n, below, sums.sum_squares_den or 0.0)
    variance -= 2 * ratio * _covariance(n, sums.sum_num_den or 0.0, sums.sum, below)
    return Moments(n, ratio, max(variance, 0.0) / mean_below / mean_below, ratio)


def _theta(a: Sums, b: Sums, *, binomial: bool) -> float:
    """The slope over both versions together; 0 where one of the two metrics has no spread."""
    n = a.n + b.n
    post, pre = a.sum + b.sum, (a.sum_pre or 0.0) + (b.sum_pre or 0.0)
    squares = (a.sum_squares_pre or 0.0) + (b.sum_squares_pre or 0.0)
    variance = _spread_before(Sums(n, sum_pre=pre, sum_squares_pre=squares), binomial=binomial)
    if not variance or not _mean(Sums(n, post, (a.sum_squares or 0.0) + (b.sum_squares or 0.0)), binomial=binomial).se:
        return 0.0
    return _covariance(n, (a.sum_post_pre or 0.0) + (b.sum_post_pre or 0.0), post, pre) / variance


def _spread_before(sums: Sums, *, binomial: bool) -> float:
    """The variance of the time before; where both metrics are 0 or 1 it is that of a proportion, m (1 - m)."""
    before, squares = sums.sum_pre or 0.0, sums.sum_squares_pre or 0.0
    if binomial and sums.n and before == squares:
        return before / sums.n * ((sums.n - before) / sums.n)
    return _spread(sums.n, before, squares)


def _adjusted(plain: Moments, sums: Sums, theta: float, *, binomial: bool) -> Moments:
    before = sums.sum_pre or 0.0
    variance = plain.variance + theta * theta * _spread_before(sums, binomial=binomial)
    variance -= 2 * theta * _covariance(sums.n, sums.sum_post_pre or 0.0, sums.sum, before)
    mean = plain.mean - theta * before / sums.n if sums.n else 0.0
    return Moments(sums.n, mean, max(variance, 0.0), plain.mean)
