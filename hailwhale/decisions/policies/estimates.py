"""Estimates: what was found of one quantity, such as how often visitors pay, and draws of it for each option."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.layouts import Layout
from hailwhale.decisions.policies.normals import gamma, normals
from hailwhale.decisions.policies.rates import Rates
from hailwhale.decisions.policies.tuning import Tuning

#: No option is thought to be worse than this share of the base rate, nor a rate of successes higher than this.
_WORST, _HIGHEST = 0.05, 0.98
#: Priors are not made anew for a level that differs by no more than this share.
_SAME_LEVEL = 0.02
#: How much the prior of a context counts beside its data, where there are paths above it and where there are none.
_COMMON, _COMMON_ALONE = 1.0, 0.01
#: What random numbers of an option are for.
_USES = 'own', 'other'


class Part(NamedTuple):
    """What of an estimate concerns one context and some options."""

    lifts: Floats  #: [option, draw]: rates as multiples of the base rate, without the context's own effects
    normal: Floats  #: [2, option, draw]: for what was earned, and for what was not
    base: float  #: the base rate that was thought of it
    rates: list[tuple[float, float]]  #: [option]: what is expected, and its variance as a share of the square
    level: float  #: the base rate, by all that had been seen in the context when the model was made
    own: Floats  #: [option]: variance of the context's own effects
    exposure: Floats  #: [option]
    reward: Floats
    share: float  #: of the context's own effects that it pays to learn
    prior: Prior  #: as it is played at that level

    @property
    def sums(self) -> tuple[list[float], list[float]]:
        """Exposure and reward that had been counted."""
        return self.exposure.tolist(), self.reward.tolist()


class Prior(NamedTuple):
    """What is known of options from above a context; their own sums there are added to it."""

    shapes: Floats  #: [2, option, draw]: of gamma distributions
    weight: float  #: of a unit of the sums


@lru_cache(maxsize=64)
def _normals(purpose: str, options: tuple[str, ...], draws: int) -> Floats:
    """The random numbers of options, [use, option, draw]: the same in all contexts."""
    found = np.array([[normals(f'{purpose}{option}\0{use}', draws) for option in options] for use in _USES])
    found.flags.writeable = False
    return found


def fresh(spread: float, tuning: Tuning) -> float:
    """The variance of what a new option may be worth: how far the others spread tells little of it."""
    return max(spread, tuning.between_new**2)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is estimated: sums of rewards over sums of exposures."""

    exposure: Floats  #: [context, option]
    reward: Floats
    scatter: float  #: the variance of rewards as a multiple of their mean
    binary: bool  #: each reward is 0 or 1
    width: float  #: what standard deviations are multiplied by
    purpose: str = ''  #: draws of other purposes are independent


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was found of a quantity."""

    of: Quantity
    options: Mapping[str, int]  #: those that have been counted, and their places
    layout: Layout
    rates: Rates
    bases: Floats  #: of each context
    own: Floats  #: [context, option or 1]: variance of each context's own effects
    apart: float  #: variance of the own effects of a context that was not seen
    root: float  #: variance between options
    drawn: Floats | None  #: effects, [path, option, draw]; None: there are no paths
    tuning: Tuning

    def is_finite(self) -> bool:
        """Whether it can be reckoned with."""
        found = [self.bases, self.own, np.array(self.root), *([] if self.drawn is None else [self.drawn])]
        return all(bool(np.isfinite(one).all()) for one in found)

    def busiest(self, most: int) -> list[Context]:
        """The contexts in which most was shown, first those with most."""
        shown = self.of.exposure.sum(axis=1)
        return [self.layout.contexts[place] for place in np.argsort(-shown, kind='stable')[:most].tolist()]

    def part(self, context: Context, options: Sequence[str]) -> Part:
        """What concerns a context, whether it was seen before or not."""
        place = self.layout.places.get(context.text)
        return self._new(context, options) if place is None else self._seen(place, context, options)

    def _seen(self, place: int, context: Context, options: Sequence[str]) -> Part:
        numbers = [self.options.get(option, -1) for option in options]
        exposure, reward = self.of.exposure[place][numbers], self.of.reward[place][numbers]
        own = self.own[place][numbers if self.own.shape[1] > 1 else [0] * len(numbers)]
        if min(numbers) < 0:
            unknown = np.array(numbers) < 0
            exposure[unknown] = reward[unknown] = 0.0
            own[unknown] = fresh(self.own[place, 0], self.tuning)
        return self._part(context, options, 0.0, float(self.bases[place]), own, exposure, reward)

    def _new(self, context: Context, options: Sequence[str]) -> Part:
        """Of a context that was not seen, with the effects of those that it is part of."""
        effects: Floats | float = 0.0
        base = self.rates.guess(context)
        for inside in self.layout.inside(context):
            part = self.part(inside, options)
            effects = effects + self.draws(part, *part.sums) / part.base - part.lifts
            base *= part.base / self.rates.guess(inside)
        nothing = np.zeros(len(options))
        return self._part(context, options, effects, base, np.full(len(options), self.apart), nothing, nothing)

    def _part(
        self,
        context: Context,
        options: Sequence[str],
        effects: Floats | float,
        base: float,
        own: Floats,
        exposure: Floats,
        reward: Floats,
    ) -> Part:
        above = np.zeros((len(options), 1)) if self.drawn is None else self._effects(context, options)
        lifts = np.maximum(1.0 + above + effects, _WORST)
        normal = _normals(self.of.purpose, tuple(options), self.tuning.draws)
        return self.completed(lifts, normal, base, own, exposure, reward)

    def completed(
        self, lifts: Floats, normal: Floats, base: float, own: Floats, exposure: Floats, reward: Floats
    ) -> Part:
        """The part of these, with what follows from them."""
        mean = lifts.mean(axis=1)
        rates = list(zip((base * mean).tolist(), (own / (mean * mean)).tolist(), strict=True))
        level = base * self._common(rates, exposure.tolist(), reward.tolist())
        share = self._share(base, float(own[0]), exposure)
        prior = self._prior(lifts, level, own, share * self.of.width**2)
        return Part(lifts, normal, base, rates, level, own, exposure, reward, share, prior)

    def _effects(self, context: Context, options: Sequence[str]) -> Floats:
        """Draws of what the paths above a context add up to, [option, draw]."""
        assert self.drawn is not None
        numbers = [self.options.get(option, -1) for option in options]
        found: Floats = self.drawn[self.layout.known(context)].sum(axis=0)[numbers]
        for place, option in enumerate(options):
            if numbers[place] < 0:
                found[place] = math.sqrt(self.root) * normals(f'{self.of.purpose}{option}\0new', self.tuning.draws)
        return found

    def draws(self, part: Part, exposure: Sequence[float], reward: Sequence[float], *, full: bool = False) -> Floats:
        """Draws of the rate of each option in a context, [option, draw]: what is known from above it, and its own
        sums by now, conjugate to it.  ``full``: as widely as it is believed, and not as it is played."""
        level = part.base * self._common(part.rates, exposure, reward)
        if full:
            shapes, weight = self._believed(part, level)
        elif abs(level - part.level) <= _SAME_LEVEL * part.level:
            shapes, weight = part.prior
        else:
            shapes, weight = self._prior(part.lifts, level, part.own, part.share * self.of.width**2)
        if self.of.binary:
            exposure = [max(shown - got, 0.0) for shown, got in zip(exposure, reward, strict=True)]
        both = shapes + (np.array([reward, exposure]) * weight)[:, :, None]
        if self.of.binary:
            good, bad = gamma(both, part.normal)
            bad += good
            good /= bad
            return np.asarray(good)
        shape, scale = both
        return np.asarray(gamma(shape, part.normal[0]) / scale)

    def _believed(self, part: Part, level: float) -> Prior:
        """What is known from above a context, as widely as it is believed."""
        mean = part.lifts.mean(axis=1)[:, None]
        lifts = np.maximum(mean + (part.lifts - mean) / self.of.width, _WORST)
        return self._prior(lifts, level, part.own, part.share)

    def _prior(self, lifts: Floats, level: float, own: Floats, wider: float) -> Prior:
        if not self.of.binary:
            shape = lifts / (own * wider)[:, None]
            return Prior(np.array([lifts * shape, shape / level]), 1 / (wider * self.of.scatter))
        # In place: every decision in a context that has moved comes here.
        rate = lifts * level
        np.minimum(rate, _HIGHEST, out=rate)
        sure = 1 - rate
        sure *= rate
        sure *= (1 / (own * (level * level)))[:, None]
        sure -= 1
        np.maximum(sure, 0.5, out=sure)
        sure *= 1 / wider
        shapes = np.empty((2, *lifts.shape))
        np.multiply(rate, sure, out=shapes[0])
        np.subtract(sure, shapes[0], out=shapes[1])
        return Prior(shapes, 1 / wider)

    def _common(
        self, rates: Sequence[tuple[float, float]], exposure: Sequence[float], reward: Sequence[float]
    ) -> float:
        """By how much all options of a context are better than was thought of them."""
        # Of a few numbers each, arrays would take ten times as long.
        expected = earned = _COMMON_ALONE if self.drawn is None else _COMMON
        for (rate, unsure), shown, got in zip(rates, exposure, reward, strict=True):
            likely = shown * rate
            # Each option counts by how well its rate is known.
            weight = 1 / (likely * unsure + self.of.scatter)
            expected += weight * likely
            earned += weight * got
        return earned / expected

    def _share(self, base: float, own: float, exposure: Floats) -> float:
        """The share of a context's own effects that it pays to learn: one with so little traffic that it can never
        repay learning what is best in it is not explored for its own sake."""
        future = self.tuning.worth_learning
        if self.drawn is None or not future:
            return 1.0
        expected = float(exposure.sum()) * base
        return max(own / (own + self.of.scatter * len(exposure) / (future * expected + 1e-9)), 1e-6)
