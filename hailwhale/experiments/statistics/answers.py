"""The shapes of results: each has its fields by name, as attributes, by ``[...]`` and in a dict."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

Interval = tuple[float, float]

# What may be missing, if it is one.
_ONE = {
    'amounts that differ': 'amount that differs',
    'conversions': 'conversion',
    'goals': 'goal',
    'variants': 'variant',
    'visitors': 'visitor',
    'visitors without one': 'visitor without one',
}


class Named(ABC):
    """What can be read by name: ``found['p']``, ``found.get('p')``, ``'p' in found``, ``dict(found)``."""

    __slots__ = ()

    @abstractmethod
    def keys(self) -> list[str]:
        """All names."""

    @abstractmethod
    def __getitem__(self, name: str) -> Any: ...

    def get(self, name: str, default: Any = None) -> Any:
        try:
            return self[name]
        except KeyError:
            return default

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, name: str) -> bool:
        try:
            self[name]
        except KeyError:
            return False
        return True


class Fields(Named):
    """Fields that can also be read by ``[...]``, or as a dict ready for JSON.

    An interval at level 95 % is ``ci`` and ``ci95`` (at 90 % ``ci90``): a name with the wrong level is refused.
    """

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        try:
            return getattr(self, name)
        except AttributeError as error:
            raise KeyError(name) from error

    def __getattr__(self, name: str) -> Any:
        if name.startswith('ci') and not name.startswith('__') and 'alpha' in self._names():
            for inner in self._names():
                if inner.startswith('ci') and _levelled(inner, self.alpha) == name:
                    return getattr(self, inner)
        raise AttributeError(f'{type(self).__name__} has no {name} (it has {", ".join(self._names())})')

    def keys(self) -> list[str]:
        return self._names()

    def _names(self) -> list[str]:
        return [field.name for field in fields(self)]  # type: ignore[arg-type]

    def as_dict(self) -> dict[str, object]:
        """All fields by name, inner results as dicts too, intervals as lists and under the name of their level."""
        alpha = self.alpha if 'alpha' in self._names() else None
        return dict(self._items(alpha))

    def _items(self, alpha: float | None) -> Iterator[tuple[str, object]]:
        for name in self._names():
            value = getattr(self, name)
            if isinstance(value, Fields):
                value = value.as_dict()
            elif isinstance(value, tuple):
                value = [part.as_dict() if isinstance(part, Fields) else part for part in value]
            yield (_levelled(name, alpha) if alpha is not None and name.startswith('ci') else name), value


def _levelled(name: str, alpha: float) -> str:
    """``ci`` is ``ci95`` at alpha .05, and ``ci_diff`` is ``ci95_diff``."""
    return f'ci{round(100 * (1 - alpha), 9):g}{name[2:]}'


@dataclass(frozen=True, slots=True)
class Shortage(Fields):
    """What one version has too little of.

    ``more`` is how much is missing, ``more_visitors`` how many visitors that takes at the rate so far (None where
    there is no rate yet).
    """

    arm: str
    what: str
    have: float
    need: float
    more_visitors: int | None = None

    @property
    def more(self) -> float:
        return self.need - self.have

    def __str__(self) -> str:
        number = math.ceil(self.more)
        return f'{number:,} more {_ONE.get(self.what, self.what) if number == 1 else self.what}'


@dataclass(frozen=True, slots=True)
class NotEnoughData(Fields):
    """Too little was counted to say anything; each of ``missing`` says what, and how much more it takes."""

    missing: tuple[Shortage, ...]

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        of = {arm: [str(one) for one in self.missing if one.arm == arm] for arm in (one.arm for one in self.missing)}
        said = [f'{"the split" if arm == "all" else arm} needs {" and ".join(more)}' for arm, more in of.items()]
        return 'not enough data: ' + '; '.join(said)

    def as_dict(self) -> dict[str, object]:
        return {'not_enough_data': [one.as_dict() for one in self.missing]}


@dataclass(frozen=True, slots=True)
class NoValidMethod(Fields):
    """No method is valid for such data; each of ``needs`` would give one."""

    why: str
    needs: tuple[str, ...]

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return f'no valid method: {self.why} (it takes {"; or ".join(self.needs)})'

    def as_dict(self) -> dict[str, object]:
        return {'no_valid_method': {'why': self.why, 'needs': list(self.needs)}}


@dataclass(frozen=True, slots=True)
class TTest(Fields):
    """A difference (or relative lift) of variant and control, its standard error, p-value and interval.

    Where it has no value (a control without conversions has no relative lift, equal amounts have no spread)
    ``undefined`` says why, and the other fields are those of no evidence: 0, 0, p = 1, (0, 0).
    """

    diff: float
    se: float
    p: float
    ci: Interval
    alpha: float
    undefined: str | None = None


@dataclass(frozen=True, slots=True)
class Sequential(Fields):
    """A p-value and an interval that hold at every look, and the logarithm of the evidence E behind them."""

    p: float
    ci: Interval
    log_e: float
    alpha: float
    undefined: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence(Fields):
    """An e-value: E in logarithms (E itself may leave the range of floats), and the p-value min(1, 1/E)."""

    log_e: float
    p: float


@dataclass(frozen=True, slots=True)
class Posterior(Fields):
    """A normal posterior of the difference (or relative lift).

    ``risk`` is the expected loss of choosing the control and of choosing the variant, in units of the difference.
    """

    chance_to_win: float
    expected: float
    ci: Interval
    risk: tuple[float, float]
    alpha: float
    undefined: str | None = None


@dataclass(frozen=True, slots=True)
class ExactBeta(Fields):
    """The exact posterior of two conversion rates under flat priors, Beta(1, 1); a is the control, b the variant."""

    chance_b_wins: float
    expected_loss_choosing_b: float
    expected_loss_choosing_a: float
    ci_diff: Interval
    ci_a: Interval
    ci_b: Interval
    alpha: float


@dataclass(frozen=True, slots=True)
class Normal(Fields):
    """The normal posterior of two means under flat priors."""

    chance_b_wins: float
    expected_loss_choosing_b: float
    expected_loss_choosing_a: float


@dataclass(frozen=True, slots=True)
class Statistic(Fields):
    """A test statistic and its p-value; the one that does not belong to the test is None."""

    p: float
    z: float | None = None
    t: float | None = None


@dataclass(frozen=True, slots=True)
class Arms(Fields):
    """A pair of numbers for the control, a, and the variant, b."""

    a: tuple[float, float]
    b: tuple[float, float]


@dataclass(frozen=True, slots=True)
class DeltaMethod(Fields):
    """Two ratios with their standard errors, and their difference against a normal distribution."""

    ratio_a: float
    se_a: float
    ratio_b: float
    se_b: float
    diff: float
    se: float
    z: float
    p_normal: float


@dataclass(frozen=True, slots=True)
class Rate(Fields):
    """What one version shows by itself: its rate, mean or ratio, with the fixed-look interval."""

    n: float
    total: float
    mean: float
    ci: Interval
    alpha: float
