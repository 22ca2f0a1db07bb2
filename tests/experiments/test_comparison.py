"""What a comparison says, what it is called, and when it says nothing."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import numpy as np
import pytest

from hailwhale.experiments.statistics import Comparison, NotEnoughData, NoValidMethod, compare
from hailwhale.experiments.statistics.headlines import Headline
from hailwhale.experiments.statistics.moments import Moments, lift_interval, standard_errors

A, B = {'n': 1000, 'sum': 3000, 'sum_squares': 30_000}, {'n': 1000, 'sum': 4500, 'sum_squares': 45_000}
RATIO = {'n': 5000, 'sum': 6200, 'sum_squares': 52_000, 'sum_den': 3000, 'sum_squares_den': 2600, 'sum_num_den': 4100}


def headline(*given: Any, **arguments: Any) -> Headline:
    found = compare(*given, **arguments).headline
    assert isinstance(found, Headline)
    return found


class TestHeadlines:
    def test_name_the_winner_once_the_evidence_is_there(self) -> None:
        assert headline((10_000, 300), (10_000, 420)).winner == 'variant'
        assert headline((10_000, 420), (10_000, 300)).winner == 'control'
        assert headline((10_000, 420), (10_000, 300), goal='min').winner == 'variant'
        assert headline((10_000, 300), (10_000, 300)).winner == 'undecided'

    @pytest.mark.parametrize('counts', [((10_000, 300), (10_000, 395)), ((500, 40), (3000, 320)), ((60, 30), (50, 10))])
    @pytest.mark.parametrize('allocation', ['fixed', 'adaptive'])
    def test_of_conversions_leave_out_no_difference_just_when_they_are_significant(
        self, counts: Any, allocation: Any
    ) -> None:
        for alpha in (0.01, 0.05, 0.2):
            found = headline(*counts, alpha=alpha, allocation=allocation)
            assert found.lift is not None
            assert found.ci_lift is not None
            for (low, high), value in ((found.ci_diff, found.diff), (found.ci_lift, found.lift)):
                assert low < value < high
                assert found.significant is not (low <= 0 <= high)

    def test_say_by_which_method_they_hold(self) -> None:
        found = headline((1000, 30), (1000, 45))
        assert (found.method, found.exact) == ('e_process', False)
        assert headline((1000, 30), (1000, 45), weights=(1, 1)).exact
        assert headline((1000, 30), (1000, 45), allocation='adaptive').exact
        assert headline(A, B, 'mean').method == 'asymptotic'
        assert headline(RATIO, RATIO, 'ratio').method == 'asymptotic'
        assert 'at every look' in found.why

    def test_of_money_are_those_of_the_asymptotic_sequence(self) -> None:
        comparison = compare(A, B, 'mean')
        found = headline(A, B, 'mean')
        assert (found.p, found.ci_diff) == (comparison.sequential_absolute.p, comparison.sequential_absolute.ci)
        assert found.ci_lift == pytest.approx(comparison.sequential_relative.ci, rel=0.2)
        assert comparison.cautions[0].startswith('the headline assumes nearly normal means')

    def test_have_a_lift_with_the_sign_of_the_difference_where_the_control_loses_money(self) -> None:
        found = headline(A | {'sum': -3000}, B | {'sum': -1500}, 'mean')
        assert found.ci_lift is not None
        assert (found.diff, found.lift) == (1.5, 0.5)
        assert found.ci_lift[0] < 0.5 < found.ci_lift[1]

    def test_have_no_lift_over_nothing(self) -> None:
        found = headline(A | {'sum': 0}, B, 'mean')
        assert (found.lift, found.ci_lift, found.diff) == (None, None, 4.5)
        assert headline((10_000, 0), (10_000, 200), min_conversions=0).lift is None

    def test_of_money_in_bounds_are_exact_on_adaptive_splits(self) -> None:
        asked: dict[str, Any] = {'kind': 'mean', 'allocation': 'adaptive'}
        found = headline(A, B, **asked, bounds=(0, 50))
        assert (found.method, found.exact, found.diff) == ('bounded_e_process', True, 1.5)
        shifted = headline(A, B, **asked, bounds=(-10, 50))
        assert shifted.ci_lift is None
        assert shifted.ci_diff[0] < 1.5 < shifted.ci_diff[1] <= 60

    def test_take_conversions_adjusted_by_a_time_before_for_means(self) -> None:
        before = {'sum_pre': 900, 'sum_squares_pre': 1800, 'sum_post_pre': 300}
        given = ({'n': 1000, 'sum': 100} | before, {'n': 1000, 'sum': 150} | before)
        comparison = compare(*given)
        assert comparison.theta
        assert headline(*given).method == 'asymptotic'
        assert headline(*given, allocation='adaptive').method == 'bounded_e_process'
        assert comparison.control.ci[0] < comparison.control.mean < comparison.control.ci[1]

    def test_take_conversions_adjusted_by_conversions_before_with_the_variance_of_conversions(self) -> None:
        rng = np.random.default_rng(3)
        visitors = []
        for rate in (0.3, 0.5):
            before = (rng.random(40) < 0.4).astype(float)
            visitors.append((before, ((rng.random(40) < rate) | (before * rng.random(40) > 0.5)).astype(float)))
        a, b = (
            {'n': 40, 'sum': y.sum(), 'sum_pre': x.sum(), 'sum_squares_pre': x.sum(), 'sum_post_pre': (x * y).sum()}
            for x, y in visitors
        )
        found = compare(a, b)
        x, y = (np.concatenate(both) for both in zip(*visitors, strict=True))
        theta = np.cov(x, y)[0, 1] / x.var()
        assert found.theta == pytest.approx(theta)
        variances = [y.var() + theta**2 * x.var() - 2 * theta * np.cov(x, y)[0, 1] for x, y in visitors]
        assert found.t_absolute.se == pytest.approx(math.sqrt(sum(variances) / 40))

    def test_say_what_is_missing_where_no_method_holds(self) -> None:
        money = compare(A, B, 'mean', allocation='adaptive').headline
        assert isinstance(money, NoValidMethod)
        assert not money
        assert str(money).startswith('no valid method: the split was adaptive, and amounts without bounds are biased')
        assert str(money).endswith(
            '(it takes bounds of an amount, bounds=[0, 100] or the like; or a hold-out of visitors '
            'whose versions chance alone chooses, holdout=.1)'
        )
        assert isinstance(compare((1, 0, 0), (1, 0, 0), 'mean', allocation='adaptive').headline, NoValidMethod)
        ratio = compare(RATIO, RATIO, 'ratio', allocation='adaptive')
        assert isinstance(ratio.headline, NoValidMethod)
        assert 'hold-out' in ratio.headline.needs[0]
        assert ratio.cautions[0].startswith('the split was adaptive')


class TestLifts:
    """Of means and ratios."""

    def test_leave_out_none_just_when_the_difference_does(self) -> None:
        rng = random.Random(1)
        decided = unbounded = 0
        for _ in range(300):
            arms = []
            for mean in (1, rng.choice([0.2, 1, 1.3, 3, -1])):
                n = rng.choice([40, 400, 4_000])
                amounts = [rng.gauss(mean, 3) for _ in range(n)]
                arms.append((n, sum(amounts), sum(x * x for x in amounts), n))
            a, b = ({'n': n, 'sum': total, 'sum_squares': squares, 'conversions': k} for n, total, squares, k in arms)
            found = compare(a, b, 'mean').headline
            assert isinstance(found, Headline)
            assert found.lift is not None
            assert found.ci_lift is not None
            assert found.ci_lift[0] < found.lift < found.ci_lift[1]
            assert found.significant is not (found.ci_lift[0] <= 0 <= found.ci_lift[1])
            assert found.significant is not (found.ci_diff[0] <= 0 <= found.ci_diff[1])
            decided += found.significant
            unbounded += math.isinf(found.ci_lift[1]) and found.significant
        assert 50 < decided < 250
        assert unbounded > 5

    def test_end_where_the_test_of_so_much_more_does(self) -> None:
        a, b = Moments(4000, 5.0, 30.0, 5.0), Moments(1000, 6.0, 45.0, 6.0)
        times = 3.0
        low, high = lift_interval(1.0, 5.0, standard_errors(a, b), times)
        for lift in (low, high):
            own = b.variance / b.n + (1 + lift) ** 2 * a.variance / a.n
            spread = (999 * b.variance + 3999 * (1 + lift) ** 2 * a.variance) / 4998
            error = math.sqrt(max(own, spread * (1 / a.n + 1 / b.n)))
            assert abs(6 - (1 + lift) * 5) == pytest.approx(times * error)

    @pytest.mark.parametrize(
        ('lift', 'of_a', 'of_b', 'ends'),
        [
            (0.5, 0.0, 0.01, (0.4, 0.6)),
            (4.0, 2.0, 1.0, (1.0, math.inf)),
            (-4.0, 2.0, 1.0, (-math.inf, 2 - math.sqrt(17))),
            (4.0, 1.0, 2.0, (1.3, math.inf)),
            (0.5, 2.0, 1.0, (-math.inf, math.inf)),
        ],
    )
    def test_have_no_end_where_the_control_may_as_well_be_0(
        self, lift: float, of_a: float, of_b: float, ends: Any
    ) -> None:
        """``of_a`` and ``of_b`` are the squares of what the means may be off, over that of the control."""
        found = lift_interval(lift, 1.0, [(of_a, of_b)], 1.0)
        turned = lift_interval(-lift, -1.0, [(of_a, of_b)], 1.0)
        assert found == pytest.approx(ends)
        assert turned == pytest.approx((-found[1], -found[0]))


class TestNotEnoughData:
    def test_says_how_much_more_it_takes(self) -> None:
        found = compare((50, 0), (50, 3)).headline
        assert isinstance(found, NotEnoughData)
        assert not found
        control, variant = found.missing
        assert (control.arm, control.what, control.more, control.more_visitors) == ('control', 'conversions', 5, None)
        assert (variant.have, variant.need, variant.more, variant.more_visitors) == (3, 5, 2, 34)
        assert str(found) == 'not enough data: control needs 5 more conversions; variant needs 2 more conversions'

    def test_is_said_of_money_by_its_conversions_where_they_are_known_and_else_by_visitors(self) -> None:
        assert compare(A | {'conversions': 4}, B, 'mean').headline['missing'][0].what == 'conversions'
        few = compare((3, 6, 14), (3, 6, 14), 'mean').headline
        assert [(one.what, one.need, one.more_visitors) for one in few['missing']] == [('visitors', 5, 2)] * 2
        assert (
            compare({'n': 1, 'sum': 1, 'sum_squares': 1, 'conversions': 9}, B, 'mean').headline['missing'][0].need == 5
        )

    def test_is_said_of_money_of_which_few_visitors_have_all_by_its_squares(self) -> None:
        one, several = (10_000, 1, 1), (10_000, 800, 64_000)
        found = compare(one, several, 'mean').headline
        assert isinstance(found, NotEnoughData)
        assert [(one.arm, one.what, one.have) for one in found.missing] == [('control', 'conversions', 1)]
        none = compare((10_000, 0, 0), several, 'mean').headline
        assert isinstance(none, NotEnoughData)
        assert (none.missing[0].what, none.missing[0].have) == ('conversions', 0)
        few_below = RATIO | {'sum_den': 40, 'sum_squares_den': 1600, 'sum_num_den': 40}
        ratio = compare(RATIO, few_below, 'ratio').headline
        assert isinstance(ratio, NotEnoughData)
        assert [(one.arm, one.have) for one in ratio.missing] == [('variant', 1)]
        both_signs = {'n': 10_000, 'sum': 0, 'sum_squares': 90_000}
        assert compare(both_signs, several, 'mean').headline

    def test_is_said_where_all_amounts_are_alike(self) -> None:
        found = compare((100, 200, 400), B, 'mean').headline
        assert isinstance(found, NotEnoughData)
        assert (found.missing[0].arm, found.missing[0].what) == ('control', 'amounts that differ')

    def test_depends_on_the_least_number_asked_for(self) -> None:
        assert not compare((100, 5), (100, 12), min_conversions=6).headline
        assert compare((100, 5), (100, 12), min_conversions=5).headline
        assert compare((50, 0), (50, 3), min_conversions=0).headline

    def test_leaves_the_exact_posterior_to_be_read(self) -> None:
        found = compare((50, 0), (50, 3))
        assert round(found.exact_beta.chance_b_wins, 6) == 0.941194
        assert (found.t_relative.p, found.bayes_flat_relative.chance_to_win) == (1, 0.5)
        assert found.t_relative.undefined == 'the mean of the control is 0'
        assert 'spread is unknown' in (found.t_absolute.undefined or '')
        assert compare((0, 0), (0, 0)).exact_beta.chance_b_wins == pytest.approx(0.5)
        assert compare((0, 0), (0, 0)).t_absolute.undefined == 'a version has fewer than 2 visitors'


class TestNames:
    def test_are_attributes_items_and_keys_alike(self) -> None:
        found = compare((1000, 30), (1000, 45), prior=(0, 0.3))
        as_dict: Any = found.as_dict()
        assert found['t_relative']['p'] == found.t_relative.p == as_dict['t_relative']['p']
        assert found['t_relative'].ci95 == found.t_relative.ci
        assert as_dict['t_relative']['ci95'] == list(found.t_relative.ci)
        assert found['sequential5000_relative'] == found.sequential5000_relative == found.sequential_relative
        tuned = compare((1000, 30), (1000, 45), tuning=300)
        assert found['sequential300_absolute'] == tuned.sequential_absolute != found.sequential_absolute
        assert found['bayes_prior_N(0,0.3)_relative'] is found.bayes_prior_relative
        assert tuned['bayes_prior_N(0, 0.3)_absolute'] == found.bayes_prior_absolute
        assert json.loads(json.dumps(as_dict)) == as_dict
        assert (
            repr(found) == "Comparison(Sums(n=1000.0, sum=30.0), Sums(n=1000.0, sum=45.0), kind='binomial', alpha=0.05)"
        )

    def test_are_those_of_a_mapping(self) -> None:
        found = compare((1000, 30), (1000, 45))
        assert list(found) == list(found.as_dict())
        assert dict(found)['t_relative'] is found.t_relative
        assert ('t_relative' in found, 'nonsense' in found, 'normal' in found) == (True, False, False)
        assert found.get('sequential5000_relative') == found.sequential_relative
        assert found.get('nonsense', 5) == 5
        assert list(found.t_relative) == ['diff', 'se', 'p', 'ci', 'alpha', 'undefined']
        assert dict(found.t_relative)['p'] == found.t_relative.p
        assert ('ci95' in found.t_relative, 'ci90' in found.t_relative) == (True, False)

    def test_of_what_is_missing_are_the_same_in_results(self) -> None:
        few: Any = compare((50, 0), (50, 3)).as_dict()['headline']
        assert [one['arm'] for one in few['not_enough_data']] == ['control', 'variant']
        none: Any = compare(A, B, 'mean', allocation='adaptive').as_dict()['headline']
        assert set(none['no_valid_method']) == {'why', 'needs'}

    def test_of_headlines_are_short_and_equal_ones_are_equal(self) -> None:
        one, other = headline((1000, 30), (1000, 45)), headline((1000, 30), (1000, 45))
        assert one == other != headline((1000, 30), (1000, 46))
        assert len(repr(one)) < 400

    @pytest.mark.parametrize('name', ['sequential0_relative', 'normal', 'mean_sd', 'delta_method', 'nonsense'])
    def test_that_do_not_belong_are_refused(self, name: str) -> None:
        found = compare((1000, 30), (1000, 45))
        with pytest.raises(KeyError):
            found[name]
        with pytest.raises(AttributeError, match='has no'):
            getattr(found, name)

    def test_of_intervals_tell_their_level(self) -> None:
        found = compare((1000, 30), (1000, 45), alpha=0.1)
        assert found.exact_beta.ci90_diff == found.exact_beta.ci_diff
        assert found.t_relative.ci90 == found.t_relative.ci
        with pytest.raises(AttributeError, match='has no ci95'):
            _ = found.t_relative.ci95
        with pytest.raises(KeyError):
            found.conversion_mixture['ci90']

    def test_of_conversions_are_not_those_of_money(self) -> None:
        found = compare(A, B, 'mean')
        with pytest.raises(AttributeError, match='kind mean has no exact_beta'):
            _ = found.exact_beta
        assert set(found.as_dict()) > {'normal', 'mean_sd', 'ttest_ind_from_stats'}
        assert set(compare(RATIO, RATIO, 'ratio').as_dict()) > {'delta_method', 'cautions', 'headline'}

    def test_of_chances_and_losses_are_of_the_lower_rate_where_lower_is_better(self) -> None:
        high, low = compare((1000, 30), (1000, 45)), compare((1000, 30), (1000, 45), goal='min')
        assert low.exact_beta.chance_b_wins == pytest.approx(1 - high.exact_beta.chance_b_wins)
        assert low.exact_beta.expected_loss_choosing_b == high.exact_beta.expected_loss_choosing_a
        assert low.bayes_flat_relative.chance_to_win == pytest.approx(1 - high.bayes_flat_relative.chance_to_win)
        assert low.bayes_flat_relative.risk == high.bayes_flat_relative.risk[::-1]

    def test_of_means_too(self) -> None:
        high, low = compare(A, B, 'mean'), compare(A, B, 'mean', goal='min')
        assert low.normal.chance_b_wins == low.bayes_flat_absolute.chance_to_win != high.normal.chance_b_wins
        assert low.normal.expected_loss_choosing_b == high.normal.expected_loss_choosing_a

    def test_without_a_prior_there_is_no_posterior_of_it(self) -> None:
        found = compare((1000, 30), (1000, 45))
        assert (found.bayes_prior_relative, found.bayes_prior_absolute) == (None, None)
        zero = compare((1000, 0), (1000, 45), prior=(0, 1)).bayes_prior_absolute
        assert zero is not None
        assert zero.undefined


class TestExtremes:
    @pytest.mark.parametrize('allocation', ['fixed', 'adaptive'])
    @pytest.mark.parametrize(
        'counts',
        [
            ((10**12, 3 * 10**10), (10**12, 3 * 10**10 + 10**6)),
            ((10**12, 5), (10**12, 900)),
            ((10**12, 10**12 - 5), (10**12, 10**12 - 90)),
            ((10, 0), (10**12, 10**12)),
            ((10**12, 0), (7, 7)),
            ((5, 5), (5, 5)),
            ((1, 0), (1, 1)),
            ((2, 0), (2, 0)),
            ((0, 0), (9, 3)),
            ((0, 0), (0, 0)),
        ],
    )
    def test_of_counts_have_finite_answers_everywhere(self, counts: Any, allocation: Any) -> None:
        found = compare(*counts, allocation=allocation, min_conversions=0, prior=(0, 0.3))
        assert json.dumps(found.as_dict())
        if found.headline:
            assert 0 <= found.headline['p'] <= 1
            low, high = found.headline['ci_diff']
            assert -1 <= low <= found.headline['diff'] <= high <= 1
        assert 0 <= found.exact_beta.chance_b_wins <= 1
        assert found.exact_beta.ci_diff[0] <= found.exact_beta.ci_diff[1]
        assert found.product_eprocess.p <= 1

    def test_of_lifts_are_found_in_tiny_rates(self) -> None:
        found = headline((10**12, 50), (10**12, 900))
        assert found.ci_lift is not None
        assert 5 < found.ci_lift[0] < 17 < found.ci_lift[1] < 60

    def test_of_counts_have_no_exact_test_by_fisher(self) -> None:
        assert compare((10**7, 5), (10**7, 9)).fisher_exact_p is None
        assert compare((10, 2.5), (10, 5)).fisher_exact_p is None

    def test_a_difference_of_money_far_out_keeps_its_digits(self) -> None:
        found = compare((10**6, 10**6, 2 * 10**6), (10**6, 2 * 10**6, 5 * 10**6), 'mean')
        assert found.headline['p'] == 0
        assert found.headline['log_e'] > 1000
        assert 0 <= found.normal.expected_loss_choosing_b < 1e-300
        assert found.normal.expected_loss_choosing_a == pytest.approx(1)

    def test_ratios_without_anything_below_the_line_are_undefined(self) -> None:
        nothing = RATIO | {'sum_den': 0, 'sum_squares_den': 0, 'sum_num_den': 0}
        found: Comparison = compare(nothing, nothing, 'ratio')
        assert found.t_absolute.undefined
        assert found.delta_method.z == 0

    def test_amounts_that_are_alike_have_a_test_without_evidence(self) -> None:
        assert compare((100, 200, 400), (100, 200, 400), 'mean').ttest_ind_from_stats.p == 1

    def test_an_adjustment_by_what_never_differs_is_none(self) -> None:
        flat = {'sum_pre': 1000, 'sum_squares_pre': 1000, 'sum_post_pre': 3000}
        found = compare(A | flat, B | (flat | {'sum_post_pre': 4500}), 'mean')
        assert found.theta == 0
        assert found.t_absolute == compare(A, B, 'mean').t_absolute
