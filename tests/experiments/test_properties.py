"""What holds for any sums."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.special import betaln

from hailwhale.experiments.statistics import adjust, bernoulli_confidence_interval, compare
from hailwhale.experiments.statistics.eprocess import Counts, Mixture, Null, _log_ratio, interval, log_e
from hailwhale.experiments.statistics.mixtures import log_beta_mixture
from hailwhale.experiments.statistics.roots import root

few = settings(max_examples=40)
MIXTURES = [Mixture.around(), Mixture.around(share=0.5), Mixture.around(0.05, 0.9)]


@st.composite
def counts(draw: st.DrawFn, least: int = 1, most: int = 10**7) -> tuple[int, int]:
    n = draw(st.integers(least, most))
    return n, draw(st.integers(0, n))


@st.composite
def money(draw: st.DrawFn) -> tuple[float, float, float]:
    amounts = draw(st.lists(st.integers(-500, 5000), min_size=2, max_size=30))
    return len(amounts), sum(amounts), sum(x * x for x in amounts)


@few
@given(counts(), counts())
def test_swapping_versions_negates_differences_and_keeps_evidence(a: Any, b: Any) -> None:
    one, other = compare(a, b, min_conversions=0), compare(b, a, min_conversions=0)
    assert one.t_absolute.diff == -other.t_absolute.diff
    assert one.t_absolute.ci == pytest.approx([-x for x in other.t_absolute.ci[::-1]])
    assert one.miettinen_nurminen == pytest.approx([-x for x in other.miettinen_nurminen[::-1]], abs=1e-6)
    assert one.proportions_ztest.p == pytest.approx(other.proportions_ztest.p)
    assert one.exact_beta.chance_b_wins == pytest.approx(1 - other.exact_beta.chance_b_wins, abs=1e-9)
    assert one.exact_beta.expected_loss_choosing_a == pytest.approx(other.exact_beta.expected_loss_choosing_b, abs=1e-9)
    for mixture, swapped in (
        (Mixture.around(), Mixture.around()),
        (Mixture.around(0.2, 0.3), Mixture.around(0.2, 0.7)),
    ):
        there, back = float(log_e(Counts(*a, *b), mixture)), float(log_e(Counts(*b, *a), swapped))
        assert there == pytest.approx(back, rel=1e-5, abs=1e-5)


@few
@given(money(), money(), st.sampled_from([1e-6, 0.01, 100.0, 1e9]))
def test_scaling_money_scales_nothing_but_the_money(a: Any, b: Any, scale: float) -> None:
    scaled_a, scaled_b = ((n, total * scale, squares * scale**2) for n, total, squares in (a, b))
    one, other = compare(a, b, 'mean'), compare(scaled_a, scaled_b, 'mean')
    for name in ('t_relative', 'bayes_flat_relative', 'sequential_relative', 't_absolute', 'sequential_absolute'):
        times = scale if name.endswith('absolute') else 1
        theirs, ours = one[name].as_dict(), other[name].as_dict()
        for field in theirs.keys() & {'diff', 'se', 'ci95', 'expected', 'risk'}:
            assert np.asarray(ours[field]) == pytest.approx(
                np.asarray(theirs[field]) * times, rel=1e-6, abs=1e-9 * times
            )
        for field in theirs.keys() & {'p', 'chance_to_win', 'undefined'}:
            assert ours[field] == pytest.approx(theirs[field], abs=1e-6)


@few
@given(counts(0), counts(0), st.sampled_from([0.001, 0.05, 0.5]))
def test_every_probability_is_one_and_every_interval_is_in_order(a: Any, b: Any, alpha: float) -> None:
    found = compare(a, b, alpha=alpha, prior=(0.1, 0.2))
    assert found.bayes_prior_absolute is not None
    chances = [found.t_relative.p, found.t_absolute.p, found.sequential_relative.p, found.proportions_ztest.p]
    chances += [found.conversion_mixture.p, found.product_eprocess.p, found.exact_beta.chance_b_wins]
    chances += [found.bayes_flat_absolute.chance_to_win, found.bayes_prior_absolute['chance_to_win']]
    assert all(0 <= chance <= 1 for chance in chances)
    intervals = [found.t_absolute.ci, found.exact_beta.ci_diff, found.miettinen_nurminen, found.confidence_sequence.a]
    assert all(low <= high for low, high in intervals)
    assert found.exact_beta.expected_loss_choosing_b >= 0


@few
@given(st.integers(20, 10**5), st.floats(0.02, 0.98), st.floats(0.02, 0.98), st.integers(2, 50))
def test_more_visitors_of_the_same_kind_narrow_every_interval(n: int, rate_a: float, rate_b: float, times: int) -> None:
    s_a, s_b = max(round(n * rate_a), 5), max(round(n * rate_b), 5)
    one, other = compare((n, s_a), (n, s_b)), compare((n * times, s_a * times), (n * times, s_b * times))
    for name in ('t_absolute', 'sequential_absolute', 'bayes_flat_absolute'):
        if not one[name].undefined:
            assert np.ptp(other[name].ci) < np.ptp(one[name].ci)
    assert np.ptp(other.miettinen_nurminen) < np.ptp(one.miettinen_nurminen)
    assert np.ptp(other.confidence_sequence.a) < np.ptp(one.confidence_sequence.a)


@few
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=12),
    st.sampled_from(['holm', 'bonferroni', 'hochberg', 'fdr_bh', 'fdr_by']),
)
def test_corrected_p_values_are_no_less_and_in_the_same_order(pvalues: list[float], method: Any) -> None:
    found = adjust(pvalues, method)
    assert all(p <= q + 1e-15 and q <= 1 for p, q in zip(pvalues, found, strict=True))
    order = np.argsort(pvalues, kind='stable')
    assert all(np.diff(np.array(found)[order]) >= 0)


@few
@example((1, 0), (5203, 5203), MIXTURES[0], Null())
@example((1, 0), (569867, 17752), MIXTURES[0], Null())
@given(counts(), counts(), st.sampled_from(MIXTURES), st.sampled_from([Null(), Null(1.3), Null(0.2), Null(shift=0.05)]))
def test_the_e_process_is_the_least_over_the_null(a: Any, b: Any, mixture: Mixture, null: Null) -> None:
    """Against a grid over all of the null, finer where it is least: where it decides, the search finds no more."""
    found = float(log_e(Counts(*a, *b), mixture, null))
    low, high = (float(end[0]) for end in null.range)
    edges = (high - low) * np.geomspace(1e-14, 0.1, 300)
    places = np.concatenate([np.linspace(low, high, 400)[1:-1], low + edges, high - edges])
    arms = tuple(np.array([float(one)]) for one in (*a, *b))
    for _ in range(3):
        places = np.unique(places)
        ratios = _log_ratio(arms, mixture, null, places)
        least, at = float(ratios.min()), int(ratios.argmin())
        places = np.linspace(places[max(at - 1, 0)], places[min(at + 1, len(places) - 1)], 400)
    # Below 1 it is no evidence, whatever it is; far above what decides a thousandth does not matter.
    assert found <= max(least, 0) + 0.002 if least < 8 else found > 7


@few
@given(st.integers(0, 500), st.integers(0, 500), st.floats(1e-6, 0.999), st.floats(0.001, 0.999), st.floats(0.05, 1e4))
def test_the_mixture_is_the_one_of_beta_functions(s: int, f: int, p: float, mean: float, k: float) -> None:
    a, b = k * mean, k * (1 - mean)
    plain = betaln(a + s, b + f) - betaln(a, b) - s * math.log(p) - f * math.log1p(-p)
    assert float(log_beta_mixture(s, f, (p, 1 - p), (mean, 1 - mean), k)) == pytest.approx(plain, rel=1e-6, abs=1e-6)


def test_under_a_rate_the_mixture_is_1_on_average() -> None:
    """All outcomes of 30 visitors, by their chances."""
    s = np.arange(31)
    for p, mean, k in ((0.1, 0.1, 50), (0.5, 0.2, 3), (0.03, 0.9, 0.5)):
        log = log_beta_mixture(s, 30 - s, (p, 1 - p), (mean, 1 - mean), k)
        chance = (
            np.exp([math.lgamma(31) - math.lgamma(i + 1) - math.lgamma(31 - i) for i in s]) * p**s * (1 - p) ** (30 - s)
        )
        assert (chance * np.exp(log)).sum() == pytest.approx(1)


def test_sequences_of_one_rate_hold_it_and_end_where_all_or_none_converted() -> None:
    assert bernoulli_confidence_interval(0, 10)[0] == 0
    assert bernoulli_confidence_interval(10, 10)[1] == 1
    assert bernoulli_confidence_interval(0, 0) == (0, 1)
    low, high = bernoulli_confidence_interval(3 * 10**10, 10**12)
    assert 0.03 - 2e-6 < low < 0.03 < high < 0.03 + 2e-6


def test_several_nulls_at_once_are_each_by_itself() -> None:
    factors = np.array([0.5, 0.9, 1.0, 1.2, 3.0])
    for of in (Counts(900, 80, 1100, 130), Counts(10**9, 40, 10**6, 3)):
        for mixture in MIXTURES:
            alone = [float(log_e(of, mixture, Null(factor))) for factor in factors]
            assert log_e(of, mixture, Null(factors)) == pytest.approx(alone, rel=1e-4, abs=1e-4)


@settings(max_examples=20)
@given(counts(), counts(), st.sampled_from(MIXTURES), st.sampled_from([0.2, 0.05, 0.001]), st.booleans())
def test_intervals_end_where_the_evidence_reaches_its_limit(
    a: Any, b: Any, mixture: Mixture, alpha: float, relative: bool
) -> None:
    of = Counts(*a, *b)
    rate_a, rate_b = ((s + 0.5) / (n + 1) for n, s in (a, b))
    middle = rate_b / rate_a - 1 if relative else rate_b - rate_a
    for end in interval(of, mixture, alpha, relative=relative):
        if -0.999 < end < (1e6 if relative else 0.999):
            nearer, further = (middle + (end - middle) * share for share in (0.99, 1.01))
            nulls = [Null(1 + lift) if relative else Null(shift=lift) for lift in (nearer, further)]
            inside, outside = (float(log_e(of, mixture, null)) for null in nulls)
            assert inside < -math.log(alpha) < outside


@few
@example([1.0], 1.0, 1e-6, True)
@given(
    st.lists(st.floats(-1000, 1000), min_size=1, max_size=5), st.floats(-50, 50), st.floats(1e-6, 100), st.booleans()
)
def test_roots_are_found_from_anywhere_and_those_beyond_a_limit_are_at_it(
    places: list[float], guess: float, step: float, leaps: bool
) -> None:
    wanted = np.array(places)
    asked = 0

    def of(x: Any) -> Any:
        nonlocal asked
        asked += 1
        return np.where(x < wanted, -1.0, 1.0) if leaps else np.sinh((x - wanted) / 100) ** 3

    found = root(of, np.full(len(places), guess), step, (-500, 500))
    assert found == pytest.approx(np.clip(wanted, -500, 500), abs=1e-6)
    assert asked <= 120


def test_a_root_of_what_is_nearly_straight_takes_few_looks() -> None:
    asked = []
    found = root(lambda x: asked.append(x) or x * (1 + x / 50) - 3, 2.0, 0.5, (0, 100))  # type: ignore[func-returns-value]
    assert float(found[0]) == pytest.approx(-25 + math.sqrt(775), abs=1e-9)
    assert len(asked) < 10


def test_a_root_that_takes_too_many_steps_is_as_near_as_they_lead() -> None:
    ends = [float(root(lambda x: (x - 1) ** 9, 3.0, 2.5, (0, 10), steps=steps)[0]) for steps in (1, 5, 200)]
    assert 5.5 >= ends[0] > ends[1] > ends[2] >= 1
    assert ends[2] == pytest.approx(1, abs=1e-9)
