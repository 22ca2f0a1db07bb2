"""Random numbers by name."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from hailwhale.decisions.policies.normals import gamma, normals


def test_a_name_always_has_the_same_numbers_and_another_has_others() -> None:
    assert normals('a', 64).tolist() == normals('a', 64).tolist()
    assert normals('a', 64).tolist() != normals('b', 64).tolist()
    assert len(normals('a', 64)) == 64


def test_the_numbers_are_normal_and_sum_to_0() -> None:
    found = normals('a', 20_000)
    assert found.sum() == pytest.approx(0, abs=1e-9)
    assert stats.kstest(found, 'norm').statistic < 1e-4


def test_no_name_has_more_luck_than_another() -> None:
    assert sorted(normals('a', 128)) == pytest.approx(sorted(normals('b', 128)))


def test_names_are_independent() -> None:
    assert abs(np.corrcoef(normals('a', 20_000), normals('b', 20_000))[0, 1]) < 4.5 / 100


def test_nobody_can_change_them_for_others() -> None:
    with pytest.raises(ValueError, match='read-only'):
        normals('a', 64)[0] = 1


@pytest.mark.parametrize('shape', [2.0, 10.0, 500.0])
def test_a_gamma_variable_stands_where_its_quantile_is(shape: float) -> None:
    normal = np.linspace(-1.7, 1.7, 9)
    found = gamma(np.full(9, shape), normal)
    assert found == pytest.approx(stats.gamma.ppf(stats.norm.cdf(normal), shape), rel=0.04)


def test_it_grows_with_the_shape_and_with_the_normal_number() -> None:
    shapes = np.geomspace(0.1, 1e6, 30)
    for normal in (-3.0, 0.0, 3.0):
        assert np.all(np.diff(gamma(shapes, np.full(30, normal))) > 0)
    for shape in shapes:
        assert np.all(np.diff(gamma(np.full(30, shape), np.linspace(-4, 4, 30))) >= 0)


def test_it_is_never_0_nor_below() -> None:
    assert np.all(gamma(np.array([0.0, 1e-9, 1.0]), np.array([-9.0, -9.0, -9.0])) > 0)
