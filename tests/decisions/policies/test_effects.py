"""Effects: the mixed model, beside one that is written out in full."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from hailwhale.decisions.policies import Context, Tuning
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.effects import Equations, Rows, Spreads
from hailwhale.decisions.policies.layouts import ROOT, Layout

PAIRS = [Context.of({'country': country, 'device': device}) for country in ('US', 'UK') for device in ('phone', 'pc')]
LAYOUT = Layout.of(PAIRS)
TOGETHER = LAYOUT.pairs()
OPTIONS = 3
#: What all options of a context have in common may vary so much.
COMMON = 1.0


def rows(seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    exposure = rng.integers(0, 3, (4, OPTIONS)).astype(float) * 400
    exposure[0] = 800
    reward = rng.binomial(exposure.astype(int), 0.06).astype(float)
    return Rows.of(exposure, reward, np.full(4, 0.05), 1.0, True)


def design(seen: Rows) -> Floats:
    """Row by effect of a path on an option."""
    found = np.zeros((len(seen.lift), len(LAYOUT.paths) * OPTIONS))
    for row, (context, option) in enumerate(zip(seen.context, seen.option, strict=True)):
        for path in LAYOUT.known(PAIRS[context]):
            found[row, path * OPTIONS + option] = 1
    return found


def covariance(seen: Rows, spreads: Spreads) -> tuple[Floats, Floats]:
    """Of all that was seen; and the variances of the effects."""
    x = design(seen)
    variances = np.repeat([spreads.levels[level] for level in LAYOUT.levels], OPTIONS)
    own = np.diag(seen.noise() + spreads.of_contexts(LAYOUT)[seen.context])
    together = COMMON * (seen.context[:, None] == seen.context[None, :])
    return x @ np.diag(variances) @ x.T + own + together, variances


def spread(root: float, country: float, device: float, own: float) -> Spreads:
    return Spreads({ROOT: root, ('country', 2): country, ('device', 2): device}, {PAIRS[0].kind: own})


TRIED = [spread(0.09, 0.01, 0.02, 0.04), spread(0.3, 0.2, 0.0004, 0.01), spread(0.001, 0.5, 0.1, 0.3)]


@pytest.mark.parametrize('seed', range(3))
def test_the_likelihood_is_that_of_a_joint_normal_distribution(seed: int) -> None:
    """But for a constant, that is the same for all spreads."""
    seen = rows(seed)
    apart = [
        Equations(seen, LAYOUT, TOGETHER, spreads, OPTIONS).likelihood(spreads.levels)
        - multivariate_normal(cov=covariance(seen, spreads)[0]).logpdf(seen.lift)
        for spreads in TRIED
    ]
    assert apart == pytest.approx([apart[0]] * 3, abs=1e-6)


@pytest.mark.parametrize('spreads', TRIED)
def test_drawn_effects_have_the_mean_and_the_covariance_of_what_was_seen(spreads: Spreads) -> None:
    seen = rows(1)
    whole, variances = covariance(seen, spreads)
    gain = np.diag(variances) @ design(seen).T @ np.linalg.inv(whole)
    mean, after = gain @ seen.lift, np.diag(variances) - gain @ design(seen) @ np.diag(variances)
    names = [f'{number}' for number in range(len(mean))]
    drawn = Equations(seen, LAYOUT, TOGETHER, spreads, OPTIONS).drawn(spreads.levels, names, 1.0, 8_000)
    assert drawn.shape == (len(LAYOUT.paths), OPTIONS, 8_000)
    flat = drawn.reshape(len(mean), -1)
    assert flat.mean(axis=1) == pytest.approx(mean, abs=1e-8)
    assert np.cov(flat) == pytest.approx(after, abs=0.05 * after.max())
    half = Equations(seen, LAYOUT, TOGETHER, spreads, OPTIONS).drawn(spreads.levels, names, 0.5, 8_000)
    assert (half - drawn.mean(axis=2, keepdims=True)) * 2 == pytest.approx(drawn - drawn.mean(axis=2, keepdims=True))


def test_what_all_options_of_a_context_have_in_common_is_no_effect() -> None:
    exposure = np.full((4, OPTIONS), 1e7)
    reward = exposure * 0.05
    reward[0] *= 2
    seen = Rows.of(exposure, reward, np.full(4, 0.05), 1.0, True)
    equations = Equations(seen, LAYOUT, TOGETHER, TRIED[0], OPTIONS)
    drawn = equations.drawn(TRIED[0].levels, list('abcdefghijklmno'), 1.0, 64)
    assert np.ptp(drawn.mean(axis=2), axis=1) == pytest.approx(0, abs=1e-6)


def test_rows_are_what_was_shown_in_units_of_the_base_rate() -> None:
    exposure, reward = np.array([[100.0, 0.0], [50.0, 200.0]]), np.array([[10.0, 3.0], [5.0, 30.0]])
    seen = Rows.of(exposure, reward, np.array([0.1, 0.2]), 1.0, True)
    assert seen.context.tolist() == [0, 1, 1]
    assert seen.option.tolist() == [0, 0, 1]
    assert seen.expected.tolist() == pytest.approx([10, 10, 40])
    assert seen.lift.tolist() == pytest.approx([0, -0.5, -0.25])


def test_noise_is_that_of_successes_or_of_amounts() -> None:
    exposure, reward, base = np.array([[100.0]]), np.array([[10.0]]), np.array([0.1])
    binary, money = (Rows.of(exposure, reward, base, scatter, scatter == 1.0) for scatter in (1.0, 20.0))
    # The variance of the mean of 100 successes at 10 %, in units of 10 %.
    assert binary.noise() == pytest.approx(0.1 * 0.9 / 100 / 0.1**2)
    assert binary.noise(1.0) == pytest.approx(0.2 * 0.8 / 100 / 0.1**2)
    assert money.noise() == pytest.approx(20 * 0.1 / 100 / 0.1**2)
    assert np.all(binary.noise(-5.0) > 0)


def test_before_anything_is_known_spreads_are_those_of_the_tuning() -> None:
    tuning = Tuning()
    spreads = Spreads.guessed(LAYOUT, tuning)
    assert spreads.levels[ROOT] == tuning.between_options**2
    assert spreads.levels['country', 2] == spreads.levels['device', 2] == tuning.between_paths**2
    assert spreads.of_contexts(LAYOUT).tolist() == [tuning.between_contexts**2] * 4


def test_the_spread_of_paths_above_a_context_is_their_sum() -> None:
    assert spread(0.5, 0.2, 0.1, 0.3).of_paths(LAYOUT) == pytest.approx(0.8)
    contexts = [Context.of({'country': 'US'}), Context.of({'country': 'US', 'device': 'pc'})]
    layout = Layout.of(contexts)
    spreads = Spreads.guessed(layout, Tuning())
    fewer, more = spreads.of_paths(layout)
    assert fewer <= more
