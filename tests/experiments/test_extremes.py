"""Whatever numbers are given: an answer of numbers, or a complaint that names the argument."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hailwhale.errors import InvalidInput
from hailwhale.experiments import statistics
from hailwhale.experiments.results import results
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import Clock

many = settings(max_examples=40)
few = settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
HUGE = [10**400, -(10**400), 10**5000, 1e308, -1e308, 1e300, 1e30, 1e15, 1e12, 1e-12, 1e-30, 1e-200, 5e-324, 2**63]
ODD: list[object] = [math.nan, math.inf, -math.inf, True, None, 'x', '1e400', '0.05', Decimal('1e-400'), [1], {}]
NUMBERS = st.one_of(
    st.sampled_from([*HUGE, *ODD, 0, 0.0, -0.0, 0.05, 0.2, 0.8, 1, 2, 100, 1 - 1e-13]),
    st.floats(),
    st.floats(0, 1),
    st.integers(0, 10**6),
)


def numbers_of(found: object) -> Iterator[float]:
    if isinstance(found, dict | list):
        for inner in found.values() if isinstance(found, dict) else found:
            yield from numbers_of(inner)
    elif isinstance(found, float):
        yield found


def answer(of: Callable[..., Any], *given: Any, **named: Any) -> Any:
    """What is answered, or None where it is refused by the name of an argument."""
    try:
        return of(*given, **named)
    except InvalidInput as error:
        refused = error
    assert refused.field, refused
    return None


def no_nan(found: object) -> None:
    assert not any(math.isnan(one) for one in numbers_of(found))


@many
@given(st.tuples(NUMBERS, NUMBERS), st.tuples(NUMBERS, NUMBERS), NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.booleans())
@example((1e15, 1e15), (1e15, 1), 1e-12, 100, 1e-30, 1e30, True)
@example((1e15, 5), (1e15, 1e15), 1 - 1e-12, 1e-4, 1e30, 1e-30, False)
def test_any_conversions_have_an_answer_in_numbers_or_are_refused(
    a: Any, b: Any, alpha: Any, lift: Any, one: Any, other: Any, adaptive: bool
) -> None:
    named: dict[str, Any] = {'expected_lift': lift, 'tuning': one, 'min_conversions': other, 'prior': (one, other)}
    named |= {'allocation': 'adaptive' if adaptive else 'fixed', 'weights': (one, other)}
    for name in (None, *named):
        found = answer(statistics.compare, a, b, alpha=alpha, **{name: named[name]} if name else {})
        if found is not None:
            no_nan(found.as_dict())


@many
@given(st.lists(NUMBERS, min_size=6, max_size=6), st.tuples(NUMBERS, NUMBERS), NUMBERS, NUMBERS, st.booleans())
def test_any_sums_of_amounts_have_an_answer_in_numbers_or_are_refused(
    sums: Any, bounds: Any, alpha: Any, more: Any, adaptive: bool
) -> None:
    allocation = 'adaptive' if adaptive else 'fixed'
    named: dict[str, Any] = {'bounds': bounds, 'tuning': more, 'visitors': more, 'prior': (0, more)}
    for name in (None, *named):
        asked = {'alpha': alpha, 'allocation': allocation, **({name: named[name]} if name else {})}
        found = answer(statistics.compare, sums[:3], sums[3:], 'mean', **asked)
        if found is not None:
            no_nan(found.as_dict())


@many
@given(
    st.integers(2, 10**6), st.integers(2, 10**6), st.lists(st.floats(-1e16, 1e16), min_size=4, max_size=4), st.data()
)
def test_amounts_of_any_size_have_an_answer_in_numbers_within_any_bounds(
    n_a: int, n_b: int, means: Any, data: st.DataObject
) -> None:
    """Sums of ``n`` amounts around a mean."""
    arms = []
    for n, mean, spread in ((n_a, *means[:2]), (n_b, *means[2:])):
        arms.append((n, n * mean, n * (mean * mean + spread * spread)))
    low, high = data.draw(NUMBERS), data.draw(NUMBERS)
    for asked in ({}, {'bounds': (low, high)}, {'bounds': (-1e30, 1e30)}, {'bounds': (-1e17, 1e17)}):
        for allocation in ('fixed', 'adaptive'):
            found = answer(statistics.compare, *arms, 'mean', allocation=allocation, **asked)
            if found is not None:
                no_nan(found.as_dict())


@many
@given(st.lists(NUMBERS, max_size=4), st.one_of(st.none(), st.lists(NUMBERS, max_size=4)), NUMBERS, NUMBERS)
@example([1e15, 1, 1], [1, 1, 1e-9], 0.001, 1e-30)
@example([1e15, 1, 1], None, 0.001, 1e30)
@example(['10', '12'], ['1', '1'], '0.05', '100')
def test_any_split_has_an_answer_in_numbers_or_is_refused(counts: Any, weights: Any, threshold: Any, k: Any) -> None:
    for named in ({}, {'threshold': threshold}, {'k': k}):
        found = answer(statistics.sample_ratio, counts, weights, **named)
        if found is not None:
            no_nan(found.as_dict())


@many
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS)
@example(0.03, 1e-200, None, 0.05, 0.8, 1)
@example(0.03, 1e308, None, 0.05, 0.8, 1)
@example(0.03, 0.2, 1e-30, 0.05, 0.8, 1e30)
@example(1 - 1e-12, 1e-12, 1, 0.05, 0.8, 1)
@example('5', '0.05', '1', '0.05', '0.8', '1')
def test_any_plan_has_a_size_or_is_refused(base: Any, lift: Any, sd: Any, alpha: Any, power: Any, more: Any) -> None:
    for kind in ({}, {'kind': 'mean', 'sd': sd}):
        for named in ({}, {'alpha': alpha}, {'power': power}, {'alpha': alpha, 'power': power}):
            size = answer(statistics.sample_size, base, lift, ratio=more, **kind, **named)
            assert size is None or 4 <= size.total < 1e16
            answer(statistics.sample_size, base, difference=lift, **kind, **named)
            answer(statistics.sample_size, base, lift, looking='always', **kind, **named)
            least = answer(statistics.detectable_effect, base, more, **kind, **named)
            assert least is None or least.difference > 0


@many
@given(NUMBERS, NUMBERS, NUMBERS, NUMBERS)
@example(1e15, 1e15, 1e-12, 1e-30)
@example(0, 1e15, 1e-12, 1e30)
def test_sequences_of_any_counts_are_numbers_or_refused(one: Any, other: Any, alpha: Any, more: Any) -> None:
    for found in (
        answer(statistics.bernoulli_confidence_interval, one, other, alpha, more, alpha),
        answer(statistics.normal_mixture_bound, one, alpha, more, alpha),
        answer(statistics.normal_mixture_bound, one, alpha, more, alpha, one_sided=False),
        (log_e := answer(statistics.conversion_mixture, one, other, alpha, more)) and log_e.log_e,
        (log_e := answer(statistics.product_eprocess, other, one, other, 0, more, more)) and log_e.log_e,
        (corrected := answer(statistics.adjust, [one, other])) and [0.0 if p != p else p for p in corrected],
    ):
        no_nan(list(found) if isinstance(found, tuple) else found)


@pytest.mark.parametrize(
    ('of', 'given', 'says'),
    [
        (statistics.bernoulli_confidence_interval, (5, 3), 'successes is 5, more than trials, 3 (at most one each)'),
        (statistics.bernoulli_confidence_interval, (1, 3, 2), 'alpha is 2 (use a number between 0 and 1'),
        (statistics.product_eprocess, (9, 1, 2, 3), 's_b is 3, more than n_b, 2 (at most one each)'),
        (statistics.product_eprocess, (9, 1, 4, 3, 0), 'a is 0 (use a number above 0)'),
        (statistics.conversion_mixture, (-1, 3), 's_a is -1 (counts are 0 or more)'),
        (statistics.conversion_mixture, (1, 3, 1), 'share is 1 (use a number between 0 and 1'),
        (statistics.normal_mixture_bound, (-1,), 'v is -1 (counts are 0 or more)'),
        (statistics.normal_mixture_bound, (1, 0.025, 1000, 0.6), 'alpha_opt is 1.2 (use a number between 0 and 1'),
    ],
)
def test_what_no_sequence_can_be_of_is_refused_with_the_way_out(
    of: Callable[..., object], given: tuple[float, ...], says: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        of(*given)
    assert refused.value.message.startswith(says)


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        for name, sales in (('a', 60), ('b', 90)):
            whale.count_now(['split', name], 'UK', {'hits': 500, 'sales': sales, 'earned': 100, 'earned*earned': 9_000})
        yield whale


@few
@given(
    number=NUMBERS,
    name=st.sampled_from(['alpha', 'power', 'lift', 'a', 'b', 'low', 'high', 'limit']),
    allocation=st.sampled_from(['fixed', 'adaptive', None]),
)
@example(number=1e308, name='a', allocation='fixed')
@example(number=-1e308, name='low', allocation='adaptive')
@example(number=1e308, name='lift', allocation=None)
@example(number=1e-200, name='lift', allocation=None)
def test_results_are_answered_in_json_or_refused_whatever_numbers_are_given(
    whale: Whale, number: Any, name: str, allocation: Any
) -> None:
    asked: dict[str, Any] = {'allocation': allocation, 'goals': ['sales', 'earned'], 'by': '_'}
    if name in ('a', 'b'):
        asked['weights'] = {'a': 1, 'b': 1, name: number}
    elif name in ('low', 'high'):
        bounds = [number, 1_000] if name == 'low' else [0, number]
        asked['goals'] = {'earned': {'kind': 'mean', 'bounds': bounds}}
    else:
        asked[name] = number
    found = answer(results, whale, 'split', **asked)
    if found is not None:
        assert json.dumps(found.as_dict(), allow_nan=False)
        assert found.readings
