"""Metrics: amounts that add up to the last digit."""

import enum
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale.errors import InvalidAmount, InvalidMetric, LimitExceeded
from hailwhale.metrics import (
    DEFAULT_METRIC,
    MAX_AMOUNT,
    MAX_METRICS,
    metric_name,
    number,
    parse_amount,
    parse_metrics,
    split,
)

ONE = 10**6
MILLIONTHS = st.integers(-(MAX_AMOUNT * ONE) + 1, MAX_AMOUNT * ONE - 1)
AMOUNTS = MILLIONTHS.map(lambda micros: Decimal(micros).scaleb(-6))
METRIC_NAMES = st.text(st.characters(codec='utf-8', exclude_characters='/:"'), min_size=1, max_size=12)


class Size(enum.IntEnum):
    LARGE = 3


class TestAmounts:
    @pytest.mark.parametrize(
        ('value', 'micros'),
        [
            (1, ONE),
            (0, 0),
            (-2000, -2000 * ONE),
            ('-2000', -2000 * ONE),
            (0.50, 500_000),
            ('.50', 500_000),
            ('+5.', 5 * ONE),
            (' 5.25 ', 5_250_000),
            ('1e5', 100_000 * ONE),
            ('25E-1', 2_500_000),
            (9.99, 9_990_000),
            (-0.0, 0),
            (0.1 + 0.2, 300_000),
            (1e-16, 0),
            (-1e-6, -1),
            (123456.7, 123_456_700_000),
            (999999999999999.9, 999_999_999_999_999_900_000),
            (4503599627.370497, 4_503_599_627_370_497),
            (Decimal('5.2500000000'), 5_250_000),
            (Decimal('0E+999999'), 0),
            (Decimal('1E-6'), 1),
            (Decimal('-999999999999999.999999'), -(MAX_AMOUNT * ONE) + 1),
            (MAX_AMOUNT - 1, (MAX_AMOUNT - 1) * ONE),
            (Size.LARGE, 3 * ONE),
            (np.int64(7), 7 * ONE),
            (np.float64(0.1), 100_000),
        ],
    )
    def test_are_the_decimals_that_people_read(self, value: object, micros: int) -> None:
        amount = parse_amount(value, 'dollars')
        assert amount == micros
        assert type(amount) is int

    @pytest.mark.parametrize(
        'value',
        [
            True,
            None,
            [],
            1j,
            b'1',
            Fraction(1, 2),
            int,
            float('nan'),
            float('inf'),
            -float('inf'),
            Decimal('NaN'),
            Decimal('sNaN'),
            Decimal('-Infinity'),
            '',
            'NaN',
            'inf',
            'five',
            '1_000',
            '٣',
            '1,5',
            '0x10',
            '1' * 200,
        ],
    )
    def test_that_are_no_finite_numbers_are_refused(self, value: object) -> None:
        with pytest.raises(InvalidAmount, match='dollars') as caught:
            parse_amount(value, 'dollars')
        assert caught.value.field == 'metrics'

    @pytest.mark.parametrize(
        'value', [1 / 3, 0.1234567, Decimal('0.0000001'), '1.0000001', Decimal('1E-999999'), '1e-9999']
    )
    def test_finer_than_millionths_are_refused_and_not_rounded(self, value: object) -> None:
        with pytest.raises(InvalidAmount, match='at most 6 digits after the point'):
            parse_amount(value)

    @pytest.mark.parametrize(
        'value',
        [
            MAX_AMOUNT,
            -MAX_AMOUNT,
            float(MAX_AMOUNT),
            -1e300,
            pytest.param(10**9999, id='10**9999'),
            '1e15',
            '1e9999',
            Decimal('-1E+999999'),
        ],
    )
    def test_beyond_the_range_of_a_counter_are_refused(self, value: object) -> None:
        with pytest.raises(InvalidAmount, match=r'nearer to 0 than 10\*\*15') as caught:
            parse_amount(value)
        assert len(caught.value.message) < 200

    @given(AMOUNTS)
    def test_are_exact_from_decimals_and_from_texts(self, amount: Decimal) -> None:
        assert parse_amount(amount) == parse_amount(f'{amount:f}') == parse_amount(str(amount)) == int(amount * ONE)

    @given(st.integers(-(10**15) + 1, 10**15 - 1))
    @example(4503599627370497)
    def test_are_exact_from_floats_of_fifteen_digits(self, micros: int) -> None:
        assert parse_amount(micros / ONE) == micros

    @given(st.floats(-1e15, 1e15, exclude_min=True, exclude_max=True))
    def test_from_floats_are_what_the_float_prints_as_but_for_its_noise(self, value: float) -> None:
        printed = Decimal(repr(value))
        try:
            amount = Decimal(parse_amount(value)) / ONE
        except InvalidAmount:
            assert printed != round(printed, 6)
        else:
            assert abs(amount - printed) <= Decimal('1.000001e-9') * max(Decimal(1), abs(printed))

    @given(st.lists(AMOUNTS, max_size=30))
    def test_add_up_exactly(self, amounts: list[Decimal]) -> None:
        assert sum(map(parse_amount, amounts)) == sum(map(Fraction, amounts)) * ONE

    def test_of_a_tenth_are_exactly_one_after_ten(self) -> None:
        assert number(sum(parse_amount(0.1) for _ in range(10))) == 1
        assert number(parse_amount(9.99) * 2) == 19.98

    @given(MILLIONTHS)
    def test_are_given_back_as_an_int_where_whole_and_else_as_the_nearest_float(self, micros: int) -> None:
        value = number(micros)
        assert type(value) is (float if micros % ONE else int)
        assert value == (micros / ONE if micros % ONE else micros // ONE)

    @given(MILLIONTHS)
    @example(-1)
    @example(-ONE)
    def test_are_split_into_parts_of_their_own_sign(self, micros: int) -> None:
        whole, rest = split(micros)
        assert whole * ONE + rest == micros
        assert abs(rest) < ONE
        assert whole * micros >= 0
        assert rest * micros >= 0


class TestEventMetrics:
    @pytest.mark.parametrize(
        ('metrics', 'amounts'),
        [
            (None, {'hits': ONE}),
            ({}, {'hits': ONE}),
            ([], {'hits': ONE}),
            ('a', {'a': ONE, 'hits': ONE}),
            (['a', 'b'], {'a': ONE, 'b': ONE, 'hits': ONE}),
            (('hits', 'a'), {'hits': ONE, 'a': ONE}),
            ({'revenue': 5.25, 'sales': 1}, {'revenue': 5_250_000, 'sales': ONE, 'hits': ONE}),
            ({'dollars': -2000, 'hits': 0}, {'dollars': -2000 * ONE, 'hits': 0}),
            (OrderedDict(spent='.50'), {'spent': 500_000, 'hits': ONE}),
            (MappingProxyType({'a': Decimal(2)}), {'a': 2 * ONE, 'hits': ONE}),
            ({np.str_('a'): 1}, {'a': ONE, 'hits': ONE}),
        ],
    )
    def test_are_amounts_with_one_hit_unless_it_is_given(self, metrics: object, amounts: dict[str, int]) -> None:
        parsed = parse_metrics(metrics)
        assert list(parsed.items()) == list(amounts.items())
        assert all(type(name) is str for name in parsed)

    def test_without_any_are_one_hit(self) -> None:
        assert parse_metrics() == {DEFAULT_METRIC: ONE}

    def test_are_a_new_dict_for_every_event(self) -> None:
        parse_metrics(None)['hits'] = 0
        assert parse_metrics(None) == {'hits': ONE}

    @pytest.mark.parametrize('metrics', [5, 1.5, True, b'a', {'a'}, object(), [1], [None], [['a']], {1: 1}, {None: 1}])
    def test_of_another_shape_are_refused(self, metrics: object) -> None:
        with pytest.raises(InvalidMetric) as caught:
            parse_metrics(metrics)
        assert caught.value.field == 'metrics'

    @pytest.mark.parametrize(
        'name',
        [
            '',
            ' ',
            ' a',
            'a\n',
            'a/b',
            'a:b',
            'a"b',
            '5',
            '-.5',
            '1e5',
            '5.',
            '_count',
            '_days_in_month',
            'a\ud800',
            'é' * 65,
        ],
    )
    def test_whose_name_no_formula_could_hold_are_refused(self, name: str) -> None:
        for metrics in [name, [name], {name: 1}]:
            with pytest.raises(InvalidMetric) as caught:
                parse_metrics(metrics)
            assert '\n' not in caught.value.message

    @pytest.mark.parametrize(
        'name', ['hours', '1st', "O'Brien", 'two words', '_', 'é' * 64, '1_000', 'nan', '||', '🐳']
    )
    def test_may_have_every_other_name(self, name: str) -> None:
        assert parse_metrics({name: 2}) == {name: 2 * ONE, 'hits': ONE}
        assert metric_name(name) == name

    def test_with_a_bad_amount_name_the_metric(self) -> None:
        with pytest.raises(InvalidAmount, match='revenue'):
            parse_metrics({'revenue': True})

    def test_are_at_most_as_many_as_the_limit_says(self) -> None:
        full = [f'metric {place}' for place in range(MAX_METRICS)]
        assert len(parse_metrics(full)) == MAX_METRICS + 1
        for too_many in [[*full, 'one more'], dict.fromkeys([*full, 'one more'], 1)]:
            with pytest.raises(LimitExceeded):
                parse_metrics(too_many)
        with pytest.raises(LimitExceeded):
            parse_metrics(['a', 'b'], max_metrics=1)
