"""Base rates: what visitors are worth, whatever is shown."""

from __future__ import annotations

import numpy as np
import pytest

from hailwhale.decisions.policies import Context
from hailwhale.decisions.policies.layouts import Layout
from hailwhale.decisions.policies.rates import Rates

PAIRS = [Context.of({'country': country, 'device': device}) for country in ('US', 'UK') for device in ('phone', 'pc')]
#: Twice as good in the US, three times on a pc.
TRUE = np.array([0.02, 0.06, 0.01, 0.03])


def seen(visitors: float, options: int = 2) -> tuple[np.ndarray, np.ndarray]:
    exposure = np.full((4, options), visitors)
    return exposure, exposure * TRUE[:, None]


def test_of_many_visitors_the_rate_below_a_path_is_what_was_earned_there() -> None:
    rates = Rates.of(Layout.of(PAIRS), *seen(1e6), scatter=1.0)
    assert rates.overall == pytest.approx(0.03)
    assert rates.by_path[('country', 'US')] == pytest.approx(0.04, rel=1e-3)
    assert rates.by_path[('device', 'phone')] == pytest.approx(0.015, rel=1e-3)


def test_of_few_visitors_it_is_about_the_rate_above() -> None:
    rates = Rates.of(Layout.of(PAIRS), *seen(1), scatter=1.0)
    assert 0.03 < rates.by_path[('country', 'US')] < 0.031


def test_the_more_single_rewards_scatter_the_less_is_believed() -> None:
    calm, wild = (Rates.of(Layout.of(PAIRS), *seen(300), scatter=scatter) for scatter in (1.0, 50.0))
    assert 0.03 < wild.by_path[('country', 'US')] < calm.by_path[('country', 'US')] < 0.04


def test_the_rate_of_a_longer_path_is_drawn_to_that_of_the_shorter_one() -> None:
    cities = [Context.of({'country': {'US': 'Austin'}}), Context.of({'country': {'US': 'Boston'}}), Context.of('UK')]
    exposure = np.array([[1e6], [2.0], [1e6]])
    rates = Rates.of(Layout.of(cities), exposure, exposure * [[0.10], [0.0], [0.01]], scatter=1.0)
    boston = rates.guess(Context.of({'country': {'US': 'Boston'}}))
    assert boston > 0.08


def test_what_is_guessed_of_a_pair_multiplies_what_each_side_says() -> None:
    rates = Rates.of(Layout.of(PAIRS), *seen(1e7), scatter=1.0)
    assert rates.guess(PAIRS[1]) == pytest.approx(0.06, rel=0.01)
    assert rates.guess(PAIRS[2]) == pytest.approx(0.01, rel=0.01)


def test_of_who_is_known_nothing_of_the_overall_rate_is_guessed() -> None:
    rates = Rates.of(Layout.of(PAIRS), *seen(1e6), scatter=1.0)
    assert rates.guess(Context.of(None)) == rates.overall
    assert rates.guess(Context.of({'country': 'DE', 'device': 'tv'})) == rates.overall


def test_a_base_rate_is_that_of_the_options_each_alike() -> None:
    """However often the better one was shown."""
    layout = Layout.of([Context.of(None)])
    exposure, rate = np.array([[1e6, 1e4]]), np.array([[0.08, 0.04]])
    rates = Rates.of(layout, exposure, exposure * rate, 1.0)
    assert rates.overall == pytest.approx(0.0796, abs=1e-3)
    (base,) = Rates(0.06, {}).bases(layout, exposure, exposure * rate, 1.0, np.array([0.04]))
    assert base == pytest.approx(0.06, rel=0.01)


def test_a_context_in_which_nothing_was_earned_has_a_base_rate_above_0() -> None:
    layout, exposure = Layout.of(PAIRS), np.full((4, 2), 1e9)
    reward = exposure * 0.05
    reward[0] = 0
    rates = Rates.of(layout, exposure, reward, 1.0)
    bases = rates.bases(layout, exposure, reward, 1.0, np.full(4, 0.04))
    assert 0 < bases[0] < 0.02
    assert bases[3] == pytest.approx(0.05, rel=0.3)


def test_what_was_not_shown_in_a_context_says_nothing_of_it() -> None:
    layout = Layout.of([Context.of(None)])
    once, beside = np.array([[1e5]]), np.array([[1e5, 0.0]])
    rates = Rates(0.05, {})
    assert rates.bases(layout, once, once * 0.07, 1.0, np.array([0.04])) == pytest.approx(
        rates.bases(layout, beside, beside * 0.07, 1.0, np.array([0.04]))
    )
