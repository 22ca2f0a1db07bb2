"""P-values corrected for being several."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, SupportsFloat, overload

import numpy as np

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics.mixtures import Floats
from hailwhale.experiments.statistics.numbers import one_of
from hailwhale.metrics import shown

METHODS = ('holm', 'bonferroni', 'hochberg', 'fdr_bh', 'fdr_by', 'none')
_SPELLINGS = {
    'bh': 'fdr_bh',
    'fdr': 'fdr_bh',
    'benjamini-hochberg': 'fdr_bh',
    'by': 'fdr_by',
    'benjamini-yekutieli': 'fdr_by',
    'simes-hochberg': 'hochberg',
}
Method = Literal['holm', 'bonferroni', 'hochberg', 'fdr_bh', 'fdr_by', 'none', 'bh', 'fdr', 'by']
PValue = SupportsFloat | None


@overload
def adjust(pvalues: Mapping[str, PValue], method: Method = 'holm') -> dict[str, float]: ...


@overload
def adjust(pvalues: Sequence[PValue], method: Method = 'holm') -> list[float]: ...


def adjust(pvalues: Mapping[str, PValue] | Sequence[PValue], method: Method = 'holm') -> dict[str, float] | list[float]:
    """P-values of several variants and goals, corrected so that each can be held against alpha; in the order given.

    ``bonferroni``, ``holm`` (the default; Holm, 1979, "A Simple Sequentially Rejective Multiple Test Procedure") and
    ``hochberg`` (1988) bound the chance of any false positive; ``fdr_bh``, also ``bh`` or ``fdr`` (Benjamini,
    Hochberg, 1995, "Controlling the False Discovery Rate") and ``fdr_by`` (Benjamini, Yekutieli, 2001; under any
    dependence) bound the share of false ones among the positives; ``none`` leaves them.  Holm, Bonferroni and
    ``fdr_by`` hold under any dependence.  None and NaN are tests that had no answer: they stay NaN and count for
    nothing.  Raises `InvalidInput` for what is not between 0 and 1, and for another method.

    >>> [round(p, 4) for p in adjust([0.0123, 0.0004, 0.21], 'holm')]
    [0.0246, 0.0012, 0.21]
    """
    chosen = method_of(method, 'method')
    if isinstance(pvalues, Mapping):
        return dict(zip(pvalues, adjust(list(pvalues.values()), method), strict=True))
    if isinstance(pvalues, str) or not isinstance(pvalues, Iterable):
        raise InvalidInput(f'not p-values: {shown(pvalues)} (give a list, or a mapping of them)', field='pvalues')
    values = np.array([_checked(value) for value in pvalues], dtype=float)
    known = ~np.isnan(values)
    values[known] = _adjusted(values[known], chosen)
    return [float(value) for value in values]


def method_of(given: object, field: str) -> str:
    """The method that is meant, of all spellings; else raises `InvalidInput`."""
    return one_of(_SPELLINGS.get(given.lower(), given.lower()) if isinstance(given, str) else given, METHODS, field)


def _checked(value: PValue) -> float:
    try:
        found = math.nan if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        found = -1.0
    if isinstance(value, bool) or found < 0 or found > 1:
        message = f'not a p-value: {shown(value)} (they are from 0 to 1, None where there is none)'
        raise InvalidInput(message, field='pvalues')
    return found


def _adjusted(p: Floats, method: str) -> Floats:
    m = len(p)
    if method == 'none' or not m:
        return p
    if method == 'bonferroni':
        return np.minimum(p * m, 1)
    order = np.argsort(p, kind='stable')
    rank = np.arange(1, m + 1)
    factors = {
        'holm': m + 1 - rank,
        'hochberg': m + 1 - rank,
        'fdr_bh': m / rank,
        'fdr_by': m / rank * (1 / rank).sum(),
    }
    scaled = p[order] * factors[method]
    from_above = np.minimum.accumulate(scaled[::-1])[::-1]
    monotone = np.maximum.accumulate(scaled) if method == 'holm' else from_above
    found = np.empty(m)
    found[order] = np.minimum(monotone, 1)
    return found
