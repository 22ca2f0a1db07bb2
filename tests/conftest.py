"""What every test may ask for: the three engines, started once a session, empty at the beginning of each test.

``url`` runs a test three times: on the embedded engine, a Redis server and a Valkey Cluster.  Where hypothesis runs
many examples in one test, take ``server`` (the same three) and begin each example with ``server.empty()``.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import hypothesis
import pytest

from tests import engines
from tests.engines import Server

# How long an example takes says as much of what else the machine does.  How times grow is looked at where it matters.
hypothesis.settings.register_profile('patient', deadline=None)
hypothesis.settings.load_profile('patient')
# As the commands do (`hailwhale.cli.main`).  Several processes with several threads each take three times as long.
os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')
# Shells have what runs in the background ignore Ctrl-C, and so would the processes that the tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

ENGINES = ('embedded', 'redis', 'cluster')


@pytest.fixture(scope='session')
def embedded_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with engines.embedded_server(tmp_path_factory.mktemp('embedded')) as server:
        yield server


@pytest.fixture(scope='session')
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with engines.redis_server(tmp_path_factory.mktemp('redis')) as server:
        yield server


@pytest.fixture(scope='session')
def cluster_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with engines.cluster(tmp_path_factory.mktemp('cluster')) as server:
        yield server


@pytest.fixture(scope='session', params=ENGINES)
def server(request: pytest.FixtureRequest) -> Server:
    """Each engine in turn; not emptied."""
    found = request.getfixturevalue(f'{request.param}_server')
    assert isinstance(found, Server)
    return found


@pytest.fixture
def embedded_url(embedded_server: Server) -> str:
    embedded_server.empty()
    return embedded_server.url


@pytest.fixture
def redis_url(redis_server: Server) -> str:
    redis_server.empty()
    return redis_server.url


@pytest.fixture
def cluster_url(cluster_server: Server) -> str:
    cluster_server.empty()
    return cluster_server.url


@pytest.fixture
def url(server: Server) -> str:
    """The address of each engine in turn, empty."""
    server.empty()
    return server.url
