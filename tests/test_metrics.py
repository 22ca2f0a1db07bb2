"""Metrics: amounts that add up to the last digit, and formulas over their sums."""

import enum
from collections import OrderedDict
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from hailwhale.errors import InvalidAmount, InvalidFormula, InvalidMetric, LimitExceeded
from hailwhale.metrics import (
    DEFAULT_METRIC,
    MAX_AMOUNT,
    MAX_METRICS,
    Formula,
    Span,
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
    def test_are_the_decimals_that_people_read(self, value: object, micros: int):
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
    def test_that_are_no_finite_numbers_are_refused(self, value: object):
        with pytest.raises(InvalidAmount, match='dollars') as caught:
            parse_amount(value, 'dollars')
        assert caught.value.field == 'metrics'

    @pytest.mark.parametrize(
        'value', [1 / 3, 0.1234567, Decimal('0.0000001'), '1.0000001', Decimal('1E-999999'), '1e-9999']
    )
    def test_finer_than_millionths_are_refused_and_not_rounded(self, value: object):
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
    def test_beyond_the_range_of_a_counter_are_refused(self, value: object):
        with pytest.raises(InvalidAmount, match=r'nearer to 0 than 10\*\*15') as caught:
            parse_amount(value)
        assert len(caught.value.message) < 200

    @given(AMOUNTS)
    def test_are_exact_from_decimals_and_from_texts(self, amount: Decimal):
        assert parse_amount(amount) == parse_amount(f'{amount:f}') == parse_amount(str(amount)) == int(amount * ONE)

    @given(st.integers(-(10**15) + 1, 10**15 - 1))
    @example(4503599627370497)
    def test_are_exact_from_floats_of_fifteen_digits(self, micros: int):
        assert parse_amount(micros / ONE) == micros

    @given(st.floats(-1e15, 1e15, exclude_min=True, exclude_max=True))
    def test_from_floats_are_what_the_float_prints_as_but_for_its_noise(self, value: float):
        printed = Decimal(repr(value))
        try:
            amount = Decimal(parse_amount(value)) / ONE
        except InvalidAmount:
            assert printed != round(printed, 6)
        else:
            assert abs(amount - printed) <= Decimal('1.000001e-9') * max(1, abs(printed))

    @given(st.lists(AMOUNTS, max_size=30))
    def test_add_up_exactly(self, amounts: list[Decimal]):
        assert sum(map(parse_amount, amounts)) == sum(map(Fraction, amounts)) * ONE

    def test_of_a_tenth_are_exactly_one_after_ten(self):
        assert number(sum(parse_amount(0.1) for _ in range(10))) == 1
        assert number(parse_amount(9.99) * 2) == 19.98

    @given(MILLIONTHS)
    def test_are_given_back_as_an_int_where_whole_and_else_as_the_nearest_float(self, micros: int):
        value = number(micros)
        assert type(value) is (float if micros % ONE else int)
        assert value == (micros / ONE if micros % ONE else micros // ONE)

    @given(MILLIONTHS)
    @example(-1)
    @example(-ONE)
    def test_are_split_into_parts_of_their_own_sign(self, micros: int):
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
    def test_are_amounts_with_one_hit_unless_it_is_given(self, metrics: object, amounts: dict[str, int]):
        parsed = parse_metrics(metrics)
        assert list(parsed.items()) == list(amounts.items())
        assert all(type(name) is str for name in parsed)

    def test_without_any_are_one_hit(self):
        assert parse_metrics() == {DEFAULT_METRIC: ONE}

    def test_are_a_new_dict_for_every_event(self):
        parse_metrics(None)['hits'] = 0
        assert parse_metrics(None) == {'hits': ONE}

    @pytest.mark.parametrize('metrics', [5, 1.5, True, b'a', {'a'}, object(), [1], [None], [['a']], {1: 1}, {None: 1}])
    def test_of_another_shape_are_refused(self, metrics: object):
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
    def test_whose_name_no_formula_could_hold_are_refused(self, name: str):
        for metrics in [name, [name], {name: 1}]:
            with pytest.raises(InvalidMetric) as caught:
                parse_metrics(metrics)
            assert '\n' not in caught.value.message

    @pytest.mark.parametrize(
        'name', ['hours', '1st', "O'Brien", 'two words', '_', 'é' * 64, '1_000', 'nan', '||', '🐳']
    )
    def test_may_have_every_other_name(self, name: str):
        assert parse_metrics({name: 2}) == {name: 2 * ONE, 'hits': ONE}
        assert metric_name(name) == name

    def test_with_a_bad_amount_name_the_metric(self):
        with pytest.raises(InvalidAmount, match='revenue'):
            parse_metrics({'revenue': True})

    def test_are_at_most_as_many_as_the_limit_says(self):
        full = [f'metric {place}' for place in range(MAX_METRICS)]
        assert len(parse_metrics(full)) == MAX_METRICS + 1
        for too_many in [[*full, 'one more'], dict.fromkeys([*full, 'one more'], 1)]:
            with pytest.raises(LimitExceeded):
                parse_metrics(too_many)
        with pytest.raises(LimitExceeded):
            parse_metrics(['a', 'b'], max_metrics=1)


HOURS = [Span(0, 3600, 31), Span(3600, 7200, 31), Span(7200, 10_800, 28)]
COLUMNS = {
    'dollars': [9 * ONE, 0, ONE],
    'hits': [2 * ONE, 0, 2 * ONE],
    'level': [0, 5 * ONE, 0],
    'hours': [ONE, 2 * ONE, 3 * ONE],
    'debt': [-ONE, -ONE // 2, 0],
}


class TestFormulas:
    @pytest.mark.parametrize(
        ('text', 'metrics', 'points', 'total'),
        [
            ('dollars', ('dollars',), [9, 0, 1], 10),
            ('debt', ('debt',), [-1, -0.5, 0], -1.5),
            ('dollars/hits', ('dollars', 'hits'), [4.5, 0, 0.5], 2.5),
            ('hits/hits', ('hits',), [1, 0, 1], 1),
            (' dollars / hits ', ('dollars', 'hits'), [4.5, 0, 0.5], 2.5),
            ('dollars:cumulative', ('dollars',), [9, 9, 10], 10),
            ('dollars:sum', ('dollars',), [9, 9, 10], 10),
            ('dollars:+', ('dollars',), [9, 9, 10], 10),
            ('dollars: ', ('dollars',), [9, 9, 10], 10),
            ('dollars:+/hits:+', ('dollars', 'hits'), [4.5, 4.5, 2.5], 2.5),
            ('level:last', ('level',), [0, 5, 5], 5),
            ('level:level', ('level',), [0, 5, 5], 5),
            ('dollars:set', ('dollars',), [9, 9, 1], 1),
            ('dollars/level:last', ('dollars', 'level'), [0, 0, 0.2], 2),
            ('dollars/4', ('dollars',), [2.25, 0, 0.25], 2.5),
            ('1/hits', ('hits',), [0.5, 0, 0.5], 0.25),
            ('dollars/0', ('dollars',), [0, 0, 0], 0),
            ('.5/2', (), [0.25, 0.25, 0.25], 0.25),
            ('-2.5', (), [-2.5, -2.5, -2.5], -2.5),
            ('_count', (), [1, 1, 1], 3),
            ('_days_in_month', (), [31, 31, 28], 28),
            ('dollars/_count', ('dollars',), [9, 0, 1], 10 / 3),
            ('dollars/_days_in_month', ('dollars',), [9 / 31, 0, 1 / 28], 10 / 28),
            ('hours', ('hours',), [1, 2, 3], 6),
            ('hits/hours', ('hits',), [2, 0, 2], 4 / 3),
            ('hits/"hours"', ('hits', 'hours'), [2, 0, 2 / 3], 4 / 6),
            ('"hours":+/hits', ('hours', 'hits'), [0.5, 0, 3], 1.5),
            ('hours:+/hits', ('hours', 'hits'), [0.5, 0, 3], 1.5),
            ('"dollars"', ('dollars',), [9, 0, 1], 10),
            ('hours/days', (), [24, 24, 24], 24),
            ('hits/seconds', ('hits',), [2 / 3600, 0, 2 / 3600], 4 / 10_800),
            ('hits/minutes', ('hits',), [2 / 60, 0, 2 / 60], 4 / 180),
            ('hits/weeks', ('hits',), [336, 0, 336], 224),
            ('years/months', (), [1 / 12] * 3, 1 / 12),
        ],
    )
    def test_are_read_from_the_sums(self, text: str, metrics: tuple[str, ...], points: list[float], total: float):
        formula = Formula.parse(text)
        assert formula.text == text
        assert formula.metrics == metrics
        assert formula.points(COLUMNS, HOURS) == points
        assert formula.total(COLUMNS, HOURS) == total

    @pytest.mark.parametrize(
        'text',
        [
            '',
            ' ',
            '/',
            'a/',
            '/b',
            'a/b/c',
            'a:',
            'a:mean',
            'a:last:sum',
            ':last',
            '"a',
            'a"b"',
            '""',
            '"a/b"',
            '"5"',
            '"_count"',
            '_count:sum',
            '1.0000001',
            '1e15/hits',
            'a' * 129,
            'a' * 2000,
            ' ' * 5000 + '/',
            None,
            5,
        ],
    )
    def test_that_cannot_be_read_are_refused_in_one_line(self, text: object):
        with pytest.raises(InvalidFormula) as caught:
            Formula.parse(text)
        assert caught.value.field == 'metrics'
        assert '\n' not in caught.value.message
        assert len(caught.value.message) < 300

    def test_say_which_modifiers_there_are(self):
        with pytest.raises(InvalidFormula, match=r"'mean' \(use one of cumulative sum \+ last level set\)"):
            Formula.parse('hits:mean')

    @pytest.mark.parametrize(
        'text', ['hits', 'a/b', 'a:+', 'a:last/b', '_count', '_days_in_month', 'a/hours', 'a/_days_in_month']
    )
    def test_over_no_buckets_are_nothing(self, text: str):
        formula = Formula.parse(text)
        assert formula.points({'hits': [], 'a': [], 'b': []}, []) == []
        assert formula.total({'hits': [], 'a': [], 'b': []}, []) == 0

    @pytest.mark.parametrize(
        ('text', 'sides'),
        [
            ('dollars/hits', (10, 4)),
            ('debt/hours', (-1.5, 3)),
            ('debt', (-1.5, -1.5)),
            ('dollars:last/0', (1, 0)),
        ],
    )
    def test_have_the_totals_above_and_below_the_line_as_their_sides(self, text: str, sides: tuple[float, float]):
        assert Formula.parse(text).sides(COLUMNS, HOURS) == sides

    def test_are_equal_when_they_are_spelled_alike(self):
        assert Formula.parse('a/b') == Formula.parse('a/b') != Formula.parse('b/a')
        assert hash(Formula.parse('a:last')) == hash(Formula.parse('a:last'))

    @given(METRIC_NAMES)
    def test_read_back_every_name_that_can_be_counted(self, name: str):
        try:
            metric_name(name)
        except InvalidMetric:
            assume(False)
        assert Formula.parse(name).metrics == (name,)
        assert Formula.parse(f'"{name}"/"{name}":last').metrics == (name,)

    @given(st.text('ab/:"+ 5.e_', max_size=12) | st.text())
    def test_are_read_or_refused_whatever_the_text(self, text: str):
        try:
            formula = Formula.parse(text)
        except InvalidFormula:
            return
        columns = {name: [ONE, 0, 3] for name in formula.metrics}
        assert len(formula.points(columns, HOURS)) == 3
        assert isinstance(formula.total(columns, HOURS), (int, float))

    @given(st.lists(st.tuples(MILLIONTHS, MILLIONTHS | st.just(0)), max_size=8))
    def test_that_are_ratios_divide_the_sums_and_never_average_the_ratios(self, rows: list[tuple[int, int]]):
        columns = {'a': [row[0] for row in rows], 'b': [row[1] for row in rows]}
        spans = [Span(place, place + 1, 30) for place in range(len(rows))]
        ratio = Formula.parse('a/b')
        assert ratio.points(columns, spans) == [float(Fraction(a, b)) if b else 0 for a, b in rows]
        above, below = sum(columns['a']), sum(columns['b'])
        assert ratio.total(columns, spans) == (float(Fraction(above, below)) if below else 0)

    @given(st.lists(MILLIONTHS, max_size=8))
    def test_that_add_up_end_with_the_total(self, column: list[int]):
        spans = [Span(place, place + 1, 30) for place in range(len(column))]
        running = Formula.parse('a:+')
        assert running.points({'a': column}, spans) == [number(value) for value in accumulate(column)]
        assert [running.total({'a': column}, spans)] == [0, *running.points({'a': column}, spans)][-1:]

    @given(st.lists(st.just(0) | MILLIONTHS, max_size=8))
    def test_of_the_last_value_repeat_it_until_there_is_another(self, column: list[int]):
        spans = [Span(place, place + 1, 30) for place in range(len(column))]
        expected, last = [], 0
        for value in column:
            last = value if value else last
            expected.append(number(last))
        assert Formula.parse('a:last').points({'a': column}, spans) == expected
        assert Formula.parse('a:last').total({'a': column}, spans) == number(last)
