"""Whether visitors were split as planned."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import gammaln

from hailwhale.errors import InvalidInput
from hailwhale.experiments.statistics import adjust, sample_ratio
from hailwhale.experiments.statistics.mixtures import log_dirichlet_mixture


def test_a_broken_split_is_flagged_and_a_fair_one_is_not() -> None:
    assert sample_ratio([10_000, 11_000]).mismatch
    assert not sample_ratio([10_000, 10_150]).mismatch
    assert sample_ratio([5000, 5340], look='once').mismatch
    assert not sample_ratio([5000, 5340]).mismatch
    assert sample_ratio([8000, 1000, 1000], [8, 1, 1]).p == 1


def test_looking_always_at_fair_splits_seldom_flags_one() -> None:
    rng = np.random.default_rng(1)
    counts = rng.multinomial(50, [0.6, 0.3, 0.1], (200, 100)).cumsum(1)
    flagged = [any(sample_ratio(list(row), [6, 3, 1], threshold=0.05).mismatch for row in run[::4]) for run in counts]
    assert np.mean(flagged) <= 0.05


def test_groups_that_were_to_get_nobody_got_nobody_or_are_flagged() -> None:
    found = sample_ratio([5000, 5200, 0], [1, 1, 0])
    assert found.as_dict()['sequential'] == found.sequential.as_dict()
    assert (found.p, found.expected) == (sample_ratio([5000, 5200]).p, (5100, 5100, 0))
    broken = sample_ratio([5000, 5200, 1], [1, 1, 0])
    assert (broken.mismatch, broken.p, broken.sequential.p) == (True, 0, 0)


def test_counts_and_weights_may_be_given_by_name() -> None:
    found = sample_ratio({'a': 5000, 'b': 2400}, {'b': 1, 'a': 2})
    assert found == sample_ratio([5000, 2400], [2, 1])
    assert sample_ratio({'a': 5000, 'b': 5200}) == sample_ratio([5000, 5200])


def test_too_few_visitors_are_said_to_be_too_few() -> None:
    found = sample_ratio([3, 4], [9, 1])
    assert found.missing is not None
    assert (found.missing.missing[0].what, found.missing.missing[0].more_visitors) == ('visitors', 43)
    assert sample_ratio([30, 40], [1, 1]).missing is None
    nobody = sample_ratio([0, 0])
    assert (nobody.p, nobody.sequential.p, nobody.mismatch) == (1, 1, False)
    assert nobody.missing is not None
    assert nobody.missing.missing[0].more == 10


def test_the_mixture_is_the_one_of_gamma_functions_and_keeps_its_digits_beyond_them() -> None:
    counts, shares, k = np.array([3.0, 0.0, 40.0]), np.array([0.2, 0.1, 0.7]), 50.0
    log = gammaln(k * shares + counts).sum() - gammaln(k + counts.sum()) - gammaln(k * shares).sum() + gammaln(k)
    assert log_dirichlet_mixture(counts, shares, k) == pytest.approx(log - (counts * np.log(shares)).sum())
    half = 10**12 // 2
    # Equal counts: B(50 + n / 2, 50 + n / 2) / B(50, 50) * 2**n, nearly sqrt(k / n) * (1 - 1 / (4 k)).
    assert log_dirichlet_mixture([half, half], [0.5, 0.5], 100) == pytest.approx(-11.515425, abs=1e-6)


@pytest.mark.parametrize(
    ('counts', 'arguments', 'says'),
    [
        (5, {}, 'not counts: 5 (a list, or a mapping by name)'),
        ('12', {}, "not counts: '12'"),
        ([1, 2], {'weights': 5}, 'not weights: 5'),
        ([1, 2], {'weights': {'a': 1, 'b': 2}}, 'weights by other names than counts'),
        ({'a': 1, 'b': 2}, {'weights': {'a': 1, 'c': 2}}, 'weights by other names than counts'),
        ([1, 2], {'weights': ['a', 1]}, "not a number: 'a'"),
        ([None, 1], {}, 'not a number: None'),
        ([1], {}, '1 counts (a split has at least two groups)'),
        ([1, -2], {}, 'counts has -2'),
        ([1, 2.5], {}, 'counts has 2.5'),
        ([1, float('nan')], {}, 'not a number: nan'),
        ([1, 2], {'weights': [1]}, '1 weights for 2 counts'),
        ([1, 2], {'weights': [1, -1]}, 'not a weight: -1'),
        ([1, 2], {'weights': [1, float('inf')]}, 'not a number: inf'),
        ([1, 2], {'weights': [1, True]}, 'not a number: True'),
        ([1, 2], {'weights': [1, 0]}, 'fewer than two weights above 0'),
        ([1, 2], {'weights': [1e308, 1]}, 'weights is 1e+308, too large (use one up to 1e+30)'),
        ([1, 2], {'weights': [1e10, 1]}, 'a weight of 1 among 1e+10 (planned shares are 0, or 1e-09 of all and more)'),
        ([1, 10**17], {}, 'counts is 100000000000000000, too large (use one up to 1e+15)'),
        ([1, 2], {'threshold': 0}, 'threshold is 0'),
        ([1, 2], {'k': 0}, 'k is 0'),
        ([1, 2], {'look': 'twice'}, "not a look: 'twice'"),
    ],
)
def test_splits_that_cannot_be_are_refused(counts: Any, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sample_ratio(counts, **arguments)
    assert refused.value.message.startswith(says)


class TestCorrections:
    def test_leave_out_what_has_no_answer_and_keep_the_names(self) -> None:
        found = adjust({'a': 0.01, 'b': None, 'c': 0.04, 'd': float('nan')}, 'bonferroni')
        assert {name: p for name, p in found.items() if p == p} == {'a': 0.02, 'c': 0.08}
        assert list(found) == ['a', 'b', 'c', 'd']

    def test_know_other_spellings_and_none_at_all(self) -> None:
        p = [0.01, 0.02, 0.5]
        assert adjust(p, 'fdr') == adjust(p, 'bh') == adjust(p, 'fdr_bh')
        assert adjust(p, 'by') == adjust(p, 'fdr_by')
        assert adjust(p, 'none') == p
        assert adjust(p, 'BH') == adjust(p, 'Benjamini-Hochberg') == adjust(p, 'bh')  # type: ignore[call-overload]
        assert adjust([], 'holm') == []

    @pytest.mark.parametrize('wrong', [1.5, -0.1, True, 'small', float('inf'), 10**400])
    def test_refuse_what_is_no_p_value(self, wrong: Any) -> None:
        with pytest.raises(InvalidInput, match='not a p-value'):
            adjust([0.1, wrong])

    @pytest.mark.parametrize('wrong', [0.01, '0.01', None])
    def test_refuse_what_is_no_list_of_them(self, wrong: Any) -> None:
        with pytest.raises(InvalidInput, match='not p-values: '):
            adjust(wrong)

    def test_refuse_methods_that_are_none(self) -> None:
        with pytest.raises(InvalidInput, match="not a method: 'tukey'"):
            adjust([0.1], 'tukey')  # type: ignore[call-overload]
