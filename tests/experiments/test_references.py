"""Every number of the reference cases, to the digits given there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hailwhale.experiments import statistics

HERE = Path(__file__).parent
REFERENCES: dict[str, Any] = json.loads((HERE / 'reference_cases.json').read_text('utf-8'))
GBSTATS: list[dict[str, Any]] = json.loads((HERE / 'gbstats_cases.json').read_text('utf-8'))['cases']


def numbers(wanted: object, found: Any, path: str = '') -> Iterator[tuple[str, float, float]]:
    """Pairs of numbers under the same names; texts (such as why a reference failed) have none."""
    if isinstance(wanted, dict):
        for name, inner in wanted.items():
            yield from numbers(inner, found[name], f'{path} {name}')
    elif isinstance(wanted, list):
        for i, inner in enumerate(wanted):
            yield from numbers(inner, found[i], f'{path} {i}')
    elif not isinstance(wanted, str):
        assert isinstance(wanted, (int, float)), path
        yield path, float(wanted), found


def differing(wanted: object, found: Any) -> list[tuple[str, float, float]]:
    """Where they differ beyond rounding: 6 decimals, or 6 significant digits below a thousandth."""
    return [
        (path, theirs, ours)
        for path, theirs, ours in numbers(wanted, found)
        if not abs(theirs - ours) <= (0.51e-6 if abs(theirs) >= 1e-3 or theirs == 0 else 0.51e-5 * abs(theirs))
    ]


def arm(inputs: dict[str, float], of: str) -> dict[str, float]:
    return {name[:-2]: value for name, value in inputs.items() if name.endswith(of)}


@pytest.mark.parametrize('case', REFERENCES['cases'], ids=lambda case: case['name'])
def test_comparisons_have_every_number_of_the_references(case: dict[str, Any]) -> None:
    control, variant = arm(case['inputs'], '_a'), arm(case['inputs'], '_b')
    theirs = case['gbstats_0.8.0'] | case['scipy1.17.1_statsmodels0.15.0']
    for found in (
        statistics.compare(control, variant, case['kind']),
        statistics.compare(**case['inputs'], kind=case['kind'], prior=statistics.Prior(0, 0.3)),
    ):
        assert len(list(numbers(theirs, found))) > 20
        assert differing(theirs, found) == []


@pytest.mark.parametrize('case', GBSTATS, ids=lambda case: case['name'])
def test_random_sums_come_out_as_in_gbstats_at_other_levels_and_adjusted(case: dict[str, Any]) -> None:
    asked: dict[str, Any] = {name: case[name] for name in ('kind', 'alpha', 'tuning')}
    found = statistics.compare(case['control'], case['variant'], prior=statistics.Prior(0.05, 0.3), **asked)
    for path, theirs, ours in numbers(case['results'], found):
        assert ours == pytest.approx(theirs, rel=1e-7, abs=1e-9), path


@pytest.mark.parametrize('case', REFERENCES['srm'], ids=lambda case: case['name'])
def test_sample_ratios_have_every_number_of_the_references(case: dict[str, Any]) -> None:
    found = statistics.sample_ratio(case['counts'], case['weights'])
    for name in ('scipy_chisquare', 'gbstats_p', 'sequential_dirichlet_k100'):
        assert differing(case[name], found[name]) == []


@pytest.mark.parametrize('method', ['bonferroni', 'holm', 'fdr_bh'])
def test_corrections_have_every_number_of_the_references(method: Any) -> None:
    several = REFERENCES['multiple_testing']
    assert differing(several[method], statistics.adjust(several['p'], method)) == []


@pytest.mark.parametrize('case', REFERENCES['confseq_0.0.11']['bernoulli_confidence_interval'])
def test_sequences_of_one_rate_are_those_of_confseq(case: dict[str, float]) -> None:
    asked = {name: amount for name, amount in case.items() if name not in ('lower', 'upper')}
    assert differing([case['lower'], case['upper']], statistics.bernoulli_confidence_interval(**asked)) == []


@pytest.mark.parametrize('case', list(REFERENCES['confseq_0.0.11'].values())[1])
def test_normal_mixture_bounds_are_those_of_confseq(case: dict[str, float]) -> None:
    level = case['alpha'] / 2
    found = statistics.normal_mixture_bound(case['v'], alpha=level, v_opt=case['v_opt'], alpha_opt=level)
    assert differing(case['bound'], found) == []


@pytest.mark.parametrize(
    ('v', 'alpha', 'v_opt', 'alpha_opt', 'above', 'beside'),
    [
        (3633.167913, 0.005, 1343.155637, 0.025, 216.4636061, 228.9014153),
        (80.40338076, 0.05, 1760.18201, 0.01, 35.82921686, 38.66153276),
        (671.8005969, 0.1, 1.091979041, 0.05, 87.85729371, 93.8166634),
    ],
)
def test_normal_mixture_bounds_to_one_side_and_to_both_are_those_of_confseq(
    v: float, alpha: float, v_opt: float, alpha_opt: float, above: float, beside: float
) -> None:
    asked = (v, alpha, v_opt, alpha_opt)
    assert statistics.normal_mixture_bound(*asked) == pytest.approx(above, rel=1e-7)
    assert statistics.normal_mixture_bound(*asked, one_sided=False) == pytest.approx(beside, rel=1e-7)
