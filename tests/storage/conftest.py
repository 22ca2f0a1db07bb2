"""The counters on each engine, for the tests of the storage."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hailwhale.storage import Storage, connect
from tests.engines import Server


@pytest.fixture(scope='session')
def lasting_store(server: Server) -> Iterator[Storage]:
    """Counters on each engine in turn; what hypothesis runs begins each example with ``server.empty()``."""
    store = connect(server.url, home=Path('unused'))
    yield store
    store.close()


@pytest.fixture
def store(server: Server, lasting_store: Storage) -> Storage:
    """Counters on each engine in turn, empty."""
    server.empty()
    return lasting_store
