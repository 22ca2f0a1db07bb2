"""Drift: what changed is believed anew, and what did not is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hailwhale.decisions.policies import Cell, Context, Moments, Table, Tuning, fit
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.drift import trusted
from hailwhale.decisions.policies.layouts import Layout
from hailwhale.decisions.policies.sheets import Sheet

ANYBODY = Context.of(None)
COUNTRIES = [Context.of({'country': name}) for name in ('US', 'UK', 'DE')]


def hourly(
    rates: list[list[float]], *, since: int, then: list[list[float]], seed: int, hours: int = 96, visitors: int = 100
) -> Table:
    """Options with a rate by context and, since so many hours, another one."""
    rng = np.random.default_rng(seed)
    contexts = [ANYBODY] if len(rates) == 1 else COUNTRIES
    cells = [
        Cell(context, option, age + 0.5, visitors, float(rng.binomial(visitors, rate)))
        for age in range(hours)
        for context, row in enumerate(then if age < since else rates)
        for option, rate in enumerate(row)
    ]
    exposure, reward = (sum(cell[field] for cell in cells) for field in (3, 4))
    return Table(contexts, [f'o{number}' for number in range(len(rates[0]))], cells, Moments(exposure, reward))


def believed(table: Table, tuning: Tuning | None = None) -> Floats:
    return trusted(Sheet.of(table, None), Layout.of(table.contexts), tuning or Tuning())


STEADY = [[0.05, 0.08, 0.06]]


def test_an_option_whose_rate_flips_is_abandoned() -> None:
    for seed in range(5):
        table = hourly(STEADY, since=18, then=[[0.05, 0.02, 0.06]], seed=seed)
        model, slow = fit(table), fit(table, tuning=Tuning(drift=0))
        assert believed(table)[0] <= 48
        assert model.weights(ANYBODY, table.options)['o1'] < 0.03
        assert slow.weights(ANYBODY, table.options)['o1'] > 0.3


def test_an_option_that_becomes_the_best_is_taken_up() -> None:
    for seed in range(5):
        table = hourly(STEADY, since=18, then=[[0.15, 0.08, 0.06]], seed=seed)
        assert fit(table).weights(ANYBODY, table.options)['o0'] > 0.9


def test_steady_rates_raise_no_alarm_in_many_tables() -> None:
    """A chance of 0.001 each: more than two alarms of 200 tables have a chance of about 0.001."""
    alarms = [np.isfinite(believed(hourly(STEADY, since=0, then=[], seed=seed))).any() for seed in range(200)]
    assert sum(alarms) <= 2


def test_where_one_country_changes_the_others_are_believed_as_before() -> None:
    rows = [[0.05, 0.10], [0.05, 0.10], [0.10, 0.05]]
    table = hourly(rows, since=24, then=[*rows[:2], [0.02, 0.20]], seed=3, visitors=300)
    contexts = [Context.of({'country': one, 'device': 'phone'}) for one in ('US', 'UK', 'DE')]
    contexts += [Context.of({'country': one, 'device': 'pc'}) for one in ('US', 'UK', 'DE')]
    cells = [cell._replace(context=cell.context + 3 * half) for cell in map(Cell._make, table.cells) for half in (0, 1)]
    both = Table(contexts, table.options, cells, Moments(*(2 * one for one in table.moments[:2])))
    hours = believed(both)
    assert np.isfinite(hours[[2, 5]]).all()
    weights = fit(both).weights
    assert weights(contexts[2], table.options)['o1'] > 0.9
    assert weights(contexts[0], table.options)['o1'] > 0.9


def test_what_is_not_looked_for_is_not_found() -> None:
    table = hourly(STEADY, since=18, then=[[0.5, 0.02, 0.06]], seed=1)
    assert np.isfinite(believed(table)).all()
    assert np.isinf(believed(table, Tuning(drift=0))).all()
    assert np.isinf(believed(table, Tuning(windows=()))).all()


def test_a_few_successes_prove_no_change() -> None:
    table = hourly(STEADY, since=6, then=[[0.5, 0.5, 0.5]], seed=1, visitors=1)
    assert np.isinf(believed(table)).all()


def test_an_empty_table_has_no_drift() -> None:
    assert believed(Table([ANYBODY], ['a'], [], Moments(0, 0))).tolist() == [np.inf]


@pytest.mark.parametrize('late', [0.0, 1.0, 100.0])
def test_a_window_is_long_beside_the_lag(late: float) -> None:
    table = hourly(STEADY, since=18, then=[[0.5, 0.02, 0.06]], seed=1)
    sheet = replace(Sheet.of(table, None), late=late)
    (hours,) = trusted(sheet, Layout.of(table.contexts), Tuning())
    assert hours >= 6 * late
