"""What is known of options, and what was chosen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from random import Random, SystemRandom
from typing import Any, Literal, NamedTuple, Protocol

from hailwhale.errors import InvalidInput

#: The chance with which each option is chosen; they sum to 1.
Weights = dict[str, float]


_dice = SystemRandom()

#: Below this chance to be the best an option is bad; with an interval this many times its worth it is to be tested.
BAD_IDEA, TEST_IDEA = 0.05, 1.0


#: Visitors of one call, and weights in all that it answers.
MOST_VISITORS, MOST_WEIGHTS = 10_000, 200_000


class CostWarning(UserWarning):
    """What is to be as large as can be has the name of a cost."""


@dataclass(frozen=True, slots=True)
class Reason:
    """What is known of one option in one context."""

    option: str
    exposure: float  #: counted in exactly this context
    reward: float
    mean: float | None  #: what it is thought to be worth here, in units of the formula; None: nothing was earned yet
    interval: tuple[float, float] | None  #: it is worth so much with a chance of 90 %
    best: float | None  #: the chance that it is the best one
    weight: float  #: the chance with which it is chosen


class Reasons(NamedTuple):
    """Options by what speaks for and against them; each list best first."""

    good: list[Reason]  #: as good as the best, as far as is known
    bad: list[Reason]  #: with hardly a chance to be the best
    test: list[Reason]  #: of which too little is known


@dataclass(frozen=True, slots=True)
class Decision:
    """An option for one visitor, and how it was chosen."""

    option: str
    propensity: float  #: the chance with which it was chosen: its weight
    weights: Weights  #: of all options; they sum to 1
    by: Literal['policy', 'holdout', 'bot']  #: the last two are chosen by the visitor's name alone, all alike likely
    sticky: bool  #: the same visitor gets the same option while the weights are about the same
    seed: int | None = None  #: with which the same decision can be had again
    paths: tuple[str, ...] = ()  #: the paths that were looked at; where reasons were asked for
    reasons: tuple[Reason, ...] = ()  #: best first; where they were asked for
    warning: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """As HTTP answers it: without what was not asked for."""
        found: dict[str, Any] = {
            'option': self.option,
            'propensity': self.propensity,
            'weights': self.weights,
            'by': self.by,
            'sticky': self.sticky,
            'seed': self.seed,
            'paths': self.paths,
            'reasons': [asdict(reason) for reason in self.reasons],
            'warning': self.warning,
        }
        return {name: value for name, value in found.items() if value is not None and value != () and value != []}


class Deciding(Protocol):
    """What is behind `Whale.decide` and its kin; `hailwhale.decisions.deciding` makes it."""

    def decision(self, pk_base: object, decision_name: object, options: object, *args: Any, **more: Any) -> Decision:
        """See `Whale.decision`."""

    def decide_many(self, visitors: Sequence[object], *args: Any, **more: Any) -> list[Decision]:
        """See `Whale.decide_many`."""

    def reasons(self, pk_base: object, decision_name: object, options: object, *args: Any, **more: Any) -> list[Reason]:
        """See `Whale.reasons_for`."""


def picked(weights: Weights, number: float) -> str:
    """The option at a number from 0 to what the weights sum to: each has its weight's share of the numbers.

    >>> picked({'a': 0.25, 'b': 0.75}, 0.2), picked({'a': 0.25, 'b': 0.75}, 0.25)
    ('a', 'b')
    """
    reached = 0.0
    for option, weight in weights.items():
        reached += weight
        if number < reached:
            return option
    return option


def chance(seed: object = None) -> float:
    """A number from 0 until before 1; with a seed always the same one.  Raises `InvalidInput`."""
    number = checked_seed(seed)
    # The system's dice: those of processes that were forked from one would fall alike.
    return _dice.random() if number is None else Random(number).random()


def checked_seed(seed: object) -> int | None:
    """A whole number, or None for no seed.  Raises `InvalidInput`."""
    if seed is None or (isinstance(seed, int) and not isinstance(seed, bool)):
        return seed
    raise InvalidInput(f'not a seed: {seed!r:.80} (a whole number)', field='seed')


def even(options: Sequence[str]) -> Weights:
    """The same chance for all."""
    return dict.fromkeys(options, 1 / len(options))


def sorted_out(reasons: Iterable[Reason], *, bad: float, test: float) -> Reasons:
    """Reasons by what they say; ``bad`` and ``test`` as `checked_threshold` has them."""
    found = Reasons([], [], [])
    for reason in reasons:
        if not reason.exposure:
            found.test.append(reason)
        elif reason.best is not None and reason.best < bad:
            found.bad.append(reason)
        elif reason.mean is None or reason.interval is None or _wide(reason.interval, reason.mean, test):
            found.test.append(reason)
        else:
            found.good.append(reason)
    return found


def checked_threshold(number: object, field: str) -> float:
    """A number from 0.  Raises `InvalidInput`."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not number >= 0:
        raise InvalidInput(f'not a threshold: {number!r:.80} (a number from 0, such as 0.05)', field=field)
    return number


def chosen_from(*several: object, seed: object = None) -> str:
    """An option from reasons, each with its weight beside those of the others.  Raises `InvalidInput`."""
    weights: Weights = {}
    for reasons, field in zip(several, Reasons._fields, strict=True):
        for reason in reasons if isinstance(reasons, Iterable) else (reasons,):
            if not isinstance(reason, Reason):
                raise InvalidInput(f'not a reason: {reason!r:.80} (give those of weighted_reasons)', field=field)
            weights[reason.option] = reason.weight
    if not weights:
        raise InvalidInput('no reasons to decide from (give those of weighted_reasons)', field='good')
    return picked(weights, chance(seed) * sum(weights.values()))


def _wide(interval: tuple[float, float], mean: float, times: float) -> bool:
    return interval[1] - interval[0] > times * abs(mean)
