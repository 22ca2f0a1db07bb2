"""Visits: who comes, and what each option would bring.

The luck of a visitor with an option is the same whatever is chosen, so that ways differ by their choices alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.policies.arrays import Floats, Ints
from hailwhale.decisions.simulation.situations import Lag, Situation

#: Visitors who are drawn at once.
_BLOCK = 10_000


class Visit(NamedTuple):
    """One visitor."""

    context: int  #: its place in the situation
    rewards: list[float]  #: what each option would bring
    late: float  #: hours from the decision to its reward


def visits(situation: Situation, seed: int) -> Iterator[Visit]:
    """All visitors in turn.  The same situation and seed have the same ones."""
    # One generator for each thing that is drawn: a situation with other rates has the same visitors and luck.
    who, luck, worth, lag = np.random.default_rng(seed).spawn(4)
    share = np.array(situation.traffic) / sum(situation.traffic)
    for first in range(0, situation.visitors, _BLOCK):
        numbers = np.arange(first, min(first + _BLOCK, situation.visitors))
        context = who.choice(len(share), len(numbers), p=share)
        rewards = _rewards(situation, numbers, context, luck, worth)
        late = _late(situation.lag, len(numbers), lag)
        yield from map(Visit, context.tolist(), rewards.tolist(), late.tolist())


def _rewards(
    situation: Situation, numbers: Ints, context: Ints, luck: np.random.Generator, worth: np.random.Generator
) -> Floats:
    phase = numbers * len(situation.rates) // situation.visitors
    rates = np.array(situation.rates)[phase, context]
    won = luck.random(rates.shape) < rates
    if situation.amounts is None:
        return np.asarray(won.astype(float))
    spread = situation.spread
    # The mean of such amounts is 1.
    amounts = np.exp(spread * worth.standard_normal(rates.shape) - spread * spread / 2)
    return np.asarray(np.where(won, np.round(amounts * np.array(situation.amounts)[context], 2), 0.0))


def _late(lag: Lag | None, count: int, rng: np.random.Generator) -> Floats:
    return np.zeros(count) if lag is None else rng.uniform(lag.least, lag.most, count)
