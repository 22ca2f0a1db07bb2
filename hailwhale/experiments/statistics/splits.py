"""Whether visitors were split as planned: sample-ratio mismatch."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import SupportsFloat

from scipy.special import gammaincc

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics.answers import Fields, NotEnoughData, Shortage
from hailwhale.experiments.statistics.mixtures import log_dirichlet_mixture
from hailwhale.experiments.statistics.numbers import fraction, positive, shares_of, whole_number
from hailwhale.experiments.statistics.sequential import p_of
from hailwhale.metrics import shown

#: Customary: below it something is broken in the assignment or in the counting.
THRESHOLD = 0.001
# Fewer than this expected in a group, and the chi-square distribution is no good approximation.
_LEAST_EXPECTED = 5


@dataclass(frozen=True, slots=True)
class SequentialRatio(Fields):
    """The logarithm of the evidence against the planned split, and its p-value, which holds at every look."""

    log_odds: float
    p: float


@dataclass(frozen=True, slots=True)
class SampleRatio(Fields):
    """Whether counts fit the planned shares: ``chi2`` and ``p`` for one look, ``sequential`` for every look.

    ``mismatch`` is the red flag: the p-value of every look is below the threshold, or of a single planned look where
    that was asked for.  ``expected`` are the counts that were planned; ``missing`` is set where there are too few
    visitors for the chi-square test.
    """

    chi2: float
    p: float
    sequential: SequentialRatio
    expected: tuple[float, ...]
    mismatch: bool
    missing: NotEnoughData | None = None

    @property
    def gbstats_p(self) -> float:
        return self.p

    @property
    def scipy_chisquare(self) -> SampleRatio:
        return self

    @property
    def sequential_dirichlet_k100(self) -> SequentialRatio:
        return self.sequential


def sample_ratio(
    counts: Sequence[SupportsFloat] | Mapping[str, SupportsFloat],
    weights: Sequence[SupportsFloat] | Mapping[str, SupportsFloat] | None = None,
    *,
    threshold: float = THRESHOLD,
    k: float = 100.0,
    look: str = 'always',
) -> SampleRatio:
    """Whether visitors were split as planned; ``weights`` are the planned shares (any scale), equal by default.

    Both may be mappings by the names of the groups, answered in the order of ``counts``.

    Pearson's chi-square test for one look; for every look the Dirichlet-multinomial mixture of concentration ``k``
    (Lindon, Malek, 2022, "Anytime-Valid Inference for Multinomial Count Data").  ``look='once'`` flags by the first.
    A group with weight 0 must have no visitors.  Raises `InvalidInput` for negative or fractional counts, other than
    as many weights as counts, fewer than two groups, or weights that are all 0.

    >>> found = sample_ratio([5000, 5200], [.5, .5])
    >>> round(found.p, 6), found.sequential.p, found.mismatch
    (0.04767, 1.0, False)
    """
    threshold = fraction(threshold, 'threshold')
    if look not in ('always', 'once'):
        raise InvalidInput(f'not a look: {shown(look)} (use always or once)', field='look')
    counts, weights = _by_name(counts, weights)
    numbers = [whole_number(count, 'counts') for count in counts]
    shares = _shares(numbers, weights)
    k = positive(k, 'k')
    used = [(n, share) for n, share in zip(numbers, shares, strict=True) if share]
    total = sum(numbers)
    expected = tuple(share * total for share in shares)
    if any(n for n, share in zip(numbers, shares, strict=True) if not share):
        return SampleRatio(math.inf, 0.0, SequentialRatio(math.inf, 0.0), expected, mismatch=True)
    chi2 = sum((n - share * total) ** 2 / (share * total) for n, share in used) if total else 0.0
    p = float(gammaincc((len(used) - 1) / 2, chi2 / 2))
    log_odds = log_dirichlet_mixture([n for n, _ in used], [share for _, share in used], k)
    sequential = SequentialRatio(log_odds, p_of(log_odds))
    flagged = (p if look == 'once' else sequential.p) < threshold
    return SampleRatio(chi2, p, sequential, expected, flagged, _missing(numbers, expected))


def _by_name(
    counts: Sequence[SupportsFloat] | Mapping[str, SupportsFloat],
    weights: Sequence[SupportsFloat] | Mapping[str, SupportsFloat] | None,
) -> tuple[Sequence[SupportsFloat], Sequence[SupportsFloat] | None]:
    """Both in one order."""
    for field, given in (('counts', counts), ('weights', weights or ())):
        if isinstance(given, str) or not isinstance(given, Iterable):
            raise InvalidInput(f'not {field}: {shown(given)} (a list, or a mapping by name)', field=field)
    if isinstance(weights, Mapping):
        if not isinstance(counts, Mapping) or set(counts) != set(weights):
            raise InvalidInput('weights by other names than counts (give one for each group)', field='weights')
        weights = [weights[name] for name in counts]
    return list(counts.values() if isinstance(counts, Mapping) else counts), weights


def _shares(numbers: Sequence[float], weights: Sequence[SupportsFloat] | None) -> list[float]:
    if len(numbers) < 2:
        raise InvalidInput(f'{len(numbers)} counts (a split has at least two groups)', field='counts')
    if weights is None:
        return [1 / len(numbers)] * len(numbers)
    if len(weights) != len(numbers):
        message = f'{len(weights)} weights for {len(numbers)} counts (give one for each)'
        raise InvalidInput(message, field='weights')
    return shares_of(weights)


def _missing(numbers: Sequence[float], expected: Sequence[float]) -> NotEnoughData | None:
    """How many more visitors it takes until every group expects enough."""
    least = min(one for one in expected if one or not sum(expected))
    if least >= _LEAST_EXPECTED:
        return None
    total = sum(numbers)
    need = _LEAST_EXPECTED * total / least if least else float(_LEAST_EXPECTED * len(numbers))
    return NotEnoughData((Shortage('all', 'visitors', total, need, math.ceil(need - total)),))
