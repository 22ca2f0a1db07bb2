"""Where the shards live: on one server, on the bundled engine, or spread over the nodes of a cluster.

The redis client knows how to connect, and reads a cluster's map; `Wire` speaks.
"""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, unquote

from hailwhale.errors import SettingsError
from hailwhale.settings import hide_secrets
from hailwhale.storage.wire import NotReady, Wire, login_refused

if TYPE_CHECKING:
    from redis import ConnectionPool
    from redis.cluster import RedisCluster
    from redis.connection import ConnectionInterface

Connect = Callable[[], 'ConnectionInterface']

#: Connections to one node that this process has at the most.  An engine takes 10,000 of all processes together.
CONNECTIONS = 64
#: A cluster's map that is younger, in seconds, is not asked for again: others have just found out what moved.
_FRESH = 0.1


class Node:
    """One engine process and the connections to it that nobody uses at the moment.

    There are at most `CONNECTIONS`: who needs one more waits, for ``timeout`` seconds at the most.
    """

    def __init__(self, address: str, connect: Connect, timeout: float) -> None:
        self.address = address
        self._connect = connect
        self._timeout = timeout
        self._forget()

    def _forget(self) -> None:
        #: A token for each connection that may be taken: the same as a semaphore, which takes ten times as long.
        room: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(CONNECTIONS):
            room.put(None)
        self._idle: list[Wire] = []
        self._room, self._process = room, os.getpid()

    def take(self) -> Wire:
        """A connection for one caller; it ends with `give` or `drop`."""
        if self._process != os.getpid():
            # A forked child must not talk over its parent's sockets, nor close them.
            self._forget()
        try:
            self._room.get(timeout=self._timeout)
        except queue.Empty:
            raise NotReady(
                f'all {CONNECTIONS} connections to {self.address} were in use for {self._timeout:g} s '
                '(it is slow, or asked too much: see its log, and what else it does)'
            ) from None
        try:
            while self._idle:
                wire = self._idle.pop()
                if not wire.rested() or wire.alive():
                    return wire
            return Wire(self._connect(), self.address)
        except BaseException:
            self._room.put(None)
            raise

    def give(self, wire: Wire) -> None:
        """Leave a connection, on which no reply is on its way, to others."""
        wire.used = time.monotonic()
        self._idle.append(wire)
        self._room.put(None)

    def drop(self, wire: Wire) -> None:
        """End a connection."""
        wire.close()
        self._room.put(None)

    def close(self) -> None:
        """End those that nobody uses."""
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

    #: Whether another node may have taken over what this one refuses.
    spread = False

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
        self._node = Node(hide_secrets(url), _maker(pool), timeout)

    def node(self, shard: int) -> Node:  # noqa: ARG002 - every shard lives here
        return self._node

    def refresh(self) -> None:
        """Connect anew: another server may have taken over its name."""
        self._node.close()

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

    spread = True

    def __init__(self, url: str, timeout: float) -> None:
        self._address = hide_secrets(url)
        self._hosts, login = _cluster_address(url)
        self._options: dict[str, Any] = {**login, 'socket_timeout': timeout, 'socket_connect_timeout': timeout}
        self._lock = threading.Lock()
        self._nodes: dict[str, Node] = {}
        self._by_shard: dict[int, Node] = {}
        self._client: RedisCluster | None = None
        self._asked = 0.0

    def _open(self) -> RedisCluster:
        from redis.cluster import ClusterNode, RedisCluster
        from redis.exceptions import AuthenticationError, RedisClusterException, RedisError

        start = [ClusterNode(*host) for host in self._hosts]  # type: ignore[no-untyped-call]
        # One that does not answer costs the whole time limit: the next time another is asked first.
        self._hosts = self._hosts[1:] + self._hosts[:1]
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
            self._asked = time.monotonic()
        try:
            found = self._client.nodes_manager.get_node_from_slot(key_slot(b'%d' % shard))
        except SlotNotCoveredError as cause:
            raise NotReady(f'no node of the cluster at {self._address} holds shard {shard}: {cause}') from cause
        if found.name not in self._nodes:
            self._nodes[found.name] = Node(
                found.name, _maker(found.redis_connection.connection_pool), self._options['socket_timeout']
            )
        node = self._by_shard[shard] = self._nodes[found.name]
        return node

    def refresh(self) -> None:
        """Ask the cluster again who holds what."""
        if time.monotonic() - self._asked > _FRESH:
            self.close()

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
            for node in self._nodes.values():
                node.close()
            self._nodes.clear()
            self._by_shard.clear()
        if client is not None:
            client.close()


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
