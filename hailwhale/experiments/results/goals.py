"""Goals: what is asked of a split, which counters that takes, and how people say it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hailwhale.arguments import naming
from hailwhale.errors import InvalidInput, LimitExceeded
from hailwhale.experiments.statistics.numbers import interval_of, one_of, told
from hailwhale.experiments.statistics.sums import KINDS, Kind
from hailwhale.formulas import Formula
from hailwhale.metrics import shown
from hailwhale.products import product_of, square_of, times_of

Bounds = tuple[float, float]

#: More goals in one question.
MOST_GOALS = 20
_DIRECTIONS = ('max', 'min')
_OPTIONS = ('kind', 'goal', 'bounds')
# What is better when it is lower, to judge by its name.
_COSTS = re.compile(r'(?i)(cost|spent|spend|expens|refund|bounce|churn|error|fail|latency|unsubscri)')


@dataclass(frozen=True, slots=True)
class Goal:
    """One goal: conversions or amounts of ``metric`` for each exposure; or for each ``below``, where there is one.

    ``kind`` is None where it is to be found by what was counted.
    """

    text: str
    metric: str
    below: str | None = None
    kind: Kind | None = None
    lower_wins: bool = False
    bounds: Bounds | None = None

    @property
    def metrics(self) -> tuple[str, ...]:
        """The counters it takes, as far as they were counted."""
        names = (self.metric,) if self.below is None else (self.metric, self.below)
        own = [counter for name in names for counter in (name, square_of(name), times_of(name))]
        return tuple(own) if self.below is None else (*own, product_of(self.metric, self.below))

    @property
    def cautions(self) -> tuple[str, ...]:
        """What is suspicious about it."""
        if not self.lower_wins and _COSTS.search(self.metric):
            return (f"{self.text} is taken to be better when it is higher (if it is not, say goal='min')",)
        return ()


def read_goals(goals: object, *, kind: object, goal: object, exposures: str) -> tuple[Goal, ...]:
    """Goals as people give them: a name or formula, several, or a mapping of them to kinds or to options.

    Raises `InvalidInput` for what is no goal, `LimitExceeded` for more than `MOST_GOALS`.

    >>> found = read_goals({'signups': 'binomial', 'earned': {}}, kind=None, goal='max', exposures='hits')
    >>> [one.kind for one in found]
    ['binomial', None]
    """
    usual = {'kind': kind, 'goal': goal}
    found = tuple(_goal(text, usual, options, exposures) for text, options in _pairs(goals))
    if not found:
        raise InvalidInput('no goal is named (leave goals out for all that was counted)', field='goals')
    if len(found) > MOST_GOALS:
        raise LimitExceeded(f'more than {MOST_GOALS} goals: {len(found)} (ask for fewer at once)', field='goals')
    return found


def _pairs(goals: object) -> Iterable[tuple[str, dict[str, Any]]]:
    if isinstance(goals, str):
        goals = [goals]
    if isinstance(goals, Mapping):
        return [(_text(text), _options(options)) for text, options in goals.items()]
    if isinstance(goals, Sequence):
        return [(text, {}) for text in dict.fromkeys(map(_text, goals))]
    raise _not_a_goal(goals)


def _text(goal: object) -> str:
    if not isinstance(goal, str):
        raise _not_a_goal(goal)
    return goal


def _options(given: object) -> dict[str, Any]:
    if given is None:
        return {}
    if isinstance(given, str):
        return {'kind': given}
    if not isinstance(given, Mapping) or not all(name in _OPTIONS for name in given):
        way = f'use a kind, or a mapping of {", ".join(_OPTIONS)}'
        raise InvalidInput(f'not what a goal is like: {told(given)} ({way})', field='goals')
    return {name: value for name, value in given.items() if value is not None}


def _goal(text: str, usual: Mapping[str, Any], options: Mapping[str, Any], exposures: str) -> Goal:
    with naming('goals'):
        metric, below = _sides(text)
        bounds = None if options.get('bounds') is None else interval_of(options['bounds'], 'bounds')
    kind = options.get('kind', usual['kind'])
    if kind is not None:
        with naming('goals' if 'kind' in options else 'kind'):
            kind = one_of(kind, KINDS, 'kind')
    if below == exposures:
        below = None
    if kind == 'ratio' and below is None:
        raise InvalidInput(f'{shown(text)} is no ratio (a ratio is of two metrics: earned/spent)', field='goals')
    with naming('goals' if 'goal' in options else 'goal'):
        direction = one_of(options.get('goal', usual['goal']), _DIRECTIONS, 'goal')
    return Goal(text, metric, below, kind, direction == 'min', bounds)


def _sides(text: str) -> tuple[str, str | None]:
    """The metrics above and below the line; a constant, a modifier or a number is none."""
    names = Formula.parse(text).metrics
    terms = tuple(term.strip().strip('"') for term in text.split('/'))
    if terms != names:
        raise InvalidInput(f'not a goal: {shown(text)} (a metric, or the ratio of two: earned/spent)', field='goals')
    return terms[0], terms[1] if len(terms) > 1 else None


def _not_a_goal(given: object) -> InvalidInput:
    return InvalidInput(f'not goals: {told(given)} (a metric, a formula, or several of them)', field='goals')
