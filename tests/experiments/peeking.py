"""Visitors by the thousand, looked at again and again."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hailwhale.experiments.statistics.eprocess import Counts, Mixture, log_e

Floats = NDArray[np.float64]


class Looks(NamedTuple):
    """Running counts: a row a run, a column a look."""

    n_a: Floats
    s_a: Floats
    n_b: Floats
    s_b: Floats

    @property
    def bound(self) -> Floats:
        """The logarithm of the greatest likelihood ratio to equal rates: no mixture says more."""
        rate = (self.s_a + self.s_b) / (self.n_a + self.n_b)
        return _divergence(self.n_a, self.s_a, rate) + _divergence(self.n_b, self.s_b, rate)


def _divergence(n: Floats, s: Floats, rate: Floats) -> Floats:
    with np.errstate(divide='ignore', invalid='ignore'):
        done = np.where(s > 0, s * np.log(s / n / rate), 0.0)
        left = np.where(n > s, (n - s) * np.log((n - s) / n / (1 - rate)), 0.0)
    return np.asarray(done + left)


def shares(
    rng: np.random.Generator, rates: tuple[float, float], step: int, share: float, size: tuple[int, int]
) -> Looks:
    """A split at random by a fixed share of the variant; ``step`` visitors between looks, ``size`` runs and looks."""
    b = rng.binomial(step, share, size)
    s_a, s_b = rng.binomial(step - b, rates[0]), rng.binomial(b, rates[1])
    return Looks(*(np.cumsum(one, 1, dtype=float) for one in (step - b, s_a, b, s_b)))


def thompson(
    rng: np.random.Generator, rates: tuple[float, float], step: int, size: tuple[int, int], floor: float = 0.0
) -> Looks:
    """Each visitor gets the version whose draw from its posterior is higher, with ``floor`` at random; seen after
    every ``step`` visitors."""
    runs, looks = size
    n, s = np.zeros((2, runs)), np.zeros((2, runs))
    seen: list[tuple[Floats, ...]] = []
    for visitor in range(1, step * looks + 1):
        draws = rng.beta(1 + s, 1 + n - s)
        choice = (draws[1] > draws[0]).astype(int)
        if floor:
            choice = np.where(rng.random(runs) < floor, rng.integers(0, 2, runs), choice)
        won = rng.random(runs) < np.asarray(rates)[choice]
        n[choice, np.arange(runs)] += 1
        s[choice, np.arange(runs)] += won
        if visitor % step == 0:
            seen.append((n[0].copy(), s[0].copy(), n[1].copy(), s[1].copy()))
    return Looks(*(np.array(one).T for one in zip(*seen, strict=True)))


def stopped(looks: Looks, mixture: Mixture, alpha: float = 0.05) -> NDArray[np.bool_]:
    """The runs in which the e-process reaches 1 / alpha at any look: only looks that can are computed."""
    threshold = -np.log(alpha)
    found = np.zeros(len(looks.n_a), dtype=bool)
    may = (looks.bound >= threshold) & (looks.n_a > 0) & (looks.n_b > 0)
    for look in range(may.shape[1]):
        worth = may[:, look] & ~found
        found[worth] = log_e(Counts(*(one[worth, look] for one in looks)), mixture) >= threshold
    return found


class Amounts(NamedTuple):
    """Running sums of amounts: a row a run, a column a look."""

    n_a: Floats
    sum_a: Floats
    squares_a: Floats
    n_b: Floats
    sum_b: Floats
    squares_b: Floats

    def arms(self, run: int, look: int) -> tuple[list[float], list[float]]:
        """Visitors, sum and sum of squares of both versions."""
        at = [float(one[run, look]) for one in self]
        return at[:3], at[3:]

    @property
    def t(self) -> Floats:
        """Welch's t, or more: by the squares themselves, and not about their means."""
        n_a, n_b = np.maximum(self.n_a, 1), np.maximum(self.n_b, 1)
        error = np.sqrt(self.squares_a / n_a**2 + self.squares_b / n_b**2)
        return np.asarray((self.sum_b / n_b - self.sum_a / n_a) / np.maximum(error, 1e-12))


def orders(rng: np.random.Generator, rate: float, step: int, share: float, size: tuple[int, int]) -> Amounts:
    """Visitors of whom few buy, for very different amounts that no version changes; split and seen as by `shares`."""
    runs, looks = size
    each = runs, step * looks
    amounts, of_b = rng.lognormal(3, 1.2, each) * (rng.random(each) < rate), rng.random(each) < share
    found = []
    for mine in (~of_b, of_b):
        spent = amounts * mine
        found += [one.cumsum(1, dtype=float)[:, step - 1 :: step] for one in (mine, spent, spent * spent)]
    return Amounts(*found)
