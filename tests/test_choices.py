"""What was chosen, and how reasons are sorted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hailwhale.choices import Decision, Reason, chance, even, picked, sorted_out
from hailwhale.errors import InvalidInput

REASON = Reason('a', 100.0, 10.0, 0.1, (0.08, 0.12), 0.6, 0.6)


@given(st.lists(st.floats(0.001, 1), min_size=1, max_size=6), st.floats(0, 1, exclude_max=True))
@example([0.5, 0.5], 0.5)
def test_an_option_is_picked_where_the_weights_before_it_end(shares: list[float], number: float) -> None:
    weights = {str(place): share / sum(shares) for place, share in enumerate(shares)}
    place = int(picked(weights, number))
    before = sum(list(weights.values())[:place])
    assert before <= number + 1e-12
    assert number < before + weights[str(place)] + 1e-12


def test_each_option_has_the_share_of_all_numbers_that_is_its_weight() -> None:
    weights = {'a': 0.125, 'b': 0.5, 'c': 0.375}
    found = [picked(weights, number / 1_000) for number in range(1_000)]
    assert [found.count(option) for option in weights] == [125, 500, 375]


def test_a_number_that_rounding_leaves_over_picks_the_last_option() -> None:
    assert picked({'a': 0.3, 'b': 0.6}, 0.95) == 'b'


def test_an_even_choice_has_the_same_chance_for_all_in_the_order_given() -> None:
    assert even(['b', 'a', 'd', 'c']) == {'b': 0.25, 'a': 0.25, 'd': 0.25, 'c': 0.25}
    assert list(even(['b', 'a'])) == ['b', 'a']


def test_a_seed_gives_the_same_chance_each_time_and_none_another_one() -> None:
    assert chance(7) == chance(7) != chance(8)
    assert len({chance() for _ in range(20)}) == 20
    assert all(0 <= chance(seed) < 1 for seed in range(100))


@pytest.mark.parametrize('seed', ['7', 1.5, True, [7]])
def test_a_seed_is_a_whole_number(seed: object) -> None:
    with pytest.raises(InvalidInput, match='not a seed') as refused:
        chance(seed)
    assert refused.value.field == 'seed'


def test_a_decision_shows_what_it_has_and_leaves_out_what_was_not_asked_for() -> None:
    decision = Decision('a', 0.75, {'a': 0.75, 'b': 0.25}, 'policy', False)
    assert decision.as_dict() == {
        'option': 'a',
        'propensity': 0.75,
        'weights': {'a': 0.75, 'b': 0.25},
        'by': 'policy',
        'sticky': False,
    }
    explained = replace(decision, seed=0, paths=('country',), reasons=(REASON,), warning='a cost')
    assert explained.as_dict() == decision.as_dict() | {
        'seed': 0,
        'paths': ('country',),
        'reasons': [
            {
                'option': 'a',
                'exposure': 100.0,
                'reward': 10.0,
                'mean': 0.1,
                'interval': (0.08, 0.12),
                'best': 0.6,
                'weight': 0.6,
            },
        ],
        'warning': 'a cost',
    }


@pytest.mark.parametrize(
    ('reason', 'where'),
    [
        (REASON, 'good'),
        (replace(REASON, best=0.05), 'good'),
        (replace(REASON, best=0.049), 'bad'),
        (replace(REASON, best=0.0, mean=None, interval=None), 'bad'),
        (replace(REASON, interval=(0.05, 0.151)), 'test'),
        (replace(REASON, interval=(0.05, 0.15)), 'good'),
        (replace(REASON, mean=-0.1, interval=(-0.12, -0.08)), 'good'),
        (replace(REASON, mean=None), 'test'),
        (replace(REASON, interval=None), 'test'),
        (replace(REASON, best=None), 'good'),
        (replace(REASON, exposure=0.0, best=0.0), 'test'),
    ],
)
def test_a_reason_is_good_bad_or_to_be_tested_by_what_is_known(reason: Reason, where: str) -> None:
    found = sorted_out([reason], bad=0.05, test=1.0)
    assert found._asdict() == {'good': [], 'bad': [], 'test': []} | {where: [reason]}


def test_reasons_stay_in_their_order_and_thresholds_move_them() -> None:
    reasons = [replace(REASON, option=name, best=best) for name, best in [('a', 0.6), ('b', 0.3), ('c', 0.1)]]
    assert sorted_out(reasons, bad=0.05, test=1.0).good == reasons
    assert sorted_out(reasons, bad=0.5, test=1.0).bad == reasons[1:]
    assert sorted_out(reasons, bad=0.2, test=0.1).test == reasons[:2]
