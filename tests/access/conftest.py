"""A store on each engine, the keys in it, and a clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hailwhale.access import Keys
from hailwhale.storage import Storage, connect
from tests.clocks import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def storage(url: str, tmp_path: Path) -> Iterator[Storage]:
    with closing(connect(url, home=tmp_path)) as found:
        yield found


@pytest.fixture
def keys(storage: Storage, clock: Clock) -> Keys:
    return Keys(storage, clock)


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Storage]:
    """A store whose engine is away."""
    with closing(connect('redis://127.0.0.1:1/', home=tmp_path, timeout=0.05)) as found:
        yield found
