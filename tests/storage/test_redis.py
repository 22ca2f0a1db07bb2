"""Engines: addresses, what is tried again and what is not, threads, forks, and a cluster that moves its slots."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from hailwhale.errors import SettingsError, StorageRefused, StorageUnavailable
from hailwhale.storage import SHARDS, Arrival, Storage, connect, embedded, keys, scripts
from hailwhale.storage.places import CONNECTIONS, Cluster, Single
from hailwhale.storage.redis import Engine, evaluate_all, evaluation, open_engine
from hailwhale.storage.wire import Wire, pack
from tests import engines
from tests.engines import Process, Server, free_ports, is_synced, redis_binary, until
from tests.fresh import unmeasured
from tests.storage.stores import Happening, at_once, configured, counted, event, expected

NOW = Happening().at
NO_HOME = Path('unused')


def one_per_shard() -> list[Happening]:
    """An event in each shard."""
    by_shard = {one.shard: one for one in (Happening((str(number),)) for number in range(2_000))}
    assert len(by_shard) == SHARDS
    return list(by_shard.values())


def count(store: Storage, *happened: Happening) -> None:
    for one in happened:
        assert store.count(event(one), now=NOW)


def cut(server: Server) -> None:
    """End all connections to an engine but our own."""
    for node in server.nodes:
        node.client_kill_filter(_type='normal', skipme=True)


class TestAddresses:
    @pytest.mark.parametrize(
        'url',
        [
            'localhost:6379',
            'http://localhost',
            'embedded',
            'redis:/localhost',
            'redis://localhost:port/0',
            'redis+cluster://localhost',
            'redis+cluster://a:1,b',
            'valkey+cluster://a:x',
        ],
    )
    def test_an_address_that_is_none_is_refused_with_the_way_out(self, url: str) -> None:
        with pytest.raises(SettingsError, match=r'not the address of .*(try|write) redis') as caught:
            connect(url, home=NO_HOME)
        assert caught.value.field == 'url'
        assert url in caught.value.message

    @pytest.mark.parametrize(
        'url',
        [
            'http://me:secret@localhost',
            'redis://:secret#word@localhost:6379/0',
            'redis://me:sec/secret@localhost:6379/0',
            'redis+cluster://:secret@localhost:x',
            'redis+cluster://:sec/secret@localhost:1',
        ],
    )
    def test_a_password_is_in_no_message_about_an_address(self, url: str) -> None:
        with pytest.raises(SettingsError) as caught:
            connect(url, home=NO_HOME)
        assert 'sec' not in caught.value.message
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize('scheme', ['redis', 'redis+cluster'])
    def test_nobody_at_the_address_names_it_and_the_way_out_without_the_password(self, scheme: str) -> None:
        with closing(socket.socket()) as taken:
            taken.bind(('127.0.0.1', 0))
            address = f'127.0.0.1:{taken.getsockname()[1]}'
            store = connect(f'{scheme}://me:secret@{address}', home=NO_HOME, timeout=0.05)
            with pytest.raises(StorageUnavailable, match=f'no (engine|cluster) at .*{address}.* see HAIL') as caught:
                store.ping()
            assert 'secret' not in caught.value.message
            assert caught.value.__cause__ is not None

    @pytest.mark.parametrize('login', ['wrong:p%40ss', ':p%40ss'])
    @pytest.mark.parametrize('engine', ['redis', 'cluster'])
    def test_a_wrong_password_is_refused_at_once_and_not_shown(
        self, engine: str, login: str, request: pytest.FixtureRequest
    ) -> None:
        server: Server = request.getfixturevalue(f'{engine}_server')
        with configured(server.nodes, 'requirepass', 'other'):
            scheme, _, hosts = server.url.partition('://')
            with pytest.raises(StorageRefused, match='refused the login') as caught:
                connect(f'{scheme}://{login}@{hosts}', home=NO_HOME).ping()
            assert 'p@ss' not in caught.value.message
            assert 'p%40ss' not in caught.value.message

    @pytest.mark.parametrize('engine', ['redis', 'cluster'])
    def test_a_password_with_any_character_logs_in(self, engine: str, request: pytest.FixtureRequest) -> None:
        server: Server = request.getfixturevalue(f'{engine}_server')
        password = 'a@b/c:d#e?f%20'
        with configured(server.nodes, 'requirepass', password):
            scheme, _, hosts = server.url.partition('://')
            store = connect(f'{scheme}://:{quote(password, safe="")}@{hosts}', home=NO_HOME)
            store.ping()
            store.close()

    def test_an_address_with_valkey_in_its_scheme_is_one_of_redis(self, redis_server: Server) -> None:
        connect(redis_server.url.replace('redis:', 'valkey:'), home=NO_HOME).ping()

    def test_the_engines_protocol_is_not_an_option_of_the_address(self, redis_server: Server) -> None:
        redis_server.empty()
        store = connect(f'{redis_server.url}?protocol=3', home=NO_HOME)
        count(store, Happening())
        assert store.metric_names(Happening().shard, 'signup', [slot.era for slot in Happening().slots]) == {'hits'}
        redis_server.empty()

    @pytest.mark.parametrize('name', ['plain', 'a#b?c%41 d', 'ü'])
    def test_the_bundled_engine_lives_in_a_directory_of_any_name(self, name: str, tmp_path: Path) -> None:
        for url in ('', f'embedded://{tmp_path / name}'):
            store = connect(url, home=tmp_path / name)
            store.ping()
            assert (tmp_path / name / 'engine.lock').exists()
            store.close()

    def test_a_unix_socket_is_an_address(self, embedded_server: Server, tmp_path: Path) -> None:
        claim = embedded.ensure(Path(embedded_server.url.removeprefix('embedded://')))
        connect(f'unix://{claim.socket}', home=tmp_path).ping()
        claim.stop()


class TestTriedAgain:
    def test_reads_survive_connections_that_broke(self, server: Server, store: Storage) -> None:
        one = Happening()
        count(store, one)
        eras = [slot.era for slot in one.slots]
        cut(server)
        assert store.metric_names(one.shard, 'signup', eras) == {'hits'}
        cut(server)
        assert store.top_children(':/', eras) == {'signup'}

    def test_a_write_whose_connection_broke_is_reported_and_not_repeated(
        self, redis_url: str, redis_server: Server
    ) -> None:
        store = connect(redis_url, home=NO_HOME)
        one = Happening()
        count(store, one)
        cut(redis_server)
        with pytest.raises(StorageUnavailable, match='went away'):
            store.count(event(one), now=NOW)
        count(store, one)
        assert counted(redis_server) == expected([one, one])

    def test_a_connection_that_rested_is_asked_before_it_is_used(self, redis_url: str, redis_server: Server) -> None:
        engine = open_engine(redis_url, home=NO_HOME)
        node = engine.place.node(0)
        wire = node.take()
        wire.used -= 2
        node._idle.append(wire)
        assert node.take() is wire, 'it lives'
        wire.used -= 2
        node._idle.append(wire)
        cut(redis_server)
        assert node.take() is not wire, 'it has died'

    def test_nobody_listening_yet_is_waited_for_by_writes_too(self, tmp_path: Path) -> None:
        (port,) = free_ports(1)
        store = connect(f'redis://127.0.0.1:{port}/0', home=NO_HOME, timeout=20)
        counting = threading.Thread(target=count, args=(store, Happening()))
        counting.start()
        with engines.process('redis-server', tmp_path, port) as node:
            counting.join()
            assert counted(Server('', (node,))) == expected([Happening()])

    def test_the_bundled_engine_is_started_again_after_it_died(self, tmp_path: Path) -> None:
        store = connect('', home=tmp_path)
        one = Happening()
        count(store, one)
        at_once(4, lambda _: store.ping())
        os.kill(int((tmp_path / 'engine.pid').read_text()), signal.SIGKILL)
        with pytest.raises(StorageUnavailable, match='went away'):
            store.count(event(one), now=NOW)
        for _ in range(6):
            count(store, one)
        store.close()

    def test_a_busy_engine_is_waited_for(self, redis_url: str, redis_server: Server) -> None:
        (node,) = redis_server.nodes
        with busy(node):
            counting = threading.Thread(target=count, args=(connect(redis_url, home=NO_HOME, timeout=20), Happening()))
            counting.start()
            node.execute_command('SCRIPT KILL')
            counting.join()
        assert counted(redis_server) == expected([Happening()])

    def test_an_engine_that_stays_busy_is_unavailable(self, redis_url: str, redis_server: Server) -> None:
        (node,) = redis_server.nodes
        with busy(node):
            with pytest.raises(StorageUnavailable, match='BUSY'):
                connect(redis_url, home=NO_HOME, timeout=0.05).count(event(Happening()), now=NOW)
            node.execute_command('SCRIPT KILL')

    def test_nothing_asked_is_nothing_answered(self, lasting_store: Storage) -> None:
        assert lasting_store.engine.pipeline(0, []) == []
        assert lasting_store.engine.everywhere([]) == []


def push(store: Storage, shard: int = 5) -> object:
    return store.push({shard: [Arrival(b'event')]})[shard]


class TestRefused:
    """What the engine refuses names the way out, and keeps nothing."""

    def test_a_full_engine(self, server: Server, store: Storage) -> None:
        with configured(server.nodes, 'maxmemory', 1):
            found = push(store)
        assert isinstance(found, StorageRefused)
        assert 'OOM' in found.message
        assert 'raise its maxmemory, or keep less with HAILWHALE_KEEP' in found.message
        assert store.backlog()[5] == 0
        assert push(store) == [True]

    def test_a_replica(self, tmp_path: Path, redis_url: str, redis_server: Server) -> None:
        (port,) = free_ports(1)
        options = ('--replicaof', f'127.0.0.1 {redis_url.rpartition(":")[2].partition("/")[0]}')
        with (
            configured(redis_server.nodes, 'repl-diskless-sync-delay', 0),
            Process(redis_binary(), tmp_path, port, None, *options) as replica,
            closing(store_at(port)) as store,
        ):
            until(lambda: is_synced(replica.node), 'it is a replica')
            connected = replica.node.info('stats')['total_connections_received']
            for once in (lambda: count(store, Happening()), lambda: raised(push(store))):
                with pytest.raises(StorageRefused, match=r'READONLY .*name its master in HAILWHALE_URL'):
                    once()
            assert replica.node.info('stats')['total_connections_received'] == connected + 2, 'the name is asked again'

    def test_a_node_of_a_cluster_taken_for_a_server_says_so_at_once(self, cluster_server: Server) -> None:
        slot = key_slot(b'%d' % Happening().shard)
        other = next(node for node in cluster_server.nodes if not holds(node, slot))
        with closing(store_at(other.get_connection_kwargs()['port'], timeout=60)) as store:
            began = time.monotonic()
            for once in (lambda: count(store, Happening()), lambda: raised(push(store, Happening().shard))):
                with pytest.raises(StorageRefused, match=f'write redis.cluster://.* in HAILWHALE_URL .*MOVED {slot}'):
                    once()
            assert time.monotonic() - began < 30

    def test_an_engine_that_cannot_write_its_files(self, tmp_path: Path) -> None:
        (port,) = free_ports(1)
        with Process(redis_binary(), tmp_path, port) as process, closing(store_at(port)) as store:
            shutil.rmtree(process.own)
            process.node.config_set('save', '3600 1')
            assert push(store) == [True]
            process.node.bgsave()
            until(lambda: process.node.info('persistence')['rdb_last_bgsave_status'] == 'err', 'it could not save')
            with pytest.raises(StorageRefused, match=r'MISCONF .*whether its disk is full'):
                raised(push(store))
            assert process.node.llen(keys.hits_key(5)) == 1

    def test_an_engine_that_misses_replicas(self, redis_url: str, redis_server: Server) -> None:
        with (
            configured(redis_server.nodes, 'min-replicas-to-write', 1),
            closing(connect(redis_url, home=NO_HOME, timeout=0.05)) as store,
        ):
            with pytest.raises(StorageUnavailable, match=r'NOREPLICAS .*its min-replicas-to-write'):
                raised(push(store))
            assert store.backlog()[5] == 0

    def test_no_password_where_one_is_needed(self, redis_url: str, redis_server: Server) -> None:
        with closing(connect(redis_url, home=NO_HOME)) as store, configured(redis_server.nodes, 'requirepass', 'x'):
            for once in (lambda: count(store, Happening()), lambda: store.backlog()):
                with pytest.raises(StorageRefused, match=r'(?i)auth.*:PASSWORD@HOST:PORT in HAILWHALE_URL'):
                    once()

    def test_a_user_who_may_not(self, redis_url: str, redis_server: Server) -> None:
        (node,) = redis_server.nodes
        node.acl_setuser('reader', enabled=True, nopass=True, commands=['+@read', '+@connection'], keys=['*'])
        address = redis_url.replace('://', '://reader:any@')
        with (
            closing(connect(address, home=NO_HOME)) as store,
            pytest.raises(StorageRefused, match=r'NOPERM .*allow it all commands on the keys hw:'),
        ):
            raised(push(store))
        node.acl_deluser('reader')


def store_at(port: int, *, timeout: float = 5.0) -> Storage:
    return connect(f'redis://127.0.0.1:{port}', home=NO_HOME, timeout=timeout)


def raised(found: object) -> None:
    """What a push answers for a shard, raised if it is an error."""
    if isinstance(found, Exception):
        raise found


class TestReady:
    """Scripts for many shards wait until their engines are ready, and are then run once."""

    def test_an_engine_that_loads_is_waited_for(self, tmp_path: Path) -> None:
        (port,) = free_ports(1)
        slow = ('--key-load-delay', '500', '--loading-process-events-interval-bytes', '1024')
        with Process(redis_binary(), tmp_path, port, None, '--appendonly', 'yes') as process:
            for number in range(4_000):
                process.node.set(f'key {number}', 100 * 'x')
            process.node.bgrewriteaof()
            until(lambda: not process.node.info('persistence')['aof_rewrite_in_progress'], 'it is rewritten')
            process.kill()
            process.start(*slow, ready=False)
            with closing(store_at(port, timeout=0.3)) as hasty, closing(store_at(port, timeout=60)) as store:
                with pytest.raises(StorageUnavailable, match=r'LOADING .*try again soon'):
                    raised(push(hasty))
                assert push(store) == [True]
                assert store.backlog()[5] == 1

    def test_a_replica_of_a_cluster_is_asked_until_it_is_master(self, redis_url: str, redis_server: Server) -> None:
        # Nodes of a cluster answer so for a moment only; one server shows it for as long as the test needs.
        place = open_engine(redis_url, home=NO_HOME).place
        place.spread = True
        (node,) = redis_server.nodes
        found: list[object] = []
        with closing(Storage(Engine(place, timeout=60))) as store:
            pushing = threading.Thread(target=lambda: found.append(push(store)))
            counting = threading.Thread(target=count, args=(store, Happening()))
            node.config_resetstat()
            node.replicaof('127.0.0.1', '1')
            for each in (pushing, counting):
                each.start()
            until(lambda: node.info('errorstats').get('errorstat_READONLY', {'count': 0})['count'] > 4, 'it refused')
            node.replicaof('NO', 'ONE')
            for each in (pushing, counting):
                each.join()
            assert found == [[True]]
            assert store.backlog()[5] == 1

    def test_one_that_is_away_for_long_is_asked_and_not_waited_for(self, tmp_path: Path) -> None:
        (port,) = free_ports(1)
        with closing(store_at(port, timeout=0.5)) as store:
            times = []
            for _ in range(3):
                began = time.monotonic()
                with pytest.raises(StorageUnavailable, match='is it running'):
                    raised(push(store))
                times.append(time.monotonic() - began)
            assert times[0] > 0.2
            assert sum(times[1:]) < 0.2
            with engines.process(redis_binary(), tmp_path, port):
                assert push(store) == [True]
            with pytest.raises(StorageUnavailable, match='went away'):
                raised(push(store))
            began = time.monotonic()
            with pytest.raises(StorageUnavailable, match='is it running'):
                raised(push(store))
            assert time.monotonic() - began > 0.2, 'it was there in between'

    def test_a_bundled_engine_that_died_is_started_for_the_next_push(self, tmp_path: Path) -> None:
        with closing(connect('', home=tmp_path)) as store:
            assert push(store) == [True]
            os.kill(int((tmp_path / 'engine.pid').read_text()), signal.SIGKILL)
            with pytest.raises(StorageUnavailable, match='went away'):
                raised(push(store))
            assert push(store) == [True]

    def test_a_bundled_engine_that_cannot_be_started_again_is_told_of(self, tmp_path: Path) -> None:
        with closing(connect('', home=tmp_path, timeout=0.5)) as store:
            assert push(store) == [True]
            os.kill(int((tmp_path / 'engine.pid').read_text()), signal.SIGKILL)
            with pytest.raises(StorageUnavailable, match='went away'):
                raised(push(store))
            # The directory stays: on it lies the lock of those who use it.
            (tmp_path / 'engine.sock').unlink(missing_ok=True)
            shutil.rmtree(tmp_path / 'appendonlydir')
            (tmp_path / 'appendonlydir').write_text('in the way')
            with pytest.raises(StorageUnavailable, match=r'engine\.sock'):
                raised(push(store))


@contextmanager
def busy(node: Redis) -> Iterator[None]:
    """An engine that runs a script without end, until ``SCRIPT KILL``."""

    def stay() -> None:
        with Redis(port=node.get_connection_kwargs()['port']) as other, pytest.raises(RedisError, match='killed'):
            other.eval('while true do end', 0)

    stuck = threading.Thread(target=stay)
    with configured([node], 'busy-reply-threshold', 1):
        stuck.start()
        until(lambda: not engines.answers(node), 'the engine is busy')
        yield
        stuck.join()


class TestScripts:
    def test_an_engine_that_forgot_the_scripts_learns_them_again(self, server: Server, store: Storage) -> None:
        one = Happening()
        for _ in range(2):
            for node in server.nodes:
                node.script_flush()
            count(store, one)
        assert counted(server) == expected([one, one])

    def test_several_runs_of_a_script_that_was_forgotten(self, server: Server, store: Storage) -> None:
        for node in server.nodes:
            node.script_flush()
        dead, hits = keys.dead_key(0), keys.hits_key(0)
        datas = [evaluation('dead', [dead, hits], [name, 'again']) for name in 'aba']
        for _ in range(2):
            store.engine.ask(0, 'RPUSH', dead, 'a', 'b')
            assert store.engine.run(0, lambda wire: evaluate_all(wire, 'dead', datas)) == [1, 1, 0]

    def test_a_script_is_known_by_its_hash(self, redis_server: Server) -> None:
        (node,) = redis_server.nodes
        for name in ('add', 'count', 'dead', 'number', 'push', 'secret', 'series'):
            assert node.script_load(scripts.text(name)) == scripts.digest(name).decode()


class TestSharing:
    def test_eight_threads_count_exactly(self, server: Server, store: Storage) -> None:
        happened = [Happening(('p', str(number % 3)), ((), ('t', str(number)))) for number in range(8)]
        at_once(8, lambda number: count(store, *[happened[number]] * 50))
        assert counted(server) == expected(happened * 50)

    def test_four_processes_count_exactly(self, server: Server, store: Storage) -> None:
        happened = [Happening(('p', str(number)), ((), ('t', 'shared'))) for number in range(4)]
        count(store, *happened)
        context = multiprocessing.get_context('fork')
        children = [context.Process(target=count, args=(store, *[one] * 50)) for one in happened]
        for child in children:
            child.start()
        count(store, *happened)
        for child in children:
            child.join()
            assert child.exitcode == 0
        assert counted(server) == expected(happened * 52)

    def test_who_needs_more_connections_than_there_may_be_waits_for_one(self, redis_url: str) -> None:
        node = open_engine(redis_url, home=NO_HOME).place.node(0)
        wires = [node.take() for _ in range(CONNECTIONS)]
        assert all(wire.ask(pack('PING')) == b'PONG' for wire in wires)
        found: list[Wire] = []
        waiting = threading.Thread(target=lambda: found.append(node.take()))
        waiting.start()
        node.give(wires[-1])
        waiting.join()
        assert found == [wires.pop()]
        for wire in [*wires, *found]:
            node.drop(wire)

    def test_where_no_connection_becomes_free_in_time_nothing_was_done(self, redis_url: str) -> None:
        engine = open_engine(redis_url, home=NO_HOME, timeout=0.05)
        node = engine.place.node(0)
        wires = [node.take() for _ in range(CONNECTIONS)]
        with pytest.raises(StorageUnavailable, match=f'all {CONNECTIONS} connections to .* were in use for 0.05 s'):
            engine.ask(0, 'PING', again=False)
        node.drop(wires.pop())
        assert engine.ask(0, 'PING') == b'PONG'
        for wire in wires:
            node.drop(wire)

    def test_a_connection_that_could_not_be_made_takes_no_room(self, tmp_path: Path) -> None:
        node = open_engine(f'unix://{tmp_path}/none.sock', home=NO_HOME, timeout=0.01).place.node(0)
        for _ in range(CONNECTIONS + 1):
            with pytest.raises(StorageUnavailable, match=r'none\.sock'):
                node.take()

    def test_hundreds_of_greenlets_share_the_connections(self, redis_url: str, redis_server: Server) -> None:
        program = f"""
from gevent import monkey
monkey.patch_all()
import gevent
from pathlib import Path
from hailwhale.storage import Arrival, connect
store = connect({redis_url!r}, home=Path('unused'))
def push(number):
    for _ in range(5):
        store.engine.run(5, lambda wire: (gevent.sleep(0.001), wire.ask(b'*1\\r\\n$4\\r\\nPING\\r\\n')))
        assert store.push({{5: [Arrival(b'x')]}}) == {{5: [True]}}
gevent.joinall([gevent.spawn(push, number) for number in range(300)], raise_error=True)
"""
        (node,) = redis_server.nodes
        before = node.info('stats')['total_connections_received']
        done = subprocess.run(
            [sys.executable, '-c', program], env=unmeasured(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert node.llen(keys.hits_key(5)) == 1_500
        assert node.info('stats')['total_connections_received'] - before == CONNECTIONS

    def test_a_connection_is_used_again(self, redis_url: str, redis_server: Server) -> None:
        store = connect(redis_url, home=NO_HOME)
        (node,) = redis_server.nodes
        before = node.info('stats')['total_connections_received']
        count(store, *[Happening()] * 20)
        assert node.info('stats')['total_connections_received'] == before + 1
        store.close()

    def test_an_action_that_fails_gives_no_half_read_connection_to_others(self, lasting_store: Storage) -> None:
        def leave(wire: Wire) -> None:
            wire.send(pack('PING'))
            raise KeyError

        with pytest.raises(KeyError):
            lasting_store.engine.run(0, leave)
        assert lasting_store.engine.ask(0, 'ECHO', 'mine') == b'mine'


class TestCluster:
    def test_every_node_holds_some_of_the_shards(self, cluster_url: str, cluster_server: Server) -> None:
        store = connect(cluster_url, home=NO_HOME)
        happened = one_per_shard()
        count(store, *happened)
        assert all(node.dbsize() > 100 for node in cluster_server.nodes)
        assert counted(cluster_server) == expected(happened)
        assert len(store.engine.one_shard_a_node()) == 3
        assert store.top_children(':/', [slot.era for slot in happened[0].slots]) == {one.pk[0] for one in happened}
        store.close()

    def test_all_shards_of_one_server_are_on_one_node(self, redis_url: str) -> None:
        engine = open_engine(redis_url, home=NO_HOME)
        assert isinstance(engine.place, Single)
        assert engine.place.node(0) is engine.place.node(63)
        assert engine.one_shard_a_node() == [0]

    def test_a_slot_that_moved_is_found_again(self, cluster_url: str, cluster_server: Server) -> None:
        store = connect(cluster_url, home=NO_HOME)
        one = Happening()
        slot = key_slot(b'%d' % one.shard)
        eras = [slot.era for slot in one.slots]
        count(store, one)
        with moved(cluster_server, slot):
            count(store, one)
            assert counted(cluster_server) == expected([one, one])
        assert store.top_children(':/', eras) == {'signup'}, 'it moved back, and the question went to all shards'
        count(store, one)
        assert counted(cluster_server) == expected([one] * 3)
        store.close()

    def test_a_shard_that_no_node_holds_is_unavailable(self, cluster_url: str, cluster_server: Server) -> None:
        one = Happening()
        slot = key_slot(b'%d' % one.shard)
        (owner,) = [node for node in cluster_server.nodes if holds(node, slot)]
        port = owner.connection_pool.connection_kwargs['port']
        store = connect(f'redis+cluster://127.0.0.1:{port}', home=NO_HOME, timeout=0.05)
        for node in cluster_server.nodes:
            node.execute_command('CLUSTER', 'DELSLOTS', slot)
        with pytest.raises(StorageUnavailable, match=f'shard {one.shard}|CLUSTERDOWN'):
            store.count(event(one), now=NOW)
        with configured(cluster_server.nodes, 'cluster-require-full-coverage', 'no'):
            until(lambda: all(map(is_up, cluster_server.nodes)), 'the nodes serve the slots that are left')
            found = store.push({shard: [Arrival(b'event')] for shard in range(SHARDS)})
        assert isinstance(found.pop(one.shard), StorageUnavailable)
        assert list(found.values()) == [[True]] * (SHARDS - 1)
        owner.execute_command('CLUSTER', 'ADDSLOTS', slot)
        until(lambda: all(map(engines.is_whole, cluster_server.nodes)), 'the cluster is whole again')
        patient = connect(cluster_url, home=NO_HOME)
        count(patient, one)
        assert counted(cluster_server) == expected([one])

    def test_a_cluster_keeps_its_map_between_questions(self, cluster_url: str) -> None:
        place = open_engine(cluster_url, home=NO_HOME).place
        assert isinstance(place, Cluster)
        assert place.node(5) is place.node(5)
        before = place.node(5)
        place.refresh()
        assert place.node(5) is before, 'what was asked just now is not asked again'
        place._asked -= 1
        place.refresh()
        assert place.node(5) is not before
        place.close()
        place.close()


def is_up(node: Redis) -> bool:
    """Whether a cluster's node takes commands."""
    return b'cluster_state:ok' in node.execute_command('CLUSTER', 'INFO')


def holds(node: Redis, slot: int) -> bool:
    """Whether a node serves a slot itself."""
    key = next(f'{{{number}}}' for number in range(SHARDS) if key_slot(b'%d' % number) == slot)
    try:
        node.get(key)
    except RedisError:
        return False
    return True


@contextmanager
def moved(server: Server, slot: int) -> Iterator[None]:
    """One slot with its keys on another node for a while."""
    (owner,) = [node for node in server.nodes if holds(node, slot)]
    other = next(node for node in server.nodes if node is not owner)
    migrate(server, slot, owner, other)
    try:
        yield
    finally:
        migrate(server, slot, other, owner)


def migrate(server: Server, slot: int, owner: Redis, other: Redis) -> None:
    ids = {node: node.execute_command('CLUSTER', 'MYID') for node in (owner, other)}
    other.execute_command('CLUSTER', 'SETSLOT', slot, 'IMPORTING', ids[owner])
    owner.execute_command('CLUSTER', 'SETSLOT', slot, 'MIGRATING', ids[other])
    port = other.connection_pool.connection_kwargs['port']
    while keys := owner.execute_command('CLUSTER', 'GETKEYSINSLOT', slot, 100):
        owner.execute_command('MIGRATE', '127.0.0.1', port, '', 0, 5_000, 'KEYS', *keys)
    for node in (other, owner, *server.nodes):
        node.execute_command('CLUSTER', 'SETSLOT', slot, 'NODE', ids[other])
