"""Tests for one look at a planned end: Welch, pooled z, and intervals for the difference of two proportions."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from hailwhale.experiments.statistics.answers import DeltaMethod, Interval, Statistic, TTest
from hailwhale.experiments.statistics.mixtures import Floats
from hailwhale.experiments.statistics.moments import Difference, Moments
from hailwhale.experiments.statistics.roots import root

# Beyond this scipy's exact test takes seconds, and agrees with the chi-square one to many digits.
_MOST_FOR_FISHER = 10**7
_TINY, _EPSILON = sys.float_info.min, sys.float_info.epsilon
# More standard errors than this refute anything.
_FAR = 1e6


def t_test(difference: Difference, alpha: float) -> TTest:
    """Welch's t test of a difference, two-sided (Welch, 1947, "The Generalization of Student's Problem")."""
    if difference.undefined:
        return TTest(0.0, 0.0, 1.0, (0.0, 0.0), alpha, difference.undefined)
    value, se = difference.value, difference.se
    width = -float(stdtrit(difference.dof, alpha / 2)) * se
    p = 2 * float(stdtr(difference.dof, -abs(value / se)))
    return TTest(value, se, p, (value - width, value + width), alpha)


def welch(difference: Difference) -> Statistic:
    """The t statistic itself."""
    if difference.undefined:
        return Statistic(1.0, t=0.0)
    t = difference.value / difference.se
    return Statistic(2 * float(stdtr(difference.dof, -abs(t))), t=t)


def delta_method(a: Moments, b: Moments) -> DeltaMethod:
    """Two ratios and their difference against a normal distribution."""
    diff, se = b.mean - a.mean, math.hypot(a.se, b.se)
    z = diff / se if se else 0.0
    return DeltaMethod(a.mean, a.se, b.mean, b.se, diff, se, z, 2 * float(ndtr(-abs(z))))


def z_pooled(n_a: float, s_a: float, n_b: float, s_b: float) -> Statistic:
    """The z test of two proportions with one variance for both."""
    if not n_a or not n_b:
        return Statistic(1.0, z=0.0)
    total, done = n_a + n_b, s_a + s_b
    variance = done / total * ((total - done) / total) * (1 / n_a + 1 / n_b)
    z = (s_b / n_b - s_a / n_a) / math.sqrt(variance) if variance else 0.0
    return Statistic(2 * float(ndtr(-abs(z))), z=z)


def wald(n_a: float, s_a: float, n_b: float, s_b: float, alpha: float) -> Interval:
    """The normal interval of the difference, each variance by itself; all of [-1, 1] without visitors."""
    if not n_a or not n_b:
        return -1.0, 1.0
    a, b = s_a / n_a, s_b / n_b
    width = _z(alpha) * math.sqrt(a * (1 - a) / n_a + b * (1 - b) / n_b)
    return b - a - width, b - a + width


def agresti_caffo(n_a: float, s_a: float, n_b: float, s_b: float, alpha: float) -> Interval:
    """Wald with one more success and one more failure a version (Agresti, Caffo, 2000, "Simple and Effective
    Confidence Intervals for Proportions and Differences of Proportions")."""
    return wald(n_a + 2, s_a + 1, n_b + 2, s_b + 1, alpha)


def wilson(n: float, s: float, alpha: float) -> Interval:
    """The score interval of one proportion (Wilson, 1927, "Probable Inference")."""
    if not n:
        return 0.0, 1.0
    z2 = _z(alpha) ** 2
    middle = (s + z2 / 2) / (n + z2)
    width = math.sqrt(z2 * (s * ((n - s) / n) + z2 / 4)) / (n + z2)
    return (0.0 if not s else max(middle - width, 0.0)), (1.0 if s == n else min(middle + width, 1.0))


def newcomb(n_a: float, s_a: float, n_b: float, s_b: float, alpha: float) -> Interval:
    """The difference out of two Wilson intervals (Newcombe, 1998, "Interval Estimation for the Difference between
    Independent Proportions: Comparison of Eleven Methods", method 10)."""
    if not n_a or not n_b:
        return -1.0, 1.0
    a, b = s_a / n_a, s_b / n_b
    (low_a, high_a), (low_b, high_b) = wilson(n_a, s_a, alpha), wilson(n_b, s_b, alpha)
    return b - a - math.hypot(b - low_b, high_a - a), b - a + math.hypot(high_b - b, a - low_a)


def score(n_a: float, s_a: float, n_b: float, s_b: float, alpha: float) -> Interval:
    """All differences that a score test does not reject (Miettinen, Nurminen, 1985, "Comparative Analysis of Two
    Rates")."""
    return _score_interval(n_a, s_a, n_b, s_b, alpha, _restricted)


def score_of_statsmodels(n_a: float, s_a: float, n_b: float, s_b: float, alpha: float) -> Interval:
    """The same as statsmodels has it, in version 0.15: the linear coefficient of its cubic holds the control's
    conversions where the paper has its visitors.  The difference is in the third digit; `score` is the right one."""
    return _score_interval(n_a, s_a, n_b, s_b, alpha, _restricted_of_statsmodels)


Restricted = Callable[[float, float, float, float, float], float]


def _score_interval(n_a: float, s_a: float, n_b: float, s_b: float, alpha: float, restricted: Restricted) -> Interval:
    if not n_a or not n_b:
        return -1.0, 1.0
    limit, middle = _z(alpha), s_b / n_b - s_a / n_a

    def evidence_of(distances: Floats) -> Floats:
        return np.array([evidence(*one) for one in zip((-1, 1), distances.tolist(), strict=True)])

    def evidence(sign: int, distance: float) -> float:
        delta = min(max(middle + sign * distance, -1.0), 1.0)
        rate = restricted(n_a, s_a, n_b, s_b, delta)
        return min(abs(_score_z(n_a, n_b, middle - delta, rate, rate + delta)), _FAR) - limit

    low, high = agresti_caffo(n_a, s_a, n_b, s_b, alpha)
    distances = root(evidence_of, (high - low) / 2, (high - low) / 4, (0.0, np.array([1 + middle, 1 - middle])))
    return max(middle - float(distances[0]), -1.0), min(middle + float(distances[1]), 1.0)


def _score_z(n_a: float, n_b: float, gap: float, a: float, b: float) -> float:
    """A gap over its standard error where these are the rates."""
    total = n_a + n_b
    variance = (b * (1 - b) / n_b + a * (1 - a) / n_a) * total / (total - 1)
    if variance <= 0:
        return 0.0 if not gap else math.copysign(math.inf, gap)
    return gap / math.sqrt(variance)


def _restricted(n_a: float, s_a: float, n_b: float, s_b: float, delta: float) -> float:
    """The likeliest rate of the control when the variant's is higher by ``delta``.

    The likelihood is concave, so its slope has one root.
    """
    low, high = max(0.0, -delta), min(1.0, 1.0 - delta)

    def falling(a: float) -> bool:
        # So near an edge a sum may round to it.
        b = min(max(a + delta, _TINY), 1 - _EPSILON)
        return s_a / a + s_b / b < (n_a - s_a) / (1 - a) + (n_b - s_b) / (1 - b)

    for _ in range(60):
        middle = (low + high) / 2
        if not low < middle < high:
            break
        low, high = (low, middle) if falling(middle) else (middle, high)
    return (low + high) / 2


def _restricted_of_statsmodels(n_a: float, s_a: float, n_b: float, s_b: float, delta: float) -> float:
    """The middle root of a cubic, in the trigonometric form."""
    n, s = n_a + n_b, s_a + s_b
    second = ((n_b + 2 * n_a) * delta - n - s) / (3 * n)
    first = ((s_a * delta - n - 2 * s_a) * delta + s) / (3 * n)
    last = s_a * delta * (1 - delta) / n
    half = second**3 - 1.5 * first * second + last / 2
    root = math.copysign(math.sqrt(max(second * second - first, 0.0)), half)
    turn = half / root**3 if root else 1.0
    return 2 * root * math.cos((math.pi + math.acos(min(max(turn, -1.0), 1.0))) / 3) - second


def fisher_exact_p(n_a: float, s_a: float, n_b: float, s_b: float) -> float | None:
    """Fisher's exact test, two-sided; None for more than ten million visitors or for fractions of one."""
    table = [[s_b, n_b - s_b], [s_a, n_a - s_a]]
    if n_a + n_b > _MOST_FOR_FISHER or any(cell != int(cell) for row in table for cell in row):
        return None
    from scipy.stats import fisher_exact  # slow to import, and seldom asked for

    return float(fisher_exact(np.array(table, dtype=np.int64)).pvalue)


def _z(alpha: float) -> float:
    return -float(ndtri(alpha / 2))
