"""The buffer: nothing is lost between the list and the counters, and nothing counts twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest

from hailwhale import Hail, HailWhale, InvalidInput, InvalidTime, Whale
from hailwhale.settings import Settings
from hailwhale.storage import shard_of
from tests.clocks import NOW, Clock
from tests.engines import Server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def both(url: str, clock: Clock) -> Iterator[HailWhale]:
    with HailWhale(url, settings=Settings.load({}), clock=clock) as both:
        yield both


def test_events_wait_until_they_are_drained_and_then_are_counted_once(both: HailWhale) -> None:
    both.hail.count(['Product', 42], {'country': 'US'}, {'revenue': '5.25'})
    both.hail.count(['Product', 42], dimension={'country': 'UK'}, metric={'revenue': 1}, at=NOW - 7_200)
    both.hail.push_many([('signup', 'UK'), {'pk': 'signup', 'metrics': ['paid']}])
    assert both.hail.waiting() == 4
    assert both.whale.pks() == []
    assert both.hail.drain() == 4
    assert (both.hail.waiting(), both.hail.drain()) == (0, 0)
    assert both.whale.total('Product', 'revenue', period='day') == 6.25
    assert both.whale.total('Product', 'revenue', ['country', 'UK'], '1h:3h') == 1
    assert both.whale.total('signup', 'paid', period='today') == 1


def test_a_drain_with_a_limit_stops_there(both: HailWhale) -> None:
    both.hail.push_many([('p', f'{i}') for i in range(10)])
    assert [both.hail.drain(4) for _ in range(4)] == [4, 4, 2, 0]
    assert both.whale.total('p', period='today') == 10


def test_a_slice_that_needs_too_many_increments_is_cut(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.hail.MAX_INCREMENTS', 50)
    both.hail.push_many([(['p', i], {'user': i}) for i in range(30)])
    assert both.hail.drain() == 30
    assert both.whale.total('p', period='today') == 30


def test_ids_count_once_within_a_slice_between_slices_and_against_direct_counting(both: HailWhale) -> None:
    both.whale.count_now('p', id='a')
    both.hail.push_many([{'pk': 'p', 'id': id} for id in ('a', 'b', 'b', 'c')])
    assert both.hail.drain(2) == 2
    both.hail.count('p', id='c')
    assert both.hail.drain() == 3
    assert both.whale.total('p', period='today') == 3


def test_what_can_never_be_counted_is_put_aside_with_its_reason_and_stops_nothing(
    both: HailWhale, clock: Clock, server: Server
) -> None:
    both.hail.count('p', at=NOW - 395 * 86_400)
    both.whale.storage.push(shard_of(('p',)), [b'not an event', b'[1, 2]'])
    both.hail.count('p')
    clock.now += 3 * 86_400
    assert both.hail.drain() == 4
    assert both.whale.total('p', period='seven') == 1
    ((node, dead),) = [(node, key) for node in server.nodes for key in node.scan_iter('*:dead')]
    lines = [json.loads(line) for line in node.lrange(dead, 0, -1)]
    assert ['older than everything' in line['reason'] for line in lines] == [True, False, False]
    assert lines[1]['event'] == 'not an event'


@pytest.mark.parametrize(
    'event',
    [
        '[["p"], [[]], "x", {"hits": 1}, null]',
        '[["p"], [[]], 1e99, {"hits": 1}, null]',
        '[["p"], [[]], 999999999999999999, {"hits": 1}, null]',
        f'[["p"], [[]], {NOW}, {{"hits": "1"}}, null]',
        f'[["p"], [[]], {NOW}, ["hits"], null]',
        f'[["p"], [[5]], {NOW}, {{"hits": 1}}, null]',
        f'[[], [[]], {NOW}, {{"hits": 1}}, null]',
        f'[["p"], [[]], {NOW}, {{"hits": 1}}, 5]',
        f'[["p"], [[]], {NOW}, {{"hits": 1}}, "\\ud800"]',
        '[' * 100_000,
    ],
)
def test_what_no_program_of_ours_has_written_stops_none_of_the_others(both: HailWhale, event: str) -> None:
    both.whale.storage.push(shard_of(('p',)), [event.encode()])
    both.hail.count('p')
    assert both.hail.drain() == 2
    assert both.whale.total('p', period='today') == 1


def test_an_event_that_could_not_be_counted_is_not_taken(both: HailWhale) -> None:
    with pytest.raises(InvalidTime):
        both.hail.count('p', at=NOW - 500 * 86_400)
    with pytest.raises(InvalidTime):
        both.hail.push_many([('p',), {'pk': 'p', 'at': 0}])
    with pytest.raises(InvalidInput, match='surrogate'):
        both.hail.count('p', id='\ud800')
    with pytest.raises(InvalidInput, match='metric and metrics'):
        both.hail.count('p', metric='a', metrics='b')
    assert both.hail.waiting() == 0


def test_drainers_that_race_count_every_event_once(both: HailWhale) -> None:
    both.hail.push_many([(['p', i % 5], {'user': i % 50}, {'cents': '0.01'}) for i in range(4_000)])
    drained: list[int] = []

    def drain() -> None:
        drained.append(both.hail.drain())

    threads = [threading.Thread(target=drain) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(drained) == 4_000
    assert both.whale.totals('p', metrics=['hits', 'cents'], period='today')['today']['_'] == {
        'hits': 4_000,
        'cents': 40,
    }


def test_the_class_uses_the_default_whale(url: str) -> None:
    whale = Whale(url, settings=Settings.load({}))
    Whale.use(whale)
    try:
        Hail.count('p')
        assert Hail.drain() == 1
        assert Whale.total('p', period='today') == 1
    finally:
        Whale.use(None)
        Hail.use(None)
        whale.close()
