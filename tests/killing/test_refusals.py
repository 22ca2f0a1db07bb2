"""The engine says no: full, loading, a replica now.  Nothing is done by half, and it goes on when it may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from hailwhale import StorageRefused, StorageUnavailable
from tests import engines
from tests.engines import Process, Server
from tests.killing.ledger import SETTINGS, Verdict, audit, few, sales
from tests.killing.nursery import Nursery
from tests.killing.proxy import Fault
from tests.killing.rounds import Arena, arena_of, commands_of, points
from tests.storage.stores import NOW, configured, dump

EVENTS = few(Random(7))
MANY = sales(Random(9), 300, ids=0.3, plain=True)
#: So many that they do not fit, whatever else the engine gives back meanwhile.
MORE = sales(Random(9), 2_000, ids=0.3, plain=True)


def refused_at_every_command(arena: Arena, begin: str, end: str, *, some: int) -> Iterator[tuple[Fault, str, Verdict]]:
    """A drain that the engine begins to refuse at some command: the point, what the drain said, what came of it."""

    def order(command: str) -> None:
        for node in arena.server.nodes:
            node.execute_command(*command.split())

    for fault in points(commands_of(arena, lambda: arena.push(EVENTS), 'drain'), some=some):
        arena.empty()
        arena.push(EVENTS)
        child = arena.run('drain', fault, lambda: order(begin), settings=SETTINGS | {'timeout': 0.1})
        order(end)
        arena.drain()
        yield fault, child.said.get('message', ''), audit(arena.server, EVENTS)


@pytest.fixture(params=['embedded', 'redis'])
def one_arena(request: pytest.FixtureRequest) -> Arena:
    found = request.getfixturevalue(f'{request.param}_arena')
    assert isinstance(found, Arena)
    return found


def test_a_full_engine_refuses_pushes_and_drains_and_goes_on_when_there_is_room(arena: Arena) -> None:
    arena.push(MANY[:100])
    before = dump(arena.server)
    with configured(arena.server.nodes, 'maxmemory', 1):
        for work in (lambda: arena.push(MANY[100:]), arena.drain, lambda: arena.hail.count(**MANY[0].given)):
            with pytest.raises(StorageRefused, match='maxmemory'):
                work()
        assert dump(arena.server) == before
    arena.push(MANY[100:])
    arena.drain()
    verdict = audit(arena.server, MANY)
    assert verdict.good, (str(verdict), verdict.wrong)


def test_an_engine_that_fills_up_has_what_it_acknowledged(one_arena: Arena) -> None:
    (node,) = one_arena.server.nodes
    one_arena.push(MORE[:1])
    sure, refused = MORE[:1], []
    with configured([node], 'maxmemory', node.info('memory')['used_memory'] + 40_000):
        for sale in MORE[1:]:
            try:
                one_arena.hail.count(**sale.given)
                sure.append(sale)
            except StorageRefused:
                refused.append(sale)
        assert refused
    one_arena.drain()
    verdict = audit(one_arena.server, sure)
    assert verdict.good, (str(verdict), verdict.wrong)
    one_arena.push(refused)
    one_arena.drain()
    assert audit(one_arena.server, MORE).good


def test_an_engine_that_fills_up_at_any_command_of_a_drain_does_nothing_by_half(one_arena: Arena) -> None:
    points = refused_at_every_command(one_arena, 'CONFIG SET maxmemory 1', 'CONFIG SET maxmemory 0', some=40)
    for fault, said, verdict in points:
        assert verdict.good, (fault, str(verdict), verdict.wrong)
        assert 'maxmemory' in said or fault.kind == 'after', (fault, said)


def test_a_master_that_becomes_a_replica_at_any_command_of_a_drain_does_nothing_by_half(redis_arena: Arena) -> None:
    points = refused_at_every_command(redis_arena, 'REPLICAOF 127.0.0.1 1', 'REPLICAOF NO ONE', some=40)
    for fault, said, verdict in points:
        assert verdict.good, (fault, str(verdict), verdict.wrong)
        assert 'read only replica' in said or fault.kind == 'after', (fault, said)


def test_a_master_left_alone_at_any_command_of_a_drain_does_nothing_by_half(redis_arena: Arena) -> None:
    alone, again = (f'CONFIG SET min-replicas-to-write {count}' for count in (1, 0))
    for fault, said, verdict in refused_at_every_command(redis_arena, alone, again, some=20):
        assert verdict.good, (fault, str(verdict), verdict.wrong)
        assert 'NOREPLICAS' in said or fault.kind == 'after', (fault, said)


def test_a_replica_takes_no_event(redis_arena: Arena) -> None:
    (node,) = redis_arena.server.nodes
    redis_arena.push(EVENTS)
    node.execute_command('REPLICAOF', '127.0.0.1', '1')
    try:
        with pytest.raises(StorageRefused, match='read only replica'):
            redis_arena.push(MANY)
        with pytest.raises(StorageRefused, match='read only replica'):
            redis_arena.drain()
    finally:
        node.execute_command('REPLICAOF', 'NO', 'ONE')
    redis_arena.drain()
    verdict = audit(redis_arena.server, EVENTS)
    assert verdict.good, (str(verdict), verdict.wrong)


def test_whoever_comes_while_the_engine_loads_waits_or_is_told_so(tmp_path: Path, nursery: Nursery) -> None:
    (port,) = engines.free_ports(1)
    with (
        Process(engines.redis_binary(), tmp_path, port, None, '--appendonly', 'yes') as process,
        arena_of(Server(f'redis://127.0.0.1:{port}/0', (process.node,)), nursery) as arena,
    ):
        arena.push(MANY[:200])
        arena.drain()
        arena.push(MANY[200:280])
        process.node.bgrewriteaof()
        engines.until(lambda: not process.node.info('persistence')['aof_rewrite_in_progress'], 'its file is rewritten')
        process.kill()
        # Each key takes it a while, and between keys it looks whether somebody has come.
        process.start('--key-load-delay', '1000', '--loading-process-events-interval-bytes', '1024', ready=False)
        impatient = arena.hail_at(NOW, timeout=0.15)
        for work in (lambda: impatient.push_many([MANY[280].given]), impatient.drain):
            with pytest.raises(StorageUnavailable, match='LOADING'):
                work()
        patient = arena.hail_at(NOW)
        patient.push_many([sale.given for sale in MANY[280:]])
        patient.whale.close()
        arena.drain()
        verdict = audit(arena.server, MANY)
        assert verdict.good, (str(verdict), verdict.wrong)
        impatient.whale.close()
