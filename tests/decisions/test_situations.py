"""Situations in which a person would know what to choose."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import pytest

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies import Model, Sums, Tuning, fit
from tests.decisions.policies.counted import ANYBODY, Row, by_hour, late_table, of_contexts, table

COUNTRIES = {name: Context.of({'country': name}) for name in ('US', 'UK', 'ES', 'MX', 'IT', 'AT')}
LANGUAGES = ['English', 'Spanish', 'Italian', 'German']
SPOKEN = {'US': 'English', 'UK': 'English', 'ES': 'Spanish', 'MX': 'Spanish', 'IT': 'Italian', 'AT': 'German'}


def best(model: Model, context: Context, options: list[str]) -> str:
    weights = model.weights(context, options)
    return max(weights, key=lambda option: weights[option])


# -- a clear winner --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('scale', [1, 100])
def test_a_clear_winner_gets_nearly_everybody(scale: int) -> None:
    rows = {'good': (200 * scale, 60 * scale), 'okay': (200 * scale, 20 * scale), 'bad': (200 * scale, 4 * scale)}
    weights = fit(table(rows)).weights(ANYBODY, list(rows))
    assert weights['good'] > 0.9
    assert weights['bad'] < 0.03


def test_of_a_few_visitors_nobody_would_call_a_winner() -> None:
    weights = fit(table({'one': (8, 2), 'other': (8, 1)})).weights(ANYBODY, ['one', 'other'])
    assert 0.5 < weights['one'] < 0.95


def test_a_bad_option_that_is_known_is_chosen_less_than_one_that_is_not() -> None:
    weights = fit(table({'good': (1_000, 100), 'bad': (1_000, 10)})).weights(ANYBODY, ['good', 'bad', 'new'])
    assert weights['new'] > 5 * weights['bad']


def test_a_little_shown_option_that_looks_good_is_tried_and_not_yet_trusted() -> None:
    weights = fit(table({'known': (5_000, 250), 'young': (20, 3)})).weights(ANYBODY, ['known', 'young'])
    assert 0.2 < weights['young'] < 0.97


def test_equal_options_share_visitors() -> None:
    rows = dict.fromkeys('abcd', (2_000, 100))
    weights = fit(table(rows)).weights(ANYBODY, list(rows))
    assert all(0.1 < weight < 0.45 for weight in weights.values())


# -- a winner that differs in one country ----------------------------------------------------------------------------


def country_informed() -> Mapping[Context, Mapping[str, Row]]:
    rows: dict[Context, Mapping[str, Row]] = {
        context: {'good': (1_500, 150), 'okay': (1_500, 75), 'bad': (1_500, 45)} for context in COUNTRIES.values()
    }
    return rows | {COUNTRIES['IT']: {'good': (1_500, 40), 'okay': (1_500, 75), 'bad': (1_500, 160)}}


def test_what_wins_in_one_country_alone_is_chosen_there_alone() -> None:
    model = fit(of_contexts(country_informed()))
    for name, context in COUNTRIES.items():
        winner = 'bad' if name == 'IT' else 'good'
        assert model.weights(context, ['good', 'okay', 'bad'])[winner] > 0.9, name


def test_in_a_country_that_was_never_seen_what_wins_in_most_is_chosen() -> None:
    model = fit(of_contexts(country_informed()))
    for unseen in (Context.of({'country': 'FR'}), ANYBODY):
        assert best(model, unseen, ['good', 'okay', 'bad']) == 'good'


def test_a_few_visitors_of_a_small_country_do_not_overrule_all_others_where_those_agree() -> None:
    rows = {**country_informed(), COUNTRIES['AT']: {'good': (10, 0), 'okay': (10, 1), 'bad': (10, 1)}}
    del rows[COUNTRIES['IT']]
    assert best(fit(of_contexts(rows)), COUNTRIES['AT'], ['good', 'okay', 'bad']) == 'good'


def test_a_busy_country_with_a_high_rate_does_not_make_what_was_shown_there_look_good() -> None:
    """Simpson's paradox: b is better in both countries, and a in the sum."""
    us, uk = COUNTRIES['US'], COUNTRIES['UK']
    rows = {us: {'a': (9_000, 1_800), 'b': (1_000, 240)}, uk: {'a': (1_000, 40), 'b': (9_000, 450)}}
    model = fit(of_contexts(rows))
    for context in (us, uk, Context.of({'country': 'FR'})):
        assert best(model, context, ['a', 'b']) == 'b'


# -- languages by country, of which little is known ------------------------------------------------------------------


def spoken(visitors: int, rng: Random) -> Mapping[Context, Mapping[str, Row]]:
    """What is written in the language of a country sells to 30 % there, and else to 3 %."""
    return {
        context: {
            language: (
                visitors,
                sum(rng.random() < (0.3 if SPOKEN[name] == language else 0.03) for _ in range(visitors)),
            )
            for language in LANGUAGES
        }
        for name, context in COUNTRIES.items()
    }


@pytest.mark.parametrize('seed', range(3))
def test_each_country_gets_its_language_after_a_hundred_visitors_for_each(seed: int) -> None:
    model = fit(of_contexts(spoken(100, Random(seed))))
    for name, context in COUNTRIES.items():
        assert model.weights(context, LANGUAGES)[SPOKEN[name]] > 0.7, name


@pytest.mark.parametrize('seed', range(3))
def test_after_twenty_its_language_is_the_most_likely_one_in_most_countries(seed: int) -> None:
    model = fit(of_contexts(spoken(20, Random(seed))))
    assert sum(best(model, context, LANGUAGES) == SPOKEN[name] for name, context in COUNTRIES.items()) >= 5


def test_after_two_nobody_is_sure_of_anything() -> None:
    model = fit(of_contexts(spoken(2, Random(1))))
    for context in COUNTRIES.values():
        assert max(model.weights(context, LANGUAGES).values()) < 0.95


def test_a_language_is_learned_from_live_sums_as_well() -> None:
    model = fit(of_contexts(spoken(20, Random(1))))
    live = {language: Sums(300, 90 if language == 'German' else 9) for language in LANGUAGES}
    assert model.weights(COUNTRIES['AT'], LANGUAGES, live)['German'] > 0.9


# -- time ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('seed', range(3))
def test_an_option_shown_just_now_is_not_punished_for_rewards_that_have_not_come(seed: int) -> None:
    """Rewards of c come six hours late like those of all, and it was not shown before the last four."""
    source = late_table(6.0, seed, rates=(0.06, 0.06))
    rows = [(float(age), ANYBODY, 'ab'[int(option)], row) for _, option, age, *row in source.columns().T.tolist()]
    shown = [(hours + 0.5, ANYBODY, 'c', (80.0, [0.0, 1.0, 2.0, 2.0][hours])) for hours in range(4)]
    model = fit(by_hour([*rows, *shown]))
    assert model.late > 2
    assert model.weights(ANYBODY, ['a', 'b', 'c'])['c'] > 0.15
    found = {reason.option: reason.mean or 0 for reason in model.reasons(ANYBODY, ['a', 'b', 'c'])}
    assert found['c'] > 0.7 * found['a']


def test_what_was_best_yesterday_and_is_worst_today_is_left() -> None:
    rows = []
    for age in range(72):
        today = age < 24
        rows += [(age + 0.5, ANYBODY, 'old', (200, 4 if today else 30)), (age + 0.5, ANYBODY, 'new', (200, 16))]
    assert fit(by_hour(rows)).weights(ANYBODY, ['old', 'new'])['new'] > 0.9
    assert fit(by_hour(rows), tuning=Tuning(drift=0)).weights(ANYBODY, ['old', 'new'])['old'] > 0.9
