"""Simulation: situations whose rates are known, and what ways to choose lose in them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from random import Random
from statistics import mean, pstdev

import numpy as np
import pytest

from hailwhale.decisions.policies import Context, Tuning
from hailwhale.decisions.simulation import (
    SITUATIONS,
    Counted,
    Even,
    Lag,
    Situation,
    Way,
    drawn,
    play,
    visits,
)
from hailwhale.errors import InvalidInput

ANYBODY = Context.of(None)
CLEAR = Situation.of_rates({'': {'a': 0.1, 'b': 0.5}}, visitors=1_000, per_day=300)


class Fixed(Even):
    """Always the option of that name, or the first where it is not there; it writes down what it is told."""

    def __init__(self, option: str, *, joined: bool = False) -> None:
        super().__init__(Random(0))
        self.option, self.joined = option, joined
        self.hours = 0.0
        self.offered: list[tuple[str, ...]] = []
        self.told: list[tuple[float, float, float]] = []

    def tick(self, hours: float) -> None:
        self.hours = hours

    def choose(self, context: Context, options: Sequence[str]) -> str:  # noqa: ARG002
        self.offered.append(tuple(options))
        return self.option if self.option in options else options[0]

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:  # noqa: ARG002
        self.told.append((self.hours, exposure, reward))


# -- scores ----------------------------------------------------------------------------------------------------------


def test_who_always_takes_the_best_loses_nothing_and_who_takes_the_worst_twice_as_much_as_chance() -> None:
    best, worst = (play(CLEAR, Fixed(option), 1) for option in 'ba')
    assert (best.score, best.best, sum(best.lost)) == (0, 1, 0)
    assert worst.score == pytest.approx(200)
    assert worst.best == 0
    assert sum(worst.lost) == pytest.approx(400)
    assert best.possible == worst.possible == pytest.approx(500)


def test_what_is_lost_stands_by_day_and_the_last_one_may_be_short() -> None:
    assert play(CLEAR, Fixed('a'), 1).lost == pytest.approx((120, 120, 120, 40))


@pytest.mark.parametrize('name', SITUATIONS)
def test_by_chance_everything_scores_about_a_hundred(name: str) -> None:
    situation = replace(drawn(name, 1), visitors=5_000)
    assert play(situation, Even(Random(1)), 1).score == pytest.approx(100, abs=12)


def test_nothing_can_be_lost_where_all_options_are_alike() -> None:
    alike = Situation.of_rates({'': {'a': 0.2, 'b': 0.2}}, visitors=100)
    found = play(alike, Even(Random(1)), 1)
    assert (found.score, found.lost, found.best) == (0, (0,), 1)


def test_the_luck_of_rewards_is_not_in_the_score() -> None:
    scores = {play(CLEAR, Fixed('a'), seed).score for seed in range(3)}
    assert len(scores) == 1


# -- visitors --------------------------------------------------------------------------------------------------------


def test_the_same_seed_has_the_same_visitors_and_another_has_others() -> None:
    situation = replace(drawn('money_contexts', 1), visitors=300)
    assert list(visits(situation, 7)) == list(visits(situation, 7))
    assert list(visits(situation, 7)) != list(visits(situation, 8))


def test_visitors_come_from_each_context_as_often_as_its_traffic_says() -> None:
    situation = replace(drawn('country', 1), visitors=20_000)
    count = Counter(visit.context for visit in visits(situation, 1))
    for place, share in enumerate(situation.traffic):
        assert count[place] / 20_000 == pytest.approx(share, abs=4 * math.sqrt(share / 20_000))


def test_each_option_has_successes_at_its_rate_before_and_after_a_flip() -> None:
    situation = drawn('flip', 1)
    rewards = np.array([visit.rewards for visit in visits(situation, 1)])
    for half, rates in zip((rewards[:10_000], rewards[10_000:]), situation.rates, strict=True):
        assert half.mean(axis=0) == pytest.approx(rates[0], abs=0.012)
    assert set(rewards.flat) == {0, 1}


def test_amounts_have_their_mean_and_spread() -> None:
    situation = Situation(('a', 'b'), (((1.0, 0.5),),), amounts=((40.0, 10.0),), spread=0.5, visitors=20_000)
    rewards = np.array([visit.rewards for visit in visits(situation, 1)])
    assert rewards.mean(axis=0) == pytest.approx([40, 5], rel=0.03)
    logs = [math.log(amount) for amount in rewards[:, 1] if amount]
    assert pstdev(logs) == pytest.approx(0.5, abs=0.02)


def test_other_rates_leave_visitors_and_their_luck_as_they_are() -> None:
    situation = replace(drawn('delay', 1), visitors=2_000)
    (rates,) = situation.rates
    better = replace(situation, rates=(tuple(tuple(2 * rate for rate in row) for row in rates),))
    once, twice = (list(visits(one, 1)) for one in (situation, better))
    assert [one.late for one in once] == [one.late for one in twice]
    assert all(
        a <= b for one, two in zip(once, twice, strict=True) for a, b in zip(one.rewards, two.rewards, strict=True)
    )
    priced = replace(situation, amounts=((1_000.0,) * 4,))
    assert [[1_000 * reward for reward in one.rewards] for one in once] == [one.rewards for one in visits(priced, 1)]


# -- situations ------------------------------------------------------------------------------------------------------


def test_an_option_that_comes_later_is_offered_from_then_on() -> None:
    situation = replace(drawn('new_option', 1), visitors=100)
    way = Fixed('none')
    play(situation, way, 1)
    assert {len(options) for options in way.offered[:50]} == {3}
    assert {len(options) for options in way.offered[50:]} == {4}
    early, late = situation.stages()
    assert (early.first, late.first) == (0, 50)
    assert (early.best, late.best) == ([0.06], [0.085])
    assert early.mean == [pytest.approx((0.05 + 0.06 + 0.045) / 3)]


def test_rates_that_change_have_a_stage_each() -> None:
    before, after = drawn('flip', 1).stages()
    assert (before.best, after.best) == ([0.07], [0.08])
    (first,), (then,) = before.values, after.values
    best = max(first, key=lambda option: first[option])
    assert (first[best], then[best]) == (0.07, 0.03)


def test_the_value_of_a_success_counts() -> None:
    (stage,) = drawn('money', 1).stages()
    assert sorted(stage.values[0].values()) == pytest.approx([1.2, 1.224, 1.35, 1.5])


def test_where_the_winner_differs_by_country_no_option_is_best_for_all() -> None:
    for name in ('country', 'nested', 'crossed', 'money_contexts'):
        (stage,) = drawn(name, 1).stages()
        winners = {max(row, key=lambda option: row[option]) for row in stage.values}
        assert len(winners) > 1, name


def test_nested_and_crossed_differ_by_the_shape_of_contexts_alone() -> None:
    (flat,), (deep,) = drawn('crossed', 1).contexts[:1], drawn('nested', 1).contexts[:1]
    assert [len(context.paths) for context in (flat, deep)] == [2, 1]
    rates = [sorted(map(sorted, drawn(name, 1).rates[0])) for name in ('crossed', 'nested')]
    assert rates[0] == rates[1]


def test_a_name_and_a_seed_always_draw_the_same_and_other_seeds_other_rates_or_orders() -> None:
    for name in SITUATIONS:
        assert drawn(name, 3) == drawn(name, 3)
        assert len({drawn(name, seed).rates for seed in range(8)}) > 1, name


@pytest.mark.parametrize('name', SITUATIONS)
def test_a_situation_has_rates_between_nothing_and_everything_for_each_option_and_context(name: str) -> None:
    situation = drawn(name, 1)
    assert len(situation.contexts) == len(situation.traffic) == len(set(situation.contexts))
    for grid in (*situation.rates, *((situation.amounts,) if situation.amounts else ())):
        assert len(grid) == len(situation.contexts)
        assert {len(row) for row in grid} == {len(situation.options)}
    assert all(0 < rate < 1 for grid in situation.rates for row in grid for rate in row)
    assert SITUATIONS[name].__doc__


def test_a_situation_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(InvalidInput, match=r"no such situation: 'x' \(there are two_small, five_wide, "):
        drawn('x', 1)


def test_options_in_another_order_keep_what_belongs_to_them() -> None:
    whole = Situation(
        ('a', 'b', 'c'), (((0.1, 0.2, 0.3),), ((0.4, 0.5, 0.6),)), amounts=((1.0, 2.0, 3.0),), since=(0, 0.2, 0.4)
    )
    shuffled = whole.shuffled(Random(4))
    assert shuffled != whole
    assert shuffled.amounts
    columns = zip(*shuffled.rates[0], *shuffled.rates[1], *shuffled.amounts, shuffled.since, strict=True)
    assert set(columns) == {(0.1, 0.4, 1, 0), (0.2, 0.5, 2, 0.2), (0.3, 0.6, 3, 0.4)}


def test_own_rates_may_differ_by_context() -> None:
    situation = Situation.of_rates({'US': {'a': 0.1, 'b': 0.2}, 'UK': {'b': 0.4, 'a': 0.3}}, visitors=10)
    assert situation.rates == (((0.1, 0.2), (0.3, 0.4)),)
    assert [context.text for context in situation.contexts] == ['context/US', 'context/UK']


# -- late rewards ----------------------------------------------------------------------------------------------------


def late(lag: Lag, way: Fixed) -> list[tuple[float, float, float]]:
    """What a way is told of 480 visitors, 10 an hour, of whom all succeed."""
    situation = Situation(('a', 'b'), (((1.0, 1.0),),), lag=lag, visitors=480, per_day=240)
    play(situation, way, 1)
    return way.told


def test_exposures_are_told_at_once_and_rewards_when_they_come() -> None:
    told = late(Lag(5, 7), Fixed('a'))
    exposures, rewards = ([row for row in told if row[column]] for column in (1, 2))
    assert len(exposures) == 480
    assert not any(reward for *_, reward in exposures)
    # Those of the last hours have not come.
    assert 400 < len(rewards) < 440
    assert min(hours for hours, *_ in rewards) > 5
    assert not any(exposure for _, exposure, _ in rewards)


def test_who_wants_both_together_is_told_of_failures_late_too() -> None:
    way = Fixed('b', joined=True)
    situation = Situation(('a', 'b'), (((1.0, 0.0),),), lag=Lag(5, 7), visitors=480, per_day=240)
    play(situation, way, 1)
    assert {row[1:] for row in way.told} == {(1, 0)}
    assert 400 < len(way.told) < 440
    assert min(hours for hours, *_ in way.told) > 5


def test_a_failure_is_never_told_of_apart_from_its_exposure() -> None:
    situation = Situation(('a', 'b'), (((0.0, 0.0),),), lag=Lag(1, 2), visitors=480, per_day=240)
    way = Fixed('a')
    play(situation, way, 1)
    assert [row[1:] for row in way.told] == [(1, 0)] * 480


def test_heaps_come_at_full_hours_of_their_own() -> None:
    told = late(Lag(5, 7, every=4), Fixed('a'))
    hours = {hours for hours, _, reward in told if reward}
    assert {hour - hour % 4 for hour in hours} == hours
    assert len(hours) > 5


# -- ways ------------------------------------------------------------------------------------------------------------


def test_an_even_split_shows_all_options_alike_and_learns_nothing() -> None:
    way = Even(Random(1))
    way.tick(1.0)
    way.learn('a', ANYBODY, 1, 1)
    count = Counter(way.choose(ANYBODY, 'abc') for _ in range(3_000))
    assert all(count[option] == pytest.approx(1_000, abs=100) for option in 'abc')


def test_the_policy_finds_what_is_clearly_best() -> None:
    way: Way = Counted(Random(1))
    found = play(CLEAR, way, 1)
    assert found.score < 30
    assert found.best > 0.9


def test_the_policy_finds_a_winner_that_differs_by_country() -> None:
    rates = {'US': {'a': 0.1, 'b': 0.4}, 'UK': {'a': 0.4, 'b': 0.1}}
    way = Counted(Random(1))
    assert play(Situation.of_rates(rates, visitors=3_000), way, 1).score < 30
    for name, row in rates.items():
        weights = way.weights(Context.of({'context': name}), ['a', 'b'])
        assert max(weights, key=lambda option: weights[option]) == max(row, key=lambda option: row[option])


def test_the_policy_decides_the_same_with_the_same_luck() -> None:
    situation = replace(drawn('crossed', 1), visitors=500)
    assert play(situation, Counted(Random(1)), 1) == play(situation, Counted(Random(1)), 1)


def test_a_table_holds_all_sums_by_context_option_and_hour() -> None:
    way = Counted(Random(1))
    french = Context.of({'country': 'FR'})
    for hours, option, context, reward in ((0.2, 'a', ANYBODY, 1), (0.9, 'a', ANYBODY, 0), (1.5, 'b', french, 2.5)):
        way.tick(hours)
        way.learn(option, context, 1, reward)
    way.tick(3.0)
    way.learn('b', french, 0, 4)
    for _ in 'twice':
        table = way.table()
        assert (list(table.contexts), list(table.options)) == ([ANYBODY, french], ['a', 'b'])
        found = [tuple(row[:5]) for row in np.asarray(table.cells).tolist()]
        assert found == [(0, 0, 3, 2, 1), (1, 1, 2, 1, 2.5), (1, 1, 0, 0, 4)]
        assert tuple(table.moments[:3]) == (3, 7.5, 1 + 6.25 + 16)


def test_hours_of_more_than_a_week_ago_are_days_and_no_sum_is_lost() -> None:
    way = Counted(Random(1))
    for hour in range(24 * 12):
        way.tick(hour + 0.5)
        way.learn('ab'[hour % 2], ANYBODY, 2, 1)
    table = way.table()
    cells = np.asarray(table.cells)
    assert cells[:, 3].sum() == 2 * 24 * 12
    assert cells[:, 4].sum() == 24 * 12
    ages = sorted(set(cells[:, 2].tolist()))
    gaps = [after - before for before, after in pairwise(ages)]
    assert set(gaps) == {1, 24}
    assert gaps == sorted(gaps)
    assert 24 * 6 <= gaps.count(1) <= 24 * 7


def test_before_anything_is_known_all_options_are_alike_likely() -> None:
    assert Counted(Random(1)).weights(ANYBODY, ['a', 'b']) == {'a': 0.5, 'b': 0.5}


def test_the_policy_can_be_tuned() -> None:
    plain, even = Counted(Random(1)), Counted(Random(1), tuning=Tuning(floor=1.0))
    for way in (plain, even):
        play(CLEAR, way, 1)
    assert even.weights(ANYBODY, ['a', 'b']) == {'a': 0.5, 'b': 0.5}
    assert plain.weights(ANYBODY, ['a', 'b'])['b'] > 0.8


def test_the_policy_may_be_asked_for_earnings_by_what_was_spent() -> None:
    way, rng = Counted(Random(1), by_hits=False), Random(2)
    for number in range(400):
        way.tick(number / 50)
        option = way.choose(ANYBODY, ['cheap', 'dear'])
        way.learn(option, ANYBODY, rng.uniform(1, 2) * (1 if option == 'cheap' else 5), rng.uniform(2, 4))
    assert way.weights(ANYBODY, ['cheap', 'dear'])['cheap'] > 0.8


def test_the_score_is_the_mean_loss_of_days_beside_that_of_chance() -> None:
    found = play(CLEAR, Even(Random(3)), 3)
    assert found.score == pytest.approx(100 * sum(found.lost) / found.by_chance)
    assert mean(found.lost) > 0
