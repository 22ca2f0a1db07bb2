"""Regret: what the shipped policy loses beside an even split, among the same visitors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random

import pytest

from tests.benchmarks.simulated import Policy

VISITORS, A_DAY = 4_000, 86_400
#: The chance of a success by country and option; '' is anybody.
ALIKE = {'': {'a': 0.05, 'b': 0.15, 'c': 0.08}}
FIVE = {'': {'a': 0.10, 'b': 0.06, 'c': 0.22, 'd': 0.08, 'e': 0.05}}
BY_COUNTRY = {
    'US': {'a': 0.20, 'b': 0.08, 'c': 0.05},
    'UK': {'a': 0.06, 'b': 0.20, 'c': 0.08},
    'DE': {'a': 0.20, 'b': 0.10, 'c': 0.05},
}


def lost(rates: Mapping[str, Mapping[str, float]], seed: int, *, worth: float = 1.0) -> tuple[float, float]:
    """What a policy and an even split are expected to lose beside who knows all rates."""
    rng, policy = Random(seed), Policy(seed)
    contexts: dict[str, Mapping[str, str]] = {name: {'country': name} if name else {} for name in rates}
    options: Sequence[str] = list(next(iter(rates.values())))
    ours = even = 0.0
    for number in range(VISITORS):
        policy.tick(number * 2 * A_DAY / VISITORS)
        name = rng.choice(list(rates))
        option = policy.choose(contexts[name], options)
        here = rates[name]
        ours += max(here.values()) - here[option]
        even += max(here.values()) - sum(here.values()) / len(here)
        # An event for the visit, and another one for the success.
        policy.reward(option, contexts[name], {'hits': 1})
        if rng.random() < here[option]:
            policy.reward(option, contexts[name], {'hits': 0, 'earned': worth})
    return ours, even


@pytest.mark.parametrize('seed', [1, 2, 3])
@pytest.mark.parametrize(('rates', 'share'), [(ALIKE, 0.3), (FIVE, 0.3), (BY_COUNTRY, 0.45)])
def test_less_is_lost_than_this_share_of_an_even_split(
    rates: Mapping[str, Mapping[str, float]], share: float, seed: int
) -> None:
    ours, even = lost(rates, seed)
    assert 0 < ours < share * even


def test_what_a_success_is_worth_loses_no_visitor() -> None:
    assert lost(ALIKE, 4) == lost(ALIKE, 4, worth=1_000.0)


def test_where_all_options_are_alike_nothing_can_be_lost() -> None:
    ours, even = lost({'': {'a': 0.1, 'b': 0.1}}, 1)
    assert (ours, even) == (0, 0)
