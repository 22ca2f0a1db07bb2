"""Beta and Dirichlet mixtures of likelihood ratios, in logarithms, for counts from 0 to 10**12."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]
Pair = tuple[ArrayLike, ArrayLike]

_HALF_LOG_TAU = 0.5 * np.log(2 * np.pi)
_SMALLEST = np.finfo(float).tiny


def log_beta_mixture(s: ArrayLike, f: ArrayLike, rate: Pair, mean: Pair, k: ArrayLike) -> Floats:
    """log of B(k m + s, k (1 - m) + f) / B(k m, k (1 - m)) / (p**s (1 - p)**f): what a Beta prior of mean m and
    concentration k says of s successes and f failures, over what a ``rate`` p says.

    ``rate`` and ``mean`` are given with their complements, since 1 - p has no digits left where p is small.  Under that
    rate it is the logarithm of a martingale of mean 1, whatever the prior.  Arrays broadcast.

    Gamma functions are taken by Stirling's formula, sorted so that what is large cancels before it is added: with
    the logarithms of gamma functions as they are, 10**12 visitors would leave three digits of E.
    """
    s, f, k = np.asarray(s, float), np.asarray(f, float), np.asarray(k, float)
    (p, q), (m, w) = ((np.asarray(one, float), np.asarray(other, float)) for one, other in (rate, mean))
    a, b, after = k * m, k * w, k + s + f
    moved = s * w - f * m  # s - m n
    off = (k * (m * q - w * p) + (s * q - f * p)) / after  # the posterior mean less p
    moved = moved / after
    total = s * _log_ratio(off / p, a + s, after * p) + f * _log_ratio(-off / q, b + f, after * q)
    total = total + (a - 0.5) * _log_ratio(moved / m, a + s, after * m)
    total = total + (b - 0.5) * _log_ratio(-moved / w, b + f, after * w)
    total = total - 0.5 * np.log(after / k) + _remainder(a + s) + _remainder(b + f) - _remainder(after)
    return np.asarray(total - _remainder(a) - _remainder(b) + _remainder(k))


def log_dirichlet_mixture(counts: ArrayLike, shares: ArrayLike, k: float) -> float:
    """The same for several groups: a Dirichlet(k * shares) prior around the shares themselves."""
    n, share = np.asarray(counts, float), np.asarray(shares, float)
    prior, size = k * share, n.sum()
    logs = _log_ratio((n - share * size) / (share * (k + size)), prior + n, share * (k + size))
    rest = _remainder(prior + n).sum() - _remainder(prior).sum() - _remainder(k + size) + _remainder(np.asarray(k))
    return float(((n + prior - 0.5) * logs).sum() - 0.5 * (len(n) - 1) * np.log1p(size / k) + rest)


def _log_ratio(near: Floats, above: Floats, below: Floats) -> Floats:
    """log(above / below), by ``near`` = above / below - 1 where that is near 0."""
    if near.min(initial=0.0) > -0.5:
        return np.log1p(near)
    return np.where(near > -0.5, np.log1p(np.maximum(near, -0.5)), np.log(np.maximum(above / below, _SMALLEST)))


def _remainder(x: Floats) -> Floats:
    """What Stirling's (x - 1/2) log x - x + log(2 pi) / 2 leaves of log gamma(x)."""
    inverse = 1 / np.maximum(x, 10.0)
    square = inverse * inverse
    found = np.asarray((1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680)))) * inverse)
    small = np.asarray(x < 10)
    if small.any():
        few = np.asarray(x)[small]
        found[small] = gammaln(few) - ((few - 0.5) * np.log(few) - few + _HALF_LOG_TAU)
    return found
