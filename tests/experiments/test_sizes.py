"""How many visitors a test takes, and what lift it can see."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import tt_ind_solve_power, zt_ind_solve_power

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics import detectable_effect, minimum_detectable_effect, sample_size
from hailwhale.experiments.statistics.sequential import times_error


def test_the_size_of_a_test_of_means_is_that_of_statsmodels() -> None:
    theirs = zt_ind_solve_power(effect_size=0.1, alpha=0.05, power=0.9, ratio=2)
    found = sample_size(20, difference=1, kind='mean', sd=10, power=0.9, ratio=2)
    assert found.control == int(np.ceil(theirs))
    assert found.variant == pytest.approx(2 * theirs, abs=1)
    assert found.total == found.control + found.variant
    assert found.control == pytest.approx(tt_ind_solve_power(effect_size=0.1, alpha=0.05, power=0.9, ratio=2), abs=3)


def test_tests_of_that_size_find_the_lift_as_often_as_planned() -> None:
    n = sample_size(0.1, 0.2, power=0.8).control
    rng = np.random.default_rng(1)
    a, b = rng.binomial(n, 0.1, 4000) / n, rng.binomial(n, 0.12, 4000) / n
    z = (b - a) / np.sqrt((a * (1 - a) + b * (1 - b)) / n)
    assert (np.abs(z) > 1.959964).mean() == pytest.approx(0.8, abs=0.03)


@pytest.mark.parametrize(('effect', 'alpha', 'power'), [(0.1, 0.05, 0.8), (0.02, 0.05, 0.8), (0.05, 0.005, 0.95)])
def test_looking_always_at_tests_of_that_size_finds_a_mean_as_often_as_planned(
    effect: float, alpha: float, power: float
) -> None:
    asked: dict[str, Any] = {'difference': effect, 'kind': 'mean', 'sd': 1, 'alpha': alpha, 'power': power}
    n = sample_size(0, looking='always', **asked).control
    runs, looks = 4000, 200
    seen = np.arange(1, looks + 1) * (n / looks)
    off = np.random.default_rng(1).normal(effect * n / looks, np.sqrt(2 * n / looks), (runs, looks)).cumsum(1)
    limits = [times_error(2 * of_each, alpha) * math.sqrt(2 * of_each) for of_each in seen]
    found = (np.abs(off) > limits).any(1).mean()
    assert power - 0.02 <= found <= power + 0.06
    assert 1.4 < n / sample_size(0, **asked).control < 2.4


def test_looking_always_takes_half_as_many_conversions_again() -> None:
    assert sample_size(0.03, 0.2, looking='always').control == 20_867
    assert sample_size(0.1, 0.05, looking='always', ratio=3).variant == pytest.approx(
        1.5 * sample_size(0.1, 0.05, ratio=3).variant, abs=1
    )


def test_one_side_takes_fewer_visitors_and_a_fall_is_found_too() -> None:
    assert sample_size(0.1, 0.1, sides='one').total < sample_size(0.1, 0.1).total
    assert sample_size(0.1, -0.1).total == sample_size(0.1, difference=-0.01).total


@given(st.floats(0.001, 0.9), st.floats(100, 1e7), st.floats(0.2, 5))
def test_the_least_effect_is_that_whose_size_it_is(rate: float, n: float, ratio: float) -> None:
    try:
        found = detectable_effect(rate, n, n * ratio)
    except InvalidInput:
        return
    planned = sample_size(rate, difference=found.difference, ratio=ratio)
    assert planned.control == pytest.approx(n, rel=1e-3, abs=2)
    assert found.lift == pytest.approx(found.difference / rate)


def test_the_least_effect_on_a_mean_may_be_over_nothing() -> None:
    found = minimum_detectable_effect(0, 1000, kind='mean', sd=10)
    assert found.lift == float('inf')
    assert sample_size(0, difference=found.difference, kind='mean', sd=10).control == 1000


@pytest.mark.parametrize(
    ('arguments', 'says'),
    [
        ({'baseline': 0.1}, 'give either a lift or a difference'),
        ({'baseline': 0.1, 'lift': 0.1, 'difference': 0.1}, 'give either a lift or a difference'),
        ({'baseline': 0.1, 'lift': 0}, 'a difference of 0 cannot be found'),
        ({'baseline': 0.1, 'lift': 1e-12}, 'a difference of 1e-13 takes'),
        (
            {'baseline': 0.6, 'lift': 1},
            'a rate of 0.6 would become 1.2 (a rate stays between 0 and 1; look for a smaller lift)',
        ),
        ({'baseline': 0, 'difference': 0.1}, 'baseline is 0'),
        ({'baseline': 5, 'lift': 1, 'kind': 'mean'}, 'a mean has no sd'),
        ({'baseline': 0.1, 'lift': 1, 'power': 1}, 'power is 1'),
        ({'baseline': 0.1, 'lift': 1, 'power': 0.04}, 'power is 0.04, no more than alpha, 0.05 (0.8 is customary'),
        ({'baseline': 0.1, 'lift': 1e-300}, 'lift is 1e-300, too near 0'),
        ({'baseline': 0.1, 'lift': 1e308}, 'lift is 1e+308, too large'),
        ({'baseline': 0.1, 'lift': 1, 'sides': 'three'}, "not a sides: 'three'"),
        ({'baseline': 0.1, 'lift': 1, 'looking': 'often'}, "not a looking: 'often' (use one of once, always)"),
        ({'baseline': 0.1, 'lift': 1, 'looking': 'always', 'sides': 'one'}, "looking='always' has two sides"),
        ({'baseline': 0.1, 'lift': 1, 'kind': 'ratio'}, "not a kind: 'ratio'"),
    ],
)
def test_plans_that_cannot_be_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sample_size(**arguments)
    assert refused.value.message.startswith(says)


def test_too_few_visitors_find_no_rate_at_all() -> None:
    with pytest.raises(InvalidInput, match='no rate is high enough'):
        detectable_effect(0.5, 3)
