"""Random sums against scipy and statsmodels in the same run."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import dblquad
from scipy.special import xlogy
from statsmodels.stats import proportion
from statsmodels.stats.multitest import multipletests

from hailwhale.experiments import statistics
from hailwhale.experiments.statistics import fixed

RNG = np.random.default_rng(20261123)


def random_counts(seed: int) -> tuple[int, int, int, int]:
    """Visitors and conversions of both versions, small and large, none and all of them at the ends."""
    rng = np.random.default_rng(seed)
    n_a, n_b = (int(10 ** rng.uniform(0.7, 5)) for _ in 'ab')
    return n_a, int(rng.binomial(n_a, rng.random() ** 2)), n_b, int(rng.binomial(n_b, rng.random() ** 2))


def score_interval(*counts: float) -> tuple[float, float] | None:
    """That of statsmodels, whose search finds no ends for some counts."""
    try:
        with np.errstate(all='ignore'):
            return tuple(proportion.confint_proportions_2indep(*counts[:4], method='score', alpha=counts[4]))
    except ValueError:
        return None


@pytest.mark.parametrize('seed', range(60))
def test_fixed_looks_at_proportions_are_those_of_statsmodels_and_scipy(seed: int) -> None:
    n_a, s_a, n_b, s_b = random_counts(seed)
    alpha = (0.01, 0.05, 0.2)[seed % 3]
    found = statistics.compare((n_a, s_a), (n_b, s_b), alpha=alpha)
    if 0 < s_a + s_b < n_a + n_b:
        z, p = proportion.proportions_ztest([s_b, s_a], [n_b, n_a])
        assert (found.proportions_ztest.z, found.chi2_contingency_p) == pytest.approx((z, p), abs=1e-12)
    for method in ('wald', 'newcomb', 'agresti-caffo'):
        theirs = proportion.confint_proportions_2indep(s_b, n_b, s_a, n_a, method=method, alpha=alpha)
        assert found[f'confint_2indep_diff_{method}'] == pytest.approx(theirs, abs=1e-12)
    theirs = score_interval(s_b, n_b, s_a, n_a, alpha)
    assert theirs is None or found.confint_2indep_diff_score == pytest.approx(theirs, abs=1e-9)
    wilson = proportion.proportion_confint(s_a, n_a, alpha, 'wilson')
    assert found.proportion_confint_wilson.a == pytest.approx(wilson, abs=1e-12)
    table = np.array([[s_b, n_b - s_b], [s_a, n_a - s_a]])
    assert found.fisher_exact_p == pytest.approx(stats.fisher_exact(table)[1], abs=1e-9)
    exact = stats.beta.ppf([alpha / 2, 1 - alpha / 2], 1 + s_a, 1 + n_a - s_a)
    assert found.exact_beta.ci_a == pytest.approx(exact, abs=1e-12)


@pytest.mark.parametrize('counts', [(6, 2, 9, 5), (5, 0, 7, 7), (30, 3, 12, 1), (1, 1, 1, 0)])
def test_the_exact_beta_is_that_of_a_double_integral(counts: tuple[int, int, int, int]) -> None:
    n_a, s_a, n_b, s_b = counts
    a, b = stats.beta(1 + s_a, 1 + n_a - s_a), stats.beta(1 + s_b, 1 + n_b - s_b)
    found = statistics.compare((n_a, s_a), (n_b, s_b)).exact_beta
    chance, _ = dblquad(lambda x, y: a.pdf(x) * b.pdf(y), 0, 1, 0, lambda y: y)
    loss, _ = dblquad(lambda x, y: (x - y) * a.pdf(x) * b.pdf(y), 0, 1, lambda y: y, 1)
    assert (found.chance_b_wins, found.expected_loss_choosing_b) == pytest.approx((chance, loss), abs=1e-7)
    assert found.expected_loss_choosing_a - found.expected_loss_choosing_b == pytest.approx(b.mean() - a.mean())


@pytest.mark.parametrize('seed', range(10))
def test_the_exact_beta_is_what_draws_from_both_posteriors_say(seed: int) -> None:
    n_a, s_a, n_b, s_b = random_counts(seed)
    rng = np.random.default_rng(seed)
    a, b = rng.beta(1 + s_a, 1 + n_a - s_a, 10**5), rng.beta(1 + s_b, 1 + n_b - s_b, 10**5)
    found = statistics.compare((n_a, s_a), (n_b, s_b)).exact_beta
    sd = float(np.std(b - a))
    assert found.chance_b_wins == pytest.approx((b > a).mean(), abs=0.01)
    assert np.array(found.ci_diff) / sd == pytest.approx(np.quantile(b - a, [0.025, 0.975]) / sd, abs=0.05)


@pytest.mark.parametrize('seed', range(20))
def test_means_are_those_of_the_t_test_over_the_amounts_themselves(seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.lognormal(1, 1, int(10 ** rng.uniform(0.7, 4))) - seed % 3 for _ in 'ab')
    found = statistics.compare((len(a), a.sum(), (a * a).sum()), (len(b), b.sum(), (b * b).sum()), 'mean')
    theirs = stats.ttest_ind(b, a, equal_var=False)
    assert (found.ttest_ind_from_stats.t, found.ttest_ind_from_stats.p) == pytest.approx(tuple(theirs), abs=1e-9)
    assert found.t_absolute.ci95 == pytest.approx(theirs.confidence_interval(0.95), abs=1e-9)
    assert found.mean_sd.b == pytest.approx((b.mean(), b.std(ddof=1)))


@pytest.mark.parametrize('method', ['bonferroni', 'holm', 'fdr_bh', 'fdr_by', 'simes-hochberg'])
def test_corrections_are_those_of_statsmodels_with_ties_zeros_and_ones(method: str) -> None:
    for _ in range(30):
        p = RNG.choice([0.0, 0.01, 0.01, 0.04, 1.0, RNG.random()], size=int(RNG.integers(1, 9)))
        assert statistics.adjust(list(p), method) == pytest.approx(multipletests(p, method=method)[1])  # type: ignore[call-overload]


def test_sample_ratios_are_those_of_scipy_for_any_number_of_groups() -> None:
    for _ in range(100):
        weights = RNG.uniform(0.05, 1, int(RNG.integers(2, 7)))
        counts = RNG.multinomial(int(10 ** RNG.uniform(1, 8)), RNG.dirichlet(weights * 10_000))
        theirs = stats.chisquare(counts, weights / weights.sum() * counts.sum())
        found = statistics.sample_ratio(counts.tolist(), weights.tolist())
        assert (found.chi2, found.p) == pytest.approx(tuple(theirs), abs=1e-9)


@pytest.mark.parametrize(
    'counts',
    [
        (100, 5, 105, 12),
        (3781, 463, 38, 38),
        (742, 0, 2, 1),
        (1, 0, 2, 2),
        (35, 0, 13, 13),
        (9, 9, 4, 0),
        (6, 0, 50, 0),
    ],
)
def test_the_score_interval_holds_just_the_differences_that_the_score_test_keeps(
    counts: tuple[int, int, int, int],
) -> None:
    n_a, s_a, n_b, s_b = counts
    low, high = fixed.score(*counts, 0.05)
    for delta in [*np.linspace(-0.999, 0.999, 100), low - 1e-4, low + 1e-4, high - 1e-4, high + 1e-4]:
        if abs(delta) >= 1 or min(abs(delta - low), abs(delta - high)) < 5e-5:
            continue
        # Its own likeliest rates, searched on a fine grid: what statsmodels has is off in the fourth digit.
        a = np.linspace(max(0, -delta), min(1, 1 - delta), 100_001)[1:-1]
        b = a + delta
        a = a[
            (xlogy(s_a, a) + xlogy(n_a - s_a, 1 - a) + xlogy(s_b, b) + xlogy(n_b - s_b, np.maximum(1 - b, 0))).argmax()
        ]
        variance = (a * (1 - a) / n_a + (a + delta) * (1 - a - delta) / n_b) * (n_a + n_b) / (n_a + n_b - 1)
        z = abs(s_b / n_b - s_a / n_a - delta) / math.sqrt(variance)
        assert abs(z - 1.959964) < 1e-3 or (z < 1.959964) == (low < delta < high), delta


@pytest.mark.parametrize(
    'counts', [(3781, 463, 38, 38), (2, 1, 742, 0), (7, 0, 2, 1), (32, 0, 17, 13), (13, 0, 35, 34), (2, 1, 8, 8)]
)
def test_score_intervals_that_end_near_one_are_those_of_statsmodels(counts: tuple[int, int, int, int]) -> None:
    n_a, s_a, n_b, s_b = counts
    found = statistics.compare((n_a, s_a), (n_b, s_b)).confint_2indep_diff_score
    theirs = score_interval(s_b, n_b, s_a, n_a, 0.05)
    assert theirs is not None
    assert found == pytest.approx(theirs, abs=1e-8)
