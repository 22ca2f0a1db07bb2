"""The e-process behind the headline of conversions: valid at every look, under any allocation, exactly.

For a pair of rates (p_a, p_b) that the null allows let Q / P be the likelihood ratio of a mixture Q of other rates to
that pair.  Under the pair it is a martingale of mean 1 however each visitor's version was chosen, since the chances
of the choices cancel.  So the least Q / P over all pairs of the null is an e-process: it stays below 1 / alpha at
every look with chance 1 - alpha (Ville, 1939; Wasserman, Ramdas, Balakrishnan, 2020, "Universal inference"; Ramdas,
Gruenwald, Vovk, Shafer, 2023, "Game-theoretic statistics and safe anytime-valid inference").

What makes it strong is that Q may be another one for every pair.  Universal inference takes one Q for all of them and
pays for not knowing the base rate; here Q lies around the pair itself, so nothing is paid.  Q is a mixture of lifts
around the one worth finding, parts of it down to a five-hundredth, three times of it, up and down, and of any other;
each is a product of two Beta priors, so that counters are all it needs.

Amounts between 0 and 1 are allowed instead of conversions: (q/p)**y ((1-q)/(1-p))**(1-y) is convex in y, so its mean
is at most what it is for y in {0, 1}.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from hailwhale.experiments.statistics.answers import Interval
from hailwhale.experiments.statistics.mixtures import Floats, log_beta_mixture
from hailwhale.experiments.statistics.roots import root

EXPECTED_LIFT = 0.2

# Lifts in units of the expected one, and how much of the mixture looks there.
_RUNGS = (
    *((1 / 576, 0.005), (1 / 144, 0.005), (1 / 36, 0.01), (1 / 9, 0.02)),
    *((1 / 3, 0.08), (1.0, 0.78), (3.0, 0.06)),
)
# The rest looks everywhere: without it few conversions would refute no lift at all.
_ANYWHERE = ((0.7, 0.03), (3.0, 0.01))
# The deviation of a version's log odds within a rung, in units of its lift.
_SPREAD = 0.12
# Under an adaptive allocation the pooled rate may end near either version's.
_ADAPTIVE_LINES = ((0.1, 0.25), (0.5, 0.5), (0.9, 0.25))
# Beyond these the products of priors and rates leave the range of floats.
_RATES = (1e-18, 1 - 1e-15)
_GRID = np.linspace(0.0, 1.0, 17)
_FINER = np.linspace(-1.0, 1.0, 9)
# No interval is looked for beyond these: log ratios of rates, and hyperbolic arcs of differences.
_MOST_LOG_RATIO, _MOST_ARC = 60.0, 17.0
_SIGNS = np.array([-1.0, 1.0])
# What the mixture costs in logarithms of E, nearly: where an interval is likely to end.
_PRICE = 2.5


class Counts(NamedTuple):
    """Visitors and conversions (or amounts between 0 and 1) of both versions; arrays broadcast."""

    n_a: ArrayLike
    s_a: ArrayLike
    n_b: ArrayLike
    s_b: ArrayLike


@dataclass(frozen=True, slots=True)
class Null:
    """Pairs of rates: the variant's is ``shift + factor`` x the control's; arrays are several nulls."""

    factor: ArrayLike = 1.0
    shift: ArrayLike = 0.0

    @property
    def columns(self) -> tuple[Floats, Floats]:
        """Both, with room for the rates along the last axis."""
        factor, shift = (np.asarray(one, float)[..., None] for one in (self.factor, self.shift))
        return factor, shift

    @property
    def range(self) -> tuple[Floats, Floats]:
        """The rates of the control for which both are rates."""
        factor, shift = self.columns
        return np.maximum(0.0, -shift / factor), np.minimum(1.0, (1 - shift) / factor)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Where Q looks: an array of deviations of log odds for each version, their spread, the logs of their weights."""

    of_a: Floats
    of_b: Floats
    spread: Floats
    log_weight: Floats

    @classmethod
    def around(cls, expected_lift: float = EXPECTED_LIFT, share: float | None = None) -> Mixture:
        """For an expected lift, and the share of visitors that the variant gets; None for adaptive allocations.

        A pair's rates deviate in opposite directions, the rarer version's further: so the evidence is what the two
        together have, and the pooled rate is that of the null.
        """
        lines = _ADAPTIVE_LINES if share is None else ((share, 1.0),)
        size = math.log1p(expected_lift)
        rows = [
            (-sign * size * rung * line, sign * size * rung * (1 - line), size * rung * _SPREAD, weight * part / 2)
            for rung, weight in _RUNGS
            for line, part in lines
            for sign in (1, -1)
        ]
        rows += [(0.0, 0.0, *anywhere) for anywhere in _ANYWHERE]
        of_a, of_b, spread, weights = np.array(rows).T
        return cls(of_a, of_b, spread, np.log(weights))


def log_e(counts: Counts, mixture: Mixture, null: Null | None = None) -> Floats:
    """log of the e-process; the null is equal rates unless another is given.

    The least over the null is searched on a grid between what both versions suggest, and then finer around it.
    """
    null = null or Null()
    n_a, s_a, n_b, s_b = np.broadcast_arrays(*(np.asarray(one, float)[..., None] for one in counts))
    low, high = null.range
    bounds = _suggested(n_a, s_a, null, of_control=True) + _suggested(n_b, s_b, null, of_control=False)
    ends = [logit(np.clip((end - low) / (high - low), 1e-15, 1 - 1e-15)) for end in bounds]
    first, last = np.minimum.reduce(ends), np.maximum.reduce(ends)
    arms = (n_a, s_a, n_b, s_b)
    places = first + (last - first) * _GRID
    values = _log_ratio(arms, mixture, null, low + (high - low) * expit(places))
    step = (last - first) / (len(_GRID) - 1)
    for _ in range(_rounds(step, ends)):
        best = np.take_along_axis(places, values.argmin(-1)[..., None], -1)
        places = best + step * _FINER
        values = _log_ratio(arms, mixture, null, low + (high - low) * expit(places))
        step = step / 4
    return np.asarray(values.min(-1))


def _rounds(step: Floats, ends: list[Floats]) -> int:
    """How often a grid must be made four times as fine: until a step is small beside the narrower version's error.

    Where one version has far more visitors than the other, the least lies within a sliver of what both suggest.
    """
    widths = np.abs(ends[1] - ends[0]), np.abs(ends[3] - ends[2])
    fine = np.minimum(*(np.where(width > 0, width, np.inf) for width in widths)) / 64
    coarse = np.max(step / np.maximum(fine, 1e-9), initial=4.0)
    return math.ceil(math.log(coarse, 4))


def _suggested(n: Floats, s: Floats, null: Null, *, of_control: bool) -> list[Floats]:
    """The control's rates within two standard errors of what a version shows, under the null."""
    rate = (s + 0.5) / (n + 1)
    error = 2 * np.sqrt(rate * (1 - rate) / (n + 1))
    ends = [np.maximum(rate - error, rate / 10), np.minimum(rate + error, 1 - (1 - rate) / 10)]
    factor, shift = null.columns
    return ends if of_control else [(end - shift) / factor for end in ends]


def _log_ratio(arms: tuple[Floats, ...], mixture: Mixture, null: Null, rate: Floats) -> Floats:
    """log Q / P at rates of the control, along the last axis."""
    n_a, s_a, n_b, s_b = arms
    factor, shift = null.columns
    other = np.clip(shift + factor * rate, *_RATES)
    rate = np.clip(rate, *_RATES)
    of_arms = _arm(n_a, s_a, rate, mixture.of_a, mixture.spread) + _arm(n_b, s_b, other, mixture.of_b, mixture.spread)
    return _log_sum(of_arms + mixture.log_weight)


def _log_sum(logs: Floats) -> Floats:
    """log of the sum of exponentials along the last axis; that of scipy takes longer than all the rest."""
    most = logs.max(-1)
    return np.asarray(most + np.log(np.exp(logs - most[..., None]).sum(-1)))


def _arm(n: Floats, s: Floats, rate: Floats, deviation: Floats, spread: Floats) -> Floats:
    """log of one version's marginal under Beta priors around ``rate``, over its likelihood at ``rate``."""
    p = rate[..., None]
    odds = p / (1 - p) * np.exp(deviation)
    mean, rest = odds / (1 + odds), 1 / (1 + odds)
    # A Beta of mean m and concentration k has log odds of variance 1 / (k m (1 - m)), nearly.
    k = 1 / (spread**2 * mean * rest)
    return log_beta_mixture(s[..., None], (n - s)[..., None], (p, 1 - p), (mean, rest), k)


def interval(counts: Counts, mixture: Mixture, alpha: float, *, relative: bool) -> Interval:
    """All lifts (or differences) of the rates that no look has refuted: a confidence sequence.

    E grows on both sides of what the rates show; where an end is refuted by nothing it is -1 or infinity for a lift,
    -1 or 1 for a difference.
    """
    middle, error = (_of_ratio if relative else _of_difference)(counts)
    most = _MOST_LOG_RATIO if relative else _MOST_ARC
    threshold = -math.log(alpha)

    def evidence(squares: Floats) -> Floats:
        places = np.clip(middle + _SIGNS * np.sqrt(squares), -most, most)
        null = Null(factor=np.exp(places)) if relative else Null(shift=np.tanh(places))
        return log_e(counts, mixture, null) - threshold

    # log E grows nearly with the square of the distance, so its root is found in squares, and soon.
    guess = 2 * error * error * (threshold + _PRICE)
    squares = root(evidence, [guess, guess], guess / 4, (0.0, most * most), 1e-5)
    low, high = (middle + _SIGNS * np.where(squares < most * most, np.sqrt(squares), np.inf)).tolist()
    if relative:
        return math.expm1(low), math.expm1(high) if high < 700 else math.inf
    return math.tanh(low), math.tanh(high)


def _shown(counts: Counts) -> Iterator[tuple[float, float]]:
    """The rate that each version shows, and the variance of it."""
    for n, s in (counts[:2], counts[2:]):
        size = float(np.asarray(n)) + 1
        rate = (float(np.asarray(s)) + 0.5) / size
        yield rate, rate * (1 - rate) / size


def _of_ratio(counts: Counts) -> tuple[float, float]:
    """The logarithm of the ratio of the rates, and its standard error."""
    (a, of_a), (b, of_b) = _shown(counts)
    return math.log(b / a), math.sqrt(of_a / a / a + of_b / b / b)


def _of_difference(counts: Counts) -> tuple[float, float]:
    """The hyperbolic arc of the difference of the rates, and its standard error."""
    (a, of_a), (b, of_b) = _shown(counts)
    return math.atanh(b - a), math.sqrt(of_a + of_b) / (1 - (b - a) ** 2)
