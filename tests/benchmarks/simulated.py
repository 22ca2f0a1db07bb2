"""The shipped policy behind the interface of a simulator: it keeps what the engine would hold in a plain dict."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from hailwhale.decisions.policies import Cell, Context, Model, Moments, Sums, Table, fit, picked

_HOUR = 3_600
#: A model is made anew when there are so many more decisions.
_SHARE, _LEAST, _MOST = 0.03, 20, 400


class Policy:
    """Chooses, and learns from counters alone.  ``formula`` is ``earned/hits``, or another ratio; more is better."""

    split_events = True

    def __init__(self, seed: int = 0, formula: str = 'earned/hits') -> None:
        self._random = random.Random(seed)
        self._earned, self._spent = formula.split('/')
        self._now = 0.0
        self._sums: defaultdict[tuple[str, str, int], list[float]] = defaultdict(lambda: [0.0, 0.0])
        self._live: defaultdict[str, dict[str, Sums]] = defaultdict(dict)
        self._squares, self._products = [0.0, 0.0], 0.0
        self._contexts: dict[str, Context] = {}
        self._known: dict[int, tuple[Mapping[str, Any], Context]] = {}
        self._model: Model | None = None
        self._decisions, self._next = 0, _LEAST

    def tick(self, now: float) -> None:
        """The clock, in seconds."""
        self._now = now

    def choose(self, context: Mapping[str, Any], options: Sequence[str]) -> str:
        """An option for a visitor."""
        self._decisions += 1
        if self._decisions >= self._next:
            self._next = self._decisions + min(max(int(_SHARE * self._decisions), _LEAST), _MOST)
            self._model = fit(self.table(), by_hits=self._spent == 'hits')
        number = self._random.random()
        if self._model is None:
            return options[int(number * len(options))]
        found = self._context(context)
        return picked(self._model.weights(found, options, self._live[found.text]), number)

    def reward(self, option: str, context: Mapping[str, Any], metrics: Mapping[str, float]) -> None:
        """Count what happened."""
        spent, earned = metrics.get(self._spent, 0), metrics.get(self._earned, 0)
        text = self._context(context).text
        sums = self._sums[text, option, int(self._now // _HOUR)]
        sums[0] += spent
        sums[1] += earned
        before = self._live[text].get(option, (0.0, 0.0))
        self._live[text][option] = before[0] + spent, before[1] + earned
        self._squares[0] += spent * spent
        self._squares[1] += earned * earned
        self._products += spent * earned

    def table(self) -> Table:
        """What was counted, as it is read from an engine."""
        texts = {text: place for place, text in enumerate(dict.fromkeys(text for text, _, _ in self._sums))}
        options = {option: place for place, option in enumerate(sorted({option for _, option, _ in self._sums}))}
        cells = [
            Cell(texts[text], options[option], self._now / _HOUR - hour, spent, earned)
            for (text, option, hour), (spent, earned) in self._sums.items()
        ]
        spent, earned = (sum(sums[side] for sums in self._sums.values()) for side in (0, 1))
        moments = Moments(spent, earned, self._squares[1], self._squares[0], self._products)
        return Table([self._contexts[text] for text in texts], list(options), cells, moments)

    def _context(self, given: Mapping[str, Any]) -> Context:
        known = self._known.get(id(given))
        if known is None or known[0] is not given:
            context = Context.of(given)
            context = self._contexts.setdefault(context.text, context)
            known = self._known[id(given)] = given, context
        return known[1]
