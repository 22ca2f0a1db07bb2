"""Whether what was earned says of whom; and what a decision does where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from hailwhale.decisions.attribution import Unattributed, unattributed
from hailwhale.decisions.decider import Decider
from hailwhale.decisions.policies import Cell, Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.whale import Whale

NOBODY, US, PHONE, DESK = map(
    Context.of,
    [None, {'country': 'US'}, {'country': 'US', 'device': 'phone'}, {'country': 'US', 'device': 'desk'}],
)
CONTEXTS = [NOBODY, US, PHONE, DESK]
DAY = 86_400
OPTIONS = ['blue', 'red']


def columns(*cells: tuple[Context, float, float, float]) -> Floats:
    """Cells of one option and hour: context, exposure, reward, times."""
    rows = [Cell(CONTEXTS.index(context), 0, 1.0, *sums) for context, *sums in cells]
    return np.array(rows, float).reshape(-1, len(Cell._fields)).T


@pytest.mark.parametrize(
    'cells',
    [
        [],
        [(PHONE, 100, 0, 0)],
        [(PHONE, 100, 9, 9), (DESK, 10, 9, 9)],
        # Few rewards are no evidence, and half of them are not most.
        [(PHONE, 100, 0, 0), (NOBODY, 0, 9, 9)],
        [(PHONE, 100, 30, 30), (NOBODY, 0, 30, 30)],
        [(PHONE, 100, 6_000, 10), (NOBODY, 0, 5_000, 90)],
        # Who was shown it once comes back each month.
        [(PHONE, 1_000, 0, 0), (US, 1, 24, 24), (DESK, 1, 30, 30)],
        # Each showing is clicked at forty times, and at a hundred times here.
        [(PHONE, 10, 400, 400), (DESK, 10, 1_000, 1_000)],
        # One kind of visitors does nearly everything.
        [(PHONE, 9_000, 90, 90), (DESK, 100, 1_300, 1_300)],
    ],
)
def test_what_may_come_of_what_was_shown_is_attributed(cells: list[tuple[Context, float, float, float]]) -> None:
    assert unattributed(columns(*cells), CONTEXTS) is None


@pytest.mark.parametrize(
    ('cells', 'found'),
    [
        ([(PHONE, 100, 0, 0), (NOBODY, 0, 30, 10)], Unattributed('', 1.0)),
        # A few who came without anything known hide nothing.
        ([(PHONE, 1_000, 0, 0), (NOBODY, 4, 360, 360)], Unattributed('', 1.0)),
        ([(PHONE, 100, 9, 9), (US, 0, 20, 20), (NOBODY, 0, 7, 7)], Unattributed('country/US', 0.75)),
        # Of most it was not counted how often.
        ([(PHONE, 100, 1, 1), *[(US, 0, 3, 0)] * 10, (PHONE, 9, 9, 9)], Unattributed('country/US', 0.75)),
        # Something was paid back; and what was shown was taken back.
        ([(PHONE, 100, 100, 9), (US, 0, -300, 10)], Unattributed('country/US', 0.75)),
        ([(PHONE, 100, 5, 5), (US, 5, 0, 0), (US, -5, 15, 15)], Unattributed('country/US', 0.75)),
    ],
)
def test_most_that_cannot_is_told_with_its_share(
    cells: list[tuple[Context, float, float, float]], found: Unattributed
) -> None:
    assert unattributed(columns(*cells), CONTEXTS) == found


def show(whale: Whale, option: str, hits: int, earned: int, where: object, whose: object, at: int) -> None:
    """Count showings, and what they earned by another account of who the visitors were."""
    whale.count_decided_now('Page', None, option, where, {'hits': hits}, at)
    whale.count_many([whale.decided_event('Page', None, option, whose, {'earned': 1}, at)] * earned)


@pytest.mark.parametrize(
    ('where', 'whose'),
    [
        ({'country': 'US'}, None),
        ({'country': 'US', 'device': 'phone'}, {'country': 'US'}),
        ({'country': 'US'}, {'country': 'US', 'plan': 'pro'}),
        (None, {'country': 'US'}),
    ],
)
def test_where_rewards_say_of_others_options_are_compared_by_all_that_was_counted(
    whale: Whale, where: object, whose: object
) -> None:
    now = int(whale.clock())
    for at in (now - 3 * DAY, now):
        show(whale, 'blue', 300, 3, where, whose, at)
        show(whale, 'red', 300, 20, where, whose, at)
    # And some are told of as they should be.
    show(whale, 'blue', 3, 0, {'country': 'UK'}, {'country': 'UK'}, now)
    for known_data in (where, whose, {'country': 'JP'}, None):
        found = whale.decision('Page', None, OPTIONS, 'earned/hits', known_data, explain=True)
        assert found.weights['red'] > 0.9
        assert found.paths == ()
        assert {one.option: (one.exposure, one.reward) for one in found.reasons} == {'blue': (603, 6), 'red': (600, 40)}
        assert found.warning
        assert 'visitors are not told apart' in found.warning


def test_what_is_counted_then_counts_in_the_next_decision(whale: Whale) -> None:
    decider, now = Decider(whale), int(whale.clock())
    for option in OPTIONS:
        show(whale, option, 200, 10, {'country': 'US'}, None, now)
    asked = ('Page', None, OPTIONS, 'earned/hits')
    before = decider.decide(*asked, {'country': 'US'}).weights
    show(whale, 'red', 10, 60, {'country': 'US'}, None, now)
    (one, other) = decider.decide_many([{'country': 'US'}, {'country': 'UK'}], *asked)
    assert one.weights == other.weights
    assert one.weights['red'] > before['red'] + 0.3
