"""What decisions warn of: names of which nothing was ever counted, while something else was; on every engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hailwhale.choices import CostWarning
from hailwhale.whale import Whale
from tests.clocks import NOW
from tests.decisions.test_decider import OPTIONS, tell

ASKED = ('Page', 'color')


@pytest.fixture
def warning(whale: Whale) -> Callable[..., str | None]:
    """What a decision is answered with."""

    def warning(options: list[str] = OPTIONS, formula: str = 'value/hits', **more: object) -> str | None:
        return whale.decision(*ASKED, options, formula, **more).warning  # type: ignore[arg-type]

    return warning


def test_a_decision_of_which_nothing_was_counted_is_no_reason_to_warn(warning: Callable[..., str | None]) -> None:
    assert warning() is None


def test_neither_is_one_whose_options_were_shown_and_earned_nothing_yet(
    whale: Whale, warning: Callable[..., str | None]
) -> None:
    tell(whale, 'red', 60, 0)
    assert warning() is warning(formula='earned/hits') is None
    tell(whale, 'red', 60, 1, reward='spent')
    assert warning(formula='spent/earned', goal='min') is None


def test_neither_is_a_new_option_beside_one_that_was_counted(whale: Whale, warning: Callable[..., str | None]) -> None:
    tell(whale, 'red', 60, 9)
    assert warning(['red', 'new'], 'earned/hits') is None


def test_a_metric_that_was_never_counted_is_named_beside_those_that_were(
    whale: Whale, warning: Callable[..., str | None]
) -> None:
    tell(whale, 'red', 60, 9)
    tell(whale, 'blue', 60, 9, reward='spent')
    there = 'there are earned, spent (give the formula)'
    assert warning() == warning(explain=True) == f"nothing was counted of 'value'; {there}"
    assert warning(formula='earned/visits') == "nothing was counted of 'visits'; there are spent (give the formula)"
    assert warning(formula='eraned/visits') == f"nothing was counted of 'eraned', 'visits'; {there}"
    found = whale.decide_many(*ASKED, OPTIONS, [None, {'visitor': 1}])
    assert [one.warning for one in found] == [f"nothing was counted of 'value'; {there}"] * 2


def test_options_that_were_never_counted_are_named_beside_those_that_were(
    whale: Whale, warning: Callable[..., str | None]
) -> None:
    tell(whale, 'red', 60, 9)
    assert warning(['rde', 'bleu'], 'earned/hits') == (
        'nothing was counted of bleu, rde; there are red (give those options)'
    )
    for number in range(8):
        tell(whale, f'option {number}', 1, 0)
    assert warning([f'other {number}' for number in range(6)], 'earned/hits') == (
        'nothing was counted of other 0, other 1, other 2, other 3, other 4, 1 more; '
        'there are option 0, option 1, option 2, option 3, option 4, 4 more (give those options)'
    )


def test_who_never_counts_what_is_shown_is_told(whale: Whale, warning: Callable[..., str | None]) -> None:
    tell(whale, 'red', 0, 9)
    assert warning(formula='earned/hits') == (
        "something was earned, and nothing was counted of 'hits' (count what is shown, too)"
    )


def test_an_option_that_earned_and_was_never_shown_is_named_and_taken_for_a_new_one(
    whale: Whale, warning: Callable[..., str | None]
) -> None:
    tell(whale, 'red', 60, 9)
    tell(whale, 'blue', 0, 50)
    said = (
        "'earned' was counted of blue, and no 'hits': that tells nothing of what is to be earned, and is left aside "
        '(count what is shown, too)'
    )
    assert warning(formula='earned/hits') == warning(formula='earned/hits', goal='min') == said
    reasons = {one.option: one for one in whale.decision(*ASKED, OPTIONS, 'earned/hits', explain=True).reasons}
    assert (reasons['blue'].exposure, reasons['blue'].reward) == (0, 0)
    assert reasons['blue'].mean == pytest.approx(9 / 60, rel=0.1)


def test_so_it_is_where_nothing_else_was_earned(whale: Whale, warning: Callable[..., str | None]) -> None:
    tell(whale, 'red', 60, 0)
    tell(whale, 'blue', 0, 50)
    found = warning(formula='earned/hits')
    assert found
    assert found.startswith("'earned' was counted of blue, and no 'hits': ")


def test_what_costs_nothing_is_no_mistake(whale: Whale) -> None:
    tell(whale, 'red', 60, 9)
    tell(whale, 'red', 0, 9, reward='spent')
    tell(whale, 'blue', 0, 50)
    found = whale.decision(*ASKED, OPTIONS, 'spent/earned', goal='min', explain=True)
    assert found.warning is None
    assert found.reasons[0].option == 'blue'


def test_of_a_period_in_which_nothing_was_counted_nothing_is_said(
    whale: Whale, warning: Callable[..., str | None]
) -> None:
    tell(whale, 'red', 60, 9, at=NOW - 3 * 86_400)
    assert warning(formula='earned/hits', period='today') is None


def test_both_warnings_stand_beside_each_other(whale: Whale, warning: Callable[..., str | None]) -> None:
    tell(whale, 'red', 60, 9)
    with pytest.warns(CostWarning):
        found = warning(formula='cost/hits')
    assert found == (
        "the option with the most cost is chosen, which sounds like a cost: say goal='min' for the least; "
        "nothing was counted of 'cost'; there are earned (give the formula)"
    )


def test_a_decision_that_is_told_of_asks_the_engine_no_more_often(
    whale: Whale, warning: Callable[..., str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(whale, 'red', 60, 9)
    said = warning()
    monkeypatch.setattr('hailwhale.decisions.decider.missing', lambda *_: pytest.fail('asked again'))
    monkeypatch.setattr('hailwhale.decisions.known._BLANK', 1e9)
    assert warning() == said


@pytest.mark.parametrize(('earned', 'named'), [(60, None), (61, '50%'), (180, '75%')])
def test_rewards_that_cannot_come_of_what_was_shown_there_are_named_where_they_are_most(
    whale: Whale, warning: Callable[..., str | None], earned: int, named: str | None
) -> None:
    for option in OPTIONS:
        whale.count_decided_now(*ASKED, option, {'country': 'US'}, {'hits': 100})
        for _ in range(20):
            whale.count_decided_now(*ASKED, option, {'country': 'US'}, {'earned': 1})
    for _ in range(earned):
        whale.count_decided_now(*ASKED, 'red', {'country': 'UK'}, {'earned': 1})
    assert warning(formula='earned/hits') == (
        named
        and f"{named} of 'earned' was counted in contexts such as 'country/UK', where hardly anything was shown"
        ': that tells nothing of visitors, and is left aside (say of a reward what was known of the visitor when the '
        'option was shown)'
    )


def test_all_that_is_odd_is_said(whale: Whale, warning: Callable[..., str | None]) -> None:
    whale.count_decided_now(*ASKED, 'red', {'country': 'US'}, {'hits': 100})
    whale.count_decided_now(*ASKED, 'blue', None, {'earned': 1})
    for _ in range(10):
        whale.count_decided_now(*ASKED, 'red', None, {'earned': 1})
    found = warning(formula='earned/hits') or ''
    unshown, mixed = found.split('; ')
    assert unshown.startswith("'earned' was counted of blue, and no 'hits': that tells nothing of what is to be earned")
    assert mixed.startswith(
        "100% of 'earned' was counted of visitors of whom nothing is known, to whom hardly anything"
    )
