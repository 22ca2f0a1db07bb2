"""Rewards that were counted where nothing was shown: each lands where it may belong, and none appears or is lost."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.decisions import strays as module
from hailwhale.decisions.policies import Cell, Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.strays import Strays, placed
from hailwhale.whale import Whale

NOBODY, US, US_PHONE, US_DESK, UK_DESK, TEXAS = map(
    Context.of,
    [
        None,
        {'country': 'US'},
        {'country': 'US', 'device': 'phone'},
        {'country': 'US', 'device': 'desk'},
        {'country': 'UK', 'device': 'desk'},
        {'country': {'US': 'Texas'}, 'device': 'phone'},
    ],
)
CONTEXTS = [NOBODY, US, US_PHONE, US_DESK, UK_DESK, TEXAS]
OPTIONS = ('blue', 'red')


def columns(*cells: Cell) -> Floats:
    return np.array(cells, float).reshape(-1, len(Cell._fields)).T


def cell(context: Context, option: str, age: float, exposure: float, reward: float = 0.0, times: float = 0.0) -> Cell:
    return Cell(CONTEXTS.index(context), OPTIONS.index(option), age, exposure, reward, times)


def after(*cells: Cell) -> tuple[dict[tuple[str, str, float], tuple[float, ...]], Strays | None]:
    """By context, option and age, the sums of cells in which something was counted by then; and what is said."""
    found, strays = placed(columns(*cells), CONTEXTS, len(OPTIONS))
    rows = [Cell(*row) for row in found.T.tolist()]
    return {
        (CONTEXTS[int(row.context)].text, OPTIONS[int(row.option)], row.age): (row.exposure, row.reward, row.times)
        for row in rows
    }, strays


def test_without_strays_nothing_changes() -> None:
    given = columns(cell(US_PHONE, 'red', 3, 5, 2, 1), cell(US_PHONE, 'red', 0, 0, 4, 1), cell(UK_DESK, 'blue', 3, 5))
    found, strays = placed(given, CONTEXTS, len(OPTIONS))
    assert strays is None
    assert found is given
    empty = columns()
    assert placed(empty, CONTEXTS, len(OPTIONS)) == (empty, None)


def test_a_reward_of_which_nothing_is_known_is_shared_out_as_the_option_was_shown_in_the_same_hour() -> None:
    found, strays = after(
        cell(US_PHONE, 'red', 3, 6),
        cell(UK_DESK, 'red', 3, 2),
        cell(UK_DESK, 'red', 9, 50),
        cell(UK_DESK, 'blue', 3, 70),
        cell(NOBODY, 'red', 3, 0, 16, 4),
    )
    assert found == {
        (US_PHONE.text, 'red', 3): (6, 12, 3),
        (UK_DESK.text, 'red', 3): (2, 4, 1),
        (UK_DESK.text, 'red', 9): (50, 0, 0),
        (UK_DESK.text, 'blue', 3): (70, 0, 0),
    }
    assert strays == Strays('', 1.0, placed=True)


def test_one_that_came_when_nothing_was_shown_is_shared_out_over_all_hours() -> None:
    found, _ = after(cell(US_PHONE, 'red', 3, 6), cell(UK_DESK, 'red', 9, 2), cell(NOBODY, 'red', 5, 0, 16, 4))
    assert found == {(US_PHONE.text, 'red', 3): (6, 12, 3), (UK_DESK.text, 'red', 9): (2, 4, 1)}


@pytest.mark.parametrize(('stray', 'fitting'), [(US, [US_PHONE, US_DESK, TEXAS]), (NOBODY, CONTEXTS[2:])])
def test_one_of_which_something_is_known_lands_only_where_it_fits(stray: Context, fitting: list[Context]) -> None:
    shown = [cell(context, 'blue', 1, 10, 1, 1) for context in CONTEXTS[2:]]
    found, strays = after(*shown, cell(stray, 'blue', 1, 0, 60, 12))
    for context in CONTEXTS[2:]:
        more = 60 / len(fitting) if context in fitting else 0
        assert found[context.text, 'blue', 1] == pytest.approx((10, 1 + more, 1 + more / 5))
    assert strays == Strays(stray.text, 60 / 64, placed=True)


def test_what_fits_nowhere_is_left_aside() -> None:
    shown = cell(UK_DESK, 'red', 1, 10, 3, 3)
    found, strays = after(shown, cell(US, 'red', 1, 0, 7, 7), cell(US_PHONE, 'blue', 1, 0, -2, 1))
    assert found == {(UK_DESK.text, 'red', 1): (10, 3, 3)}
    assert strays == Strays(US.text, 9 / 12, placed=False)


def test_where_there_are_too_many_contexts_those_with_little_are_left_aside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, '_MOST', 1)
    found, strays = after(cell(US_PHONE, 'red', 1, 10), cell(US, 'red', 1, 0, 7, 7), cell(NOBODY, 'red', 1, 0, 9, 1))
    assert found == {(US_PHONE.text, 'red', 1): (10, 9, 1)}
    assert strays == Strays('', 1.0, placed=True)


CELLS = st.lists(
    st.builds(
        Cell,
        st.integers(0, len(CONTEXTS) - 1),
        st.integers(0, 1),
        st.integers(0, 4).map(float),
        st.integers(0, 9).map(float),
        st.integers(-5, 30).map(float),
        st.integers(0, 9).map(float),
    ),
    unique_by=lambda one: one[:3],
    max_size=20,
)


@given(CELLS)
def test_no_exposure_is_touched_and_each_option_keeps_what_fits_anywhere(cells: list[Cell]) -> None:
    before = columns(*cells)
    found, strays = placed(before.copy(), CONTEXTS, len(OPTIONS))
    shown: defaultdict[tuple[int, int], float] = defaultdict(float)
    for one in cells:
        shown[one.context, one.option] += one.exposure
    home = {pair for pair, exposure in shown.items() if exposure > 0}

    def fits(one: Cell) -> bool:
        known = set(CONTEXTS[one.context].paths)
        return any(option == one.option and known <= set(CONTEXTS[context].above) for context, option in home)

    kept = [one for one in cells if (one.context, one.option) in home or strays is None or fits(one)]
    staying = [one for one in kept if (one.context, one.option) in home or strays is None]
    assert found[:4].T.tolist() == [list(one[:4]) for one in staying]
    for option in range(len(OPTIONS)):
        sums = [found[row, found[1] == option].sum() for row in (4, 5)]
        expected = [sum(one[row] for one in kept if one.option == option) for row in (4, 5)]
        assert sums == pytest.approx(expected)


def test_a_decision_learns_from_payments_that_come_without_what_was_known_of_visitors(whale: Whale) -> None:
    visitors = [{'country': 'US'}, {'country': 'UK'}]
    # Of some options something was earned on the very day, of some before it.
    now = int(whale.clock())
    for at, earned in ((now - 3 * 86_400, 6), (now, 3)):
        for option, rate in (('blue', 1), ('red', 3)):
            for visitor in visitors:
                whale.count_decided_now('Page', None, option, visitor, {'hits': 100}, at)
            for _ in range(rate * earned):
                whale.count_decided_now('Page', None, option, None, {'earned': 1}, at)
    found = whale.decision('Page', None, OPTIONS, 'earned/hits', visitors[0], explain=True)
    assert found.weights['red'] > 0.9
    sums: dict[str, Any] = {'blue': (200, pytest.approx(4.5)), 'red': (200, pytest.approx(13.5))}
    assert {reason.option: (reason.exposure, reason.reward) for reason in found.reasons} == sums
    assert found.warning == (
        "100% of 'earned' was counted of visitors of whom nothing is known, where the option was never shown: it is "
        'shared out among visitors of whom more is known, as the option was shown to them (say of a reward what was '
        'known of the visitor when the option was shown)'
    )
