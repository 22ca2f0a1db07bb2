"""What the predecessor's buffer got wrong; here beside it, each of them."""

from __future__ import annotations

from random import Random

import pytest

from hailwhale import Hail, StorageUnavailable, Whale
from hailwhale.settings import Settings
from tests import engines
from tests.killing.ledger import Sale, audit, sales
from tests.killing.proxy import Fault
from tests.killing.rounds import Arena, drain_round
from tests.storage.stores import NOW, at_once


def test_the_first_event_on_a_fresh_store_is_drained(arena: Arena) -> None:
    (first,) = sales(Random(1), 1)
    arena.push([first])
    assert arena.hail.drain() == 1
    assert audit(arena.server, [first]).good


@pytest.mark.parametrize('pks', [1, 500])
def test_of_20000_events_pushed_by_many_at_once_none_is_lost(redis_arena: Arena, pks: int) -> None:
    events = [Sale((f'pk {number % pks}',), None, 'alike', 10**6, NOW) for number in range(20_000)]

    def push(place: int) -> None:
        for first in range(place * 1_000, 20_000, 4_000):
            redis_arena.push(events[first : first + 1_000])

    at_once(4, push)
    redis_arena.drain()
    verdict = audit(redis_arena.server, events)
    assert verdict.good, (str(verdict), verdict.wrong)
    assert verdict.counted == 20_000


def test_a_poison_event_costs_no_other_event_of_its_batch(arena: Arena) -> None:
    events = sales(Random(2), 50)
    arena.push(events[:25])
    dead = arena.poison('signup') + arena.poison('shop')
    arena.push(events[25:])
    arena.drain()
    verdict = audit(arena.server, events, dead=dead)
    assert verdict.good, (str(verdict), verdict.wrong)


def test_counting_and_draining_at_once_lose_and_double_nothing(arena: Arena) -> None:
    events = sales(Random(4), 400, plain=True)

    def work(place: int) -> None:
        for first in range(place * 20, 400, 80):
            arena.push(events[first : first + 20])
            arena.hail.drain(30)

    at_once(4, work)
    arena.drain()
    verdict = audit(arena.server, events)
    assert verdict.good, (str(verdict), verdict.wrong)


def test_nobody_is_told_that_an_event_is_kept_while_the_engine_is_away() -> None:
    (port,) = engines.free_ports(1)
    away = Hail(Whale(f'redis://127.0.0.1:{port}/0', settings=Settings.load({}, timeout=0.05)))
    with pytest.raises(StorageUnavailable, match='is it running'):
        away.count('p')


def test_names_that_collided_are_told_apart_wherever_a_drainer_is_killed(arena: Arena) -> None:
    names = [('a||b', 'c'), ('a', 'b||c'), ('a', 'b', 'c'), ('a||b||c',), ('a||', 'b', '||c'), ('a%7C%7Cb', 'c')]
    events = [
        Sale(pk, place, f'e{number}', number * 10**6, NOW)
        for number, (pk, place) in enumerate((pk, (pk[0], pk[-1])) for pk in names)
    ]
    for at in (80, 150, 300):
        verdict = drain_round(arena, Fault('before', at), 'kill', events)
        assert verdict.good, (at, str(verdict), verdict.wrong)
