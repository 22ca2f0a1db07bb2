"""Results: what was counted through a whale, compared with libraries that are given the visitors themselves."""

from __future__ import annotations

import json
import math
import random
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from hailwhale.decisions.counting import RESERVED
from hailwhale.errors import InvalidInput, LimitExceeded, MissingLibrary, Unanswerable
from hailwhale.experiments.results import Belief, Refusal, Results, Variant, Verdict, results
from hailwhale.experiments.results.answers import Outlook
from hailwhale.experiments.results.counts import CONTEXT, HOLDOUT
from hailwhale.experiments.results.readings import percent
from hailwhale.experiments.statistics import NotEnoughData, NoValidMethod, detectable_effect, sample_size
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import Clock

PK = ['Page', 'button']
RATES = {'a': 0.05, 'b': 0.08, 'c': 0.05}


class Visit(NamedTuple):
    """One visitor, as simulated."""

    variant: str
    country: str
    signed_up: int
    earned: int
    spent: int


def visits(number: int, seed: int = 7, rates: dict[str, float] = RATES) -> list[Visit]:
    rng = random.Random(seed)
    found = []
    for _ in range(number):
        variant = rng.choice(list(rates))
        signed_up = int(rng.random() < rates[variant])
        earned = signed_up * rng.choice([10, 25, 40])
        found.append(Visit(variant, rng.choice(['US', 'DE']), signed_up, earned, rng.choice([1, 2, 3]) + earned // 20))
    return found


def counted(visit: Visit) -> dict[str, Any]:
    """Its event, with what the statistics of amounts take."""
    metrics = {
        'signups': visit.signed_up,
        'earned': visit.earned,
        'earned*earned': visit.earned**2,
        'spent': visit.spent,
        'spent*spent': visit.spent**2,
        'earned*spent': visit.earned * visit.spent,
    }
    metrics = {name: amount for name, amount in metrics.items() if amount}
    return {'pk': [*PK, visit.variant], 'dimensions': {'country': visit.country}, 'metrics': metrics}


def column(found: list[Visit], name: str, variant: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([getattr(visit, name) for visit in found if visit.variant == variant], dtype=float)


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        yield whale


def count_sums(
    whale: Whale, sums: Mapping[str, Mapping[str, float]], pk: object = 'split', node: str | None = None
) -> None:
    """Count variants by their sums: how many events brought them is no matter."""
    for variant, amounts in sums.items():
        place = [pk, variant] if node is None else pk
        whale.count_now(place, {node: variant} if node else None, {'hits': 0, **amounts})


def verdict(variant: Variant) -> Verdict:
    assert isinstance(variant.headline, Verdict)
    return variant.headline


# -- numbers ---------------------------------------------------------------------------------------------------------


def test_what_was_counted_on_any_engine_is_what_the_visitors_did(url: str) -> None:
    found = visits(900)
    with Whale(url, settings=Settings.load({}), clock=Clock()) as whale:
        whale.count_many(map(counted, found))
        overall = results(whale, PK, ['signups', 'earned'])
        in_germany = results(whale, PK, 'signups', dimension=['country', 'DE'])
        by_country = results(whale, PK, 'signups', by='country')
    for name in RATES:
        variant = overall['signups'][name]
        assert (variant.n, variant.total) == (
            len(column(found, 'earned', name)),
            column(found, 'signed_up', name).sum(),
        )
        assert overall['earned'][name].rate == pytest.approx(column(found, 'earned', name).mean())
    german = [visit for visit in found if visit.country == 'DE']
    assert {one.name: one.total for one in in_germany['signups'].variants} == {
        name: column(german, 'signed_up', name).sum() for name in RATES
    }
    assert sorted(segment.path for segment in by_country.segments) == [('country', 'DE'), ('country', 'US')]
    (of_germany,) = (segment for segment in by_country.segments if segment.path == ('country', 'DE'))
    assert [(one.n, one.total) for one in of_germany['signups'].variants] == [
        (one.n, one.total) for one in in_germany['signups'].variants
    ]


@pytest.fixture(scope='module')
def studied(embedded_server: Any) -> tuple[list[Visit], Results]:
    """Six thousand visitors, and what is said of them."""
    embedded_server.empty()
    found = visits(6_000)
    with Whale(embedded_server.url, settings=Settings.load({}), clock=Clock()) as whale:
        whale.count_many(map(counted, found))
        return found, results(whale, PK, ['signups', 'earned', 'earned/spent'], weights=[1, 1, 1])


def test_kinds_are_found_by_what_was_counted(studied: tuple[list[Visit], Results]) -> None:
    _, answer = studied
    assert [(goal.goal, goal.kind) for goal in answer.overall.goals] == [
        ('signups', 'binomial'),
        ('earned', 'mean'),
        ('earned/spent', 'ratio'),
    ]
    assert [variant.name for variant in answer['signups'].variants] == ['a', 'b', 'c']
    assert answer.control == 'a'


@pytest.mark.parametrize('name', ['b', 'c'])
def test_one_look_at_a_mean_is_welchs_test(studied: tuple[list[Visit], Results], name: str) -> None:
    found, answer = studied
    once = answer['earned'][name].once
    assert once is not None
    a, b = column(found, 'earned', 'a'), column(found, 'earned', name)
    test = stats.ttest_ind(b, a, equal_var=False)
    assert once.p == pytest.approx(test.pvalue)
    assert once.difference_ci == pytest.approx(tuple(test.confidence_interval(0.95)))
    assert once.lift == pytest.approx(b.mean() / a.mean() - 1)


def test_one_look_at_conversions_is_the_z_test_with_a_variance_each(studied: tuple[list[Visit], Results]) -> None:
    found, answer = studied
    once, n, total = answer['signups']['b'].once, *(answer['signups']['b'].n, answer['signups']['b'].total)
    assert once is not None
    a, b = column(found, 'signed_up', 'a'), column(found, 'signed_up', 'b')
    se = math.sqrt(a.var() / len(a) + b.var() / len(b))
    low, high = once.difference_ci
    assert ((high + low) / 2, (high - low) / 2) == pytest.approx((b.mean() - a.mean(), 1.96 * se), rel=1e-3)
    assert math.log(once.p) == pytest.approx(math.log(2 * stats.norm.sf((b.mean() - a.mean()) / se)), rel=0.01)
    assert answer['signups']['b'].ci == pytest.approx(proportion_confint(total, n, method='wilson'))


def test_a_ratio_has_the_error_of_the_delta_method(studied: tuple[list[Visit], Results]) -> None:
    found, answer = studied
    ratios, errors = [], []
    for name in ('a', 'b'):
        earned, spent = column(found, 'earned', name), column(found, 'spent', name)
        ratios.append(earned.sum() / spent.sum())
        residuals = earned - ratios[-1] * spent
        errors.append(residuals.std(ddof=1) / spent.mean() / math.sqrt(len(spent)))
    variant = answer['earned/spent']['b']
    assert variant.rate == pytest.approx(ratios[1])
    assert variant.ci == pytest.approx((ratios[1] - 1.959964 * errors[1], ratios[1] + 1.959964 * errors[1]), rel=1e-6)
    assert variant.once is not None
    assert variant.once.difference == pytest.approx(ratios[1] - ratios[0])
    low, high = variant.once.difference_ci
    assert (high - low) / 2 == pytest.approx(1.96 * math.hypot(*errors), rel=1e-3)


def test_the_headline_of_a_mean_is_the_asymptotic_confidence_sequence(studied: tuple[list[Visit], Results]) -> None:
    found, answer = studied
    a, b = column(found, 'earned', 'a'), column(found, 'earned', 'b')
    n, difference = len(a) + len(b), b.mean() - a.mean()
    variance = a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)
    alpha = 0.05 / 6  # two variants, three goals
    rho = (-2 * math.log(alpha) + math.log(1 - 2 * math.log(alpha))) / 5000
    width = math.sqrt(variance * n) * math.sqrt(
        2 * (n * rho + 1) * math.log(math.sqrt(n * rho + 1) / alpha) / (n * n * rho)
    )
    headline = verdict(answer['earned']['b'])
    assert headline.method == 'asymptotic'
    assert headline.difference_ci == pytest.approx((difference - width, difference + width))


def test_p_values_are_corrected_over_all_variants_and_goals(studied: tuple[list[Visit], Results]) -> None:
    _, answer = studied
    headlines = [verdict(goal[name]) for goal in answer.overall.goals for name in ('b', 'c')]
    corrected = multipletests([one.p for one in headlines], method='holm')[1]
    assert [one.p_adjusted for one in headlines] == pytest.approx(list(corrected))
    assert [one.winner for one in headlines if one.p_adjusted > 0.05] == [None] * sum(corrected > 0.05)
    assert verdict(answer['signups']['b']).winner == 'b'


def test_beliefs_are_those_of_draws_from_the_posteriors(studied: tuple[list[Visit], Results]) -> None:
    found, answer = studied
    belief = answer['signups']['c'].belief
    assert isinstance(belief, Belief)
    rng = np.random.default_rng(1)
    a, c = (
        rng.beta(1 + column(found, 'signed_up', name).sum(), 1 + (1 - column(found, 'signed_up', name)).sum(), 400_000)
        for name in 'ac'
    )
    assert belief.chance_to_win == pytest.approx((c > a).mean(), abs=0.005)
    assert belief.expected_loss == pytest.approx(np.maximum(a - c, 0).mean(), rel=0.02)
    assert belief.expected_loss_of_control == pytest.approx(np.maximum(c - a, 0).mean(), rel=0.02)
    assert belief.difference_ci == pytest.approx(tuple(np.quantile(c - a, [0.025, 0.975])), abs=3e-4)
    of_mean = answer['earned']['b'].belief
    assert isinstance(of_mean, Belief)
    assert of_mean.chance_to_win > 0.99


def test_the_sample_ratio_is_pearsons_test(studied: tuple[list[Visit], Results]) -> None:
    found, answer = studied
    shares = answer.overall.sample_ratio
    assert shares is not None
    assert shares.p_once == pytest.approx(stats.chisquare([len(column(found, 'spent', name)) for name in 'abc']).pvalue)
    assert not shares.mismatch
    assert shares.reading == ''


def test_the_outlook_is_that_of_the_sample_sizes(studied: tuple[list[Visit], Results]) -> None:
    _, answer = studied
    a, b = answer['signups']['a'], answer['signups']['b']
    assert a.rate is not None
    outlook = b.outlook
    least = detectable_effect(a.rate, a.n, b.n, alpha=0.05 / 6)
    each = sample_size(a.rate, 0.2, alpha=0.05 / 6, looking='always').control
    assert outlook == Outlook(least.lift, least.difference, 0.2, each, round(each - min(a.n, b.n)))
    of_ratio = answer['earned/spent']['b'].outlook
    assert of_ratio is not None
    assert of_ratio.detectable_lift is not None
    assert 0 < of_ratio.detectable_lift < 1


def test_goals_are_all_that_was_counted_where_none_is_named(whale: Whale) -> None:
    whale.count_many(map(counted, visits(60)))
    assert [goal.goal for goal in results(whale, PK).overall.goals] == ['earned', 'signups', 'spent']


# -- safe to stare at ------------------------------------------------------------------------------------------------


def test_a_page_that_is_stared_at_names_no_winner_where_there_is_none(whale: Whale) -> None:
    """Tests of a against a, looked at after every batch; in three of them a plain test would have stopped."""
    plain, headlines = [], []
    for seed in (7, 26, 52, 3):
        pk, found = ['AA', seed], []
        for batch in range(5):
            visitors = visits(300, seed=1_000 * seed + batch, rates={'a': 0.3, 'b': 0.3})
            whale.count_many([{**counted(visit), 'pk': [*pk, visit.variant]} for visit in visitors])
            found.append(results(whale, pk, 'signups')['signups']['b'])
        plain.append(any(look.once is not None and look.once.p < 0.05 for look in found))
        headlines.append(any(verdict(look).winner is not None for look in found))
    assert plain == [True, True, True, False]
    assert headlines == [False] * 4


def test_a_lift_leaves_out_none_where_the_difference_does(whale: Whale) -> None:
    """Once the sentence called a ratio better whose interval of the lift reached over 0."""
    spent = {'spent': 900, 'spent*spent': 1_500}
    control = {'hits': 600, 'earned': 200, 'earned*earned': 1_400, 'earned*spent': 320, **spent}
    variant = {'hits': 600, 'earned': 420, 'earned*earned': 1_900, 'earned*spent': 640, **spent}
    count_sums(whale, {'a': control, 'b': variant})
    found = results(whale, 'split', 'earned/spent', goal='min', allocation='fixed')['earned/spent']['b']
    headline = verdict(found)
    assert (headline.winner, headline.p == headline.p_adjusted) == ('a', True)
    assert headline.lift_ci is not None
    assert headline.difference_ci[0] > 0
    assert 0 < headline.lift_ci[0] < 1.1 < headline.lift_ci[1]
    low, high = (percent(end) for end in headline.lift_ci)
    assert found.reading == f'earned/spent: b is worse than a: +110 % ({low} to {high}), safe to stop now'


def test_a_winner_by_steps_has_an_interval_that_ends_at_none(whale: Whale) -> None:
    """Holm asks less of the second of two than the intervals do, which hold for both at once."""
    sums = {'control': 400, 'much': 700}
    for sales in range(480, 540):
        count_sums(
            whale, {name: {'hits': 4_000, 'sales': of} for name, of in {**sums, 'some': sales}.items()}, pk=sales
        )
        found = results(whale, sales, 'sales')['sales']['some']
        if verdict(found).winner:
            break
    headline = verdict(found)
    assert headline.lift_ci is not None
    assert headline.lift_ci[0] < 0 < headline.lift_ci[1]
    assert re.search(r'some is better than control: \+\d+ % \(0 % to \+\d+ %\), safe to stop now', found.reading)
    turned = results(whale, sales, 'sales', goal='min')['sales']['some']
    assert turned.reading == found.reading.replace('better', 'worse')
    other = results(whale, sales, 'sales', control='some', variants=['some', 'much', 'control'])['sales']['control']
    assert verdict(other).winner in (None, 'some')


def test_where_the_control_may_be_nothing_a_lift_has_no_end(whale: Whale) -> None:
    of_a = {'hits': 300, 'earned': 100, 'earned*earned': 2_000, '*earned': 20}
    for pk, earned, squares in (('more', 900, 6_000), ('less', -900, 6_000), ('same', 130, 2_500)):
        of_b = {'hits': 300, 'earned': earned, 'earned*earned': squares, '*earned': 90}
        count_sums(whale, {'a': of_a, 'b': of_b}, pk=pk)
    more, less, same = (
        results(whale, pk, {'earned': 'mean'}, allocation='fixed')['earned']['b'] for pk in ('more', 'less', 'same')
    )
    assert re.search(r'b is better than a: \+800 % \(\+\d+ % and more\), safe', more.reading)
    assert re.search(r'b is worse than a: -1,000 % \(-\d+ % and less\), safe', less.reading)
    assert re.search(r'b against a is undecided so far: \+0.1 each \(-\d.* to \+\d', same.reading)
    told: dict[str, Any] = same.as_dict()
    assert told['headline']['lift_ci'] == [None, None]


# -- segments and splits ---------------------------------------------------------------------------------------------


def test_segments_are_corrected_by_themselves_and_leave_the_answer_overall_as_it_is(whale: Whale) -> None:
    whale.count_many(map(counted, visits(3_000, rates={'a': 0.05, 'b': 0.1})))
    alone, split = results(whale, PK, 'signups'), results(whale, PK, 'signups', by='country')
    assert split.overall == alone.overall
    headlines = [verdict(segment['signups']['b']) for segment in split.segments]
    assert [one.p_adjusted for one in headlines] == pytest.approx(
        list(multipletests([one.p for one in headlines], method='holm')[1])
    )


def test_the_largest_segments_are_answered_and_the_others_counted(whale: Whale) -> None:
    for country, hits in (('US', 30), ('DE', 20), ('UK', 10)):
        for variant in 'ab':
            whale.count_now(['split', variant], {'country': country}, {'hits': hits, 'sales': 6})
    answer = results(whale, 'split', 'sales', by=['country'], limit=2)
    assert [segment.path for segment in answer.segments] == [('country', 'US'), ('country', 'DE')]
    assert answer.left_out == 1
    assert answer.readings[1].startswith('country / US: sales: b against a is undecided so far: 0 %')
    assert answer.readings[2].startswith('country / DE: sales: ')
    assert answer.readings[3:] == ('1 smaller segment is left out',)
    assert results(whale, 'split', 'sales', by=['country'], limit=1).readings[-1] == '2 smaller segments are left out'


def test_variants_may_be_the_children_of_a_dimension(whale: Whale) -> None:
    for variant, country, hits, sales in (('a', 'US', 500, 50), ('b', 'US', 520, 40), ('a', 'DE', 90, 9)):
        whale.count_now('shop', {'button': {variant: {'country': country}}}, {'hits': hits, 'sales': sales})
    answer = results(whale, 'shop', 'sales', split='button')
    assert {one.name: (one.n, one.total) for one in answer['sales'].variants} == {'a': (590, 59), 'b': (520, 40)}
    in_us = results(whale, 'shop', 'sales', split=['button'], dimensions=['country', 'US'])
    assert {one.name: (one.n, one.total) for one in in_us['sales'].variants} == {'a': (500, 50), 'b': (520, 40)}
    by_country = results(whale, 'shop', 'sales', split='button', by='country')
    assert {segment.path: segment['sales']['a'].total for segment in by_country.segments} == {
        ('country', 'US'): 50,
        ('country', 'DE'): 9,
    }


def test_a_variant_that_is_named_is_answered_before_it_was_counted(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 100, 'sales': 10}, 'b': {'hits': 100, 'sales': 10}})
    named = results(whale, 'split', 'sales', variants=['new', 'a'])
    assert [(one.name, one.n) for one in named['sales'].variants] == [('new', 0), ('a', 100)]
    assert (named.control, named['sales']['a'].rate, named['sales']['new'].rate) == ('new', 0.1, None)
    weighted = results(whale, 'split', 'sales', weights={'a': 1, 'b': 1, 'lost': 1})
    assert weighted.overall.sample_ratio is not None
    assert weighted.overall.sample_ratio.mismatch


def test_the_control_is_the_one_so_named_else_the_first_by_name(whale: Whale) -> None:
    count_sums(whale, {name: {'hits': 100, 'sales': 10} for name in ('blue', 'control', 'red')})
    assert results(whale, 'split', 'sales').control == 'control'
    assert results(whale, 'split', 'sales', variants=['red', 'blue']).control == 'red'
    answer = results(whale, 'split', 'sales', control='red')
    assert [one.name for one in answer['sales'].variants] == ['red', 'blue', 'control']


def test_what_was_folded_away_for_want_of_room_is_no_variant(embedded_url: str) -> None:
    with Whale(embedded_url, settings=Settings.load({}, max_children=2), clock=Clock()) as whale:
        for name in ('a', 'b', 'c', 'd'):
            whale.count_now(['split', name], {'country': name}, {'hits': 9, 'sales': 1})
        assert results(whale, 'split', 'sales').variants == ('a', 'b')


# -- kinds and refusals ----------------------------------------------------------------------------------------------


def refused(answer: Results, goal: str) -> str:
    refusal = answer[goal].refusal
    assert isinstance(refusal, Refusal)
    assert not refusal
    assert str(refusal) in answer[goal].reading
    return str(refusal)


def test_a_mean_without_its_squares_is_refused_and_told_how_to_count(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 100, 'earned': 50}, 'b': {'hits': 100, 'earned': 60}})
    answer = results(whale, 'split', {'earned': 'mean'})
    said = "earned*earned was not counted of 'a' (for a mean count the squares too, as count_decided_now does: "
    assert refused(answer, 'earned') == said + "{'earned': 25, 'earned*earned': 625})"
    assert [(one.n, one.total, one.rate) for one in answer['earned'].variants] == [(100, 50, None), (100, 60, None)]
    assert refused(results(whale, 'split', 'earned/sales'), 'earned/sales').startswith('earned*earned was not counted')


def test_more_conversions_than_exposures_are_refused_with_the_way_out(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 100, 'sales': 120, 'sales*sales': 200}, 'b': {'hits': 100, 'sales': 60}})
    said = "'a' has 120 sales of 100 hits, so these are no conversions (say kind='mean')"
    assert refused(results(whale, 'split', 'sales', kind='binomial'), 'sales') == said
    count_sums(whale, {'a': {'hits': 100, 'kilos': 2.5}, 'b': {'hits': 100, 'kilos': -1}})
    answer = results(whale, 'split', 'kilos')
    assert refused(answer, 'kilos').startswith("'a' has 2.5 kilos of 200 hits, so these are no conversions (for a mean")


def test_amounts_of_one_visitor_in_several_events_are_refused_with_the_way_out(whale: Whale) -> None:
    for variant in 'ab':
        whale.count_now(['split', variant], None, {'hits': 1})
        for _ in range(5):
            whale.count_now(['split', variant], None, {'hits': 0, 'earned': 1, 'earned*earned': 1})
    said = "the squares of 5 earned by 1 hits of 'a' sum to 25 at the least, and 5 were counted "
    said += '(count what one visitor brings in one event, its square beside it, and hits once a visitor)'
    assert refused(results(whale, 'split', 'earned'), 'earned') == said
    assert results(whale, 'split', {'earned': 'mean'})['earned'].kind == 'mean'


def test_what_visitors_did_who_were_not_counted_is_refused_with_the_way_out(whale: Whale) -> None:
    sums = {'hits': 100, 'sales': 20, 'earned': 90, 'earned*earned': 900, 'spent': 9, 'spent*spent': 9}
    count_sums(whale, {'a': sums, 'b': sums})
    answer = results(whale, 'split', ['sales', 'earned', 'earned/spent'], exposures='nosuch')
    way_out = '(count each visitor once, or say by exposures which metric counts them; hits does)'
    assert refused(answer, 'sales') == f"'a' has 20 sales and no nosuch {way_out}"
    assert refused(answer, 'earned') == f"'a' has 90 earned and no nosuch {way_out}"
    assert refused(answer, 'earned/spent') == f"'a' has 90 earned and no nosuch {way_out}"
    assert refused(results(whale, 'split', {'sales/seen': 'binomial'}), 'sales/seen').startswith("'a' has 20 sales and")


def test_a_segment_that_cannot_be_is_refused_by_itself(whale: Whale) -> None:
    for variant in 'ab':
        whale.count_now(
            ['split', variant], {'country': 'UK'}, {'hits': 50, 'sales': 5, 'earned': 50, 'earned*earned': 90}
        )
        whale.count_now(['split', variant], {'country': 'DE'}, {'hits': 0, 'sales': 5})
        whale.count_now(
            ['split', variant], {'country': 'FR'}, {'hits': 2, 'sales': 5, 'earned': 9, 'earned*earned': 10}
        )
        whale.count_now(['split', variant], None, {'hits': 50})
    answer = results(whale, 'split', ['sales', 'earned'], by='country')
    segments = {segment.path[1]: segment for segment in answer.segments}
    assert (answer['sales'].refusal, segments['UK']['sales'].refusal) == (None, None)
    assert str(segments['DE']['sales'].refusal).startswith("'a' has 5 sales and no hits (count each visitor once")
    together = 'count all of it in the same events, with the same dimensions, and hits once for each visitor'
    said = f"'a' has 5 sales of 2 hits, so these are no conversions ({together})"
    assert str(segments['FR']['sales'].refusal) == said
    assert str(segments['FR']['earned'].refusal).startswith("the squares of 9 earned by 2 hits of 'a' sum to 40.5")
    assert f'country / FR: sales: {said}' in answer.readings


def test_sums_that_cannot_be_for_another_reason_are_refused_with_it(whale: Whale) -> None:
    sums = {'hits': 100, 'earned': 90, 'earned*earned': 900, 'spent': 90, 'spent*spent': 900, 'earned*spent': 9_000}
    count_sums(whale, {'a': sums, 'b': sums, 'new': {}})
    said = refused(results(whale, 'split', 'earned/spent', variants=['new', 'a']), 'earned/spent')
    assert said.startswith('sum_num_den 9000 cannot be, with these sums of squares (at most 900')
    assert said.endswith(
        '(count all of it in the same events, with the same dimensions, and hits once for each visitor)'
    )


def test_amounts_whose_squares_are_rounded_away_are_to_be_counted_in_thousandths(whale: Whale) -> None:
    for variant in 'ab':
        for _ in range(20):
            whale.count_decided_now('page', 'button', variant)
            whale.count_decided_now('page', 'button', variant, None, {'earned': 0.0003, 'cost': 0.3})
    said = "'a' has earned of 0.0003 on average, whose squares are too small to be counted "
    said += '(count earned in thousandths: 0.3 instead of 0.0003)'
    for goals in ('earned', {'earned': 'mean'}, 'cost/earned'):
        answer = results(whale, ['page', 'button'], goals, allocation='fixed')
        assert str(answer.overall.goals[0].refusal) == said
    assert results(whale, ['page', 'button'], 'cost', allocation='fixed')['cost'].refusal is None


def test_zeros_and_ones_whose_squares_were_counted_are_conversions_unless_a_mean_is_asked_for(whale: Whale) -> None:
    count_sums(whale, {name: {'hits': 100, 'sales': 50, 'sales*sales': 50} for name in 'ab'})
    assert results(whale, 'split', 'sales')['sales'].kind == 'binomial'
    assert results(whale, 'split', 'sales', kind='mean')['sales'].kind == 'mean'


def test_what_is_guessed_or_suspicious_is_said(whale: Whale) -> None:
    count_sums(whale, {name: {'hits': 100, 'sales': 50, 'spent': 50} for name in 'ab'})
    answer = results(whale, 'split', ['sales', 'spent', 'sails'])
    assert answer['sales']['b'].cautions == (
        "sales is taken for conversions, 0 or 1 for each exposure (if it is not, say kind='mean')",
    )
    assert answer['spent']['b'].cautions[0] == (
        "spent is taken to be better when it is higher (if it is not, say goal='min')"
    )
    assert answer['sails']['b'].cautions == ('nothing was counted of sails (is that its name?)',)
    assert results(whale, 'split', {'spent': {'goal': 'min', 'kind': 'binomial'}})['spent']['b'].cautions == ()


def test_a_formula_over_the_exposures_is_a_metric_for_each_of_them(whale: Whale) -> None:
    count_sums(whale, {name: {'hits': 100, 'sales': 50, 'seen': 80} for name in 'ab'})
    assert results(whale, 'split', 'sales/hits')['sales/hits'].kind == 'binomial'
    answer = results(whale, 'split', '"sales" / seen', kind='binomial')
    assert [(one.n, one.rate) for one in answer['"sales" / seen'].variants] == [(80, 0.625)] * 2
    answer = results(whale, 'split', {'sales': None}, exposures='seen')
    assert answer['sales']['a'].n == 80


def test_lower_may_be_better(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 5_000, 'bounces': 1_000}, 'b': {'hits': 5_000, 'bounces': 700}})
    answer = results(whale, 'split', 'bounces', goal='min')
    assert verdict(answer['bounces']['b']).winner == 'b'
    assert answer['bounces'].better == 'lower'
    belief = answer['bounces']['b'].belief
    assert isinstance(belief, Belief)
    assert belief.chance_to_win > 0.999
    assert answer['bounces']['b'].reading.startswith('bounces: b is better than a: -30 % (-39 % to -20 %)')
    assert verdict(results(whale, 'split', {'bounces': {'goal': 'max'}})['bounces']['b']).winner == 'a'


# -- too little, and too odd -----------------------------------------------------------------------------------------


def test_nothing_counted_is_not_enough_data_and_never_a_number(whale: Whale) -> None:
    answer = results(whale, 'nothing')
    assert not answer
    assert isinstance(answer.missing, NotEnoughData)
    assert [(one.what, one.have, one.need) for one in answer.missing.missing] == [('variants', 0, 2), ('goals', 0, 1)]
    assert (answer.control, answer.overall.goals) == (None, ())
    assert answer.readings == ('not enough data: the split needs 2 more variants and 1 more goal',)


def test_planned_shares_in_order_are_no_error_before_their_variants_were_counted(whale: Whale) -> None:
    assert not results(whale, 'split', 'sales', weights=[1, 2, 3])
    count_sums(whale, {'a': {'hits': 100, 'sales': 6}})
    assert not results(whale, 'split', 'sales', weights=[1, 2])


def test_money_of_which_one_visitor_has_all_is_not_enough_data(whale: Whale) -> None:
    count_sums(
        whale,
        {
            'a': {'hits': 10_000, 'earned': 1, 'earned*earned': 1},
            'b': {'hits': 10_000, 'earned': 800, 'earned*earned': 64_000, '*earned': 10},
        },
    )
    variant = results(whale, 'split', {'earned': 'mean'}, allocation='fixed')['earned']['b']
    assert isinstance(variant.headline, NotEnoughData)
    assert [(one.arm, one.what, one.more) for one in variant.headline.missing] == [('a', 'conversions', 4)]
    assert variant.belief == variant.headline


def test_how_often_there_was_an_amount_is_read_where_it_was_counted(whale: Whale) -> None:
    sums = {'hits': 100, 'earned': 80, 'earned*earned': 3_200, 'spent': 90, 'spent*spent': 900, 'earned*spent': 300}
    count_sums(whale, {'a': {**sums, '*earned': 8}, 'b': {**sums, '*earned': 4}})
    answer = results(whale, 'split', ['earned', 'earned/spent'], allocation='fixed')
    for goal in ('earned', 'earned/spent'):
        headline = answer[goal]['b'].headline
        assert isinstance(headline, NotEnoughData)
        assert [(one.arm, one.have) for one in headline.missing] == [('b', 4)]


def test_a_belief_takes_five_visitors_with_a_conversion_and_five_without(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 10_000, 'sales': 9_990}, 'b': {'hits': 5, 'sales': 5}, 'c': {'hits': 1}})
    answer = results(whale, 'split', 'sales')
    belief = answer['sales']['b'].belief
    assert isinstance(belief, NotEnoughData)
    assert str(belief) == 'not enough data: b needs 5 more visitors without one'
    assert answer['sales']['b'].as_dict()['belief'] == {'not_enough_data': [dict(belief.missing[0].as_dict())]}
    nobody = answer['sales']['c'].belief
    assert isinstance(nobody, NotEnoughData)
    assert str(nobody) == 'not enough data: c needs 5 more conversions'
    again = {'a': {'hits': 100, 'kept': 95}, 'b': {'hits': 100, 'kept': 95}}
    count_sums(whale, again, pk='other')
    assert isinstance(results(whale, 'other', 'kept')['kept']['b'].belief, Belief)


def test_a_control_without_conversions_is_not_enough_data(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 1_000}, 'b': {'hits': 1_000, 'sales': 30}})
    variant = results(whale, 'split', 'sales')['sales']['b']
    assert isinstance(variant.headline, NotEnoughData)
    assert [(one.arm, one.what, one.more) for one in variant.headline.missing] == [('a', 'conversions', 5)]
    assert (variant.once, variant.outlook) == (None, Outlook(None, None, 0.2, None, None))
    assert variant.belief == variant.headline
    assert variant.reading == ('sales: not enough data: a needs 5 more conversions before b can be compared with a')


def test_where_the_control_has_nothing_the_difference_is_told(whale: Whale) -> None:
    sums = {'hits': 1_000, 'profit': 0, 'profit*profit': 90_000}
    count_sums(whale, {'a': {**sums, 'profit': 0}, 'b': {**sums, 'profit': 9_000, 'profit*profit': 180_000}})
    variant = results(whale, 'split', {'profit': 'mean'})['profit']['b']
    assert verdict(variant).lift is None
    assert variant.once is not None
    assert (variant.once.lift, variant.once.lift_ci) == (None, None)
    assert variant.outlook is not None
    assert variant.outlook.detectable_difference == pytest.approx(1.19, abs=0.01)
    assert (variant.outlook.detectable_lift, variant.outlook.each, variant.outlook.more) == (None, None, None)
    assert re.fullmatch(
        r'profit: b is better than a: \+9 each \(\+7\.\d+ to \+10\.\d\), safe to stop now', variant.reading
    )


def test_visitors_that_are_alike_are_not_enough_data(whale: Whale) -> None:
    count_sums(whale, {name: {'hits': 50, 'earned': 100, 'earned*earned': 200} for name in 'ab'})
    variant = results(whale, 'split', 'earned')['earned']['b']
    assert isinstance(variant.headline, NotEnoughData)
    assert (variant.once, variant.outlook, variant.belief) == (None, None, variant.headline)
    assert 'a needs 1 more amount that differs and b needs' in variant.reading


def test_a_rate_of_one_has_no_outlook(whale: Whale) -> None:
    count_sums(whale, {name: {'hits': 50, 'sales': 50} for name in 'ab'})
    assert results(whale, 'split', 'sales')['sales']['b'].outlook == Outlook(None, None, 0.2, None, None)


def test_a_split_that_is_off_is_a_red_flag_on_every_winner(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 10_000, 'sales': 500}, 'b': {'hits': 8_000, 'sales': 800}})
    answer = results(whale, 'split', 'sales')
    shares = answer.overall.sample_ratio
    assert shares is not None
    assert shares.mismatch
    assert shares.reading.startswith('the split is off: a has 10,000 visitors where 9,000 were planned (p < 0.001);')
    assert answer['sales']['b'].reading.endswith('but the split is off: find out why before you trust it')
    assert answer.readings == (shares.reading, answer['sales']['b'].reading)
    planned = results(whale, 'split', 'sales', weights={'a': 5, 'b': 4})
    assert planned.overall.sample_ratio is not None
    assert not planned.overall.sample_ratio.mismatch
    assert planned['sales']['b'].reading.endswith('safe to stop now')
    assert results(whale, 'split', 'sales', weights='none').overall.sample_ratio is None


def test_an_adaptive_split_has_the_method_that_is_valid_for_it_and_says_so(whale: Whale) -> None:
    money = {'earned': 2_000, 'earned*earned': 90_000}
    count_sums(whale, {'a': {'hits': 900, 'sales': 90, **money}, 'b': {'hits': 9_000, 'sales': 1_400, **money}})
    answer = results(whale, 'split', ['sales', 'earned'], allocation='adaptive')
    variant = answer['sales']['b']
    assert (answer.allocation, answer.overall.sample_ratio, variant.once) == ('adaptive', None, None)
    assert (answer.everyone, bool(answer.segments)) == (None, False)
    assert answer.readings[0].startswith('what was counted chose who saw what: only methods')
    assert verdict(variant).method == 'e_process'
    assert verdict(variant).winner == 'b'
    assert any('the split was adaptive' in caution for caution in variant.cautions)
    of_money = answer['earned']['b']
    assert isinstance(of_money.headline, NoValidMethod)
    assert set(of_money.as_dict()['headline']) == {'no_valid_method'}  # type: ignore[call-overload]
    assert 'earned: b cannot be compared with a: no valid method' in of_money.reading
    bounded = results(whale, 'split', {'earned': {'kind': 'mean', 'bounds': [0, 100]}}, allocation='adaptive')
    assert verdict(bounded['earned']['b']).method == 'bounded_e_process'


def decided(whale: Whale, option: str, sums: dict[str, float], *, holdout: bool = False, country: str = 'US') -> None:
    """Count as decisions do: with all dimensions together beside them, and the hold-out marked."""
    marks: dict[str, Any] = {'country': country, CONTEXT: f'country/{country}'}
    if holdout:
        marks[HOLDOUT] = None
    whale.count_now(['page', option], marks, {'hits': 0, **sums})


def test_a_decision_is_compared_by_its_hold_out(whale: Whale) -> None:
    options, rng = ['a', 'b'], random.Random(5)
    for visitor in range(120):
        option = whale.decide('page', 'button', options, 'earned/hits', visitor=visitor, holdout=0.5)
        whale.count_decided_now('page', 'button', option, 'UK', visitor=visitor, holdout=0.5)
        if rng.random() < 0.4:
            whale.count_decided_now('page', 'button', option, 'UK', {'earned': 25}, visitor=visitor, holdout=0.5)
    answer = whale.results(['page', 'button'])
    assert [goal.goal for goal in answer.overall.goals] == ['earned']
    assert answer['earned'].kind == 'mean'
    assert answer.allocation == 'adaptive'
    held_out, everyone = (sum(one.n for one in found['earned'].variants) for found in (answer.overall, answer.everyone))
    assert 40 < held_out < 80
    assert everyone == 120


def test_results_without_their_libraries_say_what_to_install(whale: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'hailwhale.experiments.results', None)
    with pytest.raises(MissingLibrary, match=re.escape("pip install 'hailwhale[decide]'")):
        whale.results('page')


def test_the_marks_of_decisions_are_known() -> None:
    assert {HOLDOUT, CONTEXT} == set(RESERVED)


def test_what_decisions_counted_is_known_as_adaptive(whale: Whale) -> None:
    decided(whale, 'a', {'hits': 900, 'sales': 90})
    decided(whale, 'b', {'hits': 9_000, 'sales': 1_400}, country='DE')
    answer = results(whale, 'page', 'sales', by='_')
    assert (answer.allocation, answer.overall.sample_ratio, answer.everyone) == ('adaptive', None, None)
    assert verdict(answer['sales']['b']).winner == 'b'
    assert [segment.path for segment in answer.segments] == [('country',)]
    in_germany = results(whale, 'page', 'sales', dimension=['country', 'DE'])
    assert (in_germany.allocation, in_germany['sales']['a'].n) == ('adaptive', 0)
    assert results(whale, 'page', 'sales', allocation='fixed').allocation == 'fixed'


def test_decisions_on_visitors_of_whom_nothing_is_known_are_adaptive_too(whale: Whale) -> None:
    for visitor in range(60):
        option = 'ab'[visitor % 2]
        whale.count_decided_now('page', 'button', option)
        if visitor % 5 == 0:
            whale.count_decided_now('page', 'button', option, None, {'earned': 25, 'spent': visitor})
    for goal in ('earned', 'earned/spent', 'spent/earned'):
        answer = results(whale, ['page', 'button'], goal)
        assert (answer.allocation, answer.overall.sample_ratio) == ('adaptive', None)
        assert isinstance(answer[goal]['b'].headline, NoValidMethod)
    fixed = results(whale, ['page', 'button'], 'earned', allocation='fixed')
    assert (fixed.allocation, verdict(fixed['earned']['b']).method) == ('fixed', 'asymptotic')


def test_the_same_amounts_counted_by_hand_are_of_a_fixed_split(whale: Whale) -> None:
    for variant in 'ab':
        for amount in (10, 25, 40, 15, 20):
            metrics = {'hits': 1, 'earned': amount, 'earned*earned': amount * amount}
            whale.count_now(['page', variant], None, metrics)
    assert results(whale, 'page', 'earned').allocation == 'fixed'


def test_the_hold_out_of_decisions_is_the_answer_and_all_visitors_stand_beside_it(whale: Whale) -> None:
    decided(whale, 'a', {'hits': 900, 'sales': 90, 'sales*sales': 90})
    decided(whale, 'b', {'hits': 9_000, 'sales': 1_400, 'sales*sales': 1_400})
    for option, earned in (('a', 4_000), ('b', 9_000)):
        decided(whale, option, {'hits': 1_000, 'sales': 150, 'earned': earned, 'earned*earned': 200_000}, holdout=True)
    answer = results(whale, 'page', {'earned': 'mean', 'sales': 'binomial'})
    assert (answer.allocation, answer.overall.path) == ('adaptive', ('__holdout__',))
    assert answer.readings[0].endswith('compared are the visitors of the hold-out, who saw what chance chose')
    assert verdict(answer['earned']['b']).method == 'asymptotic'
    assert answer['earned']['b'].once is not None
    assert answer.overall.sample_ratio is not None
    assert not answer.overall.sample_ratio.mismatch
    assert (answer['sales']['b'].n, answer['sales']['b'].total) == (1_000, 150)
    assert answer.everyone is not None
    assert isinstance(answer.everyone['earned']['b'].headline, NoValidMethod)
    everyone = answer.everyone['sales']['b']
    assert (everyone.n, everyone.total, everyone.once) == (10_000, 1_550, None)
    assert f'all visitors: {everyone.reading}' in answer.readings


# -- as JSON ---------------------------------------------------------------------------------------------------------


def test_the_answer_is_json_without_anything_that_json_has_not(whale: Whale) -> None:
    count_sums(whale, {'a': {'hits': 100, 'sales': 6}, 'b': {'hits': 100, 'sales': 60}, 'c': {}})
    answer = results(whale, 'split', ['sales', 'kilos/tons'], weights={'a': 1, 'b': 1, 'c': 0}, by='country')
    read = json.loads(json.dumps(answer.as_dict(), allow_nan=False))
    a, b, c = read['overall']['goals'][0]['variants']
    assert (a['name'], a['headline'], b['headline']['winner']) == ('a', None, 'b')
    assert [one['arm'] for one in c['headline']['not_enough_data']] == ['c']
    assert read['reading'] == list(answer.readings)
    assert (read['pk'], read['period'], read['segments']) == (['split'], 'year', [])


def test_names_come_back_as_they_are_and_are_short_in_sentences(whale: Whale) -> None:
    long, markup = 'x' * 500, '<script>alert(1)</script>'
    count_sums(whale, {long: {'hits': 900, 'sales': 50}, markup: {'hits': 900, 'sales': 50}})
    answer = results(whale, 'split', 'sales')
    assert set(answer.variants) == {long, markup}
    assert f'{"x" * 37}... against {markup} is undecided so far' in answer['sales'].variants[1].reading


# -- what cannot be asked --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('given', 'message'),
    [
        ({'goals': []}, 'no goal is named'),
        ({'goals': 5}, 'not goals: 5 (a metric, a formula, or several of them)'),
        ({'goals': [5]}, 'not goals: 5'),
        ({'goals': 'sales:last'}, "not a goal: 'sales:last'"),
        ({'goals': 'sales/hours'}, "not a goal: 'sales/hours' (a metric, or the ratio of two: earned/spent)"),
        ({'goals': 'sales/sales'}, "not a goal: 'sales/sales'"),
        ({'goals': '/'}, "not a formula: '/'"),
        ({'goals': {'sales': 5}}, 'not what a goal is like: 5 (use a kind, or a mapping of kind, goal, bounds)'),
        ({'goals': {'sales': {'colour': 'red'}}}, 'not what a goal is like'),
        ({'goals': {'sales': {'bounds': 5}}}, 'not bounds: 5 (the lowest and the highest amount: [0, 100])'),
        ({'goals': {'sales': {'bounds': [0, 'x']}}}, "not a number: 'x'"),
        ({'goals': {'sales': {'bounds': [100, 0]}}}, 'bounds 100 and 0 (give the lowest and the highest amount, in'),
        (
            {'goals': {'sales': {'bounds': [0.07, 1]}}},
            'the mean of the control lies outside the bounds 0.07 and 1 (widen',
        ),
        ({'goals': {'sales': 'ratio'}}, "'sales' is no ratio (a ratio is of two metrics: earned/spent)"),
        ({'kind': 'median'}, "not a kind: 'median' (use one of binomial, mean, ratio)"),
        ({'goal': 'more'}, "not a goal: 'more' (use one of max, min)"),
        ({'control': 'z'}, "not a variant that was counted: 'z' (there are a, b)"),
        ({'variants': []}, 'not variants: []'),
        ({'variants': {'a': 1}}, "not variants: {'a': 1} (a list of names)"),
        ({'variants': 'a', 'control': 'b'}, "not a variant that was counted: 'b' (there are a)"),
        ({'dimension': [['x'], ['y']]}, 'more than one dimension'),
        ({'dimension': 'x', 'by': 'y'}, 'both dimension and by are given (give one of them)'),
        ({'limit': 0}, 'not a number of segments: 0 (1 or more)'),
        ({'weights': [1]}, '1 weights for 2 variants (give one for each, in order: a, b; or by name)'),
        ({'weights': {'a': 1}}, "no weight of 'b', which was counted (give one for each variant)"),
        ({'weights': {'a': 1}, 'variants': ['a', 'b']}, "no weight of 'b' (give one for each variant)"),
        ({'weights': 'even'}, "not planned shares: 'even' (use "),
        ({'weights': {'a': 'x', 'b': 1}}, "not a number: 'x'"),
        ({'weights': [1, 0]}, 'fewer than two weights above 0'),
        ({'weights': {'a': 0, 'b': 0}, 'allocation': 'adaptive'}, 'fewer than two weights above 0'),
        ({'weights': {'a': 1, 'b': -1}, 'allocation': 'adaptive'}, 'not a weight: -1 (planned shares are 0 or more)'),
        ({'weights': {'a': 1e308, 'b': 1}}, 'weights is 1e+308, too large'),
        ({'weights': [1, -2]}, 'not a weight: -2 (planned shares are 0 or more)'),
        ({'allocation': 'clever'}, "not an allocation: 'clever' (use one of fixed, adaptive)"),
        ({'alpha': 5}, 'alpha is 5 (use a number between 0 and 1, such as 0.05)'),
        ({'power': 'x'}, "not a number: 'x'"),
        ({'power': 0.05}, 'power is 0.05, no more than alpha, 0.05 (0.8 is customary, with an alpha of 0.05)'),
        ({'lift': 0}, 'lift is 0 (use a number above 0)'),
        ({'lift': 1e308}, 'lift is 1e+308, too large (use one up to 100)'),
        ({'lift': 1e-20}, 'lift is 1e-20, too near 0 (use one from 0.0001)'),
        ({'correction': 'guess'}, "not a correction: 'guess'"),
        ({'exposures': 'a/b'}, "not the name of a metric: 'a/b'"),
        ({'period': '1x'}, "not a period: '1x'"),
        ({'tz': 'Mars'}, 'Mars'),
        ({'goals': {'sales': {'kind': 'mean', 'bounds': [0, 1e-9]}}, 'exposures': 'hits', 'pk': 5.5j}, 'not a name'),
    ],
)
def test_what_cannot_be_asked_is_told_with_the_way_out(whale: Whale, given: dict[str, Any], message: str) -> None:
    count_sums(whale, {'a': {'hits': 100, 'sales': 6}, 'b': {'hits': 100, 'sales': 9}})
    with pytest.raises(InvalidInput, match=re.escape(message)):
        results(whale, **{'pk': 'split', 'goals': 'sales', **given})


@pytest.mark.parametrize(
    ('given', 'field'),
    [
        ({'goals': 'a/b/c'}, 'goals'),
        ({'goals': 5}, 'goals'),
        ({'goals': {'sales': 'median'}}, 'goals'),
        ({'goals': {'sales': {'goal': 'up'}}}, 'goals'),
        ({'goals': {'sales': {'bounds': [0.07, 1]}}}, 'goals'),
        ({'goals': {'sales': {'bounds': [1, 0]}}}, 'goals'),
        ({'kind': 'median'}, 'kind'),
        ({'goal': 'up'}, 'goal'),
        ({'correction': 'foo'}, 'correction'),
        ({'exposures': 'a/b'}, 'exposures'),
        ({'split': [['x'], ['y']]}, 'split'),
        ({'by': [['x'], ['y']]}, 'by'),
        ({'weights': {'a': 1, 'b': -1}}, 'weights'),
        ({'lift': 1e-200}, 'lift'),
    ],
)
def test_what_cannot_be_asked_is_told_by_the_name_it_was_given_as(
    whale: Whale, given: dict[str, Any], field: str
) -> None:
    count_sums(whale, {'a': {'hits': 100, 'sales': 6}, 'b': {'hits': 100, 'sales': 9}})
    with pytest.raises(InvalidInput) as refusal:
        results(whale, **{'pk': 'split', 'goals': 'sales', **given})
    assert refusal.value.field == field


def test_more_than_can_be_answered_at_once_is_refused(whale: Whale) -> None:
    with pytest.raises(LimitExceeded, match='more than 20 goals: 21'):
        results(whale, 'split', [f'goal{number}' for number in range(21)])
    whale.count_many([{'pk': ['split', number], 'metrics': {'sales': 1}} for number in range(51)])
    with pytest.raises(LimitExceeded, match='51 variants, more than 50'):
        results(whale, 'split', 'sales')
    with pytest.raises(LimitExceeded, match='117 comparisons, more than 100'):
        results(whale, 'split', ['sales', 'a', 'b'], variants=list(range(40)))


def test_a_period_that_is_not_kept_is_unanswerable(whale: Whale) -> None:
    with pytest.raises(Unanswerable):
        results(whale, 'split', 'sales', period='1m:3d')
    with pytest.raises(InvalidInput, match='both period and periods are given'):
        results(whale, 'split', 'sales', period='day', periods='day')
