"""Situations: what each option is worth, to whom and when."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple

from hailwhale.decisions.contexts import Context

#: A number for each option of each context, [context][option].
Grid = tuple[tuple[float, ...], ...]
_ANYBODY = Context.of(None)


@dataclass(frozen=True, slots=True)
class Lag:
    """How many hours after a decision its reward is counted."""

    least: float
    most: float
    every: float = 0.0  #: rewards are brought in heaps, each so many hours; 0: one by one


class Stage(NamedTuple):
    """What there is to choose from for a while; lists are by context."""

    first: int  #: the number of its first visitor
    options: list[str]
    values: list[dict[str, float]]  #: what each option is expected to bring
    best: list[float]
    mean: list[float]  #: what any of them brings


@dataclass(frozen=True, slots=True)
class Situation:
    """Who comes, and what each option is worth to them.

    >>> (stage,) = Situation.of_rates({'': {'blue': 0.02, 'red': 0.04}}, visitors=1000).stages()
    >>> stage.best, stage.mean
    ([0.04], [0.03])
    """

    options: tuple[str, ...]
    rates: tuple[Grid, ...]  #: the chance of a success; one grid after the other, each for as many visitors
    contexts: tuple[Context, ...] = (_ANYBODY,)
    traffic: tuple[float, ...] = (1.0,)  #: how often each context comes, beside the others
    amounts: Grid | None = None  #: what a success brings, on average; None: 1
    spread: float = 0.0  #: of single amounts: the standard deviation of their logarithm
    since: tuple[float, ...] = ()  #: the share of all visitors who come before an option is there; (): all are there
    lag: Lag | None = None
    visitors: int = 20_000
    per_day: int = 5_000

    @classmethod
    def of_rates(cls, rates: dict[str, dict[str, float]], *, visitors: int, per_day: int = 5_000) -> Situation:
        """Options with a rate in each context, all contexts alike often; a context without a name is anybody's."""
        options = tuple(next(iter(rates.values())))
        grid = tuple(tuple(row[option] for option in options) for row in rates.values())
        contexts = tuple(Context.of({'context': name} if name else None) for name in rates)
        return cls(options, (grid,), contexts, (1.0,) * len(contexts), visitors=visitors, per_day=per_day)

    def shuffled(self, rng: Random) -> Situation:
        """The same with options in another order, so that a way gains nothing by liking the first."""
        order = list(range(len(self.options)))
        rng.shuffle(order)

        def reordered(grid: Grid) -> Grid:
            return tuple(tuple(row[place] for place in order) for row in grid)

        return replace(
            self,
            rates=tuple(map(reordered, self.rates)),
            amounts=self.amounts and reordered(self.amounts),
            since=tuple(self.since[place] for place in order) if self.since else (),
        )

    def values(self, phase: int) -> Grid:
        """What each option is expected to bring."""
        rates = self.rates[phase]
        if self.amounts is None:
            return rates
        each = zip(rates, self.amounts, strict=True)
        return tuple(tuple(rate * amount for rate, amount in zip(*rows, strict=True)) for rows in each)

    def stages(self) -> list[Stage]:
        """What there is to choose from, whenever that changes."""
        since = [int(share * self.visitors) for share in self.since or (0,) * len(self.options)]
        firsts = [phase * self.visitors // len(self.rates) for phase in range(len(self.rates))]
        found = []
        for first in sorted({*firsts, *since}):
            phase = sum(start <= first for start in firsts) - 1
            there = [place for place, start in enumerate(since) if start <= first]
            rows = [[row[place] for place in there] for row in self.values(phase)]
            options = [self.options[place] for place in there]
            values = [dict(zip(options, row, strict=True)) for row in rows]
            found.append(
                Stage(first, options, values, [max(row) for row in rows], [sum(row) / len(row) for row in rows])
            )
        return found
