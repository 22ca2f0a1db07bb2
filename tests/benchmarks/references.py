"""Well-known ways to choose, for comparison with ours."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hailwhale.decisions.policies import Context
from hailwhale.decisions.simulation import Even, Situation, Way

Floats = NDArray[np.float64]
Makes = Callable[[Random, Situation], Way]


class EpsilonGreedy(Even):
    """The option with the best rate so far; any of them for one visitor in ten."""

    def __init__(self, rng: Random, epsilon: float = 0.1) -> None:
        super().__init__(rng)
        self._epsilon = epsilon
        self._sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])

    def choose(self, context: Context, options: Sequence[str]) -> str:
        unseen = [option for option in options if not self._sums[option][0]]
        if unseen or self.rng.random() < self._epsilon:
            return super().choose(context, unseen or options)
        return max(options, key=lambda option: (self._sums[option][1] / self._sums[option][0], self.rng.random()))

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:  # noqa: ARG002
        sums = self._sums[option]
        sums[0] += exposure
        sums[1] += reward


class Thompson(Even):
    """Thompson sampling: a beta posterior while rewards are 0 or 1, else a normal one with one variance for all."""

    by_context = False

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self._sums: defaultdict[str, defaultdict[str, list[float]]] = defaultdict(
            lambda: defaultdict(lambda: [0.0, 0.0])
        )
        self._all = [0.0, 0.0, 0.0]
        self._binary = True

    def choose(self, context: Context, options: Sequence[str]) -> str:
        sums = self._sums[context.text if self.by_context else '']
        draw = self._beta if self._binary else self._normal
        return max(options, key=lambda option: (draw(*sums[option]), self.rng.random()))

    def _beta(self, exposure: float, reward: float) -> float:
        return self.rng.betavariate(1 + reward, 1 + exposure - reward)

    def _normal(self, exposure: float, reward: float) -> float:
        if not exposure:
            return math.inf
        count, total, squares = self._all
        mean = total / count
        deviation = math.sqrt(max(squares / count - mean * mean, 1e-12))
        return self.rng.gauss(reward / exposure if exposure > 2 else mean, deviation / math.sqrt(exposure))

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:
        sums = self._sums[context.text if self.by_context else ''][option]
        for total in (sums, self._all):
            total[0] += exposure
            total[1] += reward
        self._all[2] += reward * reward
        self._binary = self._binary and reward in (0, 1)


class ThompsonByContext(Thompson):
    """Thompson sampling, anew in each context."""

    by_context = True


class LinearThompson(Even):
    """Thompson sampling with a ridge regression for each option (Agrawal and Goyal, 2013).

    Features are 0 or 1: one for all, one for each property, and one for each context.  Rewards are in units of the root
    of their mean square, which the first ones tell.
    """

    joined = True
    _FIRST = 50

    def __init__(self, rng: Random, features: int) -> None:
        super().__init__(rng)
        self._normal = np.random.default_rng(rng.getrandbits(64)).standard_normal
        self._options: dict[str, int] = {}
        self._features: dict[str, int] = {}
        self._known: dict[str, NDArray[np.int64]] = {}
        self._size = features
        self._inverse, self._right, self._weights = np.zeros((0, features, features)), *np.zeros((2, 0, features))
        self._early: list[tuple[int, Context, float]] | None = []
        self._unit = 1.0

    def choose(self, context: Context, options: Sequence[str]) -> str:
        places = [self._place(option) for option in options]
        used = self._used(context)
        mean = self._weights[:, used].sum(axis=1)
        spread = np.sqrt(self._inverse[:, used[:, None], used].sum(axis=(1, 2)))
        drawn = mean + spread * self._normal(len(mean))
        return options[int(np.argmax(drawn[places]))]

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:  # noqa: ARG002
        place = self._place(option)
        if self._early is None:
            self._add(place, context, reward)
            return
        self._early.append((place, context, reward))
        if len(self._early) >= self._FIRST and any(earned for *_, earned in self._early):
            self._unit = math.sqrt(sum(earned**2 for *_, earned in self._early) / len(self._early))
            early, self._early = self._early, None
            for row in early:
                self._add(*row)

    def weight(self, option: str, feature: str) -> float:
        """What a feature adds to an option, in units of rewards."""
        return float(self._weights[self._options[option], self._features[feature]])

    def _add(self, place: int, context: Context, reward: float) -> None:
        used = self._used(context)
        inverse = self._inverse[place]
        row = inverse[:, used].sum(axis=1)
        inverse -= np.outer(row, row) / (1 + row[used].sum())
        self._right[place][used] += reward / self._unit
        self._weights[place] = inverse @ self._right[place]

    def _place(self, option: str) -> int:
        place = self._options.setdefault(option, len(self._options))
        if place == len(self._inverse):
            zeros = np.zeros((1, self._size))
            self._inverse = np.concatenate([self._inverse, np.eye(self._size)[None]])
            self._right = np.concatenate([self._right, zeros])
            self._weights = np.concatenate([self._weights, zeros])
        return place

    def _used(self, context: Context) -> NDArray[np.int64]:
        found = self._known.get(context.text)
        if found is None:
            numbers = [self._features.setdefault(name, len(self._features)) for name in features(context)]
            found = self._known[context.text] = np.array(numbers)
        return found


class SquareCb(Even):
    """SquareCB of Vowpal Wabbit (Foster and Rakhlin, 2020), which makes pairs of properties itself."""

    joined = True

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        from vowpalwabbit import Workspace

        seed = rng.randrange(1, 2**31)
        self._learner: Any = Workspace(
            f'--cb_explore_adf --squarecb --interactions ac --interactions acc --quiet --random_seed {seed}'
        )
        self._chosen: defaultdict[tuple[str, str], deque[tuple[float, Sequence[str]]]] = defaultdict(deque)
        self._total = self._count = 0.0

    def choose(self, context: Context, options: Sequence[str]) -> str:
        chances = self._learner.predict('\n'.join([_shared(context), *map(_action, options)]))
        (place,) = self.rng.choices(range(len(options)), chances)
        self._chosen[context.text, options[place]].append((chances[place], options))
        return options[place]

    def learn(self, option: str, context: Context, exposure: float, reward: float) -> None:
        chance, options = self._chosen[context.text, option].popleft()
        self._count += exposure
        self._total += reward
        mean = self._total / self._count
        # Costs are to be of the order of 1: amounts of money are divided by what ten visitors bring.
        cost = -reward / (10 * mean if mean > 1 else 1)
        told = f'0:{cost:.6f}:{max(chance, 1e-4):.6f} '
        actions = [f'{told if other == option else ""}{_action(other)}' for other in options]
        self._learner.learn('\n'.join([_shared(context), *actions]))


def _action(option: str) -> str:
    return f'|a {option}'


def _shared(context: Context) -> str:
    words = [''.join(character if character.isalnum() else '_' for character in name) for name in properties(context)]
    return f'shared |c {" ".join(words)} all'


def properties(context: Context) -> list[str]:
    """What is known of a visitor, one by one, and what all have in common; names without their values say nothing."""
    paths = dict.fromkeys(path for path in (*context.above, *context.paths) if len(path) % 2 == 0)
    return ['/'.join(path) for path in paths]


def features(context: Context) -> list[str]:
    """What linear ways know of a visitor: each property, and all of them together."""
    return [*dict.fromkeys([*properties(context), context.text])]


#: By name what makes it for a situation.
REFERENCES: Mapping[str, Makes] = {
    'chance': lambda rng, situation: Even(rng),  # noqa: ARG005
    'epsilon-greedy': lambda rng, situation: EpsilonGreedy(rng),  # noqa: ARG005
    'Thompson': lambda rng, situation: Thompson(rng),  # noqa: ARG005
    'Thompson by context': lambda rng, situation: ThompsonByContext(rng),  # noqa: ARG005
    'LinTS': lambda rng, situation: LinearThompson(
        rng, len({name for context in situation.contexts for name in features(context)})
    ),
}
if find_spec('vowpalwabbit'):
    REFERENCES = {**REFERENCES, 'SquareCB': lambda rng, situation: SquareCb(rng)}  # noqa: ARG005
