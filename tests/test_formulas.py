"""Formulas over counted metrics."""

from fractions import Fraction
from itertools import accumulate
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hailwhale.errors import InvalidFormula, InvalidMetric
from hailwhale.formulas import Formula
from hailwhale.intervals import Span
from hailwhale.metrics import MAX_AMOUNT, metric_name, number

ONE = 10**6
MILLIONTHS = st.integers(-(MAX_AMOUNT * ONE) + 1, MAX_AMOUNT * ONE - 1)
METRIC_NAMES = st.text(st.characters(codec='utf-8', exclude_characters='/:"'), min_size=1, max_size=12)

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
    def test_are_read_from_the_sums(
        self, text: str, metrics: tuple[str, ...], points: list[float], total: float
    ) -> None:
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
    def test_that_cannot_be_read_are_refused_in_one_line(self, text: Any) -> None:
        with pytest.raises(InvalidFormula) as caught:
            Formula.parse(text)
        assert caught.value.field == 'metrics'
        assert '\n' not in caught.value.message
        assert len(caught.value.message) < 300

    def test_say_which_modifiers_there_are(self) -> None:
        with pytest.raises(InvalidFormula, match=r"'mean' \(use one of cumulative sum \+ last level set\)"):
            Formula.parse('hits:mean')

    @pytest.mark.parametrize(
        'text', ['hits', 'a/b', 'a:+', 'a:last/b', '_count', '_days_in_month', 'a/hours', 'a/_days_in_month']
    )
    def test_over_no_buckets_are_nothing(self, text: str) -> None:
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
    def test_have_the_totals_above_and_below_the_line_as_their_sides(
        self, text: str, sides: tuple[float, float]
    ) -> None:
        assert Formula.parse(text).sides(COLUMNS, HOURS) == sides

    def test_are_equal_when_they_are_spelled_alike(self) -> None:
        assert Formula.parse('a/b') == Formula.parse('a/b') != Formula.parse('b/a')
        assert hash(Formula.parse('a:last')) == hash(Formula.parse('a:last'))

    @given(METRIC_NAMES)
    def test_read_back_every_name_that_can_be_counted(self, name: str) -> None:
        try:
            metric_name(name)
        except InvalidMetric:
            assume(False)
        assert Formula.parse(name).metrics == (name,)
        assert Formula.parse(f'"{name}"/"{name}":last').metrics == (name,)

    @given(st.text('ab/:"+ 5.e_', max_size=12) | st.text())
    def test_are_read_or_refused_whatever_the_text(self, text: str) -> None:
        try:
            formula = Formula.parse(text)
        except InvalidFormula:
            return
        columns = {name: [ONE, 0, 3] for name in formula.metrics}
        assert len(formula.points(columns, HOURS)) == 3
        assert isinstance(formula.total(columns, HOURS), (int, float))

    @given(st.lists(st.tuples(MILLIONTHS, MILLIONTHS | st.just(0)), max_size=8))
    def test_that_are_ratios_divide_the_sums_and_never_average_the_ratios(self, rows: list[tuple[int, int]]) -> None:
        columns = {'a': [row[0] for row in rows], 'b': [row[1] for row in rows]}
        spans = [Span(place, place + 1, 30) for place in range(len(rows))]
        ratio = Formula.parse('a/b')
        assert ratio.points(columns, spans) == [float(Fraction(a, b)) if b else 0 for a, b in rows]
        above, below = sum(columns['a']), sum(columns['b'])
        assert ratio.total(columns, spans) == (float(Fraction(above, below)) if below else 0)

    @given(st.lists(MILLIONTHS, max_size=8))
    def test_that_add_up_end_with_the_total(self, column: list[int]) -> None:
        spans = [Span(place, place + 1, 30) for place in range(len(column))]
        running = Formula.parse('a:+')
        assert running.points({'a': column}, spans) == [number(value) for value in accumulate(column)]
        assert [running.total({'a': column}, spans)] == [0, *running.points({'a': column}, spans)][-1:]

    @given(st.lists(st.just(0) | MILLIONTHS, max_size=8))
    def test_of_the_last_value_repeat_it_until_there_is_another(self, column: list[int]) -> None:
        spans = [Span(place, place + 1, 30) for place in range(len(column))]
        expected, last = [], 0
        for value in column:
            last = value if value else last
            expected.append(number(last))
        assert Formula.parse('a:last').points({'a': column}, spans) == expected
        assert Formula.parse('a:last').total({'a': column}, spans) == number(last)
