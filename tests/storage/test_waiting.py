"""Events on their way: kept whole or not at all, in order, within bounds, and taken back when they were put aside."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from hailwhale.errors import BacklogFull, StorageRefused, StorageUnavailable
from hailwhale.intervals import DAY
from hailwhale.storage import SHARDS, Arrival, Bounds, Commit, Storage, Use, connect, keys
from tests.engines import Process, Server, free_ports, is_synced, redis_binary, replicated_cluster, until
from tests.killing.proxy import Fault, Proxy
from tests.storage.stores import NOW, at_once, commit, dump

NO_HOME = Path('unused')
LOG, OTHER_LOG = keys.spied_pk_key(5, 'shop'), keys.spied_uid_key(5, 'me')
Bounded = Callable[..., Storage]


@pytest.fixture
def opened() -> Iterator[Bounded]:
    """Opens stores with bounds of their own, until the test ends."""
    with ExitStack() as stack:

        def open_store(url: str, *, timeout: float = 5.0, **bounds: Any) -> Storage:
            store = connect(url, home=NO_HOME, timeout=timeout, bounds=Bounds(**bounds))
            return stack.enter_context(closing(store))

        yield open_store


@pytest.fixture
def bounded(server: Server, store: Storage, opened: Bounded) -> Bounded:  # noqa: ARG001 - which empties it
    """Opens stores on each engine in turn."""
    return partial(opened, server.url)


@pytest.fixture
def proxy(redis_url: str, redis_server: Server) -> Iterator[Proxy]:  # noqa: ARG001 - which empties it
    """What can cut connections to the Redis server anywhere."""
    (node,) = redis_server.nodes
    with closing(Proxy([('127.0.0.1', node.get_connection_kwargs()['port'])])) as found:
        yield found


def arrivals(count: int, **more: Any) -> list[Arrival]:
    return [Arrival(b'event %d' % number, 1_000 + number, **more) for number in range(count)]


def texts(some: Sequence[Arrival]) -> list[bytes]:
    return [one.text for one in some]


def all_of(store: Storage, shard: int = 5) -> list[bytes]:
    return store.waiting(shard, 1_000_000)[1]


def taking(shard: int, taken: Sequence[bytes], sequence: str | None = None, dead: Sequence[bytes] = ()) -> Commit:
    return Commit(shard, {}, commit([]).lanes, taken=taken, sequence=sequence, dead=dead)


class TestPush:
    def test_events_wait_in_the_order_they_came(self, store: Storage) -> None:
        for part in (arrivals(2), arrivals(3)):
            assert store.push({5: part}) == {5: [True] * len(part)}
        assert store.waiting(5, 3) == (None, [b'event 0', b'event 1', b'event 0'])
        assert store.waiting(5, 2, after=3) == (None, [b'event 1', b'event 2'])
        assert store.waiting(5, 2, after=5) == (None, [])
        assert store.waiting(6, 3) == (None, [])

    def test_events_of_all_shards_go_in_one_call(self, store: Storage) -> None:
        assert store.backlog() == [0] * SHARDS
        assert store.push({shard: arrivals(shard) for shard in range(SHARDS)}) == {
            shard: [True] * shard for shard in range(SHARDS)
        }
        assert store.backlog() == list(range(SHARDS))

    def test_nothing_to_push_asks_nothing(self, tmp_path: Path) -> None:
        away = connect(f'unix://{tmp_path}/none.sock', home=tmp_path)
        assert away.push({}) == {}
        assert away.push({1: []}) == {1: []}

    @pytest.mark.parametrize('used', [None, Use('once', 1, 0)])
    def test_thousands_at_once_keep_their_order(self, store: Storage, used: Use | None) -> None:
        some = arrivals(9_001, spied=(LOG,))
        assert store.push({5: [*some, Arrival(b'late', use=used), Arrival(b'later', use=used)]}) == {
            5: [True] * 9_002 + [used is None]
        }
        assert all_of(store) == [*texts(some), b'late', b'later'][: 9_003 - bool(used)]

    def test_a_push_is_one_round_trip_a_node(self, server: Server, store: Storage) -> None:
        def commands() -> int:
            return sum(node.info('stats')['total_reads_processed'] for node in server.nodes)

        some = {shard: arrivals(1) for shard in range(SHARDS)}
        store.push(some)
        # Each look at the numbers is one read of its own.
        before = commands()
        store.push(some)
        assert commands() - before <= 2 * len(server.nodes)

    @pytest.mark.parametrize('key', [keys.hits_key(5), LOG, keys.uses_key(5, 'pixel')])
    def test_what_refuses_one_shard_keeps_nothing_of_it_and_all_of_the_others(
        self, server: Server, store: Storage, key: str
    ) -> None:
        store.engine.ask(5, 'HSET', key, 'another', 'program')
        some = arrivals(3, spied=(OTHER_LOG, LOG), use=Use('pixel', 9, 0))
        before = dump(server)
        found = store.push({4: arrivals(1), 5: some, 6: arrivals(2)})
        assert (found[4], found[6]) == ([True], [True, True])
        assert isinstance(found[5], StorageRefused)
        assert 'WRONGTYPE' in found[5].message
        assert {key for key in dump(server).keys() - before.keys() if '{5}' in key} == set()

    def test_a_use_count_that_is_no_number_refuses_the_push(self, store: Storage) -> None:
        store.engine.ask(5, 'SET', keys.uses_key(5, 'pixel'), 'many')
        assert isinstance(store.push({5: arrivals(1, use=Use('pixel', 9, 0))})[5], StorageRefused)
        assert all_of(store) == []


class TestBacklog:
    def test_what_does_not_fit_is_refused_whole(self, bounded: Bounded) -> None:
        store = bounded(backlog=5)
        assert store.push({5: arrivals(3)}) == {5: [True] * 3}
        found = store.push({4: arrivals(5), 5: arrivals(3)})
        assert found[4] == [True] * 5
        assert isinstance(found[5], BacklogFull)
        assert '3 events wait in shard 5, and 5 may' in found[5].message
        assert 'HAILWHALE_MAX_BACKLOG' in found[5].message
        assert len(all_of(store)) == 3
        assert store.push({5: arrivals(2)}) == {5: [True] * 2}

    def test_there_is_room_again_when_events_were_taken(self, bounded: Bounded) -> None:
        store = bounded(backlog=2)
        store.push({5: arrivals(2)})
        assert isinstance(store.push({5: arrivals(1)})[5], BacklogFull)
        assert store.commit(taking(5, [b'event 0']), now=NOW)
        assert store.push({5: arrivals(1)}) == {5: [True]}

    def test_the_bound_is_met_to_the_event_by_many_at_once(self, bounded: Bounded) -> None:
        store = bounded(backlog=500)
        kept: list[int] = []

        def push(number: int) -> None:
            for size in [7, 5, 3, 2, 1] * 40:
                found = store.push({5: [Arrival(b'%d' % number)] * size})[5]
                assert isinstance(found, (BacklogFull, list))
                kept.append(0 if isinstance(found, BacklogFull) else len(found))

        at_once(6, push)
        assert sum(kept) == store.backlog()[5] == 500

    def test_what_was_refused_spends_no_use_and_is_not_spied(self, bounded: Bounded, server: Server) -> None:
        store = bounded(backlog=1)
        some = arrivals(2, spied=(LOG,), use=Use('pixel', 2, 0))
        assert isinstance(store.push({5: some})[5], BacklogFull)
        assert dump(server) == {}
        assert store.push({5: some[:1]}) == {5: [True]}

    def test_used_up_events_need_no_room(self, bounded: Bounded) -> None:
        store = bounded(backlog=1)
        assert store.push({5: arrivals(3, use=Use('pixel', 1, 0))}) == {5: [True, False, False]}


class TestUses:
    def test_a_pixel_is_used_as_often_as_it_may_be(self, store: Storage) -> None:
        one, two = Use('one', 1, 0), Use('two', 2, 0)
        some = [Arrival(b'%d' % place, use=use) for place, use in enumerate([two, one, None, one, two, two, None])]
        assert store.push({5: some}) == {5: [True, True, True, False, True, False, True]}
        assert all_of(store) == [b'0', b'1', b'2', b'4', b'6']
        assert store.push({5: [Arrival(b'x', use=one), Arrival(b'y')]}) == {5: [False, True]}
        assert store.push({5: [Arrival(b'x', use=one)]}) == {5: [False]}

    def test_one_pixel_with_two_bounds_is_counted_once(self, store: Storage) -> None:
        some = [Arrival(b'', use=Use('pixel', most, 0)) for most in (1, 3, 1, 3, 3)]
        assert store.push({5: some}) == {5: [True, True, False, True, False]}

    def test_many_at_once_use_it_no_more_than_it_may_be(self, store: Storage) -> None:
        kept: list[bool] = []

        def push(number: int) -> None:
            for _ in range(10):
                found = store.push({5: [Arrival(b'%d' % number, use=Use('pixel', 37, 0))]})[5]
                assert isinstance(found, list)
                kept.extend(found)

        at_once(8, push)
        assert sum(kept) == store.backlog()[5] == 37

    def test_how_often_it_was_used_is_forgotten_when_the_pixel_ends(self, server: Server, store: Storage) -> None:
        store.push({5: [Arrival(b'a', use=Use('ends', 9, NOW)), Arrival(b'b', use=Use('lasts', 9, 0))]})
        found = dump(server)
        assert found[keys.uses_key(5, 'ends')] == (b'1', NOW)
        assert found[keys.uses_key(5, 'lasts')] == (b'1', -1)

    def test_used_up_events_are_not_spied(self, store: Storage) -> None:
        store.push({5: arrivals(3, spied=(LOG,), use=Use('pixel', 2, 0))})
        assert store.spied([LOG], 9) == [b'1001\tevent 1', b'1000\tevent 0']
        assert store.push({5: arrivals(1, spied=(LOG,), use=Use('pixel', 2, 0))}) == {5: [False]}
        assert len(store.spied([LOG], 9)) == 2


class TestSpied:
    def test_the_newest_event_comes_first(self, store: Storage) -> None:
        store.push({5: [Arrival(b'a', 7, (LOG,)), Arrival(b'b', 8), Arrival(b'c', 9, (OTHER_LOG, LOG))]})
        store.push({5: [Arrival(b'd', 10, (LOG,))]})
        assert store.spied([LOG], 9) == [b'10\td', b'9\tc', b'7\ta']
        assert store.spied([LOG], 1) == [b'10\td']
        assert store.spied([OTHER_LOG], 9) == [b'9\tc']
        assert store.spied([], 9) == store.spied([keys.spied_pk_key(5, 'none')], 9) == []

    def test_logs_of_many_shards_are_one_by_time(self, store: Storage) -> None:
        logs = [keys.spied_uid_key(shard, 'me') for shard in range(SHARDS)]
        for at in range(100):
            store.push({at % 7: [Arrival(b'', at, (logs[at % 7],))]})
        assert [int(entry) for entry in store.spied(logs, 50)] == list(range(99, 49, -1))

    @pytest.mark.parametrize('sizes', [[12], [3, 1, 5, 3], [1] * 12])
    def test_a_log_holds_the_last_events(self, bounded: Bounded, sizes: Sequence[int]) -> None:
        store, some = bounded(spy=5), arrivals(12, spied=(LOG,))
        for size in sizes:
            store.push({5: some[:size]})
            some = some[size:]
        assert [int(entry[:4]) for entry in store.spied([LOG], 99)] == [1011, 1010, 1009, 1008, 1007]

    def test_a_log_of_thousands_is_filled_at_once(self, bounded: Bounded) -> None:
        store, some = bounded(spy=9_000), arrivals(9_500, spied=(LOG,))
        store.push({5: some})
        assert store.spied([LOG], 10_000) == [b'%d\t%b' % (one.at, one.text) for one in some[:499:-1]]

    def test_a_log_ends_some_time_after_its_last_event(self, bounded: Bounded) -> None:
        for kept in (90, 500):
            store = bounded(spy_kept=kept)
            store.push({5: arrivals(1, spied=(LOG,))})
            left = store.engine.ask(5, 'TTL', LOG)
            assert isinstance(left, int)
            assert kept - 60 < left <= kept

    def test_without_logs_nothing_is_spied(self, bounded: Bounded, server: Server) -> None:
        assert bounded(spy=0).push({5: arrivals(2, spied=(LOG,))}) == {5: [True, True]}
        assert dump(server).keys() == {keys.hits_key(5)}


class TestIds:
    def test_no_more_ids_than_a_day_has_room_for(self, bounded: Bounded) -> None:
        store = bounded(ids=3)
        store.engine.ask(5, 'SADD', keys.ids_key(5, NOW // DAY), 'a', 'b')
        at = 1_000 * NOW
        found = store.push({5: [Arrival(b'x', at, id=True), Arrival(b'y', at - 9, id=True), Arrival(b'z', at)]})[5]
        assert isinstance(found, StorageRefused)
        assert '2 ids of today are remembered in shard 5, and 3 may be' in found.message
        assert 'HAILWHALE_MAX_IDS' in found.message
        assert all_of(store) == []
        assert store.push({5: [Arrival(b'x', at, id=True), Arrival(b'z', at)]}) == {5: [True, True]}

    def test_a_new_day_has_room_again_and_events_without_ids_need_none(self, bounded: Bounded) -> None:
        store = bounded(ids=1)
        store.engine.ask(5, 'SADD', keys.ids_key(5, NOW // DAY), 'a')
        at = 1_000 * NOW
        assert isinstance(store.push({5: [Arrival(b'x', at, id=True)]})[5], StorageRefused)
        assert store.push({5: [Arrival(b'x', at)]}) == {5: [True]}
        assert store.push({5: [Arrival(b'x', at + 1_000 * DAY, id=True)]}) == {5: [True]}


class TestTaken:
    def test_the_sequence_is_how_many_were_taken(self, store: Storage) -> None:
        store.push({5: arrivals(3), 6: arrivals(1)})
        assert store.sequences() == [0] * SHARDS
        assert store.commit(taking(5, [b'event 0', b'event 1']), now=NOW)
        assert store.sequences() == [2 * (shard == 5) for shard in range(SHARDS)]
        assert store.waiting(5, 9) == ('2', [b'event 2'])


class TestDead:
    def test_those_put_aside_are_shown_newest_first(self, store: Storage) -> None:
        store.push({5: arrivals(2), 6: arrivals(1)})
        assert store.commit(taking(5, texts(arrivals(2)), dead=[b'a', b'b', b'c']), now=NOW)
        assert store.commit(taking(6, [b'event 0'], dead=[b'd']), now=NOW)
        assert store.dead(9) == {5: [b'c', b'b', b'a'], 6: [b'd']}
        assert store.dead(2) == {5: [b'c', b'b'], 6: [b'd']}
        assert store.dead(0) == {5: [], 6: []}
        assert store.dead(9, [6, 7]) == {6: [b'd']}

    def test_those_put_aside_wait_again_behind_all_others(self, store: Storage) -> None:
        store.push({5: arrivals(1)})
        assert store.commit(taking(5, [], dead=[b'a', b'b', b'c', b'd']), now=NOW)
        assert store.revive(5, [(b'b', b'again b'), (b'gone', b'again gone'), (b'd', b'again d')]) == 2
        assert all_of(store) == [b'event 0', b'again b', b'again d']
        assert store.dead(9) == {5: [b'c', b'a']}
        assert store.revive(5, [(b'a', b''), (b'c', b'')]) == 2
        assert store.dead(9) == {}
        assert len(all_of(store)) == 3

    def test_how_many_were_put_aside_is_known_by_shard(self, store: Storage) -> None:
        assert store.commit(taking(5, [], dead=[b'a', b'b']), now=NOW)
        assert store.put_aside() == [2 * (shard == 5) for shard in range(SHARDS)]

    def test_of_two_alike_one_is_taken_for_each(self, store: Storage) -> None:
        assert store.commit(taking(5, [], dead=[b'a', b'a', b'a']), now=NOW)
        assert store.revive(5, [(b'a', b'x'), (b'a', b'x')]) == 2
        assert store.dead(9) == {5: [b'a']}

    def test_each_waits_again_once_whoever_asks(self, store: Storage) -> None:
        dead = [b'%d' % number for number in range(50)]
        assert store.commit(taking(5, [], dead=dead), now=NOW)
        taken: list[int] = []
        at_once(4, lambda _: taken.extend(store.revive(5, [(one, b'again ' + one)]) for one in dead))
        assert sum(taken) == 50
        assert sorted(all_of(store)) == sorted(b'again ' + one for one in dead)


class TestReplicas:
    """An event counts as kept when replicas have it too."""

    @pytest.fixture
    def pair(self, tmp_path: Path) -> Iterator[tuple[Process, Process]]:
        """A Redis server, and another that copies it."""
        at_once = ('--repl-diskless-sync-delay', '0')
        with Process(redis_binary(), tmp_path, free_ports(1)[0], None, *at_once) as master:
            options = ('--replicaof', f'127.0.0.1 {master.port}')
            with Process(redis_binary(), tmp_path, free_ports(1)[0], None, *options) as replica:
                until(lambda: is_synced(replica.node), 'the replica has what its master has')
                yield master, replica

    def test_an_event_that_was_kept_is_on_its_replica(self, opened: Bounded, pair: tuple[Process, Process]) -> None:
        master, replica = pair
        store = opened(f'redis://127.0.0.1:{master.port}', replicas=1)
        for number in range(20):
            assert store.push({5: [Arrival(b'%d' % number)], 6: [Arrival(b'x')]}) == {5: [True], 6: [True]}
            assert replica.node.llen(keys.hits_key(5)) == replica.node.llen(keys.hits_key(6)) == number + 1

    def test_too_few_replicas_are_told_of_and_the_event_stays(
        self, opened: Bounded, pair: tuple[Process, Process]
    ) -> None:
        master, replica = pair
        store = opened(f'redis://127.0.0.1:{master.port}', timeout=0.5, replicas=1, backlog=1)
        replica.kill()
        found = store.push({5: arrivals(1), 6: arrivals(2)})
        assert isinstance(found[5], StorageUnavailable)
        assert 'has taken it, but only 0 of 1 replicas had it in time: it counts unless' in found[5].message
        assert 'HAILWHALE_REPLICAS' in found[5].message
        assert isinstance(found[6], BacklogFull)
        assert isinstance(store.push({6: arrivals(2)})[6], BacklogFull), 'nothing was written: nobody is waited for'
        assert all_of(store) == [b'event 0']

    def test_a_connection_that_breaks_while_it_waits_for_replicas_is_told_of(
        self, opened: Bounded, redis_url: str, proxy: Proxy
    ) -> None:
        store = opened(proxy.url, timeout=1, replicas=1)
        proxy.arm(Fault('before', commands_before(proxy, store) + 1), proxy.cut)
        found = through(proxy, store, {5: arrivals(1)})[5]
        assert isinstance(found, StorageUnavailable)
        assert 'has taken it, but perhaps not 1 of its replicas have it (the engine at' in found.message
        assert all_of(opened(redis_url)) == [b'event 0']


def through(proxy: Proxy, store: Storage, some: dict[int, list[Arrival]]) -> dict[int, Any]:
    """What a push answers while the proxy passes on what is said."""
    found: dict[int, Any] = {}
    pushing = threading.Thread(target=lambda: found.update(store.push(some)))
    pushing.start()
    proxy.serve(lambda: not pushing.is_alive())
    pushing.join()
    return found


def commands_before(proxy: Proxy, store: Storage) -> int:
    """How many commands open a connection and teach the script, up to the first call that is done."""
    through(proxy, store, {63: arrivals(1)})
    store.close()
    proxy.arm()
    through(proxy, store, {63: arrivals(1)})
    store.close()
    return proxy.names.index('EVALSHA') + 1


class TestCut:
    """A connection that breaks on the way: nobody knows, and nothing is sent twice."""

    @pytest.mark.parametrize(('kind', 'kept'), [('before', 1), ('within', 1), ('after', 2)])
    def test_what_was_answered_is_known_and_the_rest_is_not(
        self, opened: Bounded, redis_url: str, proxy: Proxy, kind: str, kept: int
    ) -> None:
        store = opened(proxy.url)
        proxy.arm(Fault(kind, commands_before(proxy, store) + 1), proxy.cut)
        found = through(proxy, store, {4: arrivals(1), 5: arrivals(1), 6: arrivals(1)})
        assert proxy.names.count('EVALSHA') == 2, 'the call that was cut off is not repeated'
        direct = opened(redis_url)
        assert found[4] == [True]
        for shard in (5, 6):
            assert isinstance(found[shard], StorageUnavailable)
            assert 'went away' in found[shard].message
        assert [direct.backlog()[shard] for shard in (4, 5, 6)] == [1, int(kept == 2), 0]
        assert through(proxy, store, {5: arrivals(1)}) == {5: [True]}

    def test_an_engine_that_forgot_the_script_learns_it_again(self, server: Server, store: Storage) -> None:
        for count in (1, 2):
            for node in server.nodes:
                node.script_flush()
            assert store.push({5: arrivals(1), 6: arrivals(1)}) == {5: [True], 6: [True]}
            assert store.backlog()[5] == count

    def test_an_engine_that_is_made_to_forget_the_script_again_and_again_learns_it_again(
        self, opened: Bounded, redis_server: Server, proxy: Proxy
    ) -> None:
        store = opened(proxy.url)
        unknown = commands_before(proxy, store)
        (node,) = redis_server.nodes
        node.script_flush()
        proxy.arm(Fault('before', unknown + 2), node.script_flush)
        assert through(proxy, store, {5: arrivals(1)}) == {5: [True]}
        ours = [name for name in proxy.names if name in ('EVALSHA', 'SCRIPT LOAD')]
        assert ours == ['EVALSHA', 'SCRIPT LOAD'] * 2 + ['EVALSHA']

    @pytest.mark.parametrize(
        ('fault', 'known'),
        [
            (Fault('before', 1), True),
            (Fault('after', 1), True),
            (Fault('within', 2), False),
            (Fault('after', 2), False),
        ],
    )
    def test_a_connection_that_breaks_while_the_script_is_taught_keeps_nothing_twice(
        self, opened: Bounded, redis_url: str, redis_server: Server, proxy: Proxy, fault: Fault, known: bool
    ) -> None:
        store = opened(proxy.url)
        unknown = commands_before(proxy, store)
        (node,) = redis_server.nodes
        node.script_flush()
        proxy.arm(fault._replace(at=unknown + fault.at), proxy.cut)
        found = through(proxy, store, {5: arrivals(1)})[5]
        assert found == [True] if known else isinstance(found, StorageUnavailable)
        assert proxy.names[unknown - 1 : unknown + 1] == ['EVALSHA', 'SCRIPT LOAD']
        assert opened(redis_url).backlog()[5] == int(known or fault.kind == 'after')


class TestFailover:
    """A cluster that loses a master goes on with its replica, and what counted as kept is there."""

    def test_what_replicas_have_outlasts_the_master(self, opened: Bounded, tmp_path: Path) -> None:
        with replicated_cluster(tmp_path) as processes:
            store = opened(f'redis+cluster://127.0.0.1:{processes[1].port}', timeout=1, replicas=1)
            kept: Counter[int] = Counter()
            tried: Counter[int] = Counter()
            failed: set[int] = set()
            stopped = threading.Event()

            def push() -> None:
                while not stopped.is_set():
                    for shard, found in store.push({shard: arrivals(1) for shard in range(SHARDS)}).items():
                        tried[shard] += 1
                        if found == [True]:
                            kept[shard] += 1
                        else:
                            assert isinstance(found, StorageUnavailable)
                            failed.add(shard)

            pushing = threading.Thread(target=push)
            pushing.start()
            until(lambda: len(kept) == SHARDS, 'each shard has an event')
            processes[0].kill()
            until(lambda: failed, 'some were not kept')
            before = sum(tried.values())
            until(lambda: sum(tried.values()) > before + 3 * SHARDS, 'it goes on', seconds=60)
            stopped.set()
            pushing.join()
            for shard, waiting in enumerate(store.backlog()):
                assert kept[shard] <= waiting <= tried[shard]
                assert shard in failed or waiting == tried[shard]
            assert 0 < len(failed) < SHARDS
