"""Estimates: draws of a rate beside the distributions that they stand for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hailwhale.decisions.policies import Context, Tuning, fit
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.estimates import Estimate, Part
from tests.decisions.policies.counted import ANYBODY, by_hour, of_contexts, table

#: So many draws that their quantiles are known well.
MANY = Tuning(draws=20_000)
COUNTRIES = {name: Context.of({'country': name}) for name in ('US', 'UK', 'DE')}


def alone(tuning: Tuning = MANY, squares: float | None = None) -> Estimate:
    found = fit(table({'a': (1000, 100), 'b': (1000, 120), 'c': (1000, 110)}, squares), tuning=tuning).often
    assert found
    return found


def by_country(tuning: Tuning = MANY) -> Estimate:
    rows = {
        context: {'a': (1000, 100 + 50 * place), 'b': (1000, 80)} for place, context in enumerate(COUNTRIES.values())
    }
    found = fit(of_contexts(rows), tuning=tuning).often
    assert found
    return found


def part_of(estimate: Estimate, base: float, own: float, lifts: list[float], draws: int) -> Part:
    """Of options whose lifts are known, so that only their own effects are not."""
    rng = np.random.default_rng(1)
    normal = rng.standard_normal((2, len(lifts), draws))
    nothing = np.zeros(len(lifts))
    return estimate.completed(np.array(lifts)[:, None], normal, base, np.full(len(lifts), own), nothing, nothing)


def quantiles(drawn: Floats) -> Floats:
    return np.asarray(np.quantile(drawn, (0.05, 0.25, 0.5, 0.75, 0.95), axis=-1))


def test_draws_of_successes_are_those_of_a_beta_distribution() -> None:
    estimate = alone(replace(MANY, spread=1.0))
    part = part_of(estimate, 0.1, 0.04, [1.0, 1.0], 20_000)
    exposure, reward = np.array([500.0, 3000.0]), np.array([50.0, 300.0])
    drawn = estimate.draws(part, exposure.tolist(), reward.tolist())
    # A prior of that mean and variance.
    sure = 0.1 * 0.9 / (0.04 * 0.01) - 1
    for row in range(2):
        expected = stats.beta(0.1 * sure + reward[row], 0.9 * sure + exposure[row] - reward[row])
        assert quantiles(drawn[row]) == pytest.approx(expected.ppf((0.05, 0.25, 0.5, 0.75, 0.95)), rel=0.02)


def test_draws_of_amounts_are_those_of_a_gamma_distribution() -> None:
    estimate = alone(replace(MANY, spread_of_money=1.0), squares=3300.0)
    scatter = estimate.of.scatter
    assert scatter == pytest.approx(10 - 0.11)
    part = part_of(estimate, 0.1, 0.04, [1.0], 20_000)
    drawn = estimate.draws(part, [20_000.0], [2_000.0])
    expected = stats.gamma(1 / 0.04 + 2_000 / scatter, scale=1 / (10 / 0.04 + 20_000 / scatter))
    assert quantiles(drawn[0]) == pytest.approx(expected.ppf((0.05, 0.25, 0.5, 0.75, 0.95)), rel=0.02)


@pytest.mark.parametrize('squares', [None, 3300.0])
def test_draws_are_narrowed_about_the_same_mean_and_full_ones_are_not(squares: float | None) -> None:
    estimate = alone(squares=squares)
    part = estimate.part(ANYBODY, ['a', 'b', 'c'])
    played = estimate.draws(part, *part.sums)
    full = estimate.draws(part, *part.sums, full=True)
    assert played.mean(axis=1) == pytest.approx(full.mean(axis=1), rel=0.01)
    assert played.std(axis=1) / full.std(axis=1) == pytest.approx(estimate.of.width, rel=0.05)


@pytest.mark.parametrize('squares', [None, 3300.0])
def test_more_reward_never_lowers_a_draw_and_other_options_keep_theirs_in_order(squares: float | None) -> None:
    estimate = alone(squares=squares)
    part = part_of(estimate, 0.1, 0.04, [1.0], 500)
    drawn = [estimate.draws(part, [200.0], [float(more)]) for more in (0, 1, 10, 100)]
    assert np.all(np.diff(np.concatenate(drawn), axis=0) >= 0)


def test_of_much_data_a_draw_is_what_was_seen_whatever_was_thought() -> None:
    estimate = alone()
    part = part_of(estimate, 0.1, 0.04, [1.0, 0.3], 500)
    drawn = estimate.draws(part, [1e8, 1e8], [2e7, 5e6])
    assert drawn.mean(axis=1) == pytest.approx([0.2, 0.05], rel=1e-3)


def test_rates_of_successes_are_below_1() -> None:
    estimate = alone()
    part = part_of(estimate, 0.9, 0.04, [1.0, 3.0], 500)
    drawn = estimate.draws(part, [10.0, 10.0], [10.0, 20.0])
    assert np.all((drawn > 0) & (drawn < 1))


def test_a_context_that_was_seen_has_its_own_sums_in_the_order_of_the_options() -> None:
    part = by_country().part(COUNTRIES['DE'], ['b', 'new', 'a'])
    assert part.exposure.tolist() == [1000, 0, 1000]
    assert part.reward.tolist() == [80, 0, 200]


def test_a_context_that_was_not_seen_has_no_sums_and_the_rate_of_all() -> None:
    estimate = by_country()
    part = estimate.part(Context.of({'country': 'FR'}), ['a', 'b'])
    assert (part.exposure.tolist(), part.reward.tolist()) == ([0, 0], [0, 0])
    assert part.base == estimate.rates.overall
    assert part.own.tolist() == [estimate.apart] * 2 == [estimate.own.mean()] * 2
    drawn = estimate.draws(part, *part.sums)
    assert drawn[0].mean() > 1.3 * drawn[1].mean()


def test_an_option_that_was_not_seen_is_worth_as_much_as_others_give_or_take_their_spread() -> None:
    estimate = by_country()
    part = estimate.part(COUNTRIES['US'], ['new'])
    assert part.lifts.mean() == pytest.approx(1, abs=0.05)
    assert part.lifts.std() == pytest.approx(np.sqrt(estimate.root), rel=0.1)


def test_where_options_are_alike_a_new_one_may_still_be_another() -> None:
    rows = {'a': (90_000, 9_000), 'b': (90_000, 9_000), 'c': (90_000, 9_000)}
    since = [(100.0, ANYBODY, name, row) for name, row in rows.items()]
    estimate = fit(by_hour([*since, (9.0, ANYBODY, 'new', (10, 1))]), tuning=Tuning()).often
    assert estimate
    old, late, never = estimate.part(ANYBODY, ['a', 'new', 'newer']).own.tolist()
    assert old < 0.01
    assert late == never == Tuning().between_new ** 2


def test_draws_of_an_option_do_not_depend_on_which_others_are_asked_for() -> None:
    estimate = alone(Tuning())
    one, other = estimate.part(ANYBODY, ['a', 'b']), estimate.part(ANYBODY, ['c', 'b'])
    assert one.normal[:, 1].tolist() == other.normal[:, 1].tolist()


def test_a_context_with_hardly_any_traffic_is_not_explored_for_its_own_sake() -> None:
    spread = {}
    for future in (2.0, 0.0):
        estimate = by_country(replace(MANY, worth_learning=future))
        part = estimate.part(Context.of({'country': 'FR'}), ['a', 'b'])
        spread[future] = estimate.draws(part, *part.sums).std(axis=1)
    assert np.all(spread[2.0] < spread[0.0])


def test_what_cannot_be_reckoned_with_is_told() -> None:
    for estimate in (alone(Tuning()), by_country(Tuning())):
        assert estimate.is_finite()
        assert not replace(estimate, bases=np.array([np.nan])).is_finite()
        assert not replace(estimate, root=float('inf')).is_finite()
    assert estimate.drawn is not None
    assert not replace(estimate, drawn=estimate.drawn * np.nan).is_finite()
