"""Sheets: the cells of a table as columns."""

from __future__ import annotations

import numpy as np
import pytest

from hailwhale.decisions.policies import Cell, Context, Moments, Table
from hailwhale.decisions.policies.sheets import Sheet
from tests.decisions.policies.counted import ANYBODY, by_hour, table

CONTEXTS = [Context.of({'country': name}) for name in ('US', 'UK')]
CELLS = [Cell(0, 0, 1.0, 10, 2, 1), Cell(0, 0, 30.0, 20, 4, 2), Cell(1, 1, 2.0, 5, 1, 1), Cell(1, 0, 25.0, 8, 8, 4)]
TABLE = Table(CONTEXTS, 'ab', CELLS, Moments(43, 15, 40.0))


def test_of_each_context_only_the_hours_that_are_believed_are_summed() -> None:
    exposure, reward = Sheet.of(TABLE, None).grids(np.array([np.inf, 24.0]))
    assert exposure.tolist() == [[30, 0], [0, 5]]
    assert reward.tolist() == [[6, 0], [0, 1]]


def test_options_are_late_that_were_first_shown_when_others_had_long_been() -> None:
    ages = {'a': (100.0, 50.0), 'b': (61.0, 1.0), 'c': (59.0, 1.0)}
    rows = [(age, ANYBODY, option, (10, 1)) for option, some in ages.items() for age in some]
    # What was earned without being shown is no beginning.
    sheet = Sheet.of(by_hour([*rows, (99.0, ANYBODY, 'c', (0, 1)), (99.0, ANYBODY, 'd', (0, 0))]), None)
    assert sheet.late_options().tolist() == [False, False, True, True]
    assert Sheet.of(Table([ANYBODY], ['a'], [], Moments(0, 0)), None).late_options().tolist() == [False]


def test_sums_halve_with_each_half_life() -> None:
    sheet = Sheet.of(table({'a': (100, 10, 4)}, age=48.0), 24.0)
    assert (sheet.exposure.tolist(), sheet.reward.tolist(), sheet.times.tolist()) == ([25], [2.5], [1])


def single(amounts: list[float]) -> Sheet:
    """One decision for each amount, some of which are 0."""
    row = np.array(amounts)
    cells = [Cell(0, 0, 1.0, len(row), float(row.sum()), float((row > 0).sum()))]
    return Sheet.of(Table([ANYBODY], ['a'], cells, Moments(len(row), float(row.sum()), float(row @ row))), None)


AMOUNTS = [0.0, 0.0, 0.0, 5.0, 7.0, 0.0, 30.0, 0.0]


def test_scatter_is_the_variance_of_single_rewards_as_a_multiple_of_their_mean() -> None:
    assert single(AMOUNTS).scatter == pytest.approx(np.var(AMOUNTS) / np.mean(AMOUNTS))


def test_of_successes_it_is_1() -> None:
    assert single([0.0, 1.0, 0.0]).scatter == 1.0
    assert single([0.0, 1.0, 0.0]).binary


def test_of_sizes_it_is_that_of_those_who_paid() -> None:
    paid = [amount for amount in AMOUNTS if amount]
    assert single(AMOUNTS).scatter_of_sizes() == pytest.approx(np.var(paid) / np.mean(paid))


def test_rewards_that_never_vary_scatter_a_little() -> None:
    assert 0 < single([3.0, 3.0, 3.0]).scatter < 1e-6


def test_scatter_of_a_ratio_is_that_of_what_the_ratio_leaves_over() -> None:
    spent, earned = np.array([1.0, 2, 3, 4]), np.array([2.0, 5, 5, 10])
    moments = Moments(*map(float, (spent.sum(), earned.sum(), earned @ earned, spent @ spent, spent @ earned)))
    sheet = Sheet.of(Table([ANYBODY], ['a'], [Cell(0, 0, 1.0, 10, 22)], moments), None)
    rest = earned - 2.2 * spent
    assert sheet.scatter == pytest.approx(rest @ rest / 22)


def test_how_often_is_a_success_where_nobody_pays_twice() -> None:
    often = single(AMOUNTS).often(by_hits=True)
    assert often.reward.tolist() == [3]
    assert (often.binary, often.scatter) == (True, 1.0)
    twice = Sheet.of(Table([ANYBODY], ['a'], [Cell(0, 0, 1.0, 2, 9, 5)], Moments(2, 9, 30.0)), None)
    assert not twice.often(by_hits=True).binary
    assert not single(AMOUNTS).often(by_hits=False).binary
    assert single(AMOUNTS).often(by_hits=False).scatter > 0


def test_rewards_are_alike_where_none_differs() -> None:
    assert single([0.0, 5.0, 5.0, 0.0]).alike
    assert not single([0.0, 5.0, 5.1, 0.0]).alike
    assert Sheet.of(table({'a': (10, 4, 4)}), None).alike


def test_young_and_old_hours_are_kept_apart_when_they_are_delayed() -> None:
    sheet = Sheet.of(TABLE, None)
    later = sheet.delayed(0.5)
    assert later.late == 0.5
    assert later.reward.sum() == sheet.reward.sum()
    assert later.exposure.sum() <= sheet.exposure.sum()
