"""Drainers whose clocks jump: nothing is counted twice, and what nothing keeps is put aside with its reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

import pytest

from tests.killing.ledger import Sale, audit, few, sales
from tests.killing.rounds import Arena, points
from tests.storage.stores import KEEP, NOW, dump

HOUR, DAY, YEAR = 3_600, 86_400, 366 * 86_400
EVENTS = sales(Random(3), 60, ids=0.5, plain=True)
DAYS = KEEP[-1:]


def reasons(arena: Arena) -> list[str]:
    """Why events are dead."""
    found = [entry.value for key, entry in dump(arena.server).items() if key.endswith(':dead')]
    return [json.loads(line)['reason'] for lines in found for line in lines]


@pytest.mark.parametrize('jumps', [(HOUR, -HOUR), (DAY, 0), (0, -DAY, -HOUR), (HOUR, DAY, 0)])
def test_clocks_that_jump_within_what_is_kept_double_and_lose_nothing(arena: Arena, jumps: Sequence[int]) -> None:
    hails = [arena.hail_at(NOW + jump) for jump in jumps]
    with_ids = [sale.given for sale in EVENTS if sale.id]
    arena.push(EVENTS)
    for hail in hails * 2:
        # All that has an id is sent again and again, by clocks of every kind.
        hail.push_many(with_ids)
        hail.drain(40)
    for hail in hails * 20:
        hail.drain(40)
        hail.whale.close()
    arena.drain()
    verdict = audit(arena.server, EVENTS, keep=DAYS)
    assert verdict.good, (str(verdict), verdict.wrong)


def test_what_nothing_keeps_by_a_clock_two_years_ahead_is_put_aside_with_its_reason(arena: Arena) -> None:
    ahead = arena.hail_at(NOW + 2 * YEAR)
    arena.push(EVENTS)
    assert ahead.drain(20) == 20
    assert arena.hail.drain(20) == 20
    assert ahead.drain() == 20
    ahead.whale.close()
    told = reasons(arena)
    assert len(told) == 40
    assert all('older than everything' in each for each in told)
    verdict = audit(arena.server, (), EVENTS, dead=40)
    assert (verdict.besides, verdict.doubled, verdict.wrong) == (20, 0, [])


def test_what_was_accepted_is_counted_by_a_clock_that_has_been_put_back_two_years(arena: Arena) -> None:
    behind = arena.hail_at(NOW - 2 * YEAR)
    arena.push(EVENTS)
    assert behind.drain(20) == 20
    assert arena.hail.drain(20) == 20
    assert behind.drain() == 20
    behind.whale.close()
    verdict = audit(arena.server, EVENTS)
    assert verdict.good, (str(verdict), verdict.wrong)


def test_a_drainer_with_a_clock_of_its_own_killed_at_any_command_doubles_nothing(redis_arena: Arena) -> None:
    events = few(Random(5))
    for number, fault in enumerate(points(200, some=30)):
        redis_arena.empty()
        redis_arena.push(events)
        redis_arena.run('drain', fault, now=NOW + (HOUR, -HOUR, DAY, -DAY)[number % 4])
        redis_arena.drain()
        verdict = audit(redis_arena.server, events, keep=DAYS)
        assert verdict.good, (fault, str(verdict), verdict.wrong)


def test_events_of_every_age_are_counted_or_put_aside_and_never_just_gone(arena: Arena) -> None:
    ages = [0, 70_000, 30 * DAY, 200 * DAY, 340 * DAY, 380 * DAY, 800 * DAY]
    events = [Sale(('signup',), None, f'e{age}', 10**6, NOW - age) for age in ages]
    for sale in events:
        # Pushed in time, each of them; drained much later.
        arena.hail_at(sale.at).push_many([sale.given])
    arena.drain()
    told = reasons(arena)
    verdict = audit(arena.server, events[:-2], dead=2, keep=DAYS)
    assert verdict.good, (str(verdict), verdict.wrong)
    assert len(told) == 2
    assert all('older than everything' in each for each in told)
