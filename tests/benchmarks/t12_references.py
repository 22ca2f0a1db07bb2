"""T12: our numbers beside those of the reference cases, and of scipy and statsmodels in the same run."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from hailwhale.experiments import statistics
from tests.benchmarks.measure import Bench, Figure, at_most

CASES = Path(__file__).parent.parent / 'experiments' / 'reference_cases.json'


def measure(bench: Bench) -> list[Figure]:
    """The greatest difference over all numbers of a kind; those of the cases are rounded to six decimals."""
    cases = json.loads(CASES.read_text('utf-8'))
    figures = [_figure(case['name'], list(_differences(case)), 1e-6) for case in cases['cases']]
    figures.append(_figure('sample ratios', list(_of_splits(cases['srm'])), 1e-6))
    counts = bench.size(300, 10)
    figures.append(_figure(f'{counts} random tables, scipy', list(_of_scipy(counts)), 1e-9))
    if importlib.util.find_spec('statsmodels'):
        figures.append(_figure(f'{counts} random tables, statsmodels', list(_of_statsmodels(counts)), 1e-9))
    return figures


def _figure(name: str, found: list[float], limit: float) -> Figure:
    what = f'greatest difference over {len(found)} numbers'
    return Figure('T12', name, what, 'millionths', [1e6 * max(found)], goal=at_most(1e6 * limit))


def _differences(case: dict[str, Any]) -> Iterator[float]:
    a, b = ({name[:-2]: value for name, value in case['inputs'].items() if name.endswith(end)} for end in ('_a', '_b'))
    found = statistics.compare(a, b, case['kind'], prior=(0, 0.3))
    for source, numbers in case.items():
        if source not in ('name', 'kind', 'inputs'):
            yield from _walk(numbers, found)


def _walk(wanted: object, found: Any) -> Iterator[float]:
    if isinstance(wanted, dict):
        for name, inner in wanted.items():
            yield from _walk(inner, found[name])
    elif isinstance(wanted, list):
        for i, inner in enumerate(wanted):
            yield from _walk(inner, found[i])
    elif isinstance(wanted, (int, float)):
        yield abs(wanted - found)


def _of_splits(cases: list[dict[str, Any]]) -> Iterator[float]:
    for case in cases:
        found = statistics.sample_ratio(case['counts'], case['weights'])
        yield from _walk(case['scipy_chisquare'], found)
        yield from _walk(case['sequential_dirichlet_k100'], found.sequential)


def _tables(count: int) -> Iterator[tuple[int, int, int, int]]:
    """Visitors and conversions of two versions."""
    rng = np.random.default_rng(20261123)
    for _ in range(count):
        n_a, n_b = (int(10 ** rng.uniform(1, 5)) for _ in 'ab')
        yield n_a, int(rng.integers(1, n_a)), n_b, int(rng.integers(1, n_b))


def _of_scipy(count: int) -> Iterator[float]:
    for n_a, s_a, n_b, s_b in _tables(count):
        found = statistics.compare((n_a, s_a), (n_b, s_b))
        table = [[s_b, n_b - s_b], [s_a, n_a - s_a]]
        yield abs((found.fisher_exact_p or 0) - stats.fisher_exact(np.array(table))[1])
        yield abs(found.chi2_contingency_p - stats.chi2_contingency(table, correction=False)[1])
        yield abs(found.exact_beta.ci_a[0] - stats.beta.ppf(0.025, 1 + s_a, 1 + n_a - s_a))


def _of_statsmodels(count: int) -> Iterator[float]:
    from statsmodels.stats.proportion import confint_proportions_2indep, proportions_ztest

    for n_a, s_a, n_b, s_b in _tables(count):
        found = statistics.compare((n_a, s_a), (n_b, s_b))
        yield abs(found.proportions_ztest.p - proportions_ztest([s_b, s_a], [n_b, n_a])[1])
        for method in ('wald', 'newcomb', 'agresti-caffo'):
            theirs = confint_proportions_2indep(s_b, n_b, s_a, n_a, method=method)
            yield from (abs(a - b) for a, b in zip(theirs, found[f'confint_2indep_diff_{method}'], strict=True))
