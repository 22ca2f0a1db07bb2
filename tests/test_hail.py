"""The buffer: nothing is lost between the list and the counters, and nothing counts twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from itertools import islice

import pytest

from hailwhale import Hail, HailWhale, InvalidInput, InvalidTime, Whale
from hailwhale.counter import Read
from hailwhale.metrics import MICROS_PER_UNIT
from hailwhale.settings import Settings
from hailwhale.storage import shard_of
from hailwhale.storage.commits import Commit
from hailwhale.tally import Subject
from tests.clocks import NOW, Clock
from tests.engines import Server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def both(url: str, clock: Clock) -> Iterator[HailWhale]:
    with HailWhale(url, settings=Settings.load({}), clock=clock) as both:
        yield both


def put_aside(server: Server) -> list[dict[str, str]]:
    """The dead events of the only shard that has any."""
    ((node, key),) = [(node, key) for node in server.nodes for key in node.scan_iter('*:dead')]
    return [json.loads(line) for line in node.lrange(key, 0, -1)]


def fill(whale: Whale, pk: str) -> None:
    """Bring the hits of a pk, and those of today's buckets, to the end of their range."""
    subject, most = Subject((pk,), ((),)), (2**63 - 1) * MICROS_PER_UNIT
    reads = [Read(subject, NOW, {'hits': most}, None)]
    assert whale.storage.commit(whale.counter.sum(shard_of((pk,)), reads, NOW), now=NOW)


def neighbours(pk: str, count: int) -> list[str]:
    """Other pks of the same shard."""
    names = (f'n{number}' for number in range(10**6))
    return list(islice((name for name in names if shard_of((name,)) == shard_of((pk,))), count))


def strangers(pk: str, count: int) -> list[str]:
    """Pks of other shards, each of its own, which come after that of ``pk``."""
    by_shard = {shard_of((f's{number}',)): f's{number}' for number in range(2_000)}
    return [by_shard[shard] for shard in sorted(by_shard) if shard > shard_of((pk,))][:count]


def watched(whale: Whale, monkeypatch: pytest.MonkeyPatch, before: Callable[[Commit], object]) -> list[Commit]:
    """Every commit from now on, in order; ``before`` is called with each."""
    commits: list[Commit] = []
    original = whale.storage.commit

    def commit(commit: Commit, *, now: int) -> bool:
        before(commit)
        commits.append(commit)
        return original(commit, now=now)

    monkeypatch.setattr(whale.storage, 'commit', commit)
    return commits


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
    lines = put_aside(server)
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
        f'[["p"], [[]], {NOW}, {{"hits": {10**22}}}, null]',
        f'[["p"], [[]], {NOW}, {{"hits": {-(10**90)}}}, null]',
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


def test_a_full_counter_stops_neither_its_shard_nor_the_others(both: HailWhale, server: Server) -> None:
    first, second = neighbours('p', 2)
    (stranger,) = strangers('p', 1)
    fill(both.whale, 'p')
    both.hail.push_many([first] for _ in range(20))
    both.hail.push_many([{'pk': 'p', 'id': 'one'}, [second], {'pk': 'p', 'id': 'two'}, [first], [stranger]])
    assert both.hail.drain() == 25
    assert (both.hail.waiting(), both.hail.drain()) == (0, 0)
    assert [both.whale.total(pk, period='today') for pk in (first, second, stranger)] == [21, 1, 1]
    assert both.whale.total('p', period='today') == 2**63 - 1
    lines = put_aside(server)
    assert [json.loads(line['event'])[-1] for line in lines] == ['one', 'two']
    assert all('would overflow' in line['reason'] for line in lines)


def test_a_flood_at_a_full_counter_costs_few_commits_an_event(
    both: HailWhale, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(both.whale, 'p')
    both.hail.push_many(['p'] for _ in range(100))
    commits = watched(both.whale, monkeypatch, lambda _: None)
    assert both.hail.drain() == 100
    assert len(put_aside(server)) == 100
    assert len(commits) < 320


def test_an_event_that_another_drainer_took_meanwhile_condemns_none_behind_it(
    both: HailWhale, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (neighbour,) = neighbours('p', 1)
    fill(both.whale, 'p')
    both.hail.push_many([['p'], [neighbour]])
    storage = both.whale.storage
    waiting, rooms = storage.waiting, []

    def overtaken(shard: int, limit: int) -> tuple[str | None, list[bytes]]:
        rooms.append(limit)
        if rooms == [2, 1, 1]:
            assert Hail(both.whale).drain(1) == 1
        return waiting(shard, limit)

    monkeypatch.setattr(storage, 'waiting', overtaken)
    assert both.hail.drain() == 1
    assert both.whale.total(neighbour, period='today') == 1
    assert [json.loads(line['event'])[0] for line in put_aside(server)] == [['p']]


def test_shards_are_drained_by_turns(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.hail.SLICE', 4)
    (stranger,) = strangers('p', 1)
    both.hail.push_many([['p'] for _ in range(10)] + [[stranger] for _ in range(6)])
    commits = watched(both.whale, monkeypatch, lambda _: None)
    assert both.hail.drain() == 16
    flooded, other = shard_of(('p',)), shard_of((stranger,))
    assert [(one.shard, one.events) for one in commits] == [
        (flooded, 4),
        (other, 4),
        (flooded, 4),
        (other, 2),
        (flooded, 2),
    ]


@pytest.mark.parametrize(('limit', 'shares'), [(9, [3, 3, 3]), (10, [4, 3, 3]), (2, [1, 1, 0]), (18, [10, 5, 3])])
def test_a_limit_is_shared_however_long_the_first_list_is(both: HailWhale, limit: int, shares: list[int]) -> None:
    pks = ['p', *strangers('p', 2)]
    both.hail.push_many([pk] for pk, count in zip(pks, (50, 5, 3), strict=True) for _ in range(count))
    assert both.hail.drain(limit) == limit
    assert [both.whale.total(pk, period='today') for pk in pks] == shares


def test_a_drain_ends_while_somebody_goes_on_pushing(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.hail.SLICE', 2)
    pks = ['p', *strangers('p', 1)]
    both.hail.push_many([pk] for pk in pks for _ in range(5))
    watched(both.whale, monkeypatch, lambda _: both.hail.push_many([pk] for pk in pks for _ in range(2)))
    assert both.hail.drain() == 10
    assert [both.whale.total(pk, period='today') for pk in pks] == [5, 5]
    assert both.hail.waiting() == 6 * 4


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
