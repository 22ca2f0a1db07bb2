"""Drift: since when what was counted holds.

The rate of each option below each path within the last hours is compared with the one before.  Where they differ by
more than chance, only those hours are believed, for all options below that path.  It is looked for anew in every fit,
and nothing of it is stored.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtri

from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.layouts import Layout
from hailwhale.decisions.policies.sheets import Sheet
from hailwhale.decisions.policies.tuning import Tuning

#: How many times the lag a window is, at the least.
_LAGS = 6


def trusted(sheet: Sheet, layout: Layout, tuning: Tuning) -> Floats:
    """How many of the last hours are believed, for each context; infinity: all."""
    found = np.full(len(layout.contexts), np.inf)
    # Rewards that come late may come in heaps: a window has to be long beside the lag.
    windows = [one for one in tuning.windows if _LAGS * sheet.late <= one < sheet.age.max(initial=0)]
    if not tuning.drift or not windows:
        return found
    whole = _by_path(sheet, layout, np.inf)
    compared = [(window, _unlikely(whole, _by_path(sheet, layout, window), sheet, tuning)) for window in windows]
    tests = sum(int(np.isfinite(scores).sum()) for _, scores in compared)
    if not tests:
        return found
    limit = float(ndtri(1 - tuning.drift / 2 / tests))
    best = np.full(len(whole[0]), limit)
    since = np.full(len(best), np.inf)
    for window, scores in compared:
        highest = np.nan_to_num(scores, nan=0.0).max(axis=1)
        since[highest > best] = window
        best = np.maximum(best, highest)
    if not layout.paths:
        return np.full(len(found), since[0])
    for column in layout.above.T:
        inside = column >= 0
        found[inside] = np.minimum(found[inside], since[column[inside]])
    return found


def _by_path(sheet: Sheet, layout: Layout, hours: float) -> tuple[Floats, Floats]:
    """Exposure and reward of the last hours, [path, option]; without contexts there is one path."""
    exposure, reward = sheet.grids(np.full(len(layout.contexts), hours))
    if not layout.paths:
        return exposure, reward
    return layout.summed(exposure), layout.summed(reward)


def _unlikely(whole: tuple[Floats, Floats], recent: tuple[Floats, Floats], sheet: Sheet, tuning: Tuning) -> Floats:
    """By how many standard deviations two rates differ; not a number where too little is known."""
    exposure, reward = recent
    before, earned = whole[0] - exposure, whole[1] - reward
    with np.errstate(divide='ignore', invalid='ignore'):
        rate = whole[1] / whole[0]
        scatter = sheet.scatter
        noise = scatter * (np.maximum(1 - rate, 0.05) if sheet.binary else 1.0)
        expected, expected_before = exposure * rate / scatter, before * rate / scatter
        apart = np.abs(reward / exposure - earned / before) / rate
        found = apart / np.sqrt(noise / scatter * (1 / expected + 1 / expected_before))
    enough = (expected >= tuning.fewest) & (expected_before >= tuning.fewest)
    return np.asarray(np.where(enough, found, np.nan))
