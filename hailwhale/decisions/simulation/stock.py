"""The situations that a policy is measured in.

They differ in what makes a choice hard: small differences, amounts of money, best options that differ by country or by
a pair of properties, many contexts with few visitors each, rates that change, rewards that come late, new options.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import exp
from random import Random

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.simulation.situations import Grid, Lag, Situation
from hailwhale.errors import InvalidInput

_NAMES = 'abcdefghij'
_COUNTRIES = {'US': 0.3, 'UK': 0.3, 'DE': 0.18, 'FR': 0.14, 'BR': 0.08}
_DEVICES = {'phone': 0.55, 'desktop': 0.35, 'tablet': 0.1}
#: By country and device, in one order.
_SHARES = tuple(country * device for country, device in product(_COUNTRIES.values(), _DEVICES.values()))
_FLAT = tuple(Context.of({'country': country, 'device': device}) for country, device in product(_COUNTRIES, _DEVICES))
_NESTED = tuple(
    Context.of({'country': {country: {'device': device}}}) for country, device in product(_COUNTRIES, _DEVICES)
)
_LIFTS = ((1.3, 1, 0.8), (0.8, 1.3, 1), (1, 0.8, 1.3), (1.3, 0.9, 1), (0.8, 1.3, 1))


def _options(count: int) -> tuple[str, ...]:
    return tuple(_NAMES[:count])


def _alike(*rates: Sequence[float], visitors: int = 20_000) -> Situation:
    """Rates that are the same for everybody; several: each for its part of the visitors."""
    return Situation(_options(len(rates[0])), tuple((tuple(row),) for row in rates), visitors=visitors)


def _by_context(grid: Sequence[Sequence[float]], contexts: tuple[Context, ...] = _FLAT) -> Situation:
    return Situation(_options(len(grid[0])), (_grid(grid),), contexts, _SHARES)


def _grid(rows: Sequence[Sequence[float]]) -> Grid:
    return tuple(map(tuple, rows))


def two_small(rng: Random) -> Situation:  # noqa: ARG001
    """Two options, 3.0 and 3.6 %."""
    return _alike((0.03, 0.036), visitors=40_000)


def five_wide(rng: Random) -> Situation:  # noqa: ARG001
    """Five options, from 2 to 8 %."""
    return _alike((0.02, 0.03, 0.04, 0.05, 0.08))


def ten_mid(rng: Random) -> Situation:  # noqa: ARG001
    """Ten options, from 3.3 to 6 %."""
    return _alike((0.033, 0.036, 0.038, 0.04, 0.041, 0.042, 0.044, 0.045, 0.05, 0.06), visitors=30_000)


def money(rng: Random) -> Situation:  # noqa: ARG001
    """Four options that differ in how many buy, and in what an order is worth."""
    rates = ((0.03, 0.025, 0.036, 0.03),)
    return Situation(_options(4), (rates,), amounts=((40, 60, 34, 45),), spread=1.0, visitors=50_000)


def country(rng: Random) -> Situation:  # noqa: ARG001
    """Three options; which is best differs by country, and not by device."""
    levels = zip((0.06, 0.05, 0.04, 0.05, 0.03), _LIFTS, strict=True)
    return _by_context([[level * lift for lift in lifts] for level, lifts in levels for _ in _DEVICES])


def additive(rng: Random) -> Situation:
    """Four options; country and device each make some of them better, independently."""

    def draws(rows: int, spread: float, columns: int = 4) -> list[list[float]]:
        return [[rng.gauss(0, spread) for _ in range(columns)] for _ in range(rows)]

    (option,) = draws(1, 0.15)
    by_country, by_device = draws(5, 0.25), draws(3, 0.35)
    levels = product(draws(5, 0.4, 1), draws(3, 0.3, 1))
    effects = zip(levels, product(by_country, by_device), strict=True)
    return _by_context(
        [
            [_share(-3 + first[0] + second[0] + sum(parts)) for parts in zip(option, *rows, strict=True)]
            for (first, second), rows in effects
        ]
    )


def nested(rng: Random) -> Situation:  # noqa: ARG001
    """Three options; only country and device together tell the best one, device below country."""
    return _by_context(_by_pair(), _NESTED)


def crossed(rng: Random) -> Situation:  # noqa: ARG001
    """The same with country and device beside each other."""
    return _by_context(_by_pair())


def _by_pair() -> list[list[float]]:
    return [
        [0.08 if option == (first + second) % 3 else 0.05 for option in range(3)]
        for first, second in product(range(5), range(3))
    ]


def many_contexts(rng: Random) -> Situation:
    """Five options in 40 countries of 5 regions, some with many visitors and most with few."""
    option, grid = [rng.gauss(0, 0.2) for _ in range(5)], []
    for _ in range(40):
        level, own = rng.gauss(0, 0.5), [rng.gauss(0, 0.25) for _ in range(5)]
        for _ in range(5):
            here = -2.9 + level + rng.gauss(0, 0.2)
            grid.append(tuple(_share(here + a + b + rng.gauss(0, 0.15)) for a, b in zip(option, own, strict=True)))
    contexts = [Context.of({'country': {f'C{i}': {'region': f'R{j}'}}}) for i, j in product(range(40), range(5))]
    traffic = [share / (i + 1) for i, share in product(range(40), (0.4, 0.25, 0.15, 0.12, 0.08))]
    return Situation(_options(5), (tuple(grid),), tuple(contexts), tuple(traffic), visitors=40_000)


def flip(rng: Random) -> Situation:  # noqa: ARG001
    """Three options; half-way the best one becomes the worst, and the worst the best."""
    return _alike((0.05, 0.07, 0.04), (0.05, 0.03, 0.08))


def delay(rng: Random) -> Situation:  # noqa: ARG001
    """Four options, from 4 to 8 %; successes are known half an hour to five hours later, in heaps."""
    rates = ((0.04, 0.05, 0.06, 0.08),)
    return Situation(_options(4), (rates,), lag=Lag(0.5, 4.8, 2.4))


def new_option(rng: Random) -> Situation:  # noqa: ARG001
    """Three options; half-way a better one appears."""
    return Situation(_options(4), (((0.05, 0.06, 0.045, 0.085),),), since=(0, 0, 0, 0.5))


def money_contexts(rng: Random) -> Situation:  # noqa: ARG001
    """Three options and orders of very different worth; which option is best differs by country."""
    rates = ((1.25, 1, 0.9), (0.9, 1.25, 1), (1, 0.9, 1.25), (1.25, 1, 0.9), (0.9, 1.25, 1))
    worths = ((1.1, 1, 1), (1, 1.1, 0.9), (1, 0.9, 1.15), (1.1, 1, 1), (0.9, 1.1, 1))

    def spread_out(levels: Sequence[float], lifts: Sequence[Sequence[float]]) -> Grid:
        each = zip(levels, lifts, strict=True)
        return _grid([[level * lift for lift in row] for level, row in each for _ in _DEVICES])

    grid = spread_out((0.06, 0.05, 0.04, 0.05, 0.05), rates)
    amounts = spread_out((45, 40, 50, 38, 30), worths)
    return Situation(_options(3), (grid,), _FLAT, _SHARES, amounts, 1.2, visitors=40_000)


def _share(logit: float) -> float:
    return 1 / (1 + exp(-logit))


#: By name what draws it.
SITUATIONS: Mapping[str, Callable[[Random], Situation]] = {
    make.__name__: make
    for make in (
        two_small,
        five_wide,
        ten_mid,
        money,
        country,
        additive,
        nested,
        crossed,
        many_contexts,
        flip,
        delay,
        new_option,
        money_contexts,
    )
}


def drawn(name: str, seed: int) -> Situation:
    """The situation of that name, its options in any order, and its rates where they are drawn.

    Raises `InvalidInput`.
    """
    make = SITUATIONS.get(name)
    if make is None:
        raise InvalidInput(f'no such situation: {name!r:.80} (there are {", ".join(SITUATIONS)})', field='situation')
    rng = Random(f'{name} {seed}')
    return make(rng).shuffled(rng)
