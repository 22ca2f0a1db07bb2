"""Whether what was earned says of whom; and what a decision does where it does not."""

from __future__ import annotations

import numpy as np
import pytest

from hailwhale.decisions.attribution import unattributed
from hailwhale.decisions.decider import Decider
from hailwhale.decisions.policies import Cell, Context, Moments
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


def found(*cells: tuple[Context, float, float, float]) -> tuple[list[Context], str, float, bool] | None:
    """In which contexts hardly anything was shown, the one with most of what was earned there, the share, and whether
    visitors are not told apart; where it was most."""
    told = unattributed(columns(*cells), CONTEXTS, 1)
    if told is None:
        return None
    places = [context for context, here in zip(CONTEXTS, told.places, strict=True) if here]
    return places, told.example, round(told.share, 4), told.joined


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
        # Who was shown it once comes back each week.
        [(PHONE, 1_000, 0, 0), (US, 1, 10, 10), (DESK, 1, 10, 10)],
        # Each showing is clicked at forty times, and at a hundred times here.
        [(PHONE, 10, 400, 400), (DESK, 10, 1_000, 1_000)],
        # One kind of visitors does nearly everything, and is not so few.
        [(PHONE, 9_000, 90, 90), (DESK, 100, 1_300, 1_300)],
        # What was paid back is taken off, in whatever hours it lies.
        [(PHONE, 1_000, 0, 0), *[(US, 0, 100, 1), (US, 0, -100, 1)] * 20, (PHONE, 0, 10, 1)],
    ],
)
def test_what_may_come_of_what_was_shown_is_attributed(cells: list[tuple[Context, float, float, float]]) -> None:
    assert found(*cells) is None


@pytest.mark.parametrize(
    ('cells', 'told'),
    [
        ([(PHONE, 100, 1, 1), (NOBODY, 0, 30, 30)], ([NOBODY], '', 0.9677, True)),
        # A few who came without anything known hide nothing.
        ([(PHONE, 1_000, 0, 0), (NOBODY, 2, 30, 30)], ([NOBODY], '', 1.0, True)),
        ([(PHONE, 100, 9, 9), (US, 0, 20, 20), (NOBODY, 0, 7, 7)], ([NOBODY, US], 'country/US', 0.75, False)),
        # A tenth says of whom; or forty rewards do, of however many.
        ([(PHONE, 100, 10, 10), (NOBODY, 0, 90, 90)], ([NOBODY], '', 0.9, False)),
        ([(PHONE, 100, 10, 10), (NOBODY, 0, 91, 91)], ([NOBODY], '', 0.901, True)),
        ([(PHONE, 1_000, 39, 39), (NOBODY, 0, 961, 961)], ([NOBODY], '', 0.961, True)),
        ([(PHONE, 1_000, 40, 40), (NOBODY, 0, 960, 960)], ([NOBODY], '', 0.96, False)),
        # A few large amounts, and many small ones.
        ([(PHONE, 1_000, 5_000, 39), (NOBODY, 0, 95_000, 12)], ([NOBODY], '', 0.95, False)),
        ([(PHONE, 1_000, 1_500, 10), (NOBODY, 0, 4_500, 990)], ([NOBODY], '', 0.75, False)),
        # Of most it was not counted how often.
        ([(PHONE, 100, 1, 1), *[(US, 0, 3, 0)] * 10, (PHONE, 9, 9, 9)], ([US], 'country/US', 0.75, False)),
        # Something was paid back; and what was shown was taken back.
        ([(PHONE, 100, 100, 9), (US, 0, -300, 10)], ([US], 'country/US', 0.75, False)),
        ([(PHONE, 100, 5, 5), (US, 5, 0, 0), (US, -6, 15, 15)], ([US], 'country/US', 0.75, False)),
    ],
)
def test_most_that_cannot_is_told_with_its_share(
    cells: list[tuple[Context, float, float, float]], told: tuple[list[Context], str, float, bool]
) -> None:
    assert found(*cells) == told


def test_options_do_not_make_up_for_one_another() -> None:
    cells = columns((PHONE, 100, 1, 1), (US, 0, 30, 10), (US, 0, -30, 10))
    cells[1, 2] = 1
    told = unattributed(cells, CONTEXTS, 2)
    assert told
    assert told.example == 'country/US'


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
    # And a few are told of as they should be.
    show(whale, 'blue', 3, 1, {'country': 'UK'}, {'country': 'UK'}, now)
    for known_data in (where, whose, {'country': 'JP'}, None):
        found = whale.decision('Page', None, OPTIONS, 'earned/hits', known_data, explain=True)
        assert found.weights['red'] > 0.9
        assert found.paths == ()
        assert {one.option: (one.exposure, one.reward) for one in found.reasons} == {'blue': (603, 7), 'red': (600, 40)}
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


@pytest.mark.parametrize('stray', [0, 10])
def test_where_enough_says_of_whom_the_rest_is_left_aside(whale: Whale, stray: int) -> None:
    """Opposite countries, and more by a webhook: it tells nothing, not even of visitors without dimensions."""
    now = int(whale.clock())
    us, uk = {'country': 'US'}, {'country': 'UK'}
    for at in (now - 3 * DAY, now):
        for option, here, there in (('blue', 30, 60), ('red', 60, 30)):
            show(whale, option, 1_000, here, us, us, at)
            show(whale, option, 1_000, there, uk, uk, at)
        show(whale, 'blue', stray, 400, None, None, at)
    asked = ('Page', None, OPTIONS, 'earned/hits')
    for known_data, best in ((us, 'red'), (uk, 'blue')):
        found = whale.decision(*asked, known_data, explain=True)
        assert found.weights[best] > 0.9
        assert found.warning
        assert (
            "69% of 'earned' was counted of visitors of whom nothing is known, to whom hardly anything was shown: "
            'that tells nothing of visitors, and is left aside'
        ) in found.warning
        assert {one.option: (one.exposure, one.reward) for one in found.reasons} == {
            best: (2_000, 120),
            {'red': 'blue', 'blue': 'red'}[best]: (2_000, 60),
        }
    # Nobody is known to be better with the one that the webhook names.
    assert 0.2 < whale.decision(*asked).weights['blue'] < 0.8


def test_with_enough_rewards_that_say_of_whom_visitors_are_told_apart_again(whale: Whale) -> None:
    now, us, uk = int(whale.clock()), {'country': 'US'}, {'country': 'UK'}
    for option, earned in (('blue', 20), ('red', 600)):
        show(whale, option, 1_000, earned, us, None, now - DAY)
    asked = ('Page', None, OPTIONS, 'earned/hits', uk)
    assert Decider(whale).decide(*asked).weights['red'] > 0.9
    show(whale, 'blue', 300, 40, uk, uk, now)
    show(whale, 'red', 300, 0, uk, uk, now)
    found = Decider(whale).decide(*asked, explain=True)
    assert found.weights['blue'] > 0.9
    assert '["country", "UK"]' in found.paths


def test_squares_of_what_is_left_are_those_of_its_rewards(whale: Whale) -> None:
    """Twelve large deals beside orders of 100 say nothing of how orders scatter."""
    now, us = int(whale.clock()), {'country': 'US'}
    whale.count_decided_now('Page', None, 'blue', us, {'hits': 1_000}, now)
    whale.count_many([whale.decided_event('Page', None, 'blue', us, {'earned': 100}, now)] * 50)
    whale.count_many([whale.decided_event('Page', None, 'blue', None, {'earned': 50_000}, now)] * 12)
    moments = Decider(whale).table('Page', None, OPTIONS, 'earned/hits').moments
    assert moments == Moments(1_000, 5_000, 500_000)


@pytest.mark.parametrize(('formula', 'period'), [('earned/hits', '1d:14d'), ('earned/spent', None)])
def test_of_a_period_and_where_showings_cost_it_is_not_asked(whale: Whale, formula: str, period: str | None) -> None:
    now = int(whale.clock())
    for option in OPTIONS:
        show(whale, option, 100, 30, {'country': 'US'}, None, now)
        whale.count_decided_now('Page', None, option, {'country': 'US'}, {'spent': 1}, now)
    assert whale.decision('Page', None, OPTIONS, formula, period=period).warning is None
