"""The decider: chances, visitors, hold-outs, what is live, and models that are made behind; on every engine."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import pytest

from hailwhale.choices import CostWarning
from hailwhale.decisions.asking import MOST_OPTIONS, checked_options
from hailwhale.decisions.decider import Decider
from hailwhale.decisions.visitors import in_holdout
from hailwhale.errors import HailWhaleError, InvalidInput, LimitExceeded, StorageUnavailable
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests import engines
from tests.clocks import NOW, Clock
from tests.engines import until
from tests.fresh import unmeasured

Found = TypeVar('Found')

ASKED = ('Page', 'color')
OPTIONS = ['red', 'blue', 'green']
FORMULA = 'earned/hits'
US, UK = {'country': 'US', 'device': 'phone'}, {'country': 'UK', 'device': 'phone'}
DAY = 86_400


class Seconds(Clock):
    """What tells how old models are."""


class Work:
    """Runs what is to be done beside the requests when a test says so, and counts the models that were made."""

    def __init__(self) -> None:
        self.left: list[Callable[[], None]] = []
        self.made = 0
        self.error: Exception | None = None

    def behind(self, work: Callable[[], None]) -> None:
        self.left.append(work)

    def compute(self, work: Callable[[], Found]) -> Found:
        self.made += 1
        if self.error:
            raise self.error
        return work()

    def do(self) -> None:
        while self.left:
            self.left.pop(0)()


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    found = Seconds(1_000.0)
    monkeypatch.setattr('hailwhale.decisions.decider.monotonic', found)
    return found


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def decider(whale: Whale, work: Work, seconds: Seconds) -> Decider:  # noqa: ARG001 - time stands still
    return Decider(whale, behind=work.behind, compute=work.compute)


def tell(
    whale: Whale,
    option: str,
    shown: int,
    earned: int,
    visitor: object = None,
    *,
    worth: float = 1,
    asked: tuple[str, str] = ASKED,
    at: int | None = None,
    reward: str = 'earned',
) -> None:
    """Count so many exposures, and so many successes."""
    one = whale.decided_event(*asked, option, visitor, {'hits': shown}, at)
    success = whale.decided_event(*asked, option, visitor, {reward: worth}, at)
    assert whale.count_many([one, *[success] * earned]).refused == []


def tell_some(whale: Whale) -> None:
    """Options that differ, but not so much that one of them is sure to win."""
    for visitor, rates in [(US, (9, 14, 8)), (UK, (12, 9, 11))]:
        for option, earned in zip(OPTIONS, rates, strict=True):
            tell(whale, option, 60, earned, visitor)


def tell_of_yesterday(whale: Whale, *earned: int, shown: int = 60) -> None:
    """What live sums do not show."""
    for option, number in zip(OPTIONS, earned, strict=True):
        tell(whale, option, shown, number, US, at=NOW - DAY)


def spread(found: Counter[str], weights: dict[str, float]) -> list[float]:
    """By how many standard errors each option was chosen more often than its weight says."""
    number = found.total()
    return [(found[option] - number * w) / (number * w * (1 - w)) ** 0.5 for option, w in weights.items()]


# -- what nobody was shown ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize('shown', [0, 3, 500])
def test_what_an_option_earned_before_it_was_shown_does_not_make_it_the_best(
    whale: Whale, decider: Decider, shown: int
) -> None:
    tell(whale, 'red', 1_000, 40, US, at=NOW - DAY)
    tell(whale, 'blue', 1_000, 80, US, at=NOW - DAY)
    tell(whale, 'green', 0, 50, US, at=NOW - DAY)
    if shown:
        tell(whale, 'green', shown, shown // 25, US)
    found = decider.decide(*ASKED, OPTIONS, FORMULA, US, explain=True)
    assert found.weights['green'] < 0.4
    assert found.weights['blue'] > 0.4
    assert all(0.01 < (reason.mean or 0) < 0.2 for reason in found.reasons)


def test_nor_does_what_it_earns_since_the_model_was_made(whale: Whale, decider: Decider, seconds: Seconds) -> None:
    tell(whale, 'red', 1_000, 40, US)
    tell(whale, 'blue', 1_000, 80, US)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    tell(whale, 'green', 0, 9, US)
    seconds.now += 5
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    tell(whale, 'green', 900, 0, US)
    seconds.now += 5
    after = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    assert after != before
    assert after['green'] < 0.5


# -- chances ----------------------------------------------------------------------------------------------------------


def test_the_propensity_is_exactly_the_weight_and_all_weights_sum_to_one(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    for visitor in (US, UK, {'country': 'DE', 'device': 'desk'}, None):
        for seed in range(5):
            found = decider.decide(*ASKED, OPTIONS, FORMULA, visitor, seed=seed)
            assert found.by == 'policy'
            assert found.propensity == found.weights[found.option]
            assert list(found.weights) == OPTIONS
            assert sum(found.weights.values()) == pytest.approx(1)
            assert min(found.weights.values()) > 0


def test_a_seed_replays_a_decision_and_seeds_are_spread_by_the_weights(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    first = [decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=seed) for seed in range(400)]
    again = Decider(whale).decide(*ASKED, OPTIONS, FORMULA, US, seed=7)
    assert first[7] == again
    assert (again.seed, again.sticky) == (7, False)
    counted = Counter(found.option for found in first)
    assert max(map(abs, spread(counted, first[0].weights))) < 4.5
    assert len(counted) == 3


def test_without_seed_and_visitor_each_decision_is_drawn_anew(decider: Decider) -> None:
    found = [decider.decide(*ASKED, OPTIONS) for _ in range(60)]
    assert {one.option for one in found} == set(OPTIONS)
    assert not any(one.sticky for one in found)
    assert {one.seed for one in found} == {None}


def test_a_visitor_gets_the_same_option_each_time_and_visitors_are_spread(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    first = [decider.decide(*ASKED, OPTIONS, FORMULA, US, visitor=f'visitor {number}') for number in range(400)]
    assert all(found.sticky and found.seed is None for found in first)
    counted = Counter(found.option for found in first)
    assert max(map(abs, spread(counted, first[0].weights))) < 4.5
    elsewhere = Decider(whale)
    assert [elsewhere.decide(*ASKED, OPTIONS, FORMULA, US, visitor=f'visitor {n}') for n in range(40)] == first[:40]


def test_what_a_visitor_gets_in_one_decision_tells_nothing_of_another(decider: Decider) -> None:
    pairs = [
        tuple(decider.decide('Page', name, ['a', 'b'], visitor=visitor).option for name in ('color', 'size'))
        for visitor in range(400)
    ]
    assert max(map(abs, spread(Counter(map(''.join, pairs)), dict.fromkeys(['aa', 'ab', 'ba', 'bb'], 0.25)))) < 4.5


def test_a_visitor_may_be_a_number_or_its_digits_and_a_seed_comes_first(decider: Decider) -> None:
    options = [str(number) for number in range(50)]
    by_number, by_text = (decider.decide(*ASKED, options, visitor=visitor) for visitor in (7, '7'))
    assert by_number == by_text
    seeded = decider.decide(*ASKED, options, visitor=7, seed=3)
    assert seeded == decider.decide(*ASKED, options, visitor=8, seed=3)
    assert (seeded.sticky, seeded.seed) == (False, 3)


def test_options_that_were_never_counted_have_the_same_chance(whale: Whale, decider: Decider) -> None:
    assert decider.decide(*ASKED, ['a', 'b', 'c', 'd']).weights == dict.fromkeys('abcd', 0.25)
    assert decider.decide(*ASKED, ['a'], visitor=5).propensity == 1
    tell(whale, 'red', 50, 0, US)
    # Nothing was earned yet.
    decision = Decider(whale).decide(*ASKED, OPTIONS, FORMULA, US, explain=True)
    assert decision.weights == dict.fromkeys(OPTIONS, pytest.approx(1 / 3))
    assert [(reason.option, reason.exposure, reason.mean) for reason in decision.reasons] == [
        ('blue', 0, None),
        ('green', 0, None),
        ('red', 50, None),
    ]


def test_an_option_that_earns_more_is_chosen_more_often(whale: Whale, decider: Decider) -> None:
    for visitor in (US, UK):
        for option, earned in [('red', 20), ('blue', 120), ('green', 20)]:
            tell(whale, option, 200, earned, visitor)
    weights = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    assert weights['blue'] > 0.8


def test_removed_options_are_not_chosen_and_new_ones_are_tried(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    assert set(decider.decide(*ASKED, ['red', 'green'], FORMULA, US).weights) == {'red', 'green'}
    assert {decider.decide(*ASKED, ['red', 'green'], FORMULA, US).option for _ in range(40)} <= {'red', 'green'}
    with_new = decider.decide(*ASKED, [*OPTIONS, 'pink'], FORMULA, US).weights
    assert with_new['pink'] > 0
    assert sum(with_new.values()) == pytest.approx(1)


def test_the_order_of_the_options_changes_no_weight(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    weights = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    turned = decider.decide(*ASKED, OPTIONS[::-1], FORMULA, US).weights
    assert turned == pytest.approx(weights)
    assert list(turned) == OPTIONS[::-1]


@pytest.mark.parametrize('apart', [{}, {'holdout': 1}, {'bot': True}])
def test_a_visitor_keeps_an_option_in_whatever_order_they_are_listed(
    whale: Whale, decider: Decider, apart: dict[str, Any]
) -> None:
    tell_some(whale)
    for visitor in range(40):
        found, turned = (
            decider.decide(*ASKED, options, FORMULA, US, visitor=visitor, **apart)
            for options in (OPTIONS, OPTIONS[::-1])
        )
        assert (found, list(found.weights), list(turned.weights)) == (turned, OPTIONS, OPTIONS[::-1])
    assert len({decider.decide(*ASKED, OPTIONS, FORMULA, US, visitor=n, **apart).option for n in range(40)}) > 1


def test_the_least_is_best_where_that_is_the_goal(whale: Whale, decider: Decider) -> None:
    for option, worth in [('red', 5), ('blue', 1), ('green', 5)]:
        tell(whale, option, 100, 100, worth=worth, reward='spent')
    weights = decider.decide(*ASKED, OPTIONS, 'spent/hits', goal='min').weights
    assert max(weights, key=weights.__getitem__) == 'blue'
    with pytest.warns(CostWarning):
        most = decider.decide(*ASKED, OPTIONS, 'spent/hits').weights
    assert min(most, key=most.__getitem__) == 'blue'


def test_a_thousand_times_the_money_decides_alike(whale: Whale, decider: Decider) -> None:
    for name, worth in [('cents', 0.25), ('thousands', 250.0)]:
        for visitor, rates in [(US, (9, 14, 8)), (UK, (12, 9, 11))]:
            for option, earned in zip(OPTIONS, rates, strict=True):
                tell(whale, option, 60, earned, visitor, worth=worth, asked=('Page', name))
                tell(whale, option, 0, 2, visitor, worth=3 * worth, asked=('Page', name))
    for seed in range(20):
        small, large = (
            decider.decide('Page', name, OPTIONS, FORMULA, US, seed=seed) for name in ('cents', 'thousands')
        )
        assert small.option == large.option
        assert small.weights == pytest.approx(large.weights, abs=1e-6)


# -- visitors apart ---------------------------------------------------------------------------------------------------


def test_the_holdout_is_a_fixed_share_of_visitors_who_are_chosen_for_evenly(whale: Whale, decider: Decider) -> None:
    for option, earned in [('red', 1), ('blue', 50), ('green', 1)]:
        tell(whale, option, 60, earned)
    found = [decider.decide(*ASKED, OPTIONS, FORMULA, visitor=number, holdout=0.25) for number in range(600)]
    apart = [number for number, decision in enumerate(found) if decision.by == 'holdout']
    assert abs(len(apart) - 150) < 4.5 * (600 * 0.25 * 0.75) ** 0.5
    even = dict.fromkeys(OPTIONS, 1 / 3)
    assert all(found[number].weights == even and found[number].sticky for number in apart)
    assert max(map(abs, spread(Counter(found[number].option for number in apart), even))) < 4.5
    others = [decision for decision in found if decision.by != 'holdout']
    assert {decision.by for decision in others} == {'policy'}
    assert others[0].weights['blue'] > 0.8
    tell(whale, 'red', 60, 60)
    for number in apart[:20]:
        assert Decider(whale).decide(*ASKED, OPTIONS, FORMULA, visitor=number, holdout=0.25) == found[number]


def test_a_larger_holdout_holds_the_smaller_one(decider: Decider) -> None:
    shares = (0, 0.1, 0.5, 1)
    by_share = [{number for number in range(200) if in_holdout(('p',), number, share)} for share in shares]
    assert by_share[0] == set()
    assert by_share[0] < by_share[1] < by_share[2] < by_share[3] == set(range(200))
    assert by_share[2] != {number for number in range(200) if in_holdout(('q',), number, 0.5)}
    assert decider.decide('p', None, OPTIONS, visitor=5, holdout=1).by == 'holdout'


def test_a_bot_gets_any_option_alike_and_nothing_is_learned_of_it(whale: Whale, decider: Decider, work: Work) -> None:
    tell(whale, 'blue', 60, 60)
    found = [decider.decide(*ASKED, OPTIONS, FORMULA, visitor=number, bot=True) for number in range(200)]
    even = dict.fromkeys(OPTIONS, 1 / 3)
    assert all((one.by, one.weights, one.propensity, one.sticky) == ('bot', even, 1 / 3, True) for one in found)
    assert max(map(abs, spread(Counter(one.option for one in found), even))) < 4.5
    without_name = decider.decide(*ASKED, OPTIONS, bot=True)
    assert (without_name, without_name.sticky) == (decider.decide(*ASKED, OPTIONS, bot=True), False)
    assert work.made == 0
    assert decider.decide(*ASKED, OPTIONS, bot=True, visitor=1, holdout=1).by == 'bot'


def test_deciding_counts_nothing(whale: Whale, decider: Decider) -> None:
    for kind in ({}, {'visitor': 1}, {'visitor': 1, 'holdout': 1}, {'bot': True}, {'explain': True}):
        decider.decide(*ASKED, OPTIONS, FORMULA, US, **kind)
    assert whale.pks() == []


# -- reasons ----------------------------------------------------------------------------------------------------------


def test_an_explained_decision_tells_the_reasons_of_each_option_and_its_paths(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    bare = decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1)
    assert (bare.reasons, bare.paths) == ((), ())
    full = decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1, explain=True)
    assert (full.option, full.weights) == (bare.option, bare.weights)
    # Those that tell visitors apart.
    assert '["country", "US"]' in full.paths
    assert set(full.paths) <= {'_', 'country', '["country", "US"]', 'device', '["device", "phone"]'}
    by_option = {reason.option: reason for reason in full.reasons}
    assert set(by_option) == set(OPTIONS)
    assert [reason.weight for reason in full.reasons] == sorted(full.weights.values(), reverse=True)
    for option, earned in zip(OPTIONS, (9, 14, 8), strict=True):
        reason = by_option[option]
        assert (reason.exposure, reason.reward, reason.weight) == (60, earned, full.weights[option])
        assert reason.mean is not None
        assert reason.interval is not None
        assert reason.interval[0] < reason.mean < reason.interval[1]
        assert reason.best is not None
        assert 0 <= reason.best <= 1
    assert sum(reason.best or 0 for reason in full.reasons) == pytest.approx(1)


def test_reasons_and_tables_can_be_had_without_a_decision(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    assert tuple(decider.reasons(*ASKED, OPTIONS, FORMULA, US)) == (
        decider.decide(*ASKED, OPTIONS, FORMULA, US, explain=True).reasons
    )
    table = decider.table(*ASKED, OPTIONS, FORMULA)
    assert (table.moments.exposure, table.moments.reward) == (360, 63)
    assert table.options == tuple(sorted(OPTIONS))
    assert decider.table(*ASKED, OPTIONS, FORMULA, 'yesterday').moments.exposure == 0


def test_reasons_are_those_of_what_is_counted_by_now(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    tell_some(whale)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    tell(whale, 'red', 1_000, 20, US, at=NOW - DAY)
    seconds.now += 1
    found = {reason.option: reason.exposure for reason in decider.reasons(*ASKED, OPTIONS, FORMULA, US)}
    assert found == {'red': 1_060, 'blue': 60, 'green': 60}
    assert work.made == 2


@pytest.mark.parametrize(('takes', 'young'), [(0.0, 0.9), (0.6, 1.9)])
def test_reasons_are_of_a_young_model_and_of_all_that_was_counted_today(
    whale: Whale, seconds: Seconds, takes: float, young: float
) -> None:
    slow = Slow(seconds, takes)
    decider = Decider(whale, behind=slow.behind, compute=slow.compute)
    tell_some(whale)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    tell(whale, 'red', 40, 2, US)
    seconds.now += young
    (many,) = decider.decide_many([US], *ASKED, OPTIONS, FORMULA, explain=True)
    one = decider.decide(*ASKED, OPTIONS, FORMULA, US, explain=True)
    for reasons in (decider.reasons(*ASKED, OPTIONS, FORMULA, US), many.reasons, one.reasons):
        assert {reason.option: (reason.exposure, reason.reward) for reason in reasons} == {
            'red': (100, 11),
            'blue': (60, 14),
            'green': (60, 8),
        }
    assert slow.made == 1
    seconds.now += 0.2
    decider.reasons(*ASKED, OPTIONS, FORMULA, US)
    assert slow.made == 2


def test_reasons_know_of_the_first_reward_however_young_the_model_is(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    tell_some(whale)
    seconds.now += 0.001
    assert all(reason.mean for reason in decider.reasons(*ASKED, OPTIONS, FORMULA, US))
    assert work.made == 2


# -- what is live -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('visitor', [None, US])
def test_what_is_counted_after_the_model_was_made_counts_at_once(
    whale: Whale, decider: Decider, work: Work, visitor: object
) -> None:
    for option in OPTIONS:
        tell(whale, option, 60, 9, visitor)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, visitor).weights
    tell(whale, 'green', 40, 36, visitor)
    after = decider.decide(*ASKED, OPTIONS, FORMULA, visitor).weights
    assert work.made == 1
    assert after['green'] > before['green'] + 0.1
    assert after['green'] > max(after['red'], after['blue'])


def test_weights_serve_again_for_as_long_as_they_may(whale: Whale, work: Work, seconds: Seconds) -> None:
    decider = Decider(whale, behind=work.behind, reuse=0.2)
    for option in OPTIONS:
        tell(whale, option, 60, 9, US)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    tell(whale, 'green', 40, 36, US)
    seconds.now += 0.1
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    # Those of another visitor and of other options are their own.
    assert set(decider.decide(*ASKED, OPTIONS[:2], FORMULA, US).weights) == set(OPTIONS[:2])
    other = decider.decide(*ASKED, OPTIONS, FORMULA, UK).weights
    assert other != before
    # Reasons are of all that was counted by now.
    found = decider.decide(*ASKED, OPTIONS, FORMULA, US, explain=True)
    assert {reason.option: reason.reward for reason in found.reasons} == {'red': 9, 'blue': 9, 'green': 45}
    seconds.now += 0.1
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights['green'] > before['green'] + 0.1


def test_of_many_each_has_the_weights_of_its_own_context_read_now_or_before(
    whale: Whale, work: Work, seconds: Seconds
) -> None:
    decider = Decider(whale, behind=work.behind, reuse=0.2)
    tell_some(whale)
    one, other = (decider.decide(*ASKED, OPTIONS, FORMULA, visitor).weights for visitor in (US, UK))
    assert one != other
    seconds.now += 0.15
    decider.decide(*ASKED, OPTIONS, FORMULA, US, explain=True)
    seconds.now += 0.1
    # Those of the first are of a moment ago, those of the second are read.
    for visitors, expected in [([US, UK], [one, other]), ([UK, US], [other, one])]:
        assert [found.weights for found in decider.decide_many(visitors, *ASKED, OPTIONS, FORMULA)] == expected


@pytest.mark.parametrize(('formula', 'reward'), [('earned/hits', 0), ('earned/spent', 3)])
def test_what_is_earned_where_nothing_was_shown_is_live_only_where_that_costs(
    whale: Whale, decider: Decider, formula: str, reward: float
) -> None:
    event = whale.decided_event(*ASKED, 'red', UK, {'hits': 10, 'spent': 10, 'earned': 1})
    assert whale.count_many([event]).refused == []
    decider.decide(*ASKED, OPTIONS, formula, US)
    tell(whale, 'red', 0, 3, US)
    found = decider.reasons(*ASKED, OPTIONS, formula, US)
    assert {reason.option: reason.reward for reason in found} == {'red': reward, 'blue': 0, 'green': 0}


def test_who_changes_the_weights_of_a_decision_changes_them_for_nobody_else(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    first = decider.decide(*ASKED, OPTIONS, FORMULA, US)
    weights = dict(first.weights)
    first.weights.clear()
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == weights


@pytest.mark.parametrize(('weights', 'contexts'), [(8, 1), (1, 2)])
def test_the_contexts_whose_weights_are_remembered_are_bounded(
    whale: Whale, decider: Decider, monkeypatch: pytest.MonkeyPatch, weights: int, contexts: int
) -> None:
    monkeypatch.setattr('hailwhale.decisions.decider._WEIGHTS', weights)
    monkeypatch.setattr('hailwhale.decisions.decider._CONTEXTS', contexts)
    tell_some(whale)
    visitors = (US, UK, {'country': 'DE', 'device': 'desk'})
    first, again = ([decider.decide(*ASKED, OPTIONS, FORMULA, one).weights for one in visitors] for _ in range(2))
    assert first == again
    (known,) = decider._known.values()
    # With the third that it had no room for, it forgot the others.
    assert len(known.seen) == 2
    assert [found.weights for found in decider.decide_many(visitors, *ASKED, OPTIONS, FORMULA)] == first
    assert len(known.seen) == 2


def test_at_midnight_nothing_is_lost_and_nothing_counted_twice(
    whale: Whale, decider: Decider, work: Work, clock: Clock
) -> None:
    tell_some(whale)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    clock.now += DAY
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    tell(whale, 'green', 40, 36, US)
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights['green'] > before['green'] + 0.1
    assert work.made == 1


def test_of_a_period_nothing_else_is_live(whale: Whale, decider: Decider) -> None:
    for option in OPTIONS:
        tell(whale, option, 60, 9, US, at=NOW - DAY)
    periods = ('yesterday', '1h:2h')
    before = [decider.decide(*ASKED, OPTIONS, FORMULA, US, period).weights for period in periods]
    tell(whale, 'green', 60, 50, US, at=NOW - 5 * 3_600)
    assert [decider.decide(*ASKED, OPTIONS, FORMULA, US, period).weights for period in periods] == before
    tell(whale, 'red', 10, 9, US)
    reasons = decider.reasons(*ASKED, OPTIONS, FORMULA, US, '1h:2h')
    assert {reason.option: reason.exposure for reason in reasons} == {'red': 10, 'blue': 0, 'green': 0}


def test_who_is_known_nothing_of_is_decided_for_by_all_others(whale: Whale, decider: Decider) -> None:
    for visitor in (US, UK):
        for option, earned in [('red', 9), ('blue', 90), ('green', 9)]:
            tell(whale, option, 100, earned, visitor)
    assert decider.decide(*ASKED, OPTIONS, FORMULA).weights['blue'] > 0.6
    assert decider.decide(*ASKED, OPTIONS, FORMULA, {'country': 'DE', 'device': 'desk'}).weights['blue'] > 0.6


# -- models -----------------------------------------------------------------------------------------------------------


def test_a_model_is_made_anew_behind_when_it_is_old(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    tell_of_yesterday(whale, 9, 9, 9)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    tell_of_yesterday(whale, 30, 30, 90, shown=200)
    seconds.now += 29
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    assert work.left == []
    seconds.now += 2
    for _ in range(3):
        assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    assert (len(work.left), work.made) == (1, 1)
    work.do()
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights['green'] > 0.8
    assert (len(work.left), work.made) == (0, 2)


@pytest.mark.parametrize('formula', [FORMULA, 'earned/spent'])
def test_a_model_is_made_anew_behind_after_some_decisions(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds, formula: str
) -> None:
    tell_some(whale)
    for _ in range(60):
        decider.decide(*ASKED, OPTIONS, formula, US)
    assert work.left == []
    seconds.now += 1
    decider.decide(*ASKED, OPTIONS, formula, US)
    assert len(work.left) == 1
    work.do()
    seconds.now += 1
    decider.decide(*ASKED, OPTIONS, formula, US)
    assert work.left == []


@pytest.mark.parametrize(('decisions', 'left'), [(398, 0), (399, 1)])
def test_however_large_the_table_a_model_lasts_for_four_hundred_decisions(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds, decisions: int, left: int
) -> None:
    tell(whale, 'red', 1_000_000, 50)
    decider.decide_many([None] * decisions, *ASKED, OPTIONS, FORMULA)
    seconds.now += 10
    decider.decide(*ASKED, OPTIONS, FORMULA)
    assert len(work.left) == left


def test_the_larger_the_table_the_more_decisions_a_model_lasts(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    tell(whale, 'red', 20_000, 50)
    for _ in range(60):
        decider.decide(*ASKED, OPTIONS, FORMULA)
    seconds.now += 1
    decider.decide(*ASKED, OPTIONS, FORMULA)
    assert work.left == []


@pytest.mark.parametrize('error', [ArithmeticError('singular'), MemoryError()])
def test_a_model_whose_making_fails_is_not_missed_and_tried_again_later(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    tell_some(whale)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1)
    work.error, seconds.now = error, seconds.now + 31
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1) == before
    work.do()
    assert work.made == 2
    for pause in [0, 20, 9, *[31] * 3]:
        seconds.now += pause
        for _ in range(30):
            assert decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1) == before
        assert (
            replace(decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1, explain=True), paths=(), reasons=()) == before
        )
        work.do()
    # Four times in as many half minutes, and told once.
    assert work.made == 5
    assert [record.message for record in caplog.records] == [
        'no model of ["Page", "color"] could be made; it is tried again later'
    ]
    assert caplog.records[0].exc_info
    work.error, seconds.now = None, seconds.now + 31
    decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1)
    work.do()
    tell(whale, 'green', 400, 390, US)
    seconds.now += 31
    work.do()
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=1).weights['green'] > 0.8


def test_where_no_model_can_be_made_at_all_options_are_alike(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    tell(whale, 'blue', 60, 60)
    work.error = ValueError('no such thing')
    for pause in (0, 1, 2, 5):
        seconds.now += pause
        found = decider.decide(*ASKED, OPTIONS, FORMULA, visitor='anna', explain=pause > 1)
        assert (found.by, found.sticky) == ('policy', True)
        assert found.weights == dict.fromkeys(OPTIONS, pytest.approx(1 / 3))
    assert {reason.option: reason.exposure for reason in found.reasons} == {'red': 0, 'blue': 60, 'green': 0}
    assert (work.made, work.left, len(caplog.records)) == (1, [], 1)
    work.error, seconds.now = None, seconds.now + 31
    decider.decide(*ASKED, OPTIONS, FORMULA)
    work.do()
    assert decider.decide(*ASKED, OPTIONS, FORMULA).weights['blue'] > 0.6


@pytest.mark.parametrize('visitor', [None, US])
def test_after_a_pause_a_decision_knows_what_others_counted_meanwhile(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds, visitor: object
) -> None:
    tell_of_yesterday(whale, 9, 9, 9)
    decider.decide(*ASKED, OPTIONS, FORMULA, visitor)
    tell_of_yesterday(whale, 30, 30, 90, shown=200)
    seconds.now += 61
    assert decider.decide(*ASKED, OPTIONS, FORMULA, visitor).weights['green'] > 0.8
    assert (work.made, work.left) == (2, [])
    decider.decide(*ASKED, OPTIONS, FORMULA, visitor)
    assert work.made == 2


def test_a_decision_that_nothing_was_counted_of_knows_of_the_first_reward_at_once(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    options, even = ['a', 'b'], {'a': 0.5, 'b': 0.5}
    assert decider.decide(*ASKED, options, FORMULA).weights == even
    for option, earned in [('a', 0), ('b', 67)]:
        tell(whale, option, 200, earned)
    seconds.now += 0.06
    assert decider.decide(*ASKED, options, FORMULA).weights['b'] > 0.9
    assert (work.made, work.left) == (2, [])


def test_what_was_shown_and_earned_nothing_is_no_reason_to_make_a_model_at_once(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    decider.decide(*ASKED, OPTIONS, FORMULA)
    tell(whale, 'red', 10, 0)
    seconds.now += 0.1
    decider.decide(*ASKED, OPTIONS, FORMULA)
    assert (work.made, work.left) == (1, [])


def test_a_ratio_of_which_one_side_was_missing_is_known_at_once(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    for option in OPTIONS:
        tell(whale, option, 0, 9, reward='spent')
    decider.decide(*ASKED, OPTIONS, 'spent/earned', goal='min')
    for option, earned in [('red', 1), ('blue', 90), ('green', 1)]:
        tell(whale, option, 0, earned)
    seconds.now += 0.1
    assert decider.decide(*ASKED, OPTIONS, 'spent/earned', goal='min').weights['blue'] > 0.8
    assert work.made == 2


def test_in_another_context_the_first_rewards_are_known_after_a_second(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    decider.decide(*ASKED, OPTIONS, FORMULA, UK)
    for option, earned in [('red', 9), ('blue', 180), ('green', 9)]:
        tell(whale, option, 200, earned, US)
    seconds.now += 1.1
    assert decider.decide(*ASKED, OPTIONS, FORMULA, UK).weights['blue'] > 0.6
    assert (work.made, work.left) == (2, [])


def test_what_others_decided_and_counted_makes_a_model_too_old(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds
) -> None:
    tell_some(whale)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    seconds.now += 1
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    assert work.left == []
    tell(whale, 'red', 30, 3, US)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    assert (len(work.left), work.made) == (1, 1)


class Slow(Work):
    """Makes models that take so many seconds."""

    def __init__(self, seconds: Seconds, takes: float) -> None:
        super().__init__()
        self.seconds, self.takes = seconds, takes

    def compute(self, work: Callable[[], Found]) -> Found:
        self.seconds.now += self.takes
        return super().compute(work)


def test_nobody_waits_for_a_model_that_takes_long(whale: Whale, seconds: Seconds) -> None:
    slow = Slow(seconds, 0.3)
    decider = Decider(whale, behind=slow.behind, compute=slow.compute)
    tell_of_yesterday(whale, 9, 9, 9)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    tell_of_yesterday(whale, 30, 30, 90, shown=200)
    seconds.now += 1_000
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    slow.do()
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights['green'] > 0.8


def test_after_a_model_that_took_very_long_the_next_is_made_within_ten_minutes(whale: Whale, seconds: Seconds) -> None:
    slow = Slow(seconds, 60.0)
    decider = Decider(whale, behind=slow.behind, compute=slow.compute)
    tell(whale, 'red', 20_000, 50)
    for pause, left in [(0, 0), (590, 0), (20, 1)]:
        seconds.now += pause
        decider.decide(*ASKED, OPTIONS, FORMULA)
        assert len(slow.left) == left


def test_whoever_waits_too_long_for_a_model_that_is_being_made_takes_the_old_one(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('hailwhale.decisions.decider._PATIENCE', 0.01)
    tell_of_yesterday(whale, 9, 9, 9)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    tell_of_yesterday(whale, 30, 30, 90, shown=200)
    (known,) = decider._known.values()
    seconds.now += 61
    with known.lock.own():
        assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    # It is not waited for again at once.
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    assert work.made == 1


def test_of_many_who_ask_after_a_pause_one_has_the_model_made(
    whale: Whale, decider: Decider, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell_some(whale)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    later = count(1_100.0, 0.001)
    monkeypatch.setattr('hailwhale.decisions.decider.monotonic', lambda: next(later))
    barrier = threading.Barrier(8)

    def decide(_: int) -> dict[str, float]:
        barrier.wait()
        return decider.decide(*ASKED, OPTIONS, FORMULA, US).weights

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(decide, range(8)))
    assert found == [found[0]] * 8
    assert work.made == 2


def test_an_engine_that_is_away_behind_is_met_by_the_next_decision_itself(
    work: Work, seconds: Seconds, tmp_path: Path
) -> None:
    (port,) = engines.free_ports(1)
    settings = Settings.load({}, timeout=0.2)
    with (
        engines.Process(engines.redis_binary(), tmp_path, port) as server,
        Whale(f'redis://127.0.0.1:{port}/0', settings=settings, clock=Clock()) as whale,
    ):
        decider = Decider(whale, behind=work.behind, compute=work.compute)
        tell_some(whale)
        before = decider.decide(*ASKED, OPTIONS, FORMULA, {'country': 'DE'}).weights
        seconds.now += 31
        decider.decide(*ASKED, OPTIONS, FORMULA, {'country': 'DE'})
        server.kill()
        work.do()
        with pytest.raises(StorageUnavailable):
            decider.decide(*ASKED, OPTIONS, FORMULA, {'country': 'DE'})
        server.start()
        # What was learned is still known, although the engine has lost it.
        assert decider.decide(*ASKED, OPTIONS, FORMULA, {'country': 'DE'}).weights == before
        assert (work.made, work.left) == (1, [])
        server.kill()
        seconds.now += 61
        with pytest.raises(StorageUnavailable):
            decider.decide(*ASKED, OPTIONS, FORMULA, {'country': 'DE'})
        assert work.made == 1


def test_models_are_made_in_a_thread_of_their_own(whale: Whale, work: Work, seconds: Seconds) -> None:
    threads: list[str] = []

    def compute(fit: Callable[[], Found]) -> Found:
        threads.append(threading.current_thread().name)
        return fit()

    decider = Decider(whale, compute=compute)
    tell_some(whale)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    seconds.now += 31
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    until(lambda: len(threads) == 2, 'a second model is made')
    assert threads == [threading.current_thread().name, 'hailwhale-decisions']
    until(lambda: not any(one.name == 'hailwhale-decisions' for one in threading.enumerate()), 'the thread ends')
    assert work.made == 0


def test_where_no_thread_can_be_started_the_old_model_serves_and_that_is_told_once(
    whale: Whale, decider: Decider, work: Work, seconds: Seconds, caplog: pytest.LogCaptureFixture
) -> None:
    def behind(_: Callable[[], None]) -> None:
        raise RuntimeError("can't start new thread")

    tell_of_yesterday(whale, 9, 9, 9)
    before = decider.decide(*ASKED, OPTIONS, FORMULA, US).weights
    tell_of_yesterday(whale, 30, 30, 90, shown=200)
    seconds.now += 31
    decider.behind = behind
    for _ in range(3):
        assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights == before
    assert [record.message for record in caplog.records] == [
        'no thread makes a model of ["Page", "color"]; it is tried again'
    ]
    assert caplog.records[0].exc_info
    decider.behind = work.behind
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    work.do()
    assert decider.decide(*ASKED, OPTIONS, FORMULA, US).weights['green'] > 0.8
    # What is lost again is told again.
    seconds.now += 31
    decider.behind = behind
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    assert len(caplog.records) == 2


FORKED = """
import os, signal, sys, threading
from hailwhale import Whale
from hailwhale.decisions.decider import Decider

making, end = threading.Event(), threading.Event()

def compute(work):
    if threading.current_thread() is not threading.main_thread():
        making.set()
        end.wait()
    return work()

asked = ('Page', 'color', ['red', 'blue'])
decider = Decider(Whale(sys.argv[1]), compute=compute)
thread = threading.Thread(target=decider.decide, args=asked)
thread.start()
making.wait()
if not os.fork():
    signal.alarm(30)
    print([reason.exposure for reason in decider.reasons(*asked)], flush=True)
    os._exit(0)
_, status = os.wait()
end.set()
thread.join()
print(status)
"""


def test_a_process_that_is_forked_while_a_model_is_made_makes_its_own(embedded_url: str) -> None:
    command = [sys.executable, '-W', 'ignore::DeprecationWarning', '-c', FORKED, embedded_url]
    ended = subprocess.run(command, env=unmeasured(), capture_output=True, text=True, timeout=60, check=True)
    assert ended.stdout.splitlines() == ['[0.0, 0.0]', '0']


def test_the_decisions_that_are_remembered_are_bounded(
    decider: Decider, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('hailwhale.decisions.decider._REMEMBERED', 2)
    for name in ('one', 'two', 'one', 'three'):
        decider.decide('Page', name, OPTIONS)
    assert work.made == 3
    decider.decide('Page', 'one', OPTIONS)
    assert work.made == 3
    decider.decide('Page', 'two', OPTIONS)
    assert work.made == 4


def test_the_decisions_that_are_remembered_hold_no_more_than_they_may_together(
    decider: Decider, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Each holds the weights of three options in one context.
    monkeypatch.setattr('hailwhale.decisions.decider._HELD', 4)
    for name in ('one', 'two', 'three', 'two', 'three'):
        decider.decide('Page', name, OPTIONS)
    assert work.made == 3
    decider.decide('Page', 'one', OPTIONS)
    assert work.made == 4
    monkeypatch.setattr('hailwhale.decisions.decider._HELD', 0)
    for _ in range(2):
        decider.decide('Page', 'four', OPTIONS)
    assert (work.made, len(decider._known)) == (5, 1)


def test_what_a_decision_holds_are_its_weights_and_what_was_counted(whale: Whale, decider: Decider) -> None:
    tell_some(whale)
    decider.decide(*ASKED, OPTIONS, FORMULA, US)
    (known,) = decider._known.values()
    # Each option in two contexts, and the weights in one of them.
    assert known.size == 6 + 3


def test_eight_threads_at_once_decide_alike_by_one_model(whale: Whale, decider: Decider, work: Work) -> None:
    tell_some(whale)
    barrier = threading.Barrier(8)

    def decide(number: int) -> list[Any]:
        barrier.wait()
        return [decider.decide(*ASKED, OPTIONS, FORMULA, US, seed=number) for _ in range(25)]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(decide, range(8)))
    assert work.made == 1
    weights = found[0][0].weights
    for number, decisions in enumerate(found):
        assert decisions == [decisions[0]] * 25
        assert decisions[0].weights == weights
        assert decisions[0].seed == number
        assert decisions[0].propensity == weights[decisions[0].option]


def test_who_waits_for_a_model_that_is_being_made_takes_that_one(whale: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    made, waits = [], threading.Event()

    def monotonic() -> float:
        # The second thread has seen that there is no model, and is about to wait for one.
        if threading.current_thread().name == 'second':
            waits.set()
        return 1_000.0

    monkeypatch.setattr('hailwhale.decisions.decider.monotonic', monotonic)

    def compute(fit: Callable[[], Found]) -> Found:
        made.append(threading.current_thread().name)
        second.start()
        assert waits.wait(10)
        return fit()

    decider = Decider(whale, compute=compute)
    second = threading.Thread(target=lambda: decider.decide(*ASKED, OPTIONS), name='second')
    decider.decide(*ASKED, OPTIONS)
    second.join(10)
    assert not second.is_alive()
    assert made == [threading.current_thread().name]


# -- bad input --------------------------------------------------------------------------------------------------------

BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    'no options': ({'options': []}, 'options', 'not options to choose among'),
    'options text': ({'options': 'red'}, 'options', "not options to choose among: 'red'"),
    'options set': ({'options': {'red', 'blue'}}, 'options', 'a list of names'),
    'options none': ({'options': None}, 'options', 'None'),
    'twice': ({'options': ['red', 'blue', 'red']}, 'options', "'red' is there twice"),
    'twice by its digits': ({'options': [1, '1']}, 'options', "'1' is there twice"),
    'option path': ({'options': [['red', 'dark']]}, 'options', 'not the name of an option'),
    'option of nothing': ({'options': ['red', []]}, 'options', 'at least one name'),
    'decision name': ({'decision_name': []}, 'decision_name', 'at least one name'),
    'goal': ({'goal': 'most'}, 'goal', "not a goal: 'most' ('max' or 'min')"),
    'formula': ({'formula': 'a/b/c'}, 'formula', 'a/b/c'),
    'formula of hits': ({'formula': 'hits'}, 'formula', "'hits'"),
    'formula none': ({'formula': None}, 'formula', 'None'),
    'visitor empty': ({'visitor': ''}, 'visitor', "not a visitor: ''"),
    'visitor long': ({'visitor': 'x' * 257}, 'visitor', '1 to 256 characters'),
    'visitor half a character': (
        {'visitor': 'an\ud800na'},
        'visitor',
        'half a surrogate pair; decode it as UTF-8 first',
    ),
    'visitor endless': ({'visitor': 10**5_000}, 'visitor', 'not a visitor: an integer of more than 77 digits'),
    'visitor of many digits': ({'visitor': 10**256}, 'visitor', '1 to 256 characters'),
    'visitor list': ({'visitor': ['x']}, 'visitor', 'not a visitor: a list (a text'),
    'visitor yes': ({'visitor': True}, 'visitor', 'True'),
    'holdout large': ({'visitor': 1, 'holdout': 1.1}, 'holdout', 'not a share of visitors: 1.1'),
    'holdout negative': ({'visitor': 1, 'holdout': -0.1}, 'holdout', 'from 0 to 1'),
    'holdout text': ({'visitor': 1, 'holdout': '0.1'}, 'holdout', "'0.1'"),
    'holdout yes': ({'visitor': 1, 'holdout': True}, 'holdout', 'True'),
    'holdout nan': ({'visitor': 1, 'holdout': float('nan')}, 'holdout', 'nan'),
    'holdout of nobody': ({'holdout': 0.1}, 'visitor', 'give visitor, such as an id'),
    'seed': ({'seed': '5'}, 'seed', "not a seed: '5'"),
    'period': ({'period': '1x'}, 'period', '1x'),
    'dimensions': ({'known_data': {'__context__': 'x'}}, 'dimensions', '__context__'),
    'pk': ({'pk_base': []}, 'pk', 'a pk has at least one name'),
}


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_refused_with_its_value_and_field(name: str, embedded_url: str) -> None:
    given, field, fragment = BAD[name]
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        with pytest.raises(HailWhaleError) as refused:
            Decider(whale).decide(**{'pk_base': 'Page', 'decision_name': 'color', 'options': OPTIONS, **given})
        assert isinstance(refused.value, InvalidInput)
        assert refused.value.field == field
        assert fragment in refused.value.message
        assert whale.pks() == []


def test_more_options_than_can_be_compared_are_refused() -> None:
    options = list(range(MOST_OPTIONS + 1))
    with pytest.raises(LimitExceeded, match='1001 options, more than 1000') as refused:
        checked_options(options)
    assert refused.value.field == 'options'
    assert checked_options(options[1:]) == [str(option) for option in options[1:]]
