"""Posteriors: the normal one with a flat or a normal prior, and the exact one of two conversion rates."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, erfcx, ndtr, ndtri

from hailwhale.experiments.statistics.answers import ExactBeta, Interval, Normal, Posterior
from hailwhale.experiments.statistics.mixtures import Floats
from hailwhale.experiments.statistics.moments import Difference
from hailwhale.experiments.statistics.roots import root

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
# Panel edges, in standard deviations: dense where a density bends, and as far out as its tail can matter.
_EDGES = np.array([*np.arange(-8, 8.5, 0.5), -40, -25, -16, -12, -10, 10, 12, 16, 20, 25, 30, 40])
# Nodes of less weight change no digit of a chance.
_NOTHING = 1e-20


@dataclass(frozen=True, slots=True)
class Prior:
    """A normal prior of the relative lift: ``Prior(0, 0.3)`` expects lifts within 60 % nearly always."""

    mean: float
    sd: float


def posterior(
    difference: Difference, alpha: float, prior: Prior | None = None, *, lower_wins: bool = False
) -> Posterior:
    """The normal posterior of a difference; without a prior, a flat one.

    ``lower_wins`` is for metrics that are better when they are lower: the chance and both risks are then of that.
    """
    if difference.undefined:
        return Posterior(0.5, 0.0, (0.0, 0.0), (0.0, 0.0), alpha, difference.undefined)
    mean, variance = difference.value, difference.variance
    if prior is not None:
        share = prior.sd**2 / (prior.sd**2 + variance)
        mean, variance = share * mean + (1 - share) * prior.mean, share * variance
    sd = math.sqrt(variance)
    width = -float(ndtri(alpha / 2)) * sd
    risk = normal_loss(-mean, sd), normal_loss(mean, sd)
    chance = float(ndtr(-mean / sd if lower_wins else mean / sd))
    return Posterior(chance, mean, (mean - width, mean + width), risk[::-1] if lower_wins else risk, alpha)


def normal_loss(mean: float, sd: float) -> float:
    """The expected loss of choosing what is better by ``mean``, give or take ``sd``: E max(0, -x).

    sd phi(z) - mean Phi(-z), z = mean / sd, in a form that keeps its digits far out.
    """
    z = mean / sd
    if z < 0:
        return normal_loss(-mean, sd) - mean
    density = math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
    return max(sd * density * (1 - z * math.sqrt(math.pi / 2) * float(erfcx(z / math.sqrt(2)))), 0.0)


def normal(difference: Difference, *, lower_wins: bool = False) -> Normal:
    """The flat posterior of two means in short."""
    found = posterior(difference, 0.05, lower_wins=lower_wins)
    return Normal(found.chance_to_win, found.risk[1], found.risk[0])


@dataclass(frozen=True, slots=True)
class Beta:
    """The posterior of one rate."""

    a: float
    b: float

    def below(self, x: Floats) -> Floats:
        return np.asarray(betainc(self.a, self.b, np.clip(x, 0.0, 1.0)))

    def above(self, x: Floats) -> Floats:
        return np.asarray(betainc(self.b, self.a, np.clip(1 - x, 0.0, 1.0)))

    def ci(self, alpha: float) -> Interval:
        return float(betaincinv(self.a, self.b, alpha / 2)), 1 - float(betaincinv(self.b, self.a, alpha / 2))

    @property
    def mean(self) -> float:
        return self.a / (self.a + self.b)

    def edges(self) -> Floats:
        """Where to cut the line for an integral over this density."""
        size = self.a + self.b
        return np.asarray(self.mean + _EDGES * math.sqrt(self.mean * (self.b / size) / (size + 1)))

    def weights(self, x: Floats, widths: Floats) -> Floats:
        """The density at the nodes times their widths, made to sum to 1.

        It is taken relative to its mode: as it stands it has no digits left at 10**12 visitors.
        """
        mode = (self.a - 1) / (self.a + self.b - 2) if self.a + self.b > 2 else 0.5
        log = np.zeros_like(x)
        # A node so near an edge that it rounds to it has no density.
        with np.errstate(divide='ignore'):
            if self.a > 1:
                log += (self.a - 1) * np.log1p((x - mode) / mode)
            if self.b > 1:
                log += (self.b - 1) * np.log1p((mode - x) / (1 - mode))
        weights = np.exp(log) * widths
        return np.asarray(weights / weights.sum())


def exact_beta(n_a: float, s_a: float, n_b: float, s_b: float, alpha: float, *, lower_wins: bool = False) -> ExactBeta:
    """Two rates under Beta(1, 1) priors: chances and losses by Gauss-Legendre quadrature, to about ten digits."""
    a, b = Beta(1 + s_a, 1 + n_a - s_a), Beta(1 + s_b, 1 + n_b - s_b)
    x, widths = _nodes([*a.edges(), *b.edges()])
    chance = float((b.weights(x, widths) * a.below(x)).sum())
    # E max(0, a - b) is the integral of P(b < t < a) over t.
    losses = float((b.below(x) * a.above(x) * widths).sum()), float((a.below(x) * b.above(x) * widths).sum())
    if lower_wins:
        chance, losses = float((a.weights(x, widths) * b.below(x)).sum()), losses[::-1]
    return ExactBeta(
        min(chance, 1.0), losses[0], losses[1], _ci_of_difference(a, b, alpha), a.ci(alpha), b.ci(alpha), alpha
    )


def _nodes(edges: list[float]) -> tuple[Floats, Floats]:
    cuts = np.unique(np.clip([0.0, *edges, 1.0], 0.0, 1.0))
    half = np.diff(cuts)[:, None] / 2
    return (cuts[:-1, None] + half * (_NODES + 1)).ravel(), (half * _WEIGHTS).ravel()


def _ci_of_difference(a: Beta, b: Beta, alpha: float) -> Interval:
    return _quantile_of_difference(a, b, alpha / 2), -_quantile_of_difference(b, a, alpha / 2)


def _quantile_of_difference(a: Beta, b: Beta, share: float) -> float:
    """The number that b - a stays below with this chance."""
    sd = math.hypot(*(float(np.ptp(beta.edges())) / 80 for beta in (a, b)))
    wanted = quantile(share)

    def beyond(deltas: Floats) -> Floats:
        return np.array([quantile(_chance_below(a, b, delta)) - wanted for delta in deltas])

    return float(root(beyond, b.mean - a.mean + wanted * sd, sd / 4, (-1.0, 1.0), 1e-9)[0])


def _chance_below(a: Beta, b: Beta, delta: float) -> float:
    """That b - a is less than ``delta``; never quite 0 or 1."""
    x, widths = _nodes([*a.edges(), *(b.edges() - delta)])
    weights = a.weights(x, widths)
    told = weights > _NOTHING
    return min(max(float((weights[told] * b.below(x[told] + delta)).sum()), 1e-300), 1 - 1e-16)


def quantile(share: float) -> float:
    """Of the standard normal distribution."""
    return float(ndtri(share))
