"""Ways to choose among options, played against each other where the rates are known: what each of them loses.

Imported when something is to be played: what chooses takes time to import.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from random import Random

from hailwhale.decisions.policies import Context
from hailwhale.decisions.simulation import SITUATIONS, Counted, Even, Played, Situation, Way, drawn, play
from hailwhale.experiments.statistics import Headline, compare

_DAY = 24


class OneTest(Even):
    """Every option as often as the others, until an always-valid test says which is the best; then that one.

    It is looked at after each day, and starts anew with a new option.
    """

    winner: str | None = None

    def __init__(self, rng: Random, alpha: float) -> None:
        super().__init__(rng)
        self._alpha, self._day = alpha, 0
        self._sums: dict[str, tuple[float, float, float]] = {}
        self._binary = True

    def tick(self, hours: float) -> None:
        day = int(hours // _DAY)
        if day > self._day and self.winner is None:
            self.winner = self._found()
        self._day = day

    def choose(self, context: Context, options: Sequence[str]) -> str:
        if self._sums.keys() != set(options):
            self._sums, self.winner = dict.fromkeys(options, (0.0, 0.0, 0.0)), None
        return self.winner or super().choose(context, options)

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:  # noqa: ARG002
        visitors, total, squares = self._sums[option]
        self._sums[option] = visitors + exposure, total + reward, squares + reward * reward
        self._binary = self._binary and reward in (0, 1)

    def _found(self) -> str | None:
        """The option that is better than each of the others, if there is one."""
        best = max(self._sums, key=lambda option: self._sums[option][1] / max(self._sums[option][0], 1))
        alpha = self._alpha / max(1, len(list(combinations(self._sums, 2))))
        others = [sums for option, sums in self._sums.items() if option != best]
        return best if all(self._beaten(other, self._sums[best], alpha) for other in others) else None

    def _beaten(self, other: Sequence[float], best: Sequence[float], alpha: float) -> bool:
        if self._binary:
            headline = compare(other[:2], best[:2], alpha=alpha, weights=(1, 1)).headline
        else:
            headline = compare(other, best, 'mean', alpha=alpha, weights=(1, 1)).headline
        return isinstance(headline, Headline) and headline.winner == 'variant'


#: By name what makes a way from its luck and the chance of a false winner.
WAYS: Mapping[str, Callable[[Random, float], Way]] = {
    'even split': lambda rng, alpha: Even(rng),  # noqa: ARG005
    'test, then winner': OneTest,
    'decide': lambda rng, alpha: Counted(rng),  # noqa: ARG005
}


def told(name: str) -> str:
    """What is hard in a named situation.  Raises `InvalidInput`."""
    drawn(name, 0)
    return str(SITUATIONS[name].__doc__)


def named(name: str, seed: int, *, days: int | None, per_day: int | None) -> Situation:
    """A named situation, with as many visitors as it has unless told otherwise."""
    situation = drawn(name, seed)
    per_day = per_day or situation.per_day
    return replace(situation, per_day=per_day, visitors=days * per_day if days else situation.visitors)


def play_all(situation: Situation, alpha: float, seed: int) -> Iterator[tuple[str, Played]]:
    """Each way, with the same visitors: whom an option would convert is the same for all of them."""
    for name, make in WAYS.items():
        yield name, play(situation, make(Random(seed), alpha), seed)
