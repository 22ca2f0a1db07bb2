"""Models: the weights of options for a visitor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hailwhale.choices import Reason, Weights, even
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.contexts import Context
from hailwhale.decisions.policies.layouts import Layout
from hailwhale.decisions.policies.normals import gamma, normals
from hailwhale.decisions.policies.rates import Rates
from hailwhale.decisions.policies.tables import Sums
from hailwhale.decisions.policies.tuning import Tuning
from hailwhale.decisions.policies.turns import Turn
from hailwhale.paths import Path

#: No option is thought to be worse than this share of the base rate, nor a rate of successes higher than this.
_WORST, _HIGHEST = 0.05, 0.98
#: How much the prior of a context counts beside its data, where there are paths above it and where there are none.
_COMMON, _COMMON_ALONE = 1.0, 0.01
#: Contexts whose part of the model is remembered.
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Fitted:
    """What was found in a table."""

    layout: Layout
    rates: Rates
    bases: Floats  #: of each context
    exposure: Floats  #: [context, option]
    reward: Floats
    scatter: float
    binary: bool
    own: Floats  #: variance of each context's own effects
    root: float  #: variance between options
    drawn: Floats | None  #: effects, [path, option, draw]; None: there are no paths
    width: float  #: what standard deviations are multiplied by
    late: bool = False  #: rewards come so late that exposures since then say nothing yet


class _Part(NamedTuple):
    """What of a model concerns one context and some options."""

    lifts: Floats  #: [option, draw]: rates as multiples of the base rate, without the context's own effects
    mean: Floats  #: [option]
    normal: Floats
    second: Floats
    base: float
    own: float  #: variance of the context's own effects
    exposure: Floats
    reward: Floats
    whole: Sequence[Sums]  #: what had been counted when the table was read


@dataclass(slots=True)
class Model:
    """What is known of the options of one decision.  `fit` makes it; it never changes, and may be shared."""

    options: Sequence[str]  #: those that have been counted
    tuning: Tuning
    turn: Turn
    whole: Mapping[tuple[str, str], Sums]  #: by context and option what had been counted
    fitted: Fitted | None  #: None: nothing was earned yet
    _parts: dict[tuple[str, tuple[str, ...]], _Part] = field(default_factory=dict)

    def weights(self, context: Context, options: Sequence[str], live: Mapping[str, Sums] | None = None) -> Weights:
        """The chance with which each option is to be chosen for a visitor.

        ``live``: the sums of options in this context as they are by now.  An option that was never counted is worth
        as much as the others may be.  The weights of the same model, context, options and sums are always the same.
        """
        if self.fitted is None or len(options) == 1:
            return even(options)
        drawn = self._drawn(self._part(context, options), options, live, self.fitted.width)
        wins = np.bincount(drawn.argmax(axis=0), minlength=len(options)) / drawn.shape[1]
        floor = self.tuning.floor
        chances = ((1 - floor) * wins + floor / len(options)).tolist()
        return dict(zip(options, chances, strict=True))

    def reasons(self, context: Context, options: Sequence[str], live: Mapping[str, Sums] | None = None) -> list[Reason]:
        """Why the weights are what they are: what is known of each option in a context, best first."""
        weights = self.weights(context, options, live)
        if self.fitted is None:
            return [
                Reason(option, *self._counted(context, option, live), None, None, None, weights[option])
                for option in options
            ]
        part = self._part(context, options)
        # As it is believed, and not as it is played: with its full width.
        drawn = self._drawn(part, options, live, 1.0) * self._unit(part, live, options)
        wins = np.bincount(drawn.argmax(axis=0), minlength=len(options)) / drawn.shape[1]
        found = []
        for place, option in enumerate(options):
            exposure, reward = self._counted(context, option, live)
            ends = sorted(self.turn.value(float(end)) for end in np.quantile(drawn[place], (0.05, 0.95)))
            mean = self.turn.value(float(drawn[place].mean()))
            found.append(
                Reason(option, exposure, reward, mean, (ends[0], ends[1]), float(wins[place]), weights[option])
            )
        return sorted(found, key=lambda reason: (-reason.weight, reason.option))

    def paths(self, context: Context) -> list[Path]:
        """The paths above a context that say something of it."""
        return [self.fitted.layout.paths[number] for number in self.fitted.layout.known(context)] if self.fitted else []

    def _counted(self, context: Context, option: str, live: Mapping[str, Sums] | None) -> Sums:
        return (live or {}).get(option) or self.whole.get((context.text, option), (0.0, 0.0))

    def _unit(self, part: _Part, live: Mapping[str, Sums] | None, options: Sequence[str]) -> float:
        """What draws of money are multiples of."""
        fitted = self.fitted
        assert fitted
        return 1.0 if fitted.binary else part.base * self._common(part, *self._now(part, options, live))

    def _part(self, context: Context, options: Sequence[str]) -> _Part:
        key = context.text, tuple(options)
        found = self._parts.get(key)
        if found is None:
            if len(self._parts) >= _REMEMBERED:
                self._parts.clear()
            found = self._parts[key] = self._made(context, options)
        return found

    def _made(self, context: Context, options: Sequence[str]) -> _Part:
        fitted, draws = self.fitted, self.tuning.draws
        assert fitted
        place = fitted.layout.places.get(context.text)
        numbers = {option: number for number, option in enumerate(self.options)}
        exposure, reward = np.zeros(len(options)), np.zeros(len(options))
        lifts = np.ones((len(options), draws))
        for row, option in enumerate(options):
            number = numbers.get(option)
            if fitted.drawn is None:
                pass
            elif number is None:
                lifts[row] += math.sqrt(fitted.root) * normals(f'{option}\0new', draws)
            else:
                for path in fitted.layout.known(context):
                    lifts[row] += fitted.drawn[path, number]
            if place is not None and number is not None:
                exposure[row], reward[row] = fitted.exposure[place, number], fitted.reward[place, number]
        lifts = np.maximum(lifts, _WORST)
        if fitted.drawn is None or not context.paths:
            lifts = lifts[:, :1] if fitted.drawn is None else lifts
        return _Part(
            lifts,
            lifts.mean(axis=1),
            np.stack([normals(f'{option}\0own', draws) for option in options]),
            np.stack([normals(f'{option}\0other', draws) for option in options]),
            float(fitted.bases[place]) if place is not None else fitted.rates.guess(context),
            float(fitted.own[place]) if place is not None else float(fitted.own.mean()),
            exposure,
            reward,
            [self.whole.get((context.text, option), (0.0, 0.0)) for option in options],
        )

    def _now(self, part: _Part, options: Sequence[str], live: Mapping[str, Sums] | None) -> tuple[Floats, Floats]:
        """Exposure and reward of each option in the context, with what has been counted since the table was read."""
        if not live or (self.fitted and self.fitted.late):
            return part.exposure, part.reward
        since = []
        for option, (exposure, reward) in zip(options, part.whole, strict=True):
            now = live.get(option, (exposure, reward))
            since.append(self.turn.sums(now[0] - exposure, now[1] - reward))
        more = np.array(since)
        return np.maximum(part.exposure + more[:, 0], 0.0), np.maximum(part.reward + more[:, 1], 0.0)

    def _common(self, part: _Part, exposure: Floats, reward: Floats) -> float:
        """By how much all options of a context are better than its base rate."""
        fitted = self.fitted
        assert fitted
        expected = exposure * part.base * part.mean
        seen = expected > 0
        weight = 1 / (part.own / part.mean[seen] ** 2 + fitted.scatter / expected[seen])
        prior = _COMMON_ALONE if fitted.drawn is None else _COMMON
        return float((prior + (weight * reward[seen] / expected[seen]).sum()) / (prior + weight.sum()))

    def _drawn(self, part: _Part, options: Sequence[str], live: Mapping[str, Sums] | None, width: float) -> Floats:
        """Draws of what each option is worth in a context, [option, draw]: what is known from above it, and its own
        sums, conjugate to it."""
        fitted = self.fitted
        assert fitted
        exposure, reward = self._now(part, options, live)
        common = self._common(part, exposure, reward)
        sharper = self._sharper(part, exposure, width)
        lifts, own = part.lifts, part.own
        done, earned = exposure[:, None], reward[:, None]
        if fitted.binary:
            rate = np.minimum(lifts * (part.base * common), _HIGHEST)
            sure = np.maximum(rate * (1 - rate) / (own * (part.base * common) ** 2) - 1, 0.5)
            good = gamma((rate * sure + earned) * sharper, part.normal)
            bad = gamma(((1 - rate) * sure + np.maximum(done - earned, 0.0)) * sharper, part.second)
            return np.asarray(good / (good + bad))
        shape = np.maximum(lifts * lifts / own + earned / fitted.scatter, 1e-3) * sharper
        scale = (lifts / own + done * (part.base * common) / fitted.scatter) * sharper
        return np.asarray(gamma(shape, part.normal) / scale)

    def _sharper(self, part: _Part, exposure: Floats, width: float) -> float:
        """How much surer to be of a context's own effects than its sums allow: a context with so little traffic that
        it can never repay learning what is best in it is not explored for its own sake."""
        fitted, future = self.fitted, self.tuning.worth_learning
        assert fitted
        share = 1.0
        if fitted.drawn is not None and future:
            expected = float(exposure.sum()) * part.base
            share = part.own / (part.own + fitted.scatter * len(exposure) / (future * expected + 1e-9))
        return 1 / (width * width * max(share, 1e-6))
