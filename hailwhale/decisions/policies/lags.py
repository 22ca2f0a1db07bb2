"""Lags: how long after a decision its reward is counted.

Exposures of the last hours look like failures where rewards come late, and most of all for the option that is shown
most by now.  The mean lag is estimated from when the rewards of each option came after its exposures, and young
exposures then count by the share of their rewards that should have come.
"""

from __future__ import annotations

import numpy as np

from hailwhale.decisions.policies.arrays import Floats, Ints

#: Mean lags that are tried, in hours, and how much likelier one has to be than none (the log of a ratio).
_TRIED = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 18.0, 24.0, 48.0)
_LIKELIER = 4.0
#: Hours that are looked at.
HOURS = 168


def lag_of(age: Floats, option: Ints, exposure: Floats, reward: Floats, scatter: float) -> float:
    """The mean lag in hours; 0 where rewards come at once, as far as can be told."""
    hour = age.astype(int)
    young = (hour >= 0) & (hour < HOURS)
    if not young.any():
        return 0.0
    hours, options = int(hour[young].max()) + 1, int(option.max()) + 1
    # By option and hour, the oldest first.
    places = option[young] * hours + (hours - 1 - hour[young])
    shown, earned = (
        np.asarray(np.bincount(places, sums[young], hours * options), float).reshape(options, hours)
        for sums in (exposure, reward)
    )
    # A lag cannot be told from rewards that never come before some times that long have passed.
    tried = [0.0, *(lag for lag in _TRIED if 3 * lag <= hours)]
    scores = [_score(shown, earned, lag) / scatter for lag in tried]
    best = int(np.argmax(scores))
    return tried[best] if scores[best] > scores[0] + _LIKELIER else 0.0


def delayed(exposure: Floats, lag: float) -> Floats:
    """Exposures, [series, hour] with the oldest hour first, moved to when their rewards should come.

    What they add up to is as much as should have come by now.
    """
    hours = exposure.shape[1]
    share = np.diff(grown(np.arange(hours + 1.0), lag))
    later = np.arange(hours)[None, :] - np.arange(hours)[:, None]
    return np.asarray(exposure @ np.where(later >= 0, share[np.maximum(later, 0)], 0.0))


def _score(shown: Floats, earned: Floats, lag: float) -> float:
    """The likelihood of the rewards of each hour, as its log, where each option has one rate."""
    expected = delayed(shown, lag)
    rate = earned.sum(axis=1) / np.maximum(expected.sum(axis=1), 1e-300)
    mean = np.maximum(expected * rate[:, None], 1e-12 * max(float(earned.max()), 1e-300))
    return float((earned * np.log(mean) - mean).sum())


def grown(age: Floats, lag: float) -> Floats:
    """The share of the rewards of an hour that has come when that hour began so long ago, in hours."""
    if not lag:
        return np.asarray(np.where(age > 0, 1.0, 0.0))
    # Its exposures are spread evenly over the hour, or over what is over of it.
    begin = np.maximum(age - 1, 0.0)
    width = np.maximum(age - begin, 1e-9)
    return np.asarray(np.where(age > 0, 1 - lag * (np.exp(-begin / lag) - np.exp(-age / lag)) / width, 0.0))
