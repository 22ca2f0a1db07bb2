"""The engine behind a URL: one server or a cluster, seen as something that runs commands for a shard.

Addresses: ``redis://``, ``rediss://`` (TLS), ``valkey://``, ``valkeys://``, ``unix://PATH``,
``redis+cluster://host:port,host:port`` and ``embedded://PATH``.

**What is retried.**  A command that was certainly not done: the engine is loading, the cluster is electing, the slot
has moved, nobody listens yet.  Reads are also retried after a connection that broke.  A write whose connection broke
has an unknown outcome and is reported as `StorageUnavailable`; with an event id it can be sent again safely.

A slot of a cluster that is moved key by key takes no events until all of it is there: our scripts use many keys at
once, and engines refuse that in between (``TRYAGAIN``), also to who asks the new node (``ASK``).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from hailwhale.errors import HailWhaleError, SettingsError, StorageError, StorageRefused, StorageUnavailable
from hailwhale.settings import hide_secrets
from hailwhale.storage import scripts
from hailwhale.storage.keys import SHARDS
from hailwhale.storage.places import Cluster, Embedded, Single
from hailwhale.storage.wire import Moved, NoScript, NotReady, ReadOnly, Reply, Wire, checked, pack

T = TypeVar('T')
Replies = dict[int, Reply]  # by shard

SCHEMES = ('embedded', 'redis', 'rediss', 'valkey', 'valkeys', 'unix', 'redis+cluster', 'valkey+cluster')
#: Seconds before the second try; then twice as long each time, up to the longest.
_PAUSE, _LONGEST_PAUSE = 0.01, 0.2


def _nothing(wire: Wire, found: Replies) -> None:
    """What is done after a script where nothing is."""


class Engine:
    """Commands for a shard, wherever it lives.

    Safe for threads, greenlets and forks.  Raises `StorageUnavailable` when the engine cannot be reached within
    ``timeout`` seconds, `StorageRefused` when it answers no.
    """

    def __init__(self, place: Single | Cluster, timeout: float) -> None:
        self.place = place
        self.timeout = timeout
        self._away: dict[int, float] = {}  # since when a shard has not been ready for scripts

    def close(self) -> None:
        """Hang up; an embedded engine of ours ends cleanly."""
        self.place.close()

    def _using(self, shard: int, action: Callable[[Wire], T]) -> T:
        """Do ``action`` on a connection to the shard's node, once."""
        node = self.place.node(shard)
        wire = node.take()
        try:
            found = action(wire)
        except (Moved, NoScript, NotReady):
            node.give(wire)
            raise
        except (StorageUnavailable, ReadOnly):
            # What ended this connection has most likely ended the others too; and of a replica, the name may by now
            # be another server's.
            node.drop(wire)
            node.close()
            raise
        except BaseException:
            # Replies may still be on their way: nobody else may read them.
            node.drop(wire)
            raise
        node.give(wire)
        return found

    def run(self, shard: int, action: Callable[[Wire], T], *, again: bool = False) -> T:
        """Do ``action`` on a connection to the shard's node.

        Repeats it until ``timeout`` while the engine says that it did nothing; with ``again`` also after a connection
        that broke, for what may be done twice.
        """
        return self._patiently(lambda: self._using(shard, action), again=again)

    def _patiently(self, action: Callable[[], T], *, again: bool) -> T:
        deadline = time.monotonic() + self.timeout
        pause = _PAUSE
        while True:
            try:
                return action()
            except StorageError as cause:
                repeatable = self._undone(cause) or (again and isinstance(cause, StorageUnavailable))
                if not repeatable or time.monotonic() + pause > deadline:
                    told = self._told(cause)
                    if told is cause:
                        raise
                    raise told from cause
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
            self.place.refresh()

    def _undone(self, reply: object) -> bool:
        """Whether nothing was done, and asking again may help."""
        if isinstance(reply, Moved | ReadOnly):
            return self.place.spread
        return isinstance(reply, NotReady | NoScript)

    def _told(self, cause: StorageError) -> StorageError:
        """An error as callers know it."""
        if isinstance(cause, Moved) and not self.place.spread:
            return StorageRefused(
                f'this is one node of a cluster: write redis+cluster://HOST:PORT in HAILWHALE_URL ({cause.message})'
            )
        return StorageUnavailable(cause.message) if isinstance(cause, Moved | NoScript) else cause

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
            asked = [commands[i][1] for i in places]
            found = self._using(commands[places[0]][0], partial(_together, commands=asked))
            replies.update(zip(places, found, strict=True))
        return [replies[i] for i in range(len(commands))]

    def evaluate_each(
        self, name: str, calls: Mapping[int, bytes], after: Callable[[Wire, Replies], None] = _nothing
    ) -> Replies:
        """Run a script once for each of many shards, each with its own call (`evaluation`): one round trip a node.

        For each shard its reply or its error: that of one shard hides nothing of the others.  What was certainly not
        done is tried again, what may have been done is not.  ``after`` is called with what a node has replied, and may
        ask more on the same connection, and change the replies.
        """
        began = time.monotonic()
        found: Replies = {}
        left, pause = list(calls), _PAUSE
        while True:
            for shards in self._by_node(left, found):
                self._evaluate_on_node(name, {shard: calls[shard] for shard in shards}, found, after)
            undone = [shard for shard in left if self._undone(found[shard])]
            left = self._worth_waiting(left, undone, began, pause)
            if left:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            if not undone or not self._refreshed() or not left:
                break
        return {
            shard: self._told(reply) if isinstance(reply, StorageError) else reply for shard, reply in found.items()
        }

    def _worth_waiting(self, tried: Sequence[int], undone: Sequence[int], began: float, pause: float) -> list[int]:
        """Which of those that were not ready to try again.

        A shard that has been away for longer than ``timeout``, over many calls, is not waited for: the others of each
        call would wait with it.
        """
        for shard in set(tried).difference(undone):
            self._away.pop(shard, None)
        latest = time.monotonic() + pause - self.timeout
        return [shard for shard in undone if self._away.setdefault(shard, began) > latest]

    def _refreshed(self) -> bool:
        try:
            self.place.refresh()
        except HailWhaleError:
            # What was asked has its error already.
            return False
        return True

    def _by_node(self, shards: Sequence[int], found: Replies) -> list[list[int]]:
        """Shards that one node holds together; those that none does have an error instead."""
        by_node: defaultdict[str, list[int]] = defaultdict(list)
        for shard in shards:
            try:
                by_node[self.place.node(shard).address].append(shard)
            except StorageError as cause:
                found[shard] = cause
        return list(by_node.values())

    def _evaluate_on_node(
        self, name: str, calls: Mapping[int, bytes], found: Replies, after: Callable[[Wire, Replies], None]
    ) -> None:
        own: Replies = {}

        def evaluate(wire: Wire) -> None:
            _evaluate_each(wire, name, calls, own)
            after(wire, own)
            for reply in own.values():
                if isinstance(reply, ReadOnly):
                    raise reply

        try:
            self._using(next(iter(calls)), evaluate)
        except StorageError as cause:
            for shard in calls:
                own.setdefault(shard, cause)
        found.update(own)

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


def evaluation(name: str, keys: Sequence[str], args: Sequence[str | int | bytes], *, more: int = 0) -> bytes:
    """The command that runs a script of the package; so many ``more`` arguments follow (`wire.bulk`)."""
    return pack('EVALSHA', scripts.digest(name), len(keys), *keys, *args, more=more)


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


def _evaluate_each(wire: Wire, name: str, calls: Mapping[int, bytes], found: Replies) -> None:
    """Run a script for each shard in one round trip; in ``found`` is what was answered, also when the rest is lost."""
    left = dict(calls)
    for _ in range(2):
        for shard in left:
            # Once it is sent again, it counts no more that nothing was done before.
            found.pop(shard, None)
        wire.send(b''.join(left.values()))
        for shard in left:
            found[shard] = wire.reply()
        left = {shard: call for shard, call in left.items() if isinstance(found[shard], NoScript)}
        if not left:
            return
        wire.ask(pack('SCRIPT', 'LOAD', scripts.text(name)))


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
