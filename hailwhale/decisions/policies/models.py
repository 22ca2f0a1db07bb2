"""Models: the weights of options for a visitor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hailwhale.choices import Reason, Weights, even
from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.estimates import Estimate, Part
from hailwhale.decisions.policies.tables import NOTHING, Fields, Sums
from hailwhale.decisions.policies.tuning import Tuning
from hailwhale.decisions.policies.turns import Turn
from hailwhale.paths import Path

#: Numbers that a model remembers of contexts; and how many it holds for each draw of an option, with and without sizes.
_REMEMBERED, _HELD, _HELD_OF_MONEY = 4_000_000, 3, 7
#: Contexts for which a model is prepared before it is used.
_PREPARED = 300


class _Parts(NamedTuple):
    """What of a model concerns one context and some options."""

    often: Part
    size: Part | None
    sizes: Floats | None  #: draws of what a reward is worth, [option, draw]
    least: list[float]  #: the share of decisions that each option is sure of
    whole: Sequence[Sums]  #: what had been counted when the table was read


@dataclass(slots=True)
class Model:
    """What is known of the options of one decision.  `fit` makes it; then it never changes, and may be shared."""

    options: Sequence[str]  #: those that have been counted
    tuning: Tuning
    turn: Turn
    whole: Mapping[tuple[str, str], Sums]  #: by context and option what had been counted
    often: Estimate | None = None  #: of rewards; None: nothing was earned yet
    size: Estimate | None = None  #: of what each is worth, where it is estimated apart from how often they come
    by_times: bool = False  #: `often` is of how often something was earned, and not of how much
    unit: float = 1.0  #: what each reward is worth, where all are alike
    #: Of those that came late, the share of what they have to show until they are judged like the others.
    unproven: Mapping[str, float] = field(default_factory=dict)
    late: float = 0.0  #: hours that rewards come late: then exposures since the table was read say nothing yet
    _parts: dict[tuple[str, tuple[str, ...]], _Parts] = field(default_factory=dict)

    @property
    def fields(self) -> Fields:
        """What of the sums by now the weights depend on."""
        return (0, 2) if self.by_times else (0, 1)

    @np.errstate(all='ignore')
    def weights(self, context: Context, options: Sequence[str], live: Mapping[str, Sums] | None = None) -> Weights:
        """The chance with which each option is to be chosen for a visitor.

        ``live``: the sums of options in this context as they are by now, at least those of `fields`.  An option that
        was never counted is worth as much as the others may be.  The weights of the same model, context, options and
        sums are always the same.
        """
        if self.often is None or len(options) == 1:
            return even(options)
        parts = self._of(context, options)
        drawn = self.often.draws(parts.often, *self._now(parts, options, live))
        if parts.sizes is not None:
            drawn = drawn * parts.sizes
        wins = np.bincount(drawn.argmax(axis=0), minlength=len(options)).tolist()
        share = (1 - sum(parts.least)) / drawn.shape[1]
        return {option: share * won + least for option, won, least in zip(options, wins, parts.least, strict=True)}

    @np.errstate(all='ignore')
    def prepare(self, options: Sequence[str], most: int = _PREPARED) -> None:
        """Work out what concerns the busiest contexts beforehand, so that the first decisions there need not."""
        if self.often:
            for context in self.often.busiest(min(most, self._room(options) // 2)):
                self._of(context, options)

    def reasons(self, context: Context, options: Sequence[str], live: Mapping[str, Sums] | None = None) -> list[Reason]:
        """Why the weights are what they are: what is known of each option in a context, best first."""
        weights = self.weights(context, options, live)
        counted = self.counted(context, options) | dict(live or {})
        if self.often is None:
            return [
                Reason(option, counted[option].exposure, counted[option].reward, None, None, None, weights[option])
                for option in options
            ]
        drawn = self._believed(context, options, live)
        wins = np.bincount(drawn.argmax(axis=0), minlength=len(options)) / drawn.shape[1]
        found = []
        for place, option in enumerate(options):
            low, high = sorted(_short(self.turn.value(float(end))) for end in np.quantile(drawn[place], (0.05, 0.95)))
            mean, best = _short(self.turn.value(float(drawn[place].mean()))), float(wins[place])
            sums = counted[option]
            found.append(Reason(option, sums.exposure, sums.reward, mean, (low, high), best, weights[option]))
        return sorted(found, key=lambda reason: (-reason.weight, reason.option))

    def counted(self, context: Context, options: Sequence[str]) -> dict[str, Sums]:
        """What had been counted of each option in a context when the table was read."""
        return {option: self.whole.get((context.text, option), NOTHING) for option in options}

    def paths(self, context: Context) -> list[Path]:
        """The paths above a context that say something of it."""
        return [self.often.layout.paths[number] for number in self.often.layout.known(context)] if self.often else []

    @np.errstate(all='ignore')
    def _believed(self, context: Context, options: Sequence[str], live: Mapping[str, Sums] | None) -> Floats:
        """Draws of what each option is worth, [option, draw], as widely as they are believed."""
        parts = self._of(context, options)
        assert self.often
        drawn = self.often.draws(parts.often, *self._now(parts, options, live), full=True) * self.unit
        if self.size and parts.size:
            drawn = drawn * self.size.draws(
                parts.size, parts.size.exposure.tolist(), parts.size.reward.tolist(), full=True
            )
        return np.nan_to_num(drawn)

    def _of(self, context: Context, options: Sequence[str]) -> _Parts:
        key = context.text, tuple(options)
        found = self._parts.get(key)
        if found is None:
            while self._parts and len(self._parts) >= self._room(options):
                # Another thread may have taken it away.
                self._parts.pop(next(iter(self._parts)), None)
            found = self._parts[key] = self._made(context, options)
        return found

    def _room(self, options: Sequence[str]) -> int:
        """Contexts that are remembered."""
        return _REMEMBERED // (len(options) * self.tuning.draws * (_HELD_OF_MONEY if self.size else _HELD))

    def _made(self, context: Context, options: Sequence[str]) -> _Parts:
        assert self.often
        size: Part | None = None
        sizes: Floats | None = None
        if self.size:
            size = self.size.part(context, options)
            # Sizes change slowly: those of the last moments are left to the next model.
            sizes = self.size.draws(size, *size.sums)
        whole = list(self.counted(context, options).values())
        return _Parts(self.often.part(context, options), size, sizes, self._least(self.often, options), whole)

    def _least(self, often: Estimate, options: Sequence[str]) -> list[float]:
        """The share of decisions that each option is sure of: those that came late or are not known yet have more,
        so that bad luck at first is not the end."""
        unproven = [self.unproven.get(option, 0.0 if option in often.options else 1.0) for option in options]
        tuning = self.tuning
        new = min(tuning.floor_new, 2 * tuning.floor_new / max(sum(unproven), 1e-9))
        return [max(new * share, tuning.floor / len(options)) for share in unproven]

    def _now(
        self, parts: _Parts, options: Sequence[str], live: Mapping[str, Sums] | None
    ) -> tuple[list[float], list[float]]:
        """Exposure and rewards of each option in the context, with what has been counted since the table was read."""
        exposure, reward = parts.often.sums
        if not live or self.late:
            return exposure, reward
        for place, (option, before) in enumerate(zip(options, parts.whole, strict=True)):
            now = live.get(option, before)
            if now != before:
                shown, earned = now.exposure - before.exposure, now.reward - before.reward
                if self.by_times:
                    earned = now.times - before.times
                else:
                    shown, earned = self.turn.sums(shown, earned)
                exposure[place] = max(exposure[place] + shown, 0.0)
                reward[place] = max(reward[place] + earned, 0.0)
        return exposure, reward


def _short(number: float) -> float:
    """With as many digits as mean something to a reader."""
    return float(f'{number:.6g}')
