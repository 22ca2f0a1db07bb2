"""Models: weights, and the reasons for them."""

from __future__ import annotations

import math
from collections import Counter
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.policies import (
    Context,
    Model,
    Moments,
    Sums,
    Table,
    Tuning,
    Weights,
    even,
    fit,
    models,
    picked,
)
from tests.decisions.policies.counted import ANYBODY, by_hour, late_table, of_contexts, table

few = settings(max_examples=25)
US, UK, DE = (Context.of({'country': name}) for name in ('US', 'UK', 'DE'))
ABC = ['a', 'b', 'c']
CLEAR = table({'a': (1000, 50), 'b': (1000, 100), 'c': (1000, 60)})
BY_COUNTRY = of_contexts(
    {
        US: {'a': (2000, 100), 'b': (2000, 200), 'c': (2000, 100)},
        UK: {'a': (2001, 250), 'b': (2000, 120), 'c': (2000, 110)},
    }
)


# -- picking ---------------------------------------------------------------------------------------------------------


@few
@given(st.lists(st.floats(0, 1), min_size=1, max_size=6).filter(lambda row: sum(row) > 0.01), st.integers(0, 10**6))
def test_options_are_picked_as_often_as_they_weigh(shares: list[float], seed: int) -> None:
    """Within 4.5 standard errors."""
    weights = {str(place): share / sum(shares) for place, share in enumerate(shares)}
    rng = Random(seed)
    count = Counter(picked(weights, rng.random()) for _ in range(20_000))
    for option, weight in weights.items():
        assert abs(count[option] / 20_000 - weight) <= 4.5 * math.sqrt(weight * (1 - weight) / 20_000) + 1e-9


def test_the_last_option_is_picked_where_rounding_leaves_a_gap() -> None:
    assert picked({'a': 0.3, 'b': 0.3}, 0.999) == 'b'


# -- weights ---------------------------------------------------------------------------------------------------------


def test_of_nothing_all_options_are_alike() -> None:
    for model in (fit(Table([], [], [], Moments(0, 0))), fit(table({'a': (10, 0), 'b': (5, 0)}))):
        assert model.often is model.size is None
        assert model.weights(US, ABC) == even(ABC)
        assert model.paths(US) == []


def test_one_option_is_chosen_always() -> None:
    assert fit(CLEAR).weights(ANYBODY, ['a']) == {'a': 1.0}


def test_the_same_question_has_the_same_answer_and_its_owner_may_change_it() -> None:
    model = fit(CLEAR)
    first = model.weights(ANYBODY, ABC)
    kept = dict(first)
    first['a'] = 9.0
    assert model.weights(ANYBODY, ABC) == kept == fit(CLEAR).weights(ANYBODY, ABC)


@few
@given(st.permutations(ABC))
def test_the_order_in_which_options_are_asked_for_changes_no_weight(options: list[str]) -> None:
    for source, context in ((CLEAR, ANYBODY), (BY_COUNTRY, US), (BY_COUNTRY, DE)):
        model = fit(source)
        assert model.weights(context, options) == pytest.approx(model.weights(context, ABC), abs=1e-12)


def odds(weights: Weights) -> float:
    return weights['a'] / weights['c']


def test_without_an_option_the_others_keep_about_their_ratio() -> None:
    model = fit(table({'a': (300, 30), 'b': (300, 31), 'c': (300, 29)}))
    whole, rest = model.weights(ANYBODY, ABC), model.weights(ANYBODY, ['a', 'c'])
    assert odds(rest) == pytest.approx(odds(whole), rel=0.6)
    assert rest['a'] > whole['a']
    assert rest['c'] > whole['c']


@pytest.mark.parametrize('source', [CLEAR, BY_COUNTRY])
def test_a_new_option_is_explored_and_not_at_the_cost_of_all_else(source: Table) -> None:
    for context in (ANYBODY, US, DE):
        weights = fit(source).weights(context, [*ABC, 'new'])
        assert 0.03 < weights['new'] < 0.75


def test_the_floor_is_spread_evenly() -> None:
    weights = fit(table({'a': (1e6, 5e5), 'b': (1e6, 1e4), 'c': (1e6, 1e4)}), tuning=Tuning(floor=0.3)).weights(
        ANYBODY, ABC
    )
    assert weights == pytest.approx({'a': 0.8, 'b': 0.1, 'c': 0.1})


# -- live sums -------------------------------------------------------------------------------------------------------


def test_live_sums_that_are_as_in_the_table_change_nothing() -> None:
    model = fit(CLEAR)
    live = {option: Sums(1000, reward) for option, reward in (('a', 50), ('b', 100), ('c', 60))}
    assert model.weights(ANYBODY, ABC, live) == model.weights(ANYBODY, ABC, {}) == model.weights(ANYBODY, ABC)


def test_what_was_counted_since_counts_at_once() -> None:
    model = fit(CLEAR)
    assert model.weights(ANYBODY, ABC, {'c': Sums(2000, 400)})['c'] > 0.9
    assert model.weights(ANYBODY, ABC, {'b': Sums(3000, 100)})['b'] < 0.5
    by_country = fit(BY_COUNTRY)
    assert by_country.weights(UK, ABC, {'c': Sums(6000, 1100)})['c'] > 0.9
    assert by_country.weights(US, ABC)['b'] > 0.9


def test_live_sums_below_those_of_the_table_take_back_no_more_than_there_was() -> None:
    weights = fit(CLEAR).weights(ANYBODY, ABC, {'b': Sums(0, -500)})
    assert sum(weights.values()) == pytest.approx(1)
    assert weights['b'] < fit(CLEAR).weights(ANYBODY, ABC)['b']


def test_amounts_are_live_by_how_often_they_were_earned() -> None:
    rows = {'a': (1000, 500.0, 50), 'b': (1000, 500.0, 50)}
    model = fit(table(rows, squares=20_000.0))
    assert model.size
    weights = model.weights(ANYBODY, ['a', 'b'], {'a': Sums(2000, 1000, 250)})
    assert weights['a'] > 0.9
    assert model.weights(ANYBODY, ['a', 'b'], {'a': Sums(1001, 100_500, 51)})['a'] < 0.9


def test_where_rewards_come_late_what_was_shown_just_now_is_not_held_against_an_option() -> None:
    model = fit(late_table(6.0, 1))
    assert model.late > 2
    before = model.weights(ANYBODY, ['a', 'b'])
    assert before['b'] > 0.9
    shown = model.whole['', 'b']
    assert model.weights(ANYBODY, ['a', 'b'], {'b': Sums(shown.exposure + 5_000, shown.reward)}) == before


# -- reasons ---------------------------------------------------------------------------------------------------------


def test_the_mean_is_the_ratio_of_the_sums_and_the_interval_a_standard_error_times_1645() -> None:
    rows = {'a': (40_000, 2_000), 'b': (30_000, 1_800)}
    reasons = fit(table(rows), tuning=Tuning(draws=2_000)).reasons(ANYBODY, ['a', 'b'])
    assert [reason.option for reason in reasons] == ['b', 'a']
    for reason in reasons:
        exposure, reward = rows[reason.option]
        rate = reward / exposure
        error = math.sqrt(rate * (1 - rate) / exposure)
        assert (reason.exposure, reason.reward) == (exposure, reward)
        assert reason.mean == pytest.approx(rate, abs=0.5 * error)
        assert reason.interval
        low, high = reason.interval
        assert high - low == pytest.approx(2 * 1.645 * error, rel=0.15)
        assert low < rate < high


def test_the_chance_to_be_best_is_that_of_two_normal_rates() -> None:
    rows = {'a': (4_000, 400), 'b': (4_000, 424)}
    reasons = {one.option: one for one in fit(table(rows), tuning=Tuning(draws=4_000)).reasons(ANYBODY, ['a', 'b'])}
    z = (0.106 - 0.1) / math.sqrt(0.1 * 0.9 / 4_000 + 0.106 * 0.894 / 4_000)
    chance = 0.5 * (1 + math.erf(z / math.sqrt(2)))
    assert reasons['b'].best == pytest.approx(chance, abs=0.06)
    assert (reasons['a'].best or 0) + (reasons['b'].best or 0) == pytest.approx(1)


def test_reasons_of_money_are_in_its_units() -> None:
    # Orders of 50 and of 70 on average, of which each has a spread of 20.
    rows = {'a': (20_000, 50_000.0, 1_000), 'b': (20_000, 70_000.0, 1_000)}
    squares = 1_000 * (50**2 + 20**2) + 1_000 * (70**2 + 20**2)
    found = {one.option: one for one in fit(table(rows, squares)).reasons(ANYBODY, ['a', 'b'])}
    assert found['a'].mean == pytest.approx(2.5, rel=0.05)
    assert found['b'].mean == pytest.approx(3.5, rel=0.05)


def test_where_all_orders_are_alike_their_worth_is_in_the_mean() -> None:
    model = fit(table({'a': (20_000, 50_000.0, 1_000), 'b': (20_000, 60_000.0, 1_200)}, squares=2_200 * 2_500.0))
    assert model.size is None
    found = {one.option: one.mean for one in model.reasons(ANYBODY, ['a', 'b'])}
    assert found == pytest.approx({'a': 2.5, 'b': 3.0}, rel=0.03)


def test_reasons_for_the_least_are_in_the_units_of_the_formula() -> None:
    costs = table({'a': (10_000, 2_000.0), 'b': (10_000, 4_000.0)}, squares=2_800.0)
    for by_hits in (True, False):
        first, last = fit(costs, least=True, by_hits=by_hits).reasons(ANYBODY, ['a', 'b'])
        assert (first.option, last.option) == ('a', 'b')
        assert first.mean == pytest.approx(0.2, rel=0.1)
        assert last.mean == pytest.approx(0.4, rel=0.1)
        assert first.interval
        assert first.interval[0] < first.interval[1]


def test_reasons_are_by_the_live_sums_where_there_are_some() -> None:
    found = {one.option: one for one in fit(CLEAR).reasons(ANYBODY, ABC, {'a': Sums(1500, 80)})}
    assert (found['a'].exposure, found['a'].reward) == (1500, 80)
    assert (found['b'].exposure, found['b'].reward) == (1000, 100)


def test_reasons_of_a_context_are_of_that_context() -> None:
    model = fit(BY_COUNTRY)
    found = {one.option: one for one in model.reasons(UK, ABC)}
    assert (found['a'].exposure, found['a'].reward) == (2001, 250)
    assert found['a'].mean == pytest.approx(0.125, rel=0.1)
    elsewhere = model.reasons(DE, ABC)
    assert {one.exposure for one in elsewhere} == {0}
    assert all(one.mean and one.interval for one in elsewhere)


def test_of_what_earned_nothing_yet_reasons_say_only_what_was_counted() -> None:
    reasons = fit(table({'a': (10, 0), 'b': (5, 0)})).reasons(ANYBODY, ['a', 'b'])
    assert [(one.exposure, one.mean, one.interval, one.best, one.weight) for one in reasons] == [
        (10, None, None, None, 0.5),
        (5, None, None, None, 0.5),
    ]


def test_paths_are_those_above_the_context_that_are_known() -> None:
    model = fit(
        of_contexts({Context.of({'country': c, 'device': d}): {'a': (9, 3)} for c in ('US', 'UK') for d in 'pq'})
    )
    assert model.paths(Context.of({'country': 'US', 'device': 'tv'})) == [(), ('country', 'US')]
    assert fit(CLEAR).paths(US) == []


# -- contexts that were not seen -------------------------------------------------------------------------------------


def test_a_visitor_with_new_properties_gets_what_is_best_for_all() -> None:
    """Where only visitors without dimensions were counted."""
    weights = fit(CLEAR).weights(US, ABC)
    assert weights['b'] > 0.9
    assert fit(CLEAR).weights(ANYBODY, ABC)['b'] >= weights['b']


@pytest.mark.parametrize('more', [{'country': 'UK', 'device': 'phone'}, {'country': {'UK': 'Wales'}}])
def test_what_is_known_of_a_country_holds_for_visitors_of_whom_more_is_known(more: object) -> None:
    model = fit(BY_COUNTRY)
    assert model.weights(UK, ABC)['a'] > 0.95
    assert model.weights(Context.of(more), ABC)['a'] > 0.9


def test_what_is_known_of_a_country_holds_for_visitors_of_whom_less_is_known() -> None:
    rows = {
        Context.of({'country': country, 'device': device}): {'a': (900, 40 + 50 * (country == 'UK')), 'b': (900, 60)}
        for country in ('US', 'UK', 'DE')
        for device in ('phone', 'pc')
    }
    model = fit(of_contexts(rows))
    assert model.weights(UK, ['a', 'b'])['a'] > 0.9 > 0.1 > model.weights(US, ['a', 'b'])['a']


def test_what_is_inside_says_more_than_what_all_have_in_common() -> None:
    """Of two contexts without others below them, and new ones inside either, both, or neither."""
    german = Context.of({'language': 'de'})
    rows = {US: {'a': (2000, 100), 'b': (2000, 200)}, german: {'a': (2000, 220), 'b': (2000, 100)}}
    model = fit(of_contexts(rows))
    assert model.weights(Context.of({'country': 'US', 'plan': 'free'}), ['a', 'b'])['b'] > 0.9
    assert model.weights(Context.of({'language': 'de', 'plan': 'free'}), ['a', 'b'])['a'] > 0.9
    both = model.weights(Context.of({'country': 'US', 'language': 'de'}), ['a', 'b'])
    assert 0.2 < both['a'] < 0.8


# -- memory ----------------------------------------------------------------------------------------------------------


def test_what_is_remembered_of_contexts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, '_REMEMBERED', 3 * 3 * 128)
    model: Model = fit(BY_COUNTRY)
    names = [Context.of({'country': f'C{number}'}) for number in range(10)]
    found = [model.weights(context, ABC) for context in names]
    assert len(model._parts) <= 3
    assert [model.weights(context, ABC) for context in names] == found


# -- options that come late ------------------------------------------------------------------------------------------


def unlucky(shown: int) -> Model:
    """Of an option that came late, and has earned nothing in so many decisions."""
    return fit(
        by_hour([(90, ANYBODY, 'a', (4000, 200)), (90, ANYBODY, 'b', (4000, 190)), (5, ANYBODY, 'c', (shown, 0))])
    )


def test_one_that_comes_late_is_sure_of_its_share_until_it_had_its_chance() -> None:
    # One success is expected in 20 decisions.
    found = [unlucky(shown).weights(ANYBODY, ABC)['c'] for shown in (20, 200, 400, 700)]
    assert found == sorted(found, reverse=True)
    assert found[0] > 0.09
    assert found[2] == pytest.approx(0.05, abs=0.01)
    assert unlucky(900).weights(ANYBODY, ABC)['c'] < 0.01


def test_many_that_come_new_share_what_they_are_sure_of() -> None:
    new = [f'new {number}' for number in range(50)]
    found = fit(CLEAR).weights(ANYBODY, [*ABC, *new])
    assert sum(found.values()) == pytest.approx(1)
    assert all(found[option] >= 0.2 / 50 for option in new)
    assert fit(CLEAR).weights(ANYBODY, [*ABC, 'new'])['new'] >= 0.1


def test_those_that_were_there_from_the_beginning_are_sure_of_no_more() -> None:
    found = fit(table({'a': (4000, 200), 'b': (4000, 400), 'c': (100, 0)})).weights(ANYBODY, ABC)
    assert found['c'] == pytest.approx(Tuning().floor / 3, abs=0.01)


def test_the_busiest_contexts_are_prepared_and_weigh_what_they_would() -> None:
    ready, other = fit(BY_COUNTRY), fit(BY_COUNTRY)
    ready.prepare(ABC, 1)
    assert [key[0] for key in ready._parts] == [UK.text]
    ready.prepare(ABC)
    assert {key[0] for key in ready._parts} == {US.text, UK.text}
    for context in (US, UK, DE):
        assert ready.weights(context, ABC) == other.weights(context, ABC)
    fit(table({'a': (5, 0)})).prepare(['a'])


@pytest.mark.parametrize('least', [False, True])
def test_one_that_comes_late_is_judged_by_what_is_rare_of_it(least: bool) -> None:
    """Whether few succeed or few fail: forty of them have to be expected."""
    rate = 0.03
    rows = [(90, ANYBODY, name, (4000, 4000 * rate)) for name in 'ab']
    for shown, sure in [(40, 0.97), (600, 0.55), (1400, 0.0)]:
        late = (5, ANYBODY, 'c', (shown, 2 * shown * rate if least else 0))
        assert fit(by_hour([*rows, late]), least=least).unproven.get('c', 0.0) == pytest.approx(sure, abs=0.02)


def test_one_that_comes_late_is_judged_by_amounts_as_surely_as_they_scatter() -> None:
    # Each visitor pays about 1; then one in a hundred pays 100: of those 4 were to be expected, and not 400.
    assert fit(by_hour([(90, ANYBODY, 'a', (4000, 4000)), (5, ANYBODY, 'b', (400, 800))], 5200.0)).unproven == {}
    found = fit(by_hour([(90, ANYBODY, 'a', (4000, 4000)), (5, ANYBODY, 'b', (400, 800))], 480_000.0)).unproven
    assert found['b'] == pytest.approx(0.9, abs=0.02)


@pytest.mark.parametrize('level', [0.5, 2.0])
@pytest.mark.parametrize('shown', [{'a': 200, 'b': 20, 'c': 20}, {'a': 1000, 'b': 50, 'c': 50}])
def test_a_new_context_that_pays_otherwise_says_nothing_of_what_was_shown_most(
    level: float, shown: dict[str, int]
) -> None:
    model = fit(of_contexts({context: dict.fromkeys(ABC, (4000, 400)) for context in (US, UK)}))
    live = {option: Sums(count, 0.1 * level * count, 0.1 * level * count) for option, count in shown.items()}
    assert all(0.15 < weight < 0.55 for weight in model.weights(DE, ABC, live).values())


def test_a_model_forgets_the_context_that_it_was_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit(BY_COUNTRY)
    monkeypatch.setattr(models, '_REMEMBERED', 2 * 3 * len(ABC) * Tuning().draws)
    before = [model.weights(context, ABC) for context in (US, UK, DE)]
    assert [key[0] for key in model._parts] == [UK.text, DE.text]
    assert [model.weights(context, ABC) for context in (US, UK, DE)] == before
