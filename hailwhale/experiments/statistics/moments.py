"""Means, variances and the standard error of a difference, out of sums."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

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
    return _adjusted(plain(control), control, theta), _adjusted(plain(variant), variant, theta), theta


def absolute(a: Moments, b: Moments) -> Difference:
    """b - a, Welch."""
    return _difference(b.mean - a.mean, a, b, 1.0, 1.0)


def relative(a: Moments, b: Moments) -> Difference:
    """(b - a) / a by the delta method."""
    base = abs(a.raw_mean)
    if not base:
        return Difference(0.0, 0.0, 1.0, a.n + b.n, 'the mean of the control is 0')
    return _difference((b.mean - a.mean) / a.raw_mean, a, b, b.raw_mean / a.raw_mean / base, 1 / base)


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
    variance = _spread(n, pre, (a.sum_squares_pre or 0.0) + (b.sum_squares_pre or 0.0))
    if not variance or not _mean(Sums(n, post, (a.sum_squares or 0.0) + (b.sum_squares or 0.0)), binomial=binomial).se:
        return 0.0
    return _covariance(n, (a.sum_post_pre or 0.0) + (b.sum_post_pre or 0.0), post, pre) / variance


def _adjusted(plain: Moments, sums: Sums, theta: float) -> Moments:
    before = sums.sum_pre or 0.0
    variance = plain.variance + theta * theta * _spread(sums.n, before, sums.sum_squares_pre or 0.0)
    variance -= 2 * theta * _covariance(sums.n, sums.sum_post_pre or 0.0, sums.sum, before)
    mean = plain.mean - theta * before / sums.n if sums.n else 0.0
    return Moments(sums.n, mean, max(variance, 0.0), plain.mean)
