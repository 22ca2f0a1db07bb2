"""Whoever drains or pushes is killed, cut off or overtaken at every command; everything is counted once."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random

import pytest

from tests.killing.ledger import Sale, Verdict, audit, few, flood, sales
from tests.killing.proxy import KINDS, Fault
from tests.killing.rounds import Arena, commands_of, drain_round, points, push_round

EVENTS = few(Random(7))
WITH_IDS = [sale for sale in EVENTS if sale.id]


def failures(verdicts: dict[Fault, Verdict]) -> dict[Fault, tuple[str, list[str]]]:
    """The points at which something was lost, doubled or halved."""
    return {fault: (str(verdict), verdict.wrong) for fault, verdict in verdicts.items() if not verdict.good}


def drained(
    arena: Arena,
    act: str,
    *,
    some: int | None = None,
    events: Sequence[Sale] = EVENTS,
    poisoned: bool = False,
    kinds: Sequence[str] = KINDS,
) -> dict[Fault, Verdict]:
    """What came of a drainer's fate at every fault point, or at some of them."""

    def prepare() -> None:
        arena.push(events)
        if poisoned:
            arena.poison()

    faults = points(commands_of(arena, prepare, 'drain'), some=some, kinds=kinds)
    return {fault: drain_round(arena, fault, act, events, poisoned=poisoned) for fault in faults}


def pushed(
    arena: Arena, act: str, events: Sequence[Sale], *, tries: int = 1, some: int | None = None
) -> dict[Fault, Verdict]:
    """What came of a pusher's."""
    given = [sale.given for sale in events]
    faults = points(commands_of(arena, lambda: None, 'push', events=given), some=some)
    return {fault: push_round(arena, fault, act, events, tries=tries) for fault in faults}


@pytest.mark.parametrize(('careless', 'harm'), [('forget', 'doubled'), ('hasten', 'lost')])
def test_the_books_show_what_a_careless_drain_loses_and_doubles(redis_arena: Arena, careless: str, harm: str) -> None:
    def prepare() -> None:
        for sale in EVENTS:
            engine.ask(0, 'RPUSH', 'careless', json.dumps({**sale.given, 'id': None}))

    engine = redis_arena.hail.whale.storage.engine
    found: set[str] = set()
    for fault in points(commands_of(redis_arena, prepare, careless), some=30):
        redis_arena.empty()
        prepare()
        redis_arena.run(careless, fault)
        redis_arena.run(careless)
        verdict = audit(redis_arena.server, EVENTS)
        found |= {name for name in ('lost', 'doubled') if getattr(verdict, name)}
    assert found == {harm}


def test_a_drainer_killed_at_any_command_loses_and_doubles_nothing(embedded_arena: Arena) -> None:
    # Killed after one command or before the next, it is all the same to the engine.
    verdicts = drained(embedded_arena, 'kill', kinds=['before'])
    assert embedded_arena.kills >= 200
    assert failures(verdicts) == {}


def test_a_drainer_killed_on_any_engine_loses_and_doubles_nothing(arena: Arena) -> None:
    assert failures(drained(arena, 'kill', some=20, events=sales(Random(8), 40, ids=0.3, alike=0.3))) == {}


def test_a_drainer_cut_off_at_any_command_loses_and_doubles_nothing(redis_arena: Arena) -> None:
    assert failures(drained(redis_arena, 'cut', some=100)) == {}


def test_a_drainer_cut_off_on_any_engine_loses_and_doubles_nothing(arena: Arena) -> None:
    assert failures(drained(arena, 'cut', some=20)) == {}


def test_a_drainer_overtaken_at_any_command_loses_and_doubles_nothing(redis_arena: Arena) -> None:
    assert failures(drained(redis_arena, 'overtake', some=100)) == {}


def test_a_drainer_overtaken_and_killed_on_any_engine_loses_and_doubles_nothing(arena: Arena) -> None:
    assert failures(drained(arena, 'fight', some=20)) == {}


@pytest.mark.parametrize(('act', 'first'), [('kill', 0), ('fight', 1)])
def test_a_flood_that_is_put_in_order_before_it_is_drained_loses_and_doubles_nothing(
    redis_arena: Arena, act: str, first: int
) -> None:
    def prepare() -> None:
        redis_arena.push(events)
        # Sent again: each id counts once, whichever of its events comes first.
        redis_arena.push(again)

    events = flood(Random(1))
    again = [sale for sale in events if sale.id]
    commands_of(redis_arena, prepare, 'drain')
    ordered = [at for at, name in enumerate(redis_arena.proxy.names, 1) if name in ('RPUSH', 'LPUSH')]
    assert ordered
    around = [Fault(kind, at) for at in (ordered[0], ordered[-1] + 1, ordered[-1] + 2) for kind in KINDS]
    for fault in around[first::6]:
        redis_arena.empty()
        prepare()
        redis_arena.run('drain', fault, act)
        redis_arena.drain()
        verdict = audit(redis_arena.server, events)
        assert verdict.good, (fault, str(verdict), verdict.wrong)


def test_poison_is_put_aside_once_wherever_a_drainer_is_killed(redis_arena: Arena) -> None:
    assert failures(drained(redis_arena, 'kill', some=50, poisoned=True)) == {}


def test_poison_is_put_aside_once_by_drainers_that_fight(arena: Arena) -> None:
    assert failures(drained(arena, 'fight', some=15, poisoned=True)) == {}


def test_what_a_killed_pusher_was_not_told_is_counted_once_or_not_at_all(redis_arena: Arena) -> None:
    verdicts = pushed(redis_arena, 'kill', EVENTS)
    assert failures(verdicts) == {}
    assert {verdict.counted + verdict.besides for verdict in verdicts.values()} >= {0, len(EVENTS)}


def test_events_with_ids_that_are_pushed_until_acknowledged_count_once(arena: Arena) -> None:
    killed, cut = (pushed(arena, act, WITH_IDS, tries=20, some=20) for act in ('kill', 'cut'))
    verdicts = {**killed, **{Fault(f'{kind}, cut', at): verdict for (kind, at), verdict in cut.items()}}
    assert failures(verdicts) == {}
    assert {verdict.counted for verdict in verdicts.values()} == {len(WITH_IDS)}
