"""Whether what was earned says of whom; and what a decision does where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest

from hailwhale.decisions.attribution import unattributed, without
from hailwhale.decisions.decider import Decider
from hailwhale.decisions.policies import Cell, Context, Moments, Table
from hailwhale.whale import Whale

NOBODY, US, PHONE, DESK = map(
    Context.of,
    [None, {'country': 'US'}, {'country': 'US', 'device': 'phone'}, {'country': 'US', 'device': 'desk'}],
)
CONTEXTS = [NOBODY, US, PHONE, DESK]
DAY = 86_400
OPTIONS = ['blue', 'red']


Told = tuple[Context, float, float, float]


def table(*cells: Told, options: Sequence[int] | None = None) -> Table:
    """Cells of one hour: context, exposure, reward, times; by default all of one option."""
    places = options or [0] * len(cells)
    rows = [
        Cell(CONTEXTS.index(context), option, 1.0, *sums)
        for (context, *sums), option in zip(cells, places, strict=True)
    ]
    moments = Moments(sum(cell.exposure for cell in rows), sum(cell.reward for cell in rows))
    return Table(CONTEXTS, OPTIONS, rows, moments)


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
        [(PHONE, 1_000, 40_000, 40_000), (DESK, 10, 50_000, 4_000)],
        # One kind of visitors does nearly everything, and is not so few.
        [(PHONE, 9_000, 90, 90), (DESK, 100, 1_300, 1_300)],
        # What was paid back is taken off, in whatever hours it lies.
        [(PHONE, 1_000, 0, 0), *[(US, 0, 100, 1), (US, 0, -100, 1)] * 20, (PHONE, 0, 10, 1)],
    ],
)
def test_what_may_come_of_what_was_shown_is_attributed(cells: list[Told]) -> None:
    assert unattributed(table(*cells)) is None


@pytest.mark.parametrize(
    ('cells', 'told'),
    [
        ([(PHONE, 100, 1, 1), (NOBODY, 0, 30, 30)], ([NOBODY], '', 0.9677, True)),
        # A few who came without anything known hide nothing, nor does one context with a few more.
        ([(PHONE, 1_000, 0, 0), (NOBODY, 2, 30, 30)], ([NOBODY], '', 1.0, True)),
        ([(PHONE, 1_000, 9, 9), (DESK, 20, 205, 205), (NOBODY, 0, 250, 250)], ([NOBODY], '', 0.5388, False)),
        ([(PHONE, 1_000, 40_000, 40_000), (DESK, 10, 50_000, 4_400)], ([DESK], DESK.text, 0.5556, False)),
        ([(PHONE, 100, 9, 9), (US, 0, 20, 20), (NOBODY, 0, 7, 7)], ([NOBODY, US], 'country/US', 0.75, False)),
        # A tenth says of whom; or some hundred rewards do, of however many.
        ([(PHONE, 100, 10, 10), (NOBODY, 0, 90, 90)], ([NOBODY], '', 0.9, False)),
        ([(PHONE, 100, 10, 10), (NOBODY, 0, 91, 91)], ([NOBODY], '', 0.901, True)),
        ([(PHONE, 10_000, 399, 399), (NOBODY, 0, 9_601, 9_601)], ([NOBODY], '', 0.9601, True)),
        ([(PHONE, 10_000, 400, 400), (NOBODY, 0, 9_600, 9_600)], ([NOBODY], '', 0.96, False)),
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
    cells: list[Told], told: tuple[list[Context], str, float, bool]
) -> None:
    found = unattributed(table(*cells))
    contexts, *rest = told
    assert found
    assert (found.contexts, found.example, round(found.share, 4), found.joined) == (
        {one.text for one in contexts},
        *rest,
    )


def test_options_do_not_make_up_for_one_another() -> None:
    cells: list[Told] = [(PHONE, 100, 1, 1), (US, 0, 30, 10), (US, 0, -30, 10)]
    assert unattributed(table(*cells)) is None
    assert unattributed(table(*cells, options=[0, 0, 1]))


def test_what_is_left_is_what_would_be_there_without_the_rest() -> None:
    cells: list[Told] = [(PHONE, 100, 5, 5), (US, 0, 30, 10), (DESK, 50, 2, 2), (NOBODY, 1, 9, 9)]
    left = without(table(*cells, options=[0, 1, 1, 0]), {'', 'country/US'})
    assert left.contexts == [PHONE, DESK]
    assert left.columns().T.tolist() == [[0, 0, 1, 100, 5, 5], [1, 1, 1, 50, 2, 2]]
    assert left.moments == Moments(150, 7)


@pytest.mark.parametrize('aside', [30, 3_000])
def test_rewards_are_taken_to_differ_alike_where_they_are_left_and_where_they_are_not(aside: int) -> None:
    rng = np.random.default_rng(1)
    kept, lost = (rng.lognormal(0, 0.5, (4, size)) for size in (2_000, aside))
    rows = [(PHONE, 10_000, one.sum(), one.size) for one in kept] + [(US, 0, one.sum(), one.size) for one in lost]
    # And something that was counted in another way, without how often.
    whole = table(*rows, (US, 0, 700, 0))
    squares = float(np.square(kept).sum())
    moments = whole.moments._replace(squares=squares + float(np.square(lost).sum()))
    left = without(replace(whole, moments=moments), {'country/US'}).moments
    assert left.squares == pytest.approx(squares, rel=0.03)


@pytest.mark.parametrize(
    ('left', 'moments'),
    [
        # Nothing was earned; once and twice, of one each; and not counted how often, as squares were not.
        ((PHONE, 100, 0, 0), Moments(100, 0, 0)),
        ((PHONE, 100, 2, 1), Moments(100, 2, 4)),
        ((PHONE, 100, 2, 2), Moments(100, 2, 2)),
        ((PHONE, 100, 2, 0), Moments(100, 2)),
    ],
)
def test_squares_are_those_of_what_is_left(left: Told, moments: Moments) -> None:
    exposure, reward, times = left[1:]
    squares = 90 + (reward * reward / times if times else 0)
    whole = replace(table(left, (US, 0, 30, 10)), moments=Moments(exposure, reward + 30, squares))
    assert without(whole, {'country/US'}).moments == moments


def test_in_whatever_order_contexts_are_read_the_same_are_left_aside() -> None:
    texts = ['US', 'UK', 'JP']
    told = set()
    for order in permutations(texts):
        contexts = [PHONE, *(Context.of({'country': text}) for text in order)]
        rows = [Cell(0, 0, 1.0, 1_000, 20, 20), *(Cell(place, 0, 1.0, 4, 100, 100) for place in (1, 2, 3))]
        found = unattributed(Table(contexts, OPTIONS, rows, Moments(1_012, 320)))
        assert found
        told.add(found.contexts)
    assert told == {frozenset({'country/JP', 'country/UK'})}


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
    now, us, uk = int(whale.clock()), {'country': 'US'}, {'country': 'UK'}
    for at in (now - 3 * DAY, now):
        for option, here, there in (('blue', 30, 60), ('red', 60, 30)):
            show(whale, option, 1_000, here, us, us, at)
            show(whale, option, 1_000, there, uk, uk, at)
        show(whale, 'blue', stray, 400, None, None, at)
    asked = ('Page', None, OPTIONS, 'earned/hits')
    for known_data, best, worst in ((us, 'red', 'blue'), (uk, 'blue', 'red')):
        found = whale.decision(*asked, known_data, explain=True)
        assert found.weights[best] > 0.9
        assert found.warning
        assert (
            "69% of 'earned' was counted of visitors of whom nothing is known, to whom hardly anything was shown: "
            'that tells nothing of visitors, and is left aside'
        ) in found.warning
        counted = {one.option: (one.exposure, one.reward) for one in found.reasons}
        assert counted == {best: (2_000, 120), worst: (2_000, 60)}
    # Nobody is known to be better with the one that the webhook names.
    assert 0.2 < whale.decision(*asked).weights['blue'] < 0.8


@pytest.mark.parametrize('where', [{'country': 'UK'}, None])
def test_what_is_left_aside_does_not_count_in_the_next_decision_either(
    whale: Whale, where: dict[str, str] | None
) -> None:
    now, us = int(whale.clock()), {'country': 'US'}
    for option in OPTIONS:
        show(whale, option, 2_000, 60, where, where, now)
        show(whale, option, 3, 200, us, us, now)
    decider, asked = Decider(whale), ('Page', None, OPTIONS, 'earned/hits')
    before = decider.decide_many([us, where], *asked)
    show(whale, 'red', 1, 50, us, us, now)
    after = decider.decide_many([us, where], *asked)
    assert [one.weights for one in after] == [one.weights for one in before]
    show(whale, 'red', 200, 60, where, where, now)
    aside, other = Decider(whale).decide_many([us, where], *asked, explain=True)
    assert {one.option: (one.exposure, one.reward) for one in aside.reasons} == {'red': (0, 0), 'blue': (0, 0)}
    assert {one.option: (one.exposure, one.reward) for one in other.reasons} == {
        'red': (2_200, 120),
        'blue': (2_000, 60),
    }
    assert other.weights['red'] > 0.9


@pytest.mark.parametrize(('told', 'joined'), [(20, True), (70, False)])
def test_with_enough_rewards_that_say_of_whom_visitors_are_told_apart_again(
    whale: Whale, told: int, joined: bool
) -> None:
    now, us, uk = int(whale.clock()), {'country': 'US'}, {'country': 'UK'}
    for option, earned in (('blue', 20), ('red', 600)):
        show(whale, option, 1_000, earned, us, None, now)
    show(whale, 'blue', 300, told, uk, uk, now)
    show(whale, 'red', 300, 0, uk, uk, now)
    found = Decider(whale).decide('Page', None, OPTIONS, 'earned/hits', uk, explain=True)
    assert found.weights['red' if joined else 'blue'] > 0.9
    assert ('["country", "UK"]' in found.paths) is not joined


@pytest.mark.parametrize(('formula', 'period'), [('earned/hits', '1d:14d'), ('earned/spent', None)])
def test_of_a_period_and_where_showings_cost_it_is_not_asked(whale: Whale, formula: str, period: str | None) -> None:
    now = int(whale.clock())
    for option in OPTIONS:
        show(whale, option, 100, 30, {'country': 'US'}, None, now)
        whale.count_decided_now('Page', None, option, {'country': 'US'}, {'spent': 1}, now)
    assert whale.decision('Page', None, OPTIONS, formula, period=period).warning is None
