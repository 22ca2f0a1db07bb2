"""Spreading: how far effects spread is learned from what was counted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hailwhale.decisions.policies import Context, Tuning
from hailwhale.decisions.policies.effects import Rows, Spreads
from hailwhale.decisions.policies.layouts import ROOT, Layout
from hailwhale.decisions.policies.spreading import learn, of_options

PAIRS = [Context.of({'country': f'C{i}', 'device': f'D{j}'}) for i in range(10) for j in range(4)]
LAYOUT = Layout.of(PAIRS)
TOGETHER = LAYOUT.pairs()
LEVELS = {'root': ROOT, 'country': ('country', 2), 'device': ('device', 2)}


def learned(seed: int = 1, *, options: int = 6, visitors: float = 1e5, **true: float) -> dict[str, float]:
    """Standard deviations, by what spreads."""
    rng = np.random.default_rng(seed)

    def effects(rows: int, name: str) -> np.ndarray:
        return rng.normal(0, true.get(name, 0.0), (rows, options))

    country, device = effects(10, 'country'), effects(4, 'device')
    lift = effects(1, 'root') + effects(40, 'own')
    lift = lift + np.repeat(country, 4, axis=0) + np.tile(device, (10, 1))
    exposure = np.full((40, options), visitors)
    reward = rng.poisson(exposure * 0.05 * np.maximum(1 + lift, 0.05)).astype(float)
    rows, tuning = Rows.of(exposure, reward, np.full(40, 0.05), 1.0, True), Tuning()
    spreads = Spreads.guessed(LAYOUT, tuning)
    learn(rows, LAYOUT, TOGETHER, spreads, options, tuning)
    found = {name: math.sqrt(spreads.levels[level]) for name, level in LEVELS.items()}
    return found | {'own': math.sqrt(spreads.kinds[PAIRS[0].kind])}


@pytest.mark.parametrize('name', ['root', 'country', 'device', 'own'])
def test_what_alone_spreads_is_found_out(name: str) -> None:
    true: dict[str, Any] = {name: 0.3}
    found = learned(**true)
    assert found[name] == pytest.approx(0.3, rel=0.45)
    for other in found.keys() - {name}:
        assert found[other] < 0.12, other


def test_where_all_are_alike_nothing_spreads() -> None:
    assert max(learned().values()) < 0.12


def test_of_few_visitors_it_is_neither_nothing_nor_everything() -> None:
    found = learned(visitors=5)
    assert all(0.02 < one < 0.9 for one in found.values())


def test_large_tables_are_learned_from_as_well() -> None:
    assert learned(options=51, country=0.3)['country'] == pytest.approx(0.3, rel=0.3)


def lone(lifts: list[float], visitors: float) -> float:
    exposure = np.full((1, len(lifts)), visitors)
    reward = exposure * 0.1 * (1 + np.array(lifts))
    return math.sqrt(of_options(Rows.of(exposure, reward, np.array([0.1]), 1.0, True), Tuning()))


def test_without_contexts_the_spread_of_options_is_theirs() -> None:
    rng = np.random.default_rng(1)
    assert lone(rng.normal(0, 0.3, 40).tolist(), 1e6) == pytest.approx(0.3, rel=0.3)
    assert lone([0.0] * 40, 1e6) < 0.03


def test_what_all_options_have_in_common_is_no_spread() -> None:
    lifts = [0.1, -0.1, 0.2, -0.2, 0.0]
    assert lone([lift + 0.5 for lift in lifts], 1e6) == pytest.approx(lone(lifts, 1e6), rel=0.05)


def test_one_option_has_the_spread_that_is_expected() -> None:
    assert lone([0.7], 1e6) == Tuning().between_options
