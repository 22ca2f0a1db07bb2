"""A whale on each engine, and its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(url: str, clock: Clock) -> Iterator[Callable[..., Whale]]:
    """Whales on the engine under test, by their settings."""
    made: list[Whale] = []

    def make(**overrides: object) -> Whale:
        whale = Whale(url, settings=Settings.load({}, **overrides), clock=clock)
        made.append(whale)
        return whale

    yield make
    for whale in made:
        whale.close()


@pytest.fixture
def whale(make: Callable[..., Whale]) -> Whale:
    return make()
