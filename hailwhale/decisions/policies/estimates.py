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
#: How much the prior of a context counts beside its data, where there are paths above it and where there are none.
_COMMON, _COMMON_ALONE = 1.0, 0.01
#: What random numbers of an option are for.
_USES = 'own', 'other'


class Rate(NamedTuple):
    """What is expected of an option."""

    expected: float
    unsure: float  #: variance of the context's own effects as a share of the mean's square


class Part(NamedTuple):
    """What of an estimate concerns one context and some options."""

    lifts: Floats  #: [option, draw]: rates as multiples of the base rate, without the context's own effects
    mean: Floats  #: [option]
    rates: list[Rate]  #: [option]
    normal: Floats  #: [2, option, draw]: for what was earned, and for what was not
    base: float
    own: Floats  #: [option]: variance of the context's own effects
    exposure: Floats  #: [option]
    reward: Floats

    @classmethod
    def of(cls, lifts: Floats, normal: Floats, base: float, own: Floats, exposure: Floats, reward: Floats) -> Part:
        """With what follows from the rest."""
        mean = lifts.mean(axis=1)
        rates = list(map(Rate, (base * mean).tolist(), (own / (mean * mean)).tolist()))
        return cls(lifts, mean, rates, normal, base, own, exposure, reward)


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
            effects = effects + self.draws(part, part.exposure, part.reward) / part.base - part.lifts
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
        return Part.of(lifts, normal, base, own, exposure, reward)

    def _effects(self, context: Context, options: Sequence[str]) -> Floats:
        """Draws of what the paths above a context add up to, [option, draw]."""
        assert self.drawn is not None
        numbers = [self.options.get(option, -1) for option in options]
        found: Floats = self.drawn[self.layout.known(context)].sum(axis=0)[numbers]
        for place, option in enumerate(options):
            if numbers[place] < 0:
                found[place] = math.sqrt(self.root) * normals(f'{self.of.purpose}{option}\0new', self.tuning.draws)
        return found

    def draws(self, part: Part, exposure: Floats, reward: Floats, *, full: bool = False) -> Floats:
        """Draws of the rate of each option in a context, [option, draw]: what is known from above it, and its own
        sums by now, conjugate to it.  ``full``: as widely as it is believed, and not as it is played."""
        lifts, width = part.lifts, self.of.width
        if full:
            lifts = np.maximum(part.mean[:, None] + (lifts - part.mean[:, None]) / width, _WORST)
            width = 1.0
        base = part.base * self._common(part, exposure, reward)
        sharper = self._sharper(part, exposure, width)
        earned, own = reward[:, None], part.own[:, None]
        if not self.of.binary:
            shape = np.maximum(lifts * lifts / own + earned / self.of.scatter, 1e-3) * sharper
            scale = (lifts / own + exposure[:, None] * base / self.of.scatter) * (sharper / base)
            return np.asarray(gamma(shape, part.normal[0]) / scale)
        rate = np.minimum(lifts * base, _HIGHEST)
        sure = np.maximum(rate * (1 - rate) / (own * base * base) - 1, 0.5)
        shapes = np.empty_like(part.normal)
        np.multiply(rate, sure, out=shapes[0])
        np.subtract(sure, shapes[0], out=shapes[1])
        shapes[0] += earned
        shapes[1] += np.maximum(exposure - reward, 0.0)[:, None]
        shapes *= sharper
        good, bad = gamma(shapes, part.normal)
        return np.asarray(good / (good + bad))

    def _common(self, part: Part, exposure: Floats, reward: Floats) -> float:
        """By how much all options of a context are better than its base rate."""
        # Of a few numbers each, arrays would take ten times as long.
        expected = earned = _COMMON_ALONE if self.drawn is None else _COMMON
        for one, shown, got in zip(part.rates, exposure.tolist(), reward.tolist(), strict=True):
            likely = shown * one.expected
            # Each option counts by how well its rate is known.
            weight = 1 / (likely * one.unsure + self.of.scatter)
            expected += weight * likely
            earned += weight * got
        return earned / expected

    def _sharper(self, part: Part, exposure: Floats, width: float) -> float:
        """How much surer to be of a context's own effects than its sums allow: a context with so little traffic that
        it can never repay learning what is best in it is not explored for its own sake."""
        future, share = self.tuning.worth_learning, 1.0
        if self.drawn is not None and future:
            expected = sum(exposure.tolist()) * part.base
            own = float(part.own[0])
            share = own / (own + self.of.scatter * len(exposure) / (future * expected + 1e-9))
        return 1 / (width * width * max(share, 1e-6))
