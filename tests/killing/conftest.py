"""What the tests that kill share: a nursery of children, and an arena on each engine."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.engines import Server
from tests.killing.nursery import Nursery
from tests.killing.rounds import Arena, arena_of


@pytest.fixture(scope='session')
def nursery() -> Iterator[Nursery]:
    nursery = Nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def arena(server: Server, nursery: Nursery) -> Iterator[Arena]:
    """On each engine in turn."""
    with arena_of(server, nursery) as arena:
        arena.empty()
        yield arena


@pytest.fixture
def redis_arena(redis_server: Server, nursery: Nursery) -> Iterator[Arena]:
    with arena_of(redis_server, nursery) as arena:
        arena.empty()
        yield arena


@pytest.fixture
def embedded_arena(embedded_server: Server, nursery: Nursery) -> Iterator[Arena]:
    with arena_of(embedded_server, nursery) as arena:
        arena.empty()
        yield arena
