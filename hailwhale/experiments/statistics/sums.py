"""What was counted of one version: sums, checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Literal, SupportsFloat

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics.numbers import count, number, told
from hailwhale.metrics import shown

Kind = Literal['binomial', 'mean', 'ratio']
KINDS = ('binomial', 'mean', 'ratio')

#: Other spellings of the fields of `Sums`.
_SPELLINGS = {
    'sum': ('successes', 'sum_num', 'sum_post'),
    'sum_squares': (
        'sum_of_squares',
        'squares',
        'sumsq',
        'sumsq_num',
        'sum_squares_num',
        'sumsq_post',
        'sum_squares_post',
    ),
    'sum_squares_den': ('sumsq_den',),
    'sum_num_den': ('sum_products',),
    'sum_pre': ('pre_sum',),
    'sum_squares_pre': ('sumsq_pre', 'pre_sum_squares'),
    'sum_post_pre': ('sum_pre_post', 'sum_pre_products'),
}
_FIELD_OF = {other: name for name, others in _SPELLINGS.items() for other in others}
# How names of sums end where those of both versions stand side by side.
_ENDINGS = {'control': '_a', 'variant': '_b'}
#: Sums of floats are exact to a few units in the last place; this leaves room for many additions.
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Sums:
    """What was counted of one version, over its ``n`` visitors (one visitor is one unit: assigned once).

    ``sum`` and ``sum_squares`` are of what is compared: conversions (0 or 1; no squares needed), money, or what stands
    above the line of a ratio.  ``sum_den``, ``sum_squares_den`` and ``sum_num_den`` (products) are of what stands
    below that line.  ``sum_pre``, ``sum_squares_pre`` and ``sum_post_pre`` (products) are of the same visitors before
    the test, and make a mean more precise (CUPED).  ``conversions`` is how many visitors had an amount at all,
    where that is known.  Amounts may be negative.

    >>> Sums.read({'n': 1000, 'successes': 30})
    Sums(n=1000.0, sum=30.0)
    """

    n: float
    sum: float = 0.0
    sum_squares: float | None = None
    sum_den: float | None = None
    sum_squares_den: float | None = None
    sum_num_den: float | None = None
    sum_pre: float | None = None
    sum_squares_pre: float | None = None
    sum_post_pre: float | None = None
    conversions: float | None = None

    def __repr__(self) -> str:
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return f'Sums({", ".join(f"{name}={value!r}" for name, value in given.items() if value is not None)})'

    @classmethod
    def read(
        cls,
        given: Sums | Mapping[str, SupportsFloat] | Sequence[SupportsFloat],
        arm: str = 'sums',
        kind: Kind = 'binomial',
    ) -> Sums:
        """The sums of a mapping by field, or of ``(n, sum)`` or ``(n, sum, sum_squares)``.

        ``arm`` is what a complaint names.  The sum of a ``binomial`` metric may be given as ``conversions``.  Raises
        `InvalidInput` for what is no number, no such field, and where there is no n or no sum.
        """
        if isinstance(given, Sums):
            named: dict[str, object] = {field.name: getattr(given, field.name) for field in fields(given)}
        elif isinstance(given, Mapping):
            named = {_field_of(name, arm): value for name, value in given.items()}
        elif isinstance(given, Sequence) and not isinstance(given, str) and len(given) in (2, 3):
            named = dict(zip(('n', 'sum', 'sum_squares'), given, strict=False))
        else:
            way = 'use {"n": ..., "sum": ...} or (n, sum, sum of squares)'
            raise InvalidInput(f'not the sums of a version: {told(given)} ({way})', field=arm)
        if named.get('n') is None:
            raise InvalidInput(f'{arm} has no n (give how many visitors were counted)', field=f'{arm}.n')
        if kind == 'binomial' and named.get('sum') is None:
            named['sum'] = named.get('conversions')
        if named.get('sum') is None:
            raise InvalidInput(f'{arm} has no sum (give the sum over all its visitors)', field=f'{arm}.sum')
        numbers = {name: number(value, f'{arm}.{name}') for name, value in named.items() if value is not None}
        return cls(**numbers)

    def checked(self, kind: Kind, arm: str) -> Sums:
        """The same sums, when they can be those of such a metric; else raises `InvalidInput`."""
        count(self.n, f'{arm}.n')
        if self.conversions is not None:
            count(self.conversions, f'{arm}.conversions')
        if kind == 'binomial':
            count(self.sum, f'{arm}.sum')
            if self.sum > self.n:
                message = f'{self.sum:g} conversions of {self.n:g} visitors (at most one each; or use kind="mean")'
                raise InvalidInput(message, field=f'{arm}.sum')
        else:
            self._needs(arm, kind, 'sum_squares')
            self._square('sum', 'sum_squares', arm)
        if kind == 'ratio':
            self._needs(arm, kind, 'sum_den', 'sum_squares_den', 'sum_num_den')
            self._square('sum_den', 'sum_squares_den', arm)
            self._products('sum_num_den', 'sum_den', 'sum_squares_den', arm)
        if self.sum_pre is not None:
            self._needs(arm, 'CUPED', 'sum_squares_pre', 'sum_post_pre')
            self._square('sum_pre', 'sum_squares_pre', arm)
            self._products('sum_post_pre', 'sum_pre', 'sum_squares_pre', arm)
        return self

    def _needs(self, arm: str, what: str, *names: str) -> None:
        for name in names:
            if getattr(self, name) is None:
                raise InvalidInput(f'{arm} has no {name} (a {what} needs it: count it beside the sum)', field=name)

    def _square(self, of: str, squares: str, arm: str) -> None:
        """A sum of squares is never below the square of the sum over n."""
        total, square = getattr(self, of), getattr(self, squares)
        least = total / self.n * total if self.n else 0.0
        if square < least * (1 - ROUNDING) or (not self.n and (total or square)):
            message = f'{squares} {square:g} is below {of}**2 / n = {least:g} (were all visitors counted in all sums?)'
            raise InvalidInput(message, field=f'{arm}.{squares}')

    def _products(self, products: str, other: str, squares: str, arm: str) -> None:
        """The square of a sum of products is never above the product of the sums of squares (Cauchy, Schwarz)."""
        if not self.n:
            return
        own_squares = self.sum if self.sum_squares is None else self.sum_squares
        spread = math.sqrt(max(own_squares - self.sum / self.n * self.sum, 0))
        spread *= math.sqrt(max(getattr(self, squares) - getattr(self, other) / self.n * getattr(self, other), 0))
        middle = self.sum / self.n * getattr(self, other)
        room = ROUNDING * (abs(middle) + math.sqrt(own_squares) * math.sqrt(getattr(self, squares)))
        if abs(getattr(self, products) - middle) > spread + room:
            message = f'{products} {getattr(self, products):g} cannot be, with these sums of squares (at most '
            message += f'{middle + spread:g}; were all visitors counted in all sums?)'
            raise InvalidInput(message, field=f'{arm}.{products}')


def of_arm(sums: Mapping[str, SupportsFloat], arm: str) -> dict[str, SupportsFloat]:
    """The sums of one version, out of those of both."""
    others = tuple(ending for other, ending in _ENDINGS.items() if other != arm)
    return {name: value for name, value in sums.items() if not name.endswith(others)}


def _field_of(name: object, arm: str) -> str:
    known = [field.name for field in fields(Sums)]
    plain = str(name).removesuffix(_ENDINGS.get(arm, ''))
    found = _FIELD_OF.get(plain, plain)
    if found not in known:
        raise InvalidInput(f'no such sum: {shown(name)} (there are {", ".join(known)})', field=arm)
    return found
