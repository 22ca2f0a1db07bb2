"""How many visitors a test takes, and what lift it can see."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, SupportsFloat

from scipy.special import log_ndtr, ndtr, ndtri

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics.answers import Fields
from hailwhale.experiments.statistics.numbers import MOST_VISITORS, a_power, count, fraction, number, one_of, positive
from hailwhale.experiments.statistics.sequential import times_error

Sides = Literal['two', 'one']
Looking = Literal['once', 'always']
#: So many times the visitors of one look find conversions by looking always, as simulations with the expected lift have
#: it: lifts from 0.02 to 0.5, rates from 1 % to 10 %, alpha 0.05 and 0.005.
_ALWAYS = 1.5


@dataclass(frozen=True, slots=True)
class SampleSize(Fields):
    """Visitors that each version needs, and both together."""

    control: int
    variant: int

    @property
    def total(self) -> int:
        return self.control + self.variant


@dataclass(frozen=True, slots=True)
class DetectableEffect(Fields):
    """The least increase that is found with the planned power: as a lift over the baseline, and absolute."""

    lift: float
    difference: float


def sample_size(
    baseline: float,
    lift: float | None = None,
    *,
    difference: float | None = None,
    kind: Literal['binomial', 'mean'] = 'binomial',
    sd: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    ratio: float = 1.0,
    sides: Sides = 'two',
    looking: Looking = 'once',
) -> SampleSize:
    """Visitors for one look at the end that finds a relative ``lift`` (or an absolute ``difference``) with ``power``.

    ``baseline`` is the control's rate or mean, ``sd`` the standard deviation of a visitor's amount (for means),
    ``ratio`` how many visitors the variant gets for one of the control's.  Normal approximation, each version's own
    variance: n = (z_alpha + z_power)**2 (v_a + v_b / ratio) / difference**2 (Fleiss, 1981, "Statistical Methods for
    Rates and Proportions").

    ``looking='always'`` is for the headline, which may be looked at all the time: for conversions half as many again
    (where they are compared with this lift as the expected one); for means twice to three times as many, the more of
    them the more (`times_error`).  Raises `InvalidInput` for a rate outside (0, 1), no lift, no ``sd`` for means.

    A lift is relative: from 3 % to 3.6 % it is 0.2, and the difference 0.006.

    >>> sample_size(0.03, 0.2).control, sample_size(0.03, difference=0.006).control
    (13911, 13911)
    >>> sample_size(0.03, 0.2, looking='always').control
    20867
    """
    delta = _delta(baseline, lift, difference)
    one_of(kind, ('binomial', 'mean'), 'kind')
    before, after = _variances(number(baseline, 'baseline'), delta, kind, sd)
    wanted = _wanted(alpha, power, sides)
    share = positive(ratio, 'ratio')
    each = wanted**2 * (before + after / share) / delta**2
    if one_of(looking, ('once', 'always'), 'looking') == 'always':
        if sides == 'one':
            raise InvalidInput("looking='always' has two sides (leave sides out)", field='sides')
        if kind == 'binomial':
            each *= _ALWAYS
        else:
            level = fraction(alpha, 'alpha')
            each = _always(each / wanted**2, 1 + share, level, a_power(power, level))
    if not each * max(1.0, share) < MOST_VISITORS:
        raise InvalidInput(f'a difference of {delta:g} takes {each:g} visitors (look for a larger one)', field='lift')
    # Rounding must not ask for one more.
    control, variant = (max(math.ceil(n * (1 - 1e-9)), 2) for n in (each, each * share))
    return SampleSize(control, variant)


def detectable_effect(
    baseline: float,
    n_control: SupportsFloat,
    n_variant: SupportsFloat | None = None,
    *,
    kind: Literal['binomial', 'mean'] = 'binomial',
    sd: float | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
    sides: Sides = 'two',
) -> DetectableEffect:
    """The least increase that so many visitors find with ``power`` at one look: `sample_size` the other way round.

    ``lift`` is infinite where the baseline of a mean is 0; an increase that would leave the range of rates is
    refused.  Raises `InvalidInput` as `sample_size` does.

    >>> round(detectable_effect(0.03, 13911).lift, 4)
    0.2
    """
    one_of(kind, ('binomial', 'mean'), 'kind')
    base = number(baseline, 'baseline')
    n_a = _visitors(n_control, 'n_control')
    n_b = n_a if n_variant is None else _visitors(n_variant, 'n_variant')
    wanted = _wanted(alpha, power, sides)
    most = 1 - base if kind == 'binomial' else math.inf

    def found(delta: float) -> bool:
        before, after = _variances(base, delta, kind, sd)
        return delta >= wanted * math.sqrt(before / n_a + after / n_b)

    delta = _least(found, most)
    return DetectableEffect(delta / abs(base) if base else math.inf, delta)


def _always(unit: float, versions: float, alpha: float, power: float) -> float:
    """Visitors of the control with which the asymptotic sequence finds a mean by then, looking always.

    ``unit`` of them make the difference one standard error.  The chance is that of Brownian motion with a drift to
    cross, before the end, the line on which the sequence is at the end: it is higher before, so this is no less.
    """

    def found(n: float) -> bool:
        off, limit = math.sqrt(n / unit), times_error(versions * n, alpha)
        # Far out the two parts of the logarithm cancel, to less than they are rounded by.
        earlier = math.exp(min(2 * off * limit + float(log_ndtr(-off - limit)), 0.0))
        return float(ndtr(off - limit)) + earlier >= power

    return _least(found, math.inf)


def _least(found: Callable[[float], bool], most: float) -> float:
    """The least difference that is found; for means its error does not depend on it, so doubling finds a bound."""
    high = most * (1 - 1e-12) if math.isfinite(most) else 1.0
    found(high)
    while not found(high):
        if math.isfinite(most):
            raise InvalidInput('no rate is high enough to be found (plan more visitors)', field='n_control')
        high *= 2
    low = 0.0
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (low, middle) if found(middle) else (middle, high)
    return high


def _delta(baseline: float, lift: float | None, difference: float | None) -> float:
    if (lift is None) == (difference is None):
        raise InvalidInput('give either a lift or a difference to be found', field='lift')
    given = number(lift if difference is None else difference, 'lift' if difference is None else 'difference')
    delta = given if difference is not None else given * abs(number(baseline, 'baseline'))
    if not delta:
        raise InvalidInput('a difference of 0 cannot be found (give the least one that matters)', field='lift')
    return delta


def _variances(baseline: float, delta: float, kind: str, sd: float | None) -> tuple[float, float]:
    if kind == 'mean':
        if sd is None:
            raise InvalidInput('a mean has no sd (give the standard deviation of an amount per visitor)', field='sd')
        variance = positive(sd, 'sd') ** 2
        return variance, variance
    fraction(baseline, 'baseline')
    after = baseline + delta
    if not 0 < after < 1:
        way_out = 'a rate stays between 0 and 1; look for a smaller lift'
        raise InvalidInput(f'a rate of {baseline:g} would become {after:g} ({way_out})', field='lift')
    return baseline * (1 - baseline), after * (1 - after)


def _visitors(value: SupportsFloat, field: str) -> float:
    return positive(count(value, field), field)


def _wanted(alpha: float, power: float, sides: Sides) -> float:
    """How many standard errors a difference must have to be found so often."""
    one_of(sides, ('two', 'one'), 'sides')
    level = fraction(alpha, 'alpha')
    return -float(ndtri(level / (2 if sides == 'two' else 1))) - float(ndtri(1 - a_power(power, level)))
