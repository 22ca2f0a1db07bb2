"""Kills at random moments, while many push and drain at once."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.killing.rounds import Arena, load_round


@pytest.mark.parametrize('seed', [1, 2])
def test_kills_at_random_moments_under_load_lose_and_double_nothing(arena: Arena, tmp_path: Path, seed: int) -> None:
    verdict = load_round(arena, Random(seed), tmp_path, kills=12, events=600)
    assert verdict.good, (str(verdict), verdict.wrong)
    assert arena.kills == 12
    assert verdict.acknowledged > 600
