"""Playing: a way to choose meets the visitors of a situation."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush

from hailwhale.decisions.simulation.situations import Situation
from hailwhale.decisions.simulation.visits import visits
from hailwhale.decisions.simulation.ways import Way

_DAY = 24


@dataclass(frozen=True, slots=True)
class Played:
    """What a way lost beside one that knows all rates: as it is expected, without the luck of single visitors."""

    lost: tuple[float, ...]  #: on each day
    by_chance: float  #: what any option for anybody loses, on all days
    possible: float  #: what there was to be had
    best: float  #: the share of visitors of the last day who got the best option

    @property
    def score(self) -> float:
        """0: nothing was lost; 100: as much as by chance; 0 also where there was nothing to lose.

        >>> Played((3.0, 1.0), 8.0, 100.0, 1.0).score
        50.0
        """
        return 100 * sum(self.lost) / self.by_chance if self.by_chance else 0.0


class _Post:
    """Brings a way what its choices earned: at once, or late and in heaps."""

    def __init__(self, way: Way, situation: Situation) -> None:
        self._way, self._contexts = way, situation.contexts
        self._every = situation.lag.every if situation.lag else 0.0
        self._next = 0.0
        self._waiting: list[tuple[float, int, str, int, float, float]] = []

    def bring(self, hours: float) -> None:
        """What has come by now, where it is time for a heap."""
        if hours < self._next:
            return
        self._next = hours - hours % self._every + self._every if self._every else hours
        while self._waiting and self._waiting[0][0] <= hours:
            _, _, option, context, exposure, reward = heappop(self._waiting)
            self._way.learn(option, self._contexts[context], exposure, reward)

    def take(self, due: float, number: int, option: str, context: int, reward: float) -> None:
        """What a choice has earned, to be brought when it is due."""
        if self._way.joined:
            heappush(self._waiting, (due, number, option, context, 1.0, reward))
            return
        self._way.learn(option, self._contexts[context], 1.0, 0.0)
        if reward:
            heappush(self._waiting, (due, number, option, context, 0.0, reward))


def play(situation: Situation, way: Way, seed: int) -> Played:
    """Send all visitors of a seed to a way: who they are and what each option would bring is the same for all ways."""
    post, places = _Post(way, situation), {option: place for place, option in enumerate(situation.options)}
    stages = situation.stages()[::-1]
    lost: list[float] = []
    by_chance = possible = 0.0
    at_best = today = 0
    for number, (context, rewards, late) in enumerate(visits(situation, seed)):
        if stages and stages[-1].first == number:
            stage = stages.pop()
        if number % situation.per_day == 0:
            lost.append(0.0)
            at_best = today = 0
        hours = number * _DAY / situation.per_day
        way.tick(hours)
        post.bring(hours)
        option = way.choose(situation.contexts[context], stage.options)
        best, value = stage.best[context], stage.values[context][option]
        lost[-1] += best - value
        by_chance += best - stage.mean[context]
        possible += best
        at_best += value == best
        today += 1
        if late:
            post.take(hours + late, number, option, context, rewards[places[option]])
        else:
            way.learn(option, situation.contexts[context], 1.0, rewards[places[option]])
    return Played(tuple(lost), by_chance, possible, at_best / today)
