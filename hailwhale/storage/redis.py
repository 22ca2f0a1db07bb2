"""The engine behind a URL: one server or a cluster, seen as something that runs commands for a shard.

Addresses: ``redis://``, ``rediss://`` (TLS), ``valkey://``, ``valkeys://``, ``unix://PATH``,
``redis+cluster://host:port,host:port`` and ``embedded://PATH``.  The redis client knows how to connect; `Wire`
speaks.

**What is retried.**  A command that was certainly not done: the engine is loading, the cluster is electing, the slot
has moved, nobody listens yet.  Reads are also retried after a connection that broke.  A write whose connection broke
has an unknown outcome and is reported as `StorageUnavailable`; with an event id it can be sent again safely.
"""

from __future__ import annotations

import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, unquote

from hailwhale.errors import SettingsError, StorageError, StorageUnavailable
from hailwhale.settings import hide_secrets
from hailwhale.storage import scripts
from hailwhale.storage.keys import SHARDS
from hailwhale.storage.wire import Moved, NoScript, NotReady, Reply, Wire, checked, login_refused, pack

if TYPE_CHECKING:
    from redis import ConnectionPool
    from redis.cluster import RedisCluster
    from redis.connection import ConnectionInterface

T = TypeVar('T')
Connect = Callable[[], 'ConnectionInterface']

SCHEMES = ('embedded', 'redis', 'rediss', 'valkey', 'valkeys', 'unix', 'redis+cluster', 'valkey+cluster')
_PAUSE = 0.01


class Node:
    """One engine process and the connections to it that nobody uses at the moment."""

    def __init__(self, address: str, connect: Connect) -> None:
        self.address = address
        self._connect = connect
        self._idle: list[Wire] = []
        self._process = os.getpid()

    def take(self) -> Wire:
        """A connection for one caller; give it back with `give`."""
        if self._process != os.getpid():
            # A forked child must not talk over its parent's sockets, nor close them: it forgets them.
            self._idle, self._process = [], os.getpid()
        while self._idle:
            wire = self._idle.pop()
            if not wire.rested() or wire.alive():
                return wire
        return Wire(self._connect(), self.address)

    def give(self, wire: Wire) -> None:
        wire.used = time.monotonic()
        self._idle.append(wire)

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _maker(pool: ConnectionPool) -> Connect:
    """Connections as the pool would make them; the pool itself would stop after its first hundred."""
    make: Any = pool.connection_class
    # Notices of maintenance come in RESP 3 only; the pool sets them up for its own connections.
    options = {name: value for name, value in pool.connection_kwargs.items() if 'maint_' not in name} | {'protocol': 2}
    return lambda: cast('ConnectionInterface', make(**options))


class Single:
    """All shards on one server."""

    def __init__(self, url: str, timeout: float) -> None:
        from redis import ConnectionPool

        scheme, _, rest = url.partition('://')
        plain = scheme.replace('valkey', 'redis') + '://' + rest
        try:
            pool = ConnectionPool.from_url(plain, socket_timeout=timeout, socket_connect_timeout=timeout)
        except ValueError:
            # The client's message may quote a part of the password, where one of its characters split the address.
            raise SettingsError(
                f'not the address of an engine: {hide_secrets(url)!r} (try redis://:PASSWORD@HOST:6379/0, with '
                "%23 for a '#' and %2F for a '/' in the password)",
                field='url',
            ) from None
        self._node = Node(hide_secrets(url), _maker(pool))

    def node(self, shard: int) -> Node:  # noqa: ARG002 - every shard lives here
        return self._node

    def nodes(self) -> list[Node]:
        return [self._node]

    def refresh(self) -> None:
        """Nothing moves on one server."""

    def close(self) -> None:
        self._node.close()


class Embedded(Single):
    """All shards on the bundled engine of a directory, which is started when nobody runs it."""

    def __init__(self, home: Path, timeout: float) -> None:
        from hailwhale.storage import embedded

        self._home = home
        self._engine = embedded.ensure(home)
        super().__init__('unix://' + quote(str(self._engine.socket)), timeout)

    def refresh(self) -> None:
        """Start the engine again where it has died."""
        from hailwhale.storage import embedded

        again = embedded.ensure(self._home)
        self._engine.stop()
        self._engine = again
        self._node.close()

    def close(self) -> None:
        super().close()
        self._engine.stop()


class Cluster:
    """Shards spread over the nodes of a Redis or Valkey Cluster, by the slots of their hash tags."""

    def __init__(self, url: str, timeout: float) -> None:
        self._address = hide_secrets(url)
        self._hosts, login = _cluster_address(url)
        self._options: dict[str, Any] = {**login, 'socket_timeout': timeout, 'socket_connect_timeout': timeout}
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}
        self._by_shard: dict[int, Node] = {}
        self._client: RedisCluster | None = None

    def _open(self) -> RedisCluster:
        from redis.cluster import ClusterNode, RedisCluster
        from redis.exceptions import AuthenticationError, RedisClusterException, RedisError

        start = [ClusterNode(*host) for host in self._hosts]  # type: ignore[no-untyped-call]
        try:
            # The shards of those nodes that are there are counted, whatever has become of the others.
            return RedisCluster(startup_nodes=start, protocol=2, require_full_coverage=False, **self._options)
        except (RedisClusterException, RedisError, OSError) as cause:
            if isinstance(cause.__cause__, AuthenticationError):
                raise login_refused(self._address, cause.__cause__) from cause
            raise NotReady(f'no cluster at {self._address}: {cause} (do its nodes run? see HAILWHALE_URL)') from cause

    def node(self, shard: int) -> Node:
        with self._lock:
            return self._by_shard.get(shard) or self._find(shard)

    def _find(self, shard: int) -> Node:
        from redis.crc import key_slot
        from redis.exceptions import SlotNotCoveredError

        if self._client is None:
            self._client = self._open()
        try:
            found = self._client.nodes_manager.get_node_from_slot(key_slot(b'%d' % shard))
        except SlotNotCoveredError as cause:
            raise NotReady(f'no node of the cluster at {self._address} holds shard {shard}: {cause}') from cause
        if found.name not in self._nodes:
            self._nodes[found.name] = Node(found.name, _maker(found.redis_connection.connection_pool))
        node = self._by_shard[shard] = self._nodes[found.name]
        return node

    def nodes(self) -> list[Node]:
        return list({id(node): node for node in map(self.node, range(SHARDS))}.values())

    def refresh(self) -> None:
        """Ask the cluster again who holds what."""
        with self._lock:
            client, self._client = self._client, None
            for node in self._nodes.values():
                node.close()
            self._nodes.clear()
            self._by_shard.clear()
        if client is not None:
            client.close()

    def close(self) -> None:
        self.refresh()


def _cluster_address(url: str) -> tuple[list[tuple[str, int]], dict[str, str]]:
    """The nodes to ask first, and the login."""
    netloc = url.partition('://')[2].partition('/')[0]
    login, _, hosts = netloc.rpartition('@')
    user, _, password = map(unquote, login.partition(':'))
    start = []
    for host in hosts.split(','):
        name, _, port = host.rpartition(':')
        if not name or not port.isdecimal():
            # Not the host at fault by name: it may be a part of the password, split off by a '/' in it.
            raise SettingsError(
                f'not the address of a cluster: {hide_secrets(url)!r} (write redis+cluster://HOST:PORT,HOST:PORT, '
                "or redis+cluster://:PASSWORD@HOST:PORT with %2F for a '/' in the password)",
                field='url',
            )
        start.append((name.strip('[]'), int(port)))
    return start, {name: value for name, value in (('username', user), ('password', password)) if value}


class Engine:
    """Commands for a shard, wherever it lives.

    Safe for threads, greenlets and forks.  Raises `StorageUnavailable` when the engine cannot be reached within
    ``timeout`` seconds, `StorageRefused` when it answers no.
    """

    def __init__(self, place: Single | Cluster, timeout: float) -> None:
        self.place = place
        self.timeout = timeout

    def close(self) -> None:
        """Hang up; an embedded engine of ours ends cleanly."""
        self.place.close()

    @contextmanager
    def _wire(self, shard: int) -> Iterator[Wire]:
        node = self.place.node(shard)
        wire = node.take()
        try:
            yield wire
        except (Moved, NoScript, NotReady):
            node.give(wire)
            raise
        except StorageUnavailable:
            # What ended this connection has most likely ended the others too.
            wire.close()
            node.close()
            raise
        except BaseException:
            # Replies may still be on their way: nobody else may read them.
            wire.close()
            raise
        node.give(wire)

    def run(self, shard: int, action: Callable[[Wire], T], *, again: bool = False) -> T:
        """Do ``action`` on a connection to the shard's node.

        Repeats it until ``timeout`` while the engine says that it did nothing; with ``again`` also after a connection
        that broke, for what may be done twice.
        """

        def once() -> T:
            with self._wire(shard) as wire:
                return action(wire)

        return self._patiently(once, again=again)

    def _patiently(self, action: Callable[[], T], *, again: bool) -> T:
        deadline = time.monotonic() + self.timeout
        pause = _PAUSE
        while True:
            try:
                return action()
            except StorageError as cause:
                repeatable = isinstance(cause, Moved | NotReady) or (again and isinstance(cause, StorageUnavailable))
                if not repeatable or time.monotonic() + pause > deadline:
                    if isinstance(cause, Moved):
                        raise StorageUnavailable(cause.message) from cause
                    raise
            time.sleep(pause)
            pause = min(2 * pause, 0.2)
            self.place.refresh()

    def ask(self, shard: int, *command: bytes | str | int, again: bool = True) -> Reply:
        """One command and its reply."""
        data = pack(*command)
        return self.run(shard, lambda wire: wire.ask(data), again=again)

    def pipeline(self, shard: int, commands: Sequence[bytes]) -> list[Reply]:
        """Reads that go out together; their replies in order.  The first error is raised."""
        if not commands:
            return []
        return self.run(shard, lambda wire: _together(wire, commands), again=True)

    def everywhere(self, commands: Sequence[tuple[int, bytes]]) -> list[Reply]:
        """Reads for many shards, each with its command: one round trip a node; their replies in order."""
        return self._patiently(lambda: self._everywhere(commands), again=True)

    def _everywhere(self, commands: Sequence[tuple[int, bytes]]) -> list[Reply]:
        by_node: defaultdict[str, list[int]] = defaultdict(list)
        for i, (shard, _) in enumerate(commands):
            by_node[self.place.node(shard).address].append(i)
        replies: dict[int, Reply] = {}
        for places in by_node.values():
            with self._wire(commands[places[0]][0]) as wire:
                replies.update(zip(places, _together(wire, [commands[i][1] for i in places]), strict=True))
        return [replies[i] for i in range(len(commands))]

    def one_shard_a_node(self) -> list[int]:
        """A shard of every node that has one."""
        nodes: dict[str, int] = {}
        for shard in range(SHARDS):
            nodes.setdefault(self.place.node(shard).address, shard)
        return list(nodes.values())


def _together(wire: Wire, commands: Sequence[bytes]) -> list[Reply]:
    wire.send(b''.join(commands))
    replies = [wire.reply() for _ in commands]
    return [checked(reply) for reply in replies]


def evaluation(name: str, keys: Sequence[str], args: Sequence[str | int | bytes]) -> bytes:
    """The command that runs a script of the package."""
    return pack('EVALSHA', scripts.digest(name), len(keys), *keys, *args)


def evaluate(wire: Wire, name: str, data: bytes) -> Reply:
    """Run a script (``data`` from `evaluation`) on a connection, teaching it to the engine where it must."""
    try:
        return wire.ask(data)
    except NoScript:
        wire.ask(pack('SCRIPT', 'LOAD', scripts.text(name)))
        return wire.ask(data)


def teach(wire: Wire, name: str) -> None:
    """Make sure that the engine knows a script, once for each connection: none outlives a restart of the engine."""
    if name not in wire.taught:
        wire.ask(pack('SCRIPT', 'LOAD', scripts.text(name)))
        wire.taught.add(name)


def evaluate_all(wire: Wire, name: str, datas: Sequence[bytes]) -> list[Reply]:
    """Run a script several times in one round trip."""
    wire.send(b''.join(datas))
    replies = [wire.reply() for _ in datas]
    if any(isinstance(reply, NoScript) for reply in replies):
        return [evaluate(wire, name, data) for data in datas]
    return [checked(reply) for reply in replies]


def open_engine(url: str, *, home: Path, timeout: float = 5.0) -> Engine:
    """The engine at ``url``; '' and ``embedded://`` mean the bundled one, in ``home``."""
    scheme, separator, rest = url.partition('://')
    if not url or (scheme == 'embedded' and separator):
        return Engine(Embedded(Path(rest) if rest else home, timeout), timeout)
    if scheme not in SCHEMES or not separator:
        raise SettingsError(
            f'not the address of an engine: {hide_secrets(url)!r} (try redis://localhost:6379/0, '
            'unix:///run/valkey.sock, redis+cluster://a:6379,b:6379, or embedded:///var/lib/hailwhale)',
            field='url',
        )
    if scheme.endswith('+cluster'):
        return Engine(Cluster(url, timeout), timeout)
    return Engine(Single(url, timeout), timeout)
