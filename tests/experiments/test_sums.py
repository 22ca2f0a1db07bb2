"""What is taken for the sums of a version, and what is refused."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics import Sums, compare

MEAN = {'n': 10, 'sum': 20, 'sum_squares': 90}
RATIO = {'n': 10, 'sum': 20, 'sum_squares': 90, 'sum_den': 10, 'sum_squares_den': 30, 'sum_num_den': 25}


@pytest.mark.parametrize(
    'given',
    [
        {'n': 100, 'sum': 5},
        {'n': np.int64(100), 'successes': Decimal(5)},
        {'n': Fraction(100), 'sum_num': np.float64(5), 'sum_squares': None},
        (100, 5),
        [100.0, 5.0],
        Sums(100, 5),
    ],
)
def test_the_same_sums_are_read_from_every_shape(given: Any) -> None:
    assert Sums.read(given) == Sums(100.0, 5.0)
    assert repr(Sums.read(given)) == 'Sums(n=100.0, sum=5.0)'


@pytest.mark.parametrize(
    ('given', 'says'),
    [
        ('100', "not the sums of a version: '100'"),
        ((1, 2, 3, 4), 'not the sums of a version'),
        (7, 'not the sums of a version: 7'),
        ({'sum': 3}, 'control has no n'),
        ({'n': 3, 'hits': 2}, "no such sum: 'hits' (there are n, sum, "),
        ({'n': float('nan'), 'sum': 0}, 'not a number: nan'),
        ({'n': float('inf'), 'sum': 0}, 'not a number: inf'),
        ({'n': True, 'sum': 0}, 'not a number: True'),
        ({'n': 'many', 'sum': 0}, "not a number: 'many'"),
        ({'n': 10**400, 'sum': 0}, 'control.n is an integer of more than 77 digits, too large (use one up to 1e+30)'),
        ({'n': 1e16, 'sum': 0}, 'control.n is 1e+16, too large (use one up to 1e+15)'),
        ({'n': 5, 'sum': 1e-200}, 'control.sum is 1e-200, too near 0 (use one from 1e-30)'),
        ([10**5000], 'not the sums of a version: a list with huge numbers'),
        ((None, 1), 'control has no n'),
        ({'n': -1, 'sum': 0}, 'control.n is -1 (counts are 0 or more)'),
        ({'n': 5, 'sum': -2}, 'control.sum is -2'),
        ({'n': 5, 'sum': 6}, '6 conversions of 5 visitors'),
        ({'n': 5, 'sum': 3, 'conversions': -1}, 'control.conversions is -1'),
    ],
)
def test_what_cannot_be_counted_conversions_is_refused_by_name(given: Any, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compare(given, (10, 5))
    assert refused.value.message.startswith(says)
    assert refused.value.field


@pytest.mark.parametrize(
    ('kind', 'given', 'says'),
    [
        ('mean', {'n': 10, 'sum': 20}, 'control has no sum_squares (a mean needs it'),
        ('mean', {**MEAN, 'sum_squares': 39}, 'sum_squares 39 is below sum**2 / n = 40'),
        ('mean', {'n': 0, 'sum': 1, 'sum_squares': 1}, 'sum_squares 1 is below'),
        ('ratio', MEAN, 'control has no sum_den (a ratio needs it'),
        ('ratio', {**RATIO, 'sum_squares_den': 9}, 'sum_squares_den 9 is below sum_den**2 / n = 10'),
        ('ratio', {**RATIO, 'sum_num_den': 60}, 'sum_num_den 60 cannot be, with these sums of squares (at most 51.6'),
        ('mean', {**MEAN, 'sum_pre': 3}, 'control has no sum_squares_pre (a CUPED needs it'),
    ],
)
def test_sums_that_no_visitors_can_have_are_refused(kind: Any, given: Any, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compare(given, RATIO if kind == 'ratio' else MEAN, kind)
    assert refused.value.message.startswith(says)


def test_conversions_may_be_called_so_and_a_sum_that_is_not_given_is_not_0() -> None:
    assert compare({'n': 100, 'conversions': 20}, {'n': 110, 'conversions': 30}).control.mean == 0.2
    for kind, given in (('binomial', {'n': 100}), ('mean', {'n': 100, 'sum_squares': 9, 'conversions': 5})):
        with pytest.raises(InvalidInput, match='control has no sum'):
            compare(given, MEAN, kind)  # type: ignore[arg-type]


def test_bounds_are_held_against_the_squares_too() -> None:
    within = {'n': 1000, 'sum': 5000, 'sum_squares': 500_000}
    assert compare(within, within, 'mean', bounds=(0, 100)).plan.bounds == (0, 100)
    with pytest.raises(InvalidInput, match='amounts of the variant lie outside the bounds 0 and 100, by their squares'):
        compare(within, within | {'sum_squares': 500_100}, 'mean', bounds=(0, 100))


def test_rounding_in_a_sum_of_squares_is_not_an_error() -> None:
    amounts = [0.1] * 1_000_003
    found = compare((len(amounts), sum(amounts), sum(x * x for x in amounts)), MEAN, 'mean')
    assert found.control.mean == pytest.approx(0.1)


def test_a_version_without_visitors_is_no_error() -> None:
    empty = dict.fromkeys(RATIO, 0)
    assert not compare(empty, RATIO, 'ratio').headline
    assert not compare((0, 0, 0), (0, 0, 0), 'mean').headline


@pytest.mark.parametrize(
    ('arguments', 'field', 'says'),
    [
        ({'alpha': 0}, 'alpha', 'alpha is 0 (use a number between 0 and 1'),
        ({'alpha': 1}, 'alpha', 'alpha is 1'),
        ({'alpha': 1e-20}, 'alpha', 'alpha is 1e-20, too near 0 (keep 1e-12 away from it)'),
        ({'alpha': 1 - 1e-15}, 'alpha', 'alpha is 0.999999999999999, too near 1'),
        ({'alpha': float('nan')}, 'alpha', 'not a number'),
        ({'kind': 'median'}, 'kind', "not a kind: 'median' (use one of binomial, mean, ratio)"),
        ({'goal': 'up'}, 'goal', "not a goal: 'up'"),
        ({'allocation': 'bandit'}, 'allocation', "not an allocation: 'bandit'"),
        ({'weights': [1, 2, 3]}, 'weights', '3 weights'),
        ({'weights': [1, 0]}, 'weights', 'weights is 0'),
        (
            {'weights': [1, 1e-10]},
            'weights',
            'a weight of 1e-10 among 1 (planned shares are 0, or 1e-09 of all and more)',
        ),
        ({'prior': (0, 0)}, 'prior', 'prior is 0'),
        ({'prior': (0, 1, 2)}, 'prior', 'not a prior: (0, 1, 2) (its mean and standard deviation: (0, 0.3))'),
        ({'prior': 5}, 'prior', 'not a prior: 5'),
        ({'expected_lift': -0.1}, 'expected_lift', 'expected_lift is -0.1'),
        ({'expected_lift': 1e9}, 'expected_lift', 'expected_lift is 1000000000.0, too large (use one up to 100)'),
        ({'tuning': 0}, 'tuning', 'tuning is 0'),
        ({'bounds': (1, 1)}, 'bounds', 'bounds 1 and 1 (give the lowest and the highest amount, in this order'),
        ({'bounds': (0, 1, 2)}, 'bounds', 'not bounds: (0, 1, 2) (the lowest and the highest amount: [0, 100])'),
        ({'bounds': (0, 0.1)}, 'bounds', 'the mean of the control lies outside the bounds 0 and 0.1'),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(arguments: dict[str, Any], field: str, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compare((100, 20), (100, 20), **arguments)
    assert (refused.value.field, refused.value.message[: len(says)]) == (field, says)


def test_sums_that_only_one_version_has_are_refused() -> None:
    more = {'sum_pre': 1, 'sum_squares_pre': 1, 'sum_post_pre': 2}
    with pytest.raises(InvalidInput, match='only one version has'):
        compare(MEAN, MEAN | more, 'mean')


def test_the_sums_of_both_versions_may_be_given_by_name() -> None:
    found = compare(n_a=100, sum_a=20, n_b=110, sum_b=30, alpha=0.1)
    assert (found.sums, found.alpha) == (compare((100, 20), (110, 30)).sums, 0.1)
    assert compare({'n_a': 100, 'successes_a': 20}, {'n_b': 110, 'sum': 30}).sums == found.sums
    money = compare(n_a=10, sum_a=20, sumsq_a=90, n_b=10, sum_b=21, sumsq_b=95, kind='mean')
    assert money.sums == compare((10, 20, 90), (10, 21, 95), 'mean').sums


@pytest.mark.parametrize(
    ('given', 'arguments', 'says'),
    [
        ((), {}, 'not the sums of two versions (give control and variant, or n_a, sum_a, n_b, sum_b)'),
        (((5, 2),), {}, 'not the sums of two versions (give'),
        (((5, 2), (5, 2)), {'sum_a': 3}, 'not the sums of two versions, and beside them sum_a (give'),
        ((), {'n_a': 3, 'sum_a': 1}, 'variant has no n'),
        ((), {'n_a': 3, 'n_b': 1, 'aplha': 0.1}, "no such sum: 'aplha'"),
        (({'n_b': 5}, {'n_b': 5}), {}, "no such sum: 'n_b'"),
    ],
)
def test_half_of_the_sums_or_sums_given_twice_are_refused(given: Any, arguments: Any, says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compare(*given, **arguments)
    assert refused.value.message.startswith(says)
