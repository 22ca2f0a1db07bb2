"""Three masters with a replica each: masters are killed and deposed while many push and drain."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from redis import Redis

from hailwhale import StorageUnavailable
from hailwhale.storage import shard_of
from tests import engines
from tests.engines import Process, Server
from tests.killing.ledger import SETTINGS, Verdict, audit, few, sales
from tests.killing.nursery import Nursery
from tests.killing.rounds import Arena, Pusher, arena_of

#: Seconds for which a master that dies may have told its clients and not yet its replica; generous, on one machine.
WINDOW = 1.0
REPLICAS: dict[str, Any] = {'replicas': 1}


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[list[Process]]:
    with engines.replicated_cluster(tmp_path) as found:
        yield found


def arena_at(processes: list[Process], nursery: Nursery) -> Any:
    url = 'redis+cluster://' + ','.join(f'127.0.0.1:{each.port}' for each in processes)
    return arena_of(Server(url, tuple(each.node for each in processes)), nursery)


def masters(processes: list[Process]) -> list[Redis]:
    """The connections to those that live and hold slots."""
    living = [each.node for each in processes if each.lives]
    return [node for node in living if node.info('replication')['role'] == 'master']


def disturbed(
    arena: Arena, strikes: Sequence[Callable[[], object]], directory: Path, settings: dict[str, Any]
) -> tuple[list[Pusher], list[float]]:
    """Two push and two drain while the cluster is struck; when it was."""
    dice, given = Random(6), {'settings': SETTINGS | settings}
    pushers = [
        Pusher(
            arena, sales(dice, count, ids=ids, first=first, plain=True), directory / f'log {first}', batch=4, **given
        )
        for ids, first, count in ((1.0, 0, 1_500), (0.0, 1_500, 1_500))
    ]
    drainers = [arena.start('drain_on', direct=True, **given) for _ in range(2)]
    moments = []
    for strike in strikes:
        time.sleep(0.15)
        moments.append(time.time())
        strike()
    for pusher in pushers:
        pusher.child.wait()
        assert pusher.child.said.get('did'), pusher.child.said
    for drainer in drainers:
        drainer.kill()
    return pushers, moments


def judged(processes: list[Process], arena: Arena, pushers: list[Pusher]) -> Verdict:
    """What the masters of now have, against what was acknowledged."""
    engines.until(lambda: len(masters(processes)) == 3, 'there are three masters')
    engines.until(lambda: all(map(engines.is_whole, masters(processes))), 'they hold all slots')
    arena.drain()
    parted = [pusher.parted() for pusher in pushers]
    sure, unsure = [[sale for part in parts for sale in part] for parts in zip(*parted, strict=True)]
    return audit(Server('', tuple(masters(processes))), sure, unsure)


def failover(how: str, process: Process) -> Callable[[], None]:
    """A replica takes the place of its master: in agreement with it, or without asking anybody."""

    def strike() -> None:
        process.node.execute_command('CLUSTER', 'FAILOVER', *([how] if how else []))
        engines.until(lambda: process.node.info('replication')['role'] == 'master', 'the replica has become a master')

    return strike


def kill_and_restart(processes: list[Process], place: int) -> Callable[[], None]:
    """A master dies, the cluster elects its replica by itself, and the dead one comes back as a replica."""

    def strike() -> None:
        processes[place].kill()
        replica = processes[3 + place].node
        engines.until(lambda: replica.info('replication')['role'] == 'master', 'the replica has been elected')
        processes[place].start()

    return strike


def kill_and_take_over(processes: list[Process], place: int) -> Callable[[], None]:
    def strike() -> None:
        processes[place].kill()
        failover('TAKEOVER', processes[3 + place])()

    return strike


def test_with_a_replica_that_must_have_it_what_was_acknowledged_outlives_a_killed_master(
    processes: list[Process], nursery: Nursery, tmp_path: Path
) -> None:
    with arena_at(processes, nursery) as arena:
        strikes = [failover('', processes[4]), kill_and_restart(processes, 0), kill_and_restart(processes, 2)]
        pushers, _ = disturbed(arena, strikes, tmp_path, REPLICAS)
        verdict = judged(processes, arena, pushers)
        assert verdict.good, (str(verdict), verdict.wrong)
        assert verdict.acknowledged > 1_500


def test_without_it_only_the_last_moments_of_a_killed_master_are_lost_and_nothing_is_doubled(
    processes: list[Process], nursery: Nursery, tmp_path: Path
) -> None:
    with arena_at(processes, nursery) as arena:
        strikes = [kill_and_take_over(processes, 0), kill_and_take_over(processes, 1)]
        pushers, moments = disturbed(arena, strikes, tmp_path, {})
        verdict = judged(processes, arena, pushers)
        assert (verdict.doubled, verdict.wrong) == (0, [])
        told = {sale: moment for pusher in pushers for sale, moment in pusher.moments().items()}
        early = [sale for sale in verdict.missing if not any(abs(told[sale] - moment) < WINDOW for moment in moments)]
        assert early == []


def test_what_a_replica_had_not_heard_of_when_its_master_died_is_lost_whole_and_what_it_had_counts_once(
    processes: list[Process], nursery: Nursery
) -> None:
    with arena_at(processes, nursery) as arena:
        events = sales(Random(9), 60, ids=0.5, plain=True, pks=[['signup']])
        slot = arena.server.nodes[0].execute_command('CLUSTER', 'KEYSLOT', f'{shard_of(("signup",))}')
        place = next(place for place in range(3) if slot < engines.SLOTS * (place + 1) // 3)
        master, replica = processes[place], processes[3 + place]
        arena.push(events[:40])
        arena.hail.drain(20)
        assert master.node.wait(1, 5_000) == 1
        # A replica that stands still, and has nothing in its ears.
        replica.signal(signal.SIGSTOP)
        master.node.execute_command('CLIENT', 'KILL', 'TYPE', 'replica')
        arena.push(events[40:])
        assert arena.hail.drain() == 40
        careful = arena.hail_at(events[0].at, timeout=0.3, replicas=1)
        with pytest.raises(StorageUnavailable, match='replica'):
            careful.push_many([sale.given for sale in events[40:50]])
        careful.whale.close()
        master.kill()
        replica.signal(signal.SIGCONT)
        failover('TAKEOVER', replica)()
        engines.until(lambda: all(map(engines.is_whole, masters(processes))), 'the replica holds its slots')
        again = arena.hail_at(events[0].at)
        assert again.drain() == 20
        again.whale.close()
        verdict = audit(Server('', tuple(masters(processes))), events[:40], events[40:])
        assert verdict.good, (str(verdict), verdict.wrong)
        assert verdict.besides == 0


def test_a_master_deposed_by_agreement_loses_nothing_and_one_deposed_by_force_its_last_moments(
    processes: list[Process], nursery: Nursery, tmp_path: Path
) -> None:
    with arena_at(processes, nursery) as arena:
        strikes = [failover('', processes[3]), failover('', processes[4]), failover('TAKEOVER', processes[5])]
        pushers, moments = disturbed(arena, strikes, tmp_path, {})
        verdict = judged(processes, arena, pushers)
        assert (verdict.doubled, verdict.wrong) == (0, [])
        told = {sale: moment for pusher in pushers for sale, moment in pusher.moments().items()}
        assert [sale for sale in verdict.missing if abs(told[sale] - moments[2]) > WINDOW] == []


def test_an_event_that_too_few_replicas_have_is_not_acknowledged(processes: list[Process], nursery: Nursery) -> None:
    with arena_at(processes, nursery) as arena:
        events = few(Random(7))
        for replica in processes[3:]:
            replica.kill()
        careful = arena.hail_at(events[0].at, timeout=0.3, replicas=1)
        with pytest.raises(StorageUnavailable, match='replica'):
            careful.push_many([sale.given for sale in events])
        careful.whale.close()
        arena.drain()
        verdict = audit(Server('', tuple(masters(processes))), (), events)
        assert (verdict.doubled, verdict.wrong) == (0, [])
