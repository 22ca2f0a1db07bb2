"""The buffer: nothing is lost between the list and the counters, and nothing counts twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale import (
    Hail,
    HailWhale,
    InvalidInput,
    InvalidTime,
    LimitExceeded,
    StorageRefused,
    StorageUnavailable,
    Whale,
)
from hailwhale.counter import Read
from hailwhale.draining import Drained
from hailwhale.errors import BacklogFull
from hailwhale.metrics import MICROS_PER_UNIT
from hailwhale.paths import dimension_nodes
from hailwhale.settings import Settings
from hailwhale.storage import Arrival, shard_of
from hailwhale.storage.commits import Commit
from hailwhale.tally import Subject
from tests.clocks import NOW, Clock
from tests.engines import Server, until
from tests.models import DictWhale
from tests.storage.stores import at_once


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def both(url: str, clock: Clock) -> Iterator[HailWhale]:
    with HailWhale(url, settings=Settings.load({}), clock=clock) as both:
        yield both


def push(whale: Whale, *texts: bytes, pk: str = 'p') -> None:
    """Have texts wait that nobody has checked."""
    shard = shard_of((pk,))
    assert whale.storage.push({shard: [Arrival(text) for text in texts]}) == {shard: [True] * len(texts)}


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

    def commit(commit: Commit, **more: Any) -> bool:
        before(commit)
        if not commit.ordered:
            commits.append(commit)
        return original(commit, **more)

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
    monkeypatch.setattr('hailwhale.draining.INCREMENTS', 50)
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
    both: HailWhale, clock: Clock
) -> None:
    both.hail.count('p', at=NOW - 395 * 86_400)
    push(both.whale, b'not an event', b'\xff\r\n$5\r\n\xfe', b'')
    both.hail.count('p')
    clock.now += 3 * 86_400
    assert both.hail.drain() == 5
    assert both.whale.total('p', period='seven') == 1
    late, *others = sorted(both.hail.dead(), key=lambda one: 'older than everything' not in one['reason'])
    assert 'older than everything' in late['reason']
    assert {one['event'] for one in others} == {'not an event', '', '\ufffd\r\n$5\r\n\ufffd'}
    assert all('not a waiting event' in one['reason'] and one['at'] == clock.now * 1_000 for one in others)


def test_what_was_put_aside_can_wait_again_to_the_byte(both: HailWhale) -> None:
    push(both.whale, b'\xff', f'{NOW}\tp\t\thits 1000000'.encode())
    assert both.hail.drain() == 2
    assert both.hail.dead_again() == 1
    assert both.hail.dead() == []
    assert both.whale.storage.waiting(shard_of(('p',)), 9)[1] == [b'\xff']


def test_an_event_that_was_accepted_is_counted_after_the_clock_was_put_back(both: HailWhale, clock: Clock) -> None:
    both.hail.count('p', at=NOW + 3_600)
    clock.now -= 2 * 86_400
    assert both.hail.drain() == 1
    assert both.hail.dead() == []
    clock.now += 2 * 86_400 + 3_600
    assert both.whale.total('p', period='hour') == 1


@pytest.mark.parametrize(
    'event',
    [
        'x\tp\t\thits 1',
        '1e9\tp\t\thits 1',
        '999999999999999999\tp\t\thits 1',
        f' {NOW}\tp\t\thits 1',
        f'{NOW}\tp\t\thits x',
        f'{NOW}\tp\t\thits',
        f'{NOW}\tp\t\t',
        f'{NOW}\tp\t\thits 1 hits 1',
        f'{NOW}\tp\t\th/ts 1',
        f'{NOW}\tp\t\thits {10**22}',
        f'{NOW}\tp\t\thits {-(10**90)}',
        f'{NOW}\tp\tb/a\thits 1',
        f'{NOW}\tp\ta b a\thits 1',
        f'{NOW}\tp\ta  b\thits 1',
        f'{NOW}\tp\t%6\thits 1',
        f'{NOW}\t\t\thits 1',
        f'{NOW}\tp//x\t\thits 1',
        f'{NOW}\tneighbour\t\thits 1',
        f'{NOW}\tp\t\thits 1\t%',
        f'{NOW}\tp\t\thits 1\t' + 'x' * 257,
        f'{NOW}\tp\t\thits 1\tid\tmore',
        f'{NOW}\tp\t{" ".join(map(str, range(5_000)))}\thits 1',
        f'{NOW}\tp/{"x" * 1_000_000}\t\thits 1',
    ],
)
def test_what_no_program_of_ours_has_written_stops_none_of_the_others(both: HailWhale, event: str) -> None:
    push(both.whale, event.encode())
    both.hail.count('p')
    assert both.hail.drain() == 2
    assert both.whale.total('p', period='today') == 1
    (dead,) = both.hail.dead()
    assert dead['event'] == event


def test_a_full_counter_stops_neither_its_shard_nor_the_others(both: HailWhale) -> None:
    first, second = neighbours('p', 2)
    (stranger,) = strangers('p', 1)
    fill(both.whale, 'p')
    both.hail.push_many([first] for _ in range(20))
    both.hail.push_many([{'pk': 'p', 'id': 'one'}, [second], {'pk': 'p', 'id': 'two'}, [first], [stranger]])
    assert both.hail.drain() == 25
    assert (both.hail.waiting(), both.hail.drain()) == (0, 0)
    assert [both.whale.total(pk, period='today') for pk in (first, second, stranger)] == [21, 1, 1]
    assert both.whale.total('p', period='today') == 2**63 - 1
    lines = both.hail.dead()
    assert sorted(line['event'].split('\t')[-1] for line in lines) == ['one', 'two']
    assert all('would overflow' in line['reason'] for line in lines)


def test_a_flood_at_a_full_counter_costs_few_commits(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(both.whale, 'p')
    both.hail.push_many(['p'] for _ in range(100))
    commits = watched(both.whale, monkeypatch, lambda _: None)
    assert both.hail.drain() == 100
    assert len(both.hail.dead()) == 100
    assert len(commits) < 20


def test_a_slice_that_another_drainer_took_meanwhile_is_counted_once(
    both: HailWhale, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.hail.push_many([(['p', i % 7], {'user': i}) for i in range(50)])
    taken: list[int] = []

    def overtake(_: Commit) -> None:
        if not taken:
            taken.append(0)
            taken.append(Hail(both.whale).drain(20))

    watched(both.whale, monkeypatch, overtake)
    assert both.hail.drain() + taken[1] == 50
    assert both.whale.total('p', period='today') == 50
    assert both.hail.dead() == []


def test_an_event_that_another_drainer_took_meanwhile_condemns_none_behind_it(
    both: HailWhale, monkeypatch: pytest.MonkeyPatch
) -> None:
    (neighbour,) = neighbours('p', 1)
    fill(both.whale, 'p')
    both.hail.push_many([['p'], [neighbour]])
    sizes: list[int] = []

    def overtake(commit: Commit) -> None:
        sizes.append(len(commit.taken))
        if sizes == [2, 1]:
            assert Hail(both.whale).drain(1) == 1

    watched(both.whale, monkeypatch, overtake)
    assert both.hail.drain() == 1
    assert both.whale.total(neighbour, period='today') == 1
    assert [one['event'].split('\t')[1] for one in both.hail.dead()] == ['p']


def test_shards_are_drained_by_turns(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.draining.WINDOW', 4)
    monkeypatch.setattr('hailwhale.draining.FIRST', 4)
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


def test_no_shard_waits_for_ever_for_small_limits(both: HailWhale) -> None:
    pks = ['p', *strangers('p', 2)]
    both.hail.push_many([pk] for pk in pks for _ in range(3))
    assert [both.hail.drain(1) for _ in range(9)] == [1] * 9
    assert [both.whale.total(pk, period='today') for pk in pks] == [3, 3, 3]
    both.hail.push_many([pk] for pk in pks for _ in range(2))
    assert [both.hail.drain(1) for _ in range(3)] == [1] * 3
    assert [both.whale.total(pk, period='today') for pk in pks] == [4, 4, 4]


def test_where_many_wait_those_of_one_pk_are_counted_together(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.draining.INCREMENTS', 600)
    monkeypatch.setattr('hailwhale.draining.FIRST', 10)
    both.hail.push_many([(['p', i % 50], {'half': i % 2}, {'cents': '0.01'}) for i in range(2_000)])
    commits = watched(both.whale, monkeypatch, lambda _: None)
    assert both.hail.drain() == 2_000
    assert both.whale.totals('p', metrics=['hits', 'cents'], period='today')['today']['_'] == {
        'hits': 2_000,
        'cents': 20,
    }
    assert [both.whale.total(['p', i], period='today') for i in range(50)] == [40] * 50
    # Without an order all fifty would be in nearly every slice.
    assert len(commits) > 5
    assert sum(len(commit.pks) - 1 for commit in commits) < 25 * len(commits)


def test_what_cannot_be_put_in_order_is_counted_as_it_comes(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.draining.FIRST', 10)

    def refuse(commit: Commit) -> None:
        if commit.ordered:
            raise StorageRefused('full')

    both.hail.push_many([['p', 9 - i % 10] for i in range(500)])
    watched(both.whale, monkeypatch, refuse)
    assert both.hail.drain() == 500
    assert both.whale.total('p', period='today') == 500


def test_a_list_that_others_put_in_order_meanwhile_is_read_again(
    both: HailWhale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('hailwhale.draining.FIRST', 10)
    both.hail.push_many([['p', 9 - i % 10] for i in range(500)])
    others: list[int] = []

    def overtake(commit: Commit) -> None:
        if commit.ordered and not others:
            others.append(0)
            others.append(Hail(both.whale).drain(100))

    watched(both.whale, monkeypatch, overtake)
    assert both.hail.drain() + others[1] == 500
    assert both.whale.total('p', period='today') == 500


def test_events_of_hundreds_of_metrics_are_added_up_in_short_slices(both: HailWhale) -> None:
    both.hail.push_many([('p', None, {f'metric {i} {j}': 1 for j in range(40)}) for i in range(60)])
    assert both.hail.drain() == 60
    assert both.whale.total('p', period='today') == 60
    assert both.whale.total('p', 'metric 59 39', period='today') == 1


def test_no_counter_moves_so_far_in_one_commit_that_it_could_pass_its_end(
    both: HailWhale, monkeypatch: pytest.MonkeyPatch
) -> None:
    both.hail.push_many([('p', None, {'bytes': 10**15 - 1}) for i in range(1_500)])
    commits = watched(both.whale, monkeypatch, lambda _: None)
    assert both.hail.drain() == 1_500
    assert max(commit.events for commit in commits) * 10**15 < 2**60
    assert both.whale.total('p', 'bytes', period='today') == 1_500 * (10**15 - 1)


@pytest.mark.parametrize(('limit', 'shares'), [(9, [3, 3, 3]), (10, [4, 3, 3]), (2, [1, 1, 0]), (18, [10, 5, 3])])
def test_a_limit_is_shared_however_long_the_first_list_is(both: HailWhale, limit: int, shares: list[int]) -> None:
    pks = ['p', *strangers('p', 2)]
    both.hail.push_many([pk] for pk, count in zip(pks, (50, 5, 3), strict=True) for _ in range(count))
    assert both.hail.drain(limit) == limit
    assert [both.whale.total(pk, period='today') for pk in pks] == shares


def test_a_drain_ends_while_somebody_goes_on_pushing(both: HailWhale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.draining.FIRST', 2)
    pks = ['p', *strangers('p', 1)]
    both.hail.push_many([pk] for pk in pks for _ in range(5))
    commits = watched(both.whale, monkeypatch, lambda _: both.hail.push_many([pk] for pk in pks for _ in range(2)))
    assert both.hail.drain() == 10
    assert [both.whale.total(pk, period='today') for pk in pks] == [5, 5]
    assert both.hail.waiting() == 4 * len(commits) > 8


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


def test_drain_tells_how_far_it_is_and_stops_between_two_slices(
    both: HailWhale, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr('hailwhale.draining.FIRST', 10)
    push(both.whale, b'rubbish')
    both.hail.push_many([['p'] for _ in range(99)])
    stopping, told = threading.Event(), list[Drained]()

    def progress(drained: Drained) -> None:
        told.append(drained)
        if len(told) == 2:
            stopping.set()

    counted = both.hail.drain(stopping=stopping, progress=progress)
    assert [one.events for one in told] == [10, counted]
    assert told[1].dead == 1
    assert told[1].rate == counted / told[1].seconds
    assert told[0].backlog >= told[1].backlog
    assert both.hail.waiting() == 100 - counted
    assert both.whale.total('p', period='today') == counted - 1


def test_nothing_is_no_rate() -> None:
    assert (Drained(0, 0, 0.0, 5).rate, Drained(0, 0, 1.0, 5).behind) == (0, 0)
    assert Drained(10, 0, 2.0, 5).behind == 1


def test_draining_forever_takes_what_comes_until_it_is_stopped(both: HailWhale) -> None:
    stopping = threading.Event()
    counted: list[int] = []
    thread = threading.Thread(target=lambda: counted.append(both.hail.drain(forever=True, stopping=stopping)))
    thread.start()
    for pk in ('p', 'q'):
        both.hail.count(pk)
        until(lambda: both.hail.waiting() == 0, 'the event is taken')
    stopping.set()
    thread.join()
    assert counted == [2]


def test_draining_forever_outlasts_an_engine_that_is_away_and_says_so_once(
    both: HailWhale, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr('hailwhale.draining._FAILED_PAUSES', (0.001, 0.002))
    both.hail.push_many([['p'] for _ in range(5)])
    backlog, away = both.whale.storage.backlog, [1, 2, 3]
    stopping = threading.Event()

    def unavailable() -> list[int]:
        if away:
            away.pop()
            raise StorageUnavailable('away')
        return backlog()

    monkeypatch.setattr(both.whale.storage, 'backlog', unavailable)
    assert both.hail.drain(forever=True, stopping=stopping, progress=lambda _: stopping.set()) == 5
    assert [record.message for record in caplog.records] == ['draining waits for the engine: away', 'draining goes on']


def test_who_watches_sees_what_comes_in_newest_first(both: HailWhale, clock: Clock) -> None:
    both.hail.count(['shop', 'tea'], {'geo': {'UK': 'Leeds'}, 'device': 'phone'}, {'price': '2.50'}, uid='u1', id='a')
    clock.now += 1
    both.hail.count(['shop', 'milk'], at=NOW - 3_600)
    clock.now += 1
    both.hail.count('blog', uid='u1')
    both.hail.drain()
    assert both.hail.spy(['shop', 'tea']) == [
        {
            'at': NOW * 1_000,
            'moment': NOW // 60 * 60,
            'pk': ['shop', 'tea'],
            'dimensions': {'geo': {'UK': 'Leeds'}, 'device': 'phone'},
            'metrics': {'price': 2.5, 'hits': 1},
            'id': 'a',
        }
    ]
    assert [one['pk'] for one in both.hail.spy('shop')] == [['shop', 'milk'], ['shop', 'tea']]
    assert [one['pk'] for one in both.hail.spy(uid='u1')] == [['blog'], ['shop', 'tea']]
    assert [one['pk'] for one in both.hail.spy('shop', uid='u1')] == [['shop', 'tea']]
    assert [one['pk'] for one in both.hail.spy(limit=2)] == [['blog'], ['shop', 'milk']]
    assert both.hail.spy(uid='nobody') == []


def test_without_spy_logs_none_is_written(url: str, clock: Clock, server: Server) -> None:
    with HailWhale(url, settings=Settings.load({}, spy='0'), clock=clock) as both:
        both.hail.count('p', uid='u')
        assert both.hail.spy('p') == []
    assert not [key for node in server.nodes for key in node.scan_iter('*:spy:*')]


@pytest.mark.parametrize('uid', ['', 'x' * 257, 5])
def test_a_visitor_has_a_name(both: HailWhale, uid: str) -> None:
    with pytest.raises(InvalidInput, match='visitor'):
        both.hail.count('p', uid=uid)
    assert both.hail.waiting() == 0


def test_what_settings_allow_goes_through_and_no_more(url: str, clock: Clock) -> None:
    with HailWhale(url, settings=Settings.load({}, max_name='4', max_backlog='2'), clock=clock) as both:
        with pytest.raises(LimitExceeded):
            both.hail.count('longer')
        with pytest.raises(LimitExceeded):
            both.hail.push_many([['longer']])
        with pytest.raises(BacklogFull):
            both.hail.push_many([['p']] * 3)
        both.hail.push_many([['p']] * 2)
        with pytest.raises(BacklogFull):
            both.hail.count('p')
        assert both.hail.drain() == 2


EVENTS = st.lists(
    st.fixed_dictionaries(
        {
            'pk': st.lists(st.sampled_from('abc'), min_size=1, max_size=3),
            'dimensions': st.dictionaries(st.sampled_from('xy'), st.sampled_from('12'), max_size=2),
            'metrics': st.dictionaries(
                st.sampled_from(['cents', 'bytes']), st.sampled_from(['0.01', '-2', '0', '5000000000.5']), max_size=2
            ),
            'at': st.sampled_from([NOW, NOW - 60, NOW - 7_200, NOW - 3 * 86_400]),
            'id': st.none() | st.sampled_from(['one', 'two', 'three']),
        }
    ),
    max_size=30,
)


@given(events=EVENTS, first=st.integers(1, 8), increments=st.sampled_from([1, 60, 500]), drainers=st.integers(1, 2))
@settings(max_examples=10)
def test_whatever_the_slices_and_however_many_drain_all_is_counted_once(
    server: Server, events: list[dict[str, Any]], first: int, increments: int, drainers: int
) -> None:
    server.empty()
    model = DictWhale()
    # One id is one event, wherever it is pushed.
    named = {event['id']: event for event in reversed(events)}
    events = [named[event['id']] if event['id'] else event for event in events]
    with (
        pytest.MonkeyPatch.context() as patch,
        HailWhale(server.url, settings=Settings.load({}), clock=Clock()) as both,
    ):
        patch.setattr('hailwhale.draining.FIRST', first)
        patch.setattr('hailwhale.draining.INCREMENTS', increments)
        assert both.hail.push_many(events) == len(events)
        drained: list[int] = []
        at_once(drainers, lambda _: drained.append(Hail(both.whale).drain()))
        assert sum(drained) == len(events)
        assert both.hail.dead() == []
        for event in events:
            metrics = {name: Fraction(amount) for name, amount in event['metrics'].items()}
            model.count(tuple(event['pk']), dimension_nodes(event['dimensions']), metrics, event['at'], event['id'])
        for (pk, node, metric), counted in model.counted.items():
            for period in ('1m:1d', '1h:31d', '1d:1mo'):
                amounts = both.whale.plotpoints(pk, list(node), metric, period, points='ms')
                (found,) = amounts.values()
                assert sum(Fraction(str(amount)) for _, amount in found[metric] if amount) == sum(
                    amount for at, amount in counted if period != '1m:1d' or at > NOW - 80_000
                )


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
