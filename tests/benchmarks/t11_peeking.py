"""T11: how often looking always finds a winner where there is none, and how often one that is there.

The references see the same visitors: z at the planned end, z at every look, a Bayesian 95 % chance to win at every
look.  Shares of runs, so there is one sample of each; the spread of a share p over n runs is sqrt(p (1 - p) / n).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from hailwhale.experiments.statistics import Headline, compare
from hailwhale.experiments.statistics.eprocess import Mixture
from tests.benchmarks.measure import Bench, Figure, Goal, at_least, at_most
from tests.experiments.peeking import Floats, Looks, orders, shares, stopped, thompson

ALPHA = 0.05
ADAPTIVE = "allocation='adaptive'"
Bools = NDArray[np.bool_]
Runs = Callable[[Looks], Bools]


def measure(bench: Bench) -> list[Figure]:
    """Equal versions on fixed and on adaptive splits, and a fifth more conversions."""
    runs, looks = bench.size(2000, 40), bench.size(200, 20)
    rng = np.random.default_rng(20261122)
    fixed, adaptive = Mixture.around(share=0.5), Mixture.around()
    few = at_most(ALPHA)
    figures: list[Figure] = []
    for rate, share in ((0.03, 0.5), (0.03, 0.8), (0.3, 0.5)):
        seen = shares(rng, (rate, rate), 200, share, (runs, looks))
        name = f'A/A {rate:.0%}, {share:.0%} v {1 - share:.0%}'
        figures += _beside_others(name, seen, Mixture.around(share=share), few)
        figures.append(_alone(name, seen, ADAPTIVE, adaptive, few))
    seen = thompson(rng, (0.05, 0.05), 100, (runs, bench.size(80, 8)))
    name = 'A/A 5%, Thompson sampling'
    figures.append(_alone(name, seen, ADAPTIVE, adaptive, few))
    figures += _beside_others(name, seen, fixed, few)
    for share in (0.5, 0.1, 0.9):
        figures += _money(rng, share, (bench.size(400, 4), looks), few)
    seen = shares(rng, (0.03, 0.036), 200, 0.5, (runs, looks))
    name = '3.0 v 3.6%, 20,000 an arm'
    figures += _beside_others(name, seen, fixed, None if bench.quick else at_least(0.7))
    headline = [_share(lambda looks: stopped(looks, fixed), seen)]
    return [*figures, replace(_alone(name, seen, ADAPTIVE, adaptive, None), baseline='headline', theirs=headline)]


def _money(rng: np.random.Generator, share: float, size: tuple[int, int], few: Goal) -> list[Figure]:
    """Orders of equal versions, by what `compare` says at each look that may find a winner."""
    seen = orders(rng, 0.05, 200, share, size)
    # The headline asks for more than 2.4 standard errors, however many visitors there were.
    worth = np.argwhere(np.abs(seen.t) > 2.2).tolist()
    found = ((run, compare(*seen.arms(run, look), 'mean').headline) for run, look in worth)
    won = {run for run, headline in found if isinstance(headline, Headline) and headline.winner != 'undecided'}
    always = (np.abs(seen.t) > 1.959964).any(1).mean()
    name = f'A/A orders of 5%, {1 - share:.0%} v {share:.0%}'
    ours = Figure('T11', name, 'headline, finds a winner', 'share', [len(won) / size[0]], goal=few)
    return [replace(ours, baseline='z at every look', theirs=[max(float(always), 1 / size[0])])]


def _alone(name: str, seen: Looks, what: str, mixture: Mixture, goal: Goal | None) -> Figure:
    return Figure('T11', name, f'{what}, finds a winner', 'share', [float(stopped(seen, mixture).mean())], goal=goal)


def _beside_others(name: str, seen: Looks, mixture: Mixture, goal: Goal | None) -> list[Figure]:
    """The headline of a fixed split beside each reference; the goal is held once."""
    ours = _alone(name, seen, 'headline', mixture, goal)
    return [
        replace(ours, baseline=reference, theirs=[_share(of, seen)], goal=None if i else goal)
        for i, (reference, of) in enumerate(REFERENCES.items())
    ]


def _share(of: Runs, seen: Looks) -> float:
    """At least one in as many, so that there is a ratio."""
    found = of(seen)
    return max(float(found.mean()), 1 / len(found))


def _z(seen: Looks) -> Floats:
    rate = (seen.s_a + seen.s_b) / (seen.n_a + seen.n_b)
    with np.errstate(divide='ignore', invalid='ignore'):
        error = np.sqrt(rate * (1 - rate) * (1 / seen.n_a + 1 / seen.n_b))
        return np.asarray(np.nan_to_num((seen.s_b / seen.n_b - seen.s_a / seen.n_a) / error))


def _z_at_the_end(seen: Looks) -> Bools:
    return np.asarray(np.abs(_z(seen)[:, -1]) > 1.959964)


def _z_at_every_look(seen: Looks) -> Bools:
    return np.asarray((np.abs(_z(seen)) > 1.959964).any(1))


def _chance_to_win(seen: Looks) -> Bools:
    """Two Beta(1, 1) posteriors, taken for normal."""
    means, variances = [], []
    for n, s in ((seen.n_a, seen.s_a), (seen.n_b, seen.s_b)):
        mean = (s + 1) / (n + 2)
        means.append(mean)
        variances.append(mean * (1 - mean) / (n + 3))
    chance = ndtr((means[1] - means[0]) / np.sqrt(variances[0] + variances[1]))
    return np.asarray((np.abs(chance - 0.5) > 0.45).any(1))


def _asymptotic(seen: Looks) -> Bools:
    """The asymptotic confidence sequence, tuned for 5,000 visitors: what other platforms call sequential."""
    n = seen.n_a + seen.n_b
    log = -2 * math.log(ALPHA)
    grown = n * (log + math.log(1 + log)) / 5000
    log_e = _z(seen) ** 2 * grown / (2 * (1 + grown)) - np.log1p(grown) / 2
    return np.asarray((log_e >= -math.log(ALPHA)).any(1))


REFERENCES: dict[str, Runs] = {
    'z at the end': _z_at_the_end,
    'z at every look': _z_at_every_look,
    'chance to win > 95% at any look': _chance_to_win,
    'asymptotic sequence': _asymptotic,
}
