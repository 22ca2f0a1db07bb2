"""Turns: the best option has the highest ratio, whatever is counted and wanted."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.policies import Cell, Context, Moments, Table, Turn
from hailwhale.decisions.policies.turns import binary

few = settings(max_examples=60)
amounts = st.integers(-200, 1000).map(lambda number: number / 4)
#: Single decisions: the option, exposure and reward.
singles = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 40).map(float), amounts), min_size=1, max_size=20)


def of_singles(rows: list[tuple[int, float, float]]) -> Table:
    cells = [Cell(0, *row[:1], 0, *row[1:]) for row in rows]
    e, r = np.array([row[1:] for row in rows]).T
    return Table([Context.of(None)], 'abc', cells, Moments(*map(float, (e.sum(), r.sum(), r @ r, e @ e, e @ r))))


@few
@given(singles, st.booleans(), st.booleans())
def test_moments_are_turned_as_if_each_decision_were(
    rows: list[tuple[int, float, float]], least: bool, by_hits: bool
) -> None:
    table = of_singles(rows)
    turn = Turn.of(table, least=least, by_hits=by_hits)
    each = of_singles([(row[0], *turn.sums(row[1], row[2])) for row in rows])
    found = turn.table(table)
    scale = sum(map(abs, (*table.moments, *each.moments))) + turn.shift**2  # type: ignore[arg-type]
    assert tuple(found.moments) == pytest.approx(tuple(each.moments), rel=1e-9, abs=1e-9 * scale)
    assert found.columns() == pytest.approx(each.columns(), rel=1e-9, abs=1e-9 * scale)


@few
@given(singles, st.booleans(), st.booleans())
def test_ratios_are_in_the_order_of_the_goal_and_can_be_turned_back(
    rows: list[tuple[int, float, float]], least: bool, by_hits: bool
) -> None:
    turn = Turn.of(of_singles(rows), least=least, by_hits=by_hits)
    ratios = []
    for _, exposure, reward in rows:
        if turn.swap and reward <= 0:
            continue
        shown, earned = turn.sums(exposure, reward)
        ratios.append((earned / shown, reward / exposure))
        assert turn.value(earned / shown) == pytest.approx(reward / exposure, rel=1e-6, abs=1e-6 * (1 + turn.shift))
    for turned, plain in ratios:
        for other, unturned in ratios:
            if abs(plain - unturned) > 1e-6 * (1 + turn.shift):
                assert (turned > other) == ((plain < unturned) if least else (plain > unturned))


@few
@given(singles)
def test_what_may_be_below_0_is_shifted_until_its_sum_is_above(rows: list[tuple[int, float, float]]) -> None:
    table = of_singles(rows)
    turned = Turn.of(table, least=False, by_hits=True).table(table)
    assert turned.moments.reward > 0 or table.moments.squares == 0


def test_what_is_positive_and_wanted_stays_as_it_is() -> None:
    assert Turn.of(of_singles([(0, 1, 5), (1, 1, 0)]), least=False, by_hits=True) == Turn()


def test_the_fewest_successes_are_the_most_failures() -> None:
    table = Table([Context.of(None)], 'ab', [Cell(0, 0, 0, 10, 4), Cell(0, 1, 0, 10, 1)], Moments(20, 5))
    turn = Turn.of(table, least=True, by_hits=True)
    turned = turn.table(table)
    assert turned.columns()[4].tolist() == [6, 9]
    assert binary(turned.moments)
    assert turn.value(0.6) == pytest.approx(0.4)


def test_the_least_cost_by_something_else_is_the_most_of_that_by_cost() -> None:
    turn = Turn.of(of_singles([(0, 2, 8), (1, 4, 6)]), least=True, by_hits=False)
    assert turn == Turn(swap=True)
    assert turn.value(0.25) == 4
    assert turn.value(0.0) == math.inf


def test_an_empty_table_can_be_turned() -> None:
    empty = Table([], [], [], Moments(0, 0))
    for least in (False, True):
        for by_hits in (False, True):
            turned = Turn.of(empty, least=least, by_hits=by_hits).table(empty)
            assert (turned.moments.exposure, turned.moments.reward) == (0, 0)


@pytest.mark.parametrize(
    ('moments', 'expected'),
    [
        (Moments(10, 4), True),
        (Moments(10, 4, 4.0, 10.0), True),
        (Moments(10, 4, 5.0), False),
        (Moments(10, 4, None, 11.0), False),
        (Moments(10, 11), False),
        (Moments(10, -1), False),
    ],
)
def test_successes_are_binary_where_no_sum_of_squares_speaks_against_it(moments: Moments, expected: bool) -> None:
    assert binary(moments) is expected
