"""Sequences of intervals and evidence that hold at every look, for splits by fixed shares."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit, log_ndtr, logit

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics.answers import Evidence, Interval, Sequential
from hailwhale.experiments.statistics.mixtures import Floats, log_beta_mixture
from hailwhale.experiments.statistics.moments import Difference
from hailwhale.experiments.statistics.numbers import SMALLEST, count, fraction, positive
from hailwhale.experiments.statistics.roots import root

TUNING = 5000.0
# Log odds beyond which no rate is looked for.
_FAR = 700.0


def evidence(log_e: float) -> Evidence:
    """An e-value with its p-value, min(1, 1/E) (Ville's inequality)."""
    return Evidence(log_e, p_of(log_e))


def p_of(log_e: float) -> float:
    """min(1, 1/E)."""
    return math.exp(-log_e) if log_e > 0 else 1.0


def best_rho(v: float, alpha: float) -> float:
    """The mixture's variance that makes a normal-mixture boundary tightest at intrinsic time ``v``."""
    log = -2 * math.log(alpha)
    return v / (log + math.log(1 + log))


def asymptotic(difference: Difference, alpha: float, tuning: float = TUNING) -> Sequential:
    """The asymptotic confidence sequence, tightest after about ``tuning`` visitors.

    Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, 2024, "Time-uniform central limit theory and asymptotic confidence
    sequences".  It holds at every look once there are enough visitors for a mean to be nearly normal.
    """
    if difference.undefined:
        return Sequential(1.0, (0.0, 0.0), 0.0, alpha, difference.undefined)
    n, variance = difference.n, difference.variance
    grown = n / best_rho(tuning, alpha)
    width = difference.se * times_error(n, alpha, tuning)
    log_e = difference.value / variance * difference.value * grown / (2 * (1 + grown)) - 0.5 * math.log1p(grown)
    return Sequential(p_of(log_e), (difference.value - width, difference.value + width), log_e, alpha)


def times_error(n: float, alpha: float, tuning: float = TUNING) -> float:
    """How many standard errors the asymptotic confidence sequence reaches to either side, after ``n`` visitors."""
    grown = n / best_rho(tuning, alpha)
    return math.sqrt(2 * (1 + 1 / grown) * (0.5 * math.log1p(grown) - math.log(alpha)))


def conversion_mixture(s_a: float, s_b: float, share: float = 0.5, k: float = 100.0) -> Evidence:
    """Of the conversions alone: under equal rates each is the variant's with its ``share`` of the visitors.

    A Beta mixture of concentration ``k`` around that share; exact at every look where visitors are split at random
    with that share (Robbins, 1970, "Statistical Methods Related to the Law of the Iterated Logarithm").
    """
    s_a, s_b = count(s_a, 's_a'), count(s_b, 's_b')
    share, k = fraction(share, 'share', nearest=SMALLEST), positive(k, 'k')
    return evidence(float(log_beta_mixture(s_b, s_a, (share, 1 - share), (share, 1 - share), k)))


def product_eprocess(n_a: float, s_a: float, n_b: float, s_b: float, a: float = 1.0, b: float = 1.0) -> Evidence:
    """Two Beta(a, b) marginals over the likeliest common rate: holds at every look under any allocation.

    Wasserman, Ramdas, Balakrishnan, 2020, "Universal inference".  Weak: `eprocess` is the stronger of its kind.
    """
    s_a, n_a = _of(s_a, n_a, ('s_a', 'n_a'))
    s_b, n_b = _of(s_b, n_b, ('s_b', 'n_b'))
    a, b = positive(a, 'a'), positive(b, 'b')
    n, s = n_a + n_b, s_a + s_b
    # Where nobody or everybody converted the common rate is at its edge, and either term below must stay finite.
    p = min(max(s / n, 1e-300), 1 - 1e-16) if n else 0.5
    q = max((n - s) / n, 1e-300) if n else 0.5
    arms = ((s_a, n_a - s_a), (s_b, n_b - s_b))
    k = a + b
    return evidence(float(sum(log_beta_mixture(done, left, (p, q), (a / k, b / k), k) for done, left in arms)))


def bernoulli_confidence_interval(
    successes: float, trials: float, alpha: float = 0.05, t_opt: float = 1000.0, alpha_opt: float = 0.05
) -> Interval:
    """All rates of one version that no look has refuted, tightest after about ``t_opt`` visitors.

    Howard, Ramdas, McAuliffe, Sekhon, 2021, "Time-uniform, nonparametric, nonasymptotic confidence sequences": the
    two-sided beta-binomial mixture.  It holds for any amounts between 0 and 1 too.
    """
    s, n = _of(successes, trials, ('successes', 'trials'))
    alpha = fraction(alpha, 'alpha')
    k = max(best_rho(positive(t_opt, 't_opt'), fraction(alpha_opt, 'alpha_opt')) - 1, 1e-3)
    middle, signs = logit((s + 0.5) / (n + 1)), np.array([-1.0, 1.0])

    def evidence(distance: Floats) -> Floats:
        odds = np.clip(middle + signs * distance, -_FAR, _FAR)
        rates = expit(odds), expit(-odds)
        return log_beta_mixture(s, n - s, rates, rates, k) + math.log(alpha)

    guess = 3 * math.sqrt(1 / (s + 0.5) + 1 / (n - s + 0.5))
    low, high = expit(middle + signs * root(evidence, [guess, guess], guess / 2, (0.0, _FAR))).tolist()
    return 0.0 if s == 0 else low, 1.0 if s == n else high


def normal_mixture_bound(
    v: float, alpha: float = 0.025, v_opt: float = 1000.0, alpha_opt: float = 0.025, *, one_sided: bool = True
) -> float:
    """How far a sum of variance ``v`` strays at any time with chance ``alpha`` at most: upwards, or to either side.

    The normal mixture that is tightest at ``v_opt`` where ``alpha`` is ``alpha_opt`` (Howard and others, 2021).
    """
    v, alpha = count(v, 'v'), fraction(alpha, 'alpha')
    level = fraction(2 * alpha_opt if one_sided else alpha_opt, 'alpha_opt')
    rho = best_rho(positive(v_opt, 'v_opt'), level)
    size = math.sqrt(v + rho)
    if not one_sided:
        return size * math.sqrt(math.log((v + rho) / rho) - 2 * math.log(alpha))

    def evidence(z: Floats) -> Floats:
        return 0.5 * math.log(4 * rho / (v + rho)) + z * z / 2 + log_ndtr(z) + math.log(alpha)

    return size * float(root(evidence, 3.0, 1.0, (0.0, math.inf))[0])


def _of(some: float, n: float, fields: tuple[str, str]) -> tuple[float, float]:
    """Successes and all of which they are some; else raises `InvalidInput`."""
    found, whole = count(some, fields[0]), count(n, fields[1])
    if found > whole:
        message = f'{fields[0]} is {found:g}, more than {fields[1]}, {whole:g} (at most one each)'
        raise InvalidInput(message, field=fields[0])
    return found, whole
