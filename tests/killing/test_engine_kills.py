"""The engine itself is killed, and started again on what it had written."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from redis import Redis

from hailwhale import StorageUnavailable
from tests import engines
from tests.engines import Process, Server
from tests.killing.ledger import audit, few, sales
from tests.killing.nursery import Nursery
from tests.killing.rounds import Arena, Pusher, arena_of, commands_of, points

EVENTS = few(Random(7))
#: For how long an engine that syncs once a second holds back what it has answered, while it syncs: its source says 2 s.
WINDOW = 2.1


@pytest.fixture
def durable(tmp_path: Path) -> Iterator[Process]:
    """A Redis server that has written, and synced, whatever it answers."""
    (port,) = engines.free_ports(1)
    options = ('--appendonly', 'yes', '--appendfsync', 'always')
    with Process(engines.redis_binary(), tmp_path, port, None, *options) as process:
        yield process


@pytest.fixture
def durable_arena(durable: Process, nursery: Nursery) -> Iterator[Arena]:
    with arena_of(Server(f'redis://127.0.0.1:{durable.port}/0', (durable.node,)), nursery) as arena:
        yield arena


def killed_under_load(
    arena: Arena, kill: Callable[[], object], kills: int, directory: Path, dice: Random
) -> tuple[list[Pusher], list[float]]:
    """Two push and one drains while the engine is killed again and again; when it was."""
    pushers = [
        Pusher(arena, sales(dice, 800, ids=ids, first=first, plain=True), directory / f'log {first}', batch=5)
        for ids, first in ((1.0, 0), (0.0, 800))
    ]
    drainer = arena.start('drain_on', direct=True)
    moments = []
    for _ in range(kills):
        time.sleep(0.05 + dice.random() * 0.2)
        kill()
        moments.append(time.time())
    for pusher in pushers:
        pusher.child.wait()
        assert 'did' in pusher.child.said, pusher.child.said
    drainer.kill()
    arena.drain()
    return pushers, moments


def test_an_engine_that_syncs_always_loses_nothing_when_killed_under_load(
    durable: Process, durable_arena: Arena, tmp_path: Path
) -> None:
    def kill() -> None:
        durable.kill()
        durable.start()

    pushers, _ = killed_under_load(durable_arena, kill, 8, tmp_path, Random(1))
    parted = [pusher.parted() for pusher in pushers]
    verdict = audit(
        durable_arena.server, *[[sale for part in parts for sale in part] for parts in zip(*parted, strict=True)]
    )
    assert verdict.good, (str(verdict), verdict.wrong)
    assert verdict.acknowledged > 800


def test_an_engine_killed_at_any_command_of_a_drain_has_done_all_of_it_or_nothing(
    durable: Process, durable_arena: Arena
) -> None:
    def kill() -> None:
        durable.kill()
        durable.start()

    commands = commands_of(durable_arena, lambda: durable_arena.push(EVENTS), 'drain')
    for fault in points(commands, some=25):
        durable_arena.empty()
        durable_arena.push(EVENTS)
        durable_arena.run('drain', fault, kill)
        durable_arena.drain()
        verdict = audit(durable_arena.server, EVENTS)
        assert verdict.good, (fault, str(verdict), verdict.wrong)


def test_the_embedded_engine_killed_under_load_loses_at_most_its_last_moments_and_doubles_nothing(
    tmp_path: Path, nursery: Nursery
) -> None:
    with engines.embedded_server(tmp_path / 'home') as server, arena_of(server, nursery) as arena:
        (node,) = server.nodes

        def kill() -> None:
            os.kill(process_of(node), signal.SIGKILL)

        pushers, kills = killed_under_load(arena, kill, 8, tmp_path, Random(2))
        engines.until(lambda: engines.answers(node), 'the engine was started again')
        parted = [pusher.parted() for pusher in pushers]
        verdict = audit(server, *[[sale for part in parts for sale in part] for parts in zip(*parted, strict=True)])
        assert (verdict.doubled, verdict.wrong) == (0, [])
        told = {sale: moment for pusher in pushers for sale, moment in pusher.moments().items()}
        late = [sale for sale in verdict.missing if not any(kill - WINDOW < told[sale] <= kill for kill in kills)]
        assert late == []
        arena.hail.whale.close()


def process_of(node: Redis) -> int:
    """The process of an engine, as it tells itself."""
    found: int = node.info('server')['process_id']
    return found


def test_an_engine_that_is_gone_is_told_of_and_takes_no_event(durable: Process, durable_arena: Arena) -> None:
    durable_arena.push(EVENTS[:2])
    durable.kill()
    with pytest.raises(StorageUnavailable, match='is it running'):
        durable_arena.hail_at(0, timeout=0.1).push_many([EVENTS[2].given | {'at': 0}])
    durable.start()
    durable_arena.drain()
    verdict = audit(durable_arena.server, EVENTS[:2])
    assert verdict.good, (str(verdict), verdict.wrong)
