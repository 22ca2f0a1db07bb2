"""Lags: how late rewards come."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.policies import Cell, Context, Moments, Table
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.lags import delayed, grown, lag_of
from hailwhale.decisions.policies.sheets import Sheet
from tests.decisions.policies.counted import ANYBODY, by_hour, late

few = settings(max_examples=40)
lags = st.one_of(st.just(0.0), st.floats(0.05, 100))
shown = st.lists(st.floats(0, 1e6), min_size=1, max_size=60).map(lambda row: np.array([row]))


def found(lag: float, seed: int, *, hours: int = 120) -> float:
    age, option, exposure, reward = late(lag, seed, hours=hours)
    return lag_of(age, option.astype(int), exposure, reward, 1.0)


@few
@given(lags, st.lists(st.one_of(st.floats(-5, 0), st.floats(1e-3, 500)), min_size=2, max_size=20).map(sorted))
def test_what_has_come_is_a_share_that_grows_with_age(lag: float, ages: list[float]) -> None:
    shares = grown(np.array(ages), lag)
    assert np.all((shares >= 0) & (shares <= 1))
    assert np.all(np.diff(shares) >= -1e-9)
    assert np.all(shares[np.array(ages) <= 0] == 0)


def test_of_an_hour_long_ago_all_has_come_and_of_one_a_lag_ago_about_two_thirds() -> None:
    assert grown(np.array([100.0]), 2.0) == pytest.approx(1)
    # By the middle of the hour that is 20 hours ago.
    assert grown(np.array([20.5]), 20.0) == pytest.approx(1 - np.exp(-1), abs=1e-3)


@few
@given(shown, lags)
def test_delayed_exposures_come_later_and_never_more_than_there_were(exposure: Floats, lag: float) -> None:
    later = delayed(exposure, lag)
    assert np.all(later >= 0)
    sums, late = exposure.cumsum(), later.cumsum()
    assert np.all(late <= sums * (1 + 1e-9) + 1e-9)
    if not lag:
        assert later == pytest.approx(exposure)


def test_each_hour_has_come_as_far_as_it_has_grown() -> None:
    exposure = np.array([[0.0, 100.0, 0.0, 0.0]])
    assert delayed(exposure, 2.0).cumsum().tolist() == pytest.approx([0, *(100 * grown(np.array([1.0, 2, 3]), 2.0))])


@pytest.mark.parametrize('lag', [2.0, 6.0, 12.0])
def test_a_lag_is_found_within_a_factor_of_one_and_a_half(lag: float) -> None:
    estimates = [found(lag, seed) for seed in range(8)]
    assert all(lag / 1.5 - 0.01 <= one <= 1.5 * lag + 0.01 for one in estimates), estimates


def test_where_rewards_come_at_once_no_lag_is_found() -> None:
    assert sum(found(0.0, seed) > 0 for seed in range(60)) <= 1


def test_of_a_few_hours_nothing_can_be_told() -> None:
    assert found(6.0, 1, hours=1) == 0


def test_of_what_was_counted_long_ago_nothing_can_be_told() -> None:
    nothing = np.array([1_000.0, 500.0])
    assert lag_of(nothing, np.array([0, 1]), np.array([10.0, 10.0]), np.array([1.0, 2.0]), 1.0) == 0


def test_a_lag_does_not_depend_on_what_rewards_are_worth() -> None:
    age, option, exposure, reward = late(6.0, 1)
    assert lag_of(age, option.astype(int), exposure, 1000 * reward, 1000.0) == found(6.0, 1)


def sheet(cells: list[Cell]) -> Sheet:
    contexts = [Context.of({'country': name}) for name in ('US', 'UK')]
    return Sheet.of(Table(contexts, 'ab', cells, Moments(1000, 100)), None)


def test_a_delayed_sheet_has_moved_exposures_and_the_same_rewards() -> None:
    cells = [Cell(0, 1, 1.5, 100, 3, 2), Cell(1, 0, 0.5, 100, 0), Cell(1, 0, 400.0, 50, 5, 4), Cell(0, 0, -0.1, 0, 1)]
    later = sheet(cells).delayed(6.0)
    assert later.late == 6.0
    assert (later.reward.sum(), later.times.sum()) == (9, 6)
    exposure, reward = later.grids(np.full(2, np.inf))
    assert reward.tolist() == [[1, 3], [5, 0]]
    assert exposure[0, 1] == pytest.approx(100 * grown(np.array([2.0]), 6.0)[0])
    assert exposure[1, 0] == pytest.approx(50 + 100 * grown(np.array([1.0]), 6.0)[0])
    assert 0 < exposure[0, 1] < 100


def test_of_long_ago_all_rewards_have_come_and_a_lag_costs_as_much_as_of_a_week() -> None:
    """Hours beyond the last week stay as they are: there is no grid of a whole year."""
    years = by_hour([(24.0 * 400, ANYBODY, 'a', (50, 5)), (170.0, ANYBODY, 'b', (40, 4)), (0.0, ANYBODY, 'b', (30, 0))])
    sheet = Sheet.of(years, None).delayed(6.0)
    assert sheet.age.tolist() == [24.0 * 400, 170.0, 0.0]
    assert sheet.exposure.tolist()[:2] == [50, 40]
    assert 0 < sheet.exposure[2] < 5
    assert (sheet.reward.sum(), sheet.late) == (9, 6.0)
