"""Whether a server lives, is ready, and what it says of itself in numbers."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hailwhale.meters import Meters
from hailwhale.pixels import Pixel, seal
from hailwhale.servers.ops import Watch, ops_routes
from hailwhale.servers.web import Application
from hailwhale.settings import Settings
from hailwhale.storage import connect
from hailwhale.whale import Whale
from tests.clocks import NOW, Clock
from tests.engines import Server
from tests.servers.client import Client, Reply
from tests.servers.hails import Served
from tests.storage.stores import configured


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def whale(embedded_url: str, clock: Clock) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}, max_backlog='100'), clock=clock) as whale:
        yield whale


@pytest.fixture
def served(whale: Whale) -> Served:
    return Served(whale)


@pytest.fixture
def away() -> Iterator[Client]:
    settings = Settings.load({}, url='redis://127.0.0.1:1/0', timeout='0.01')
    with Whale(settings=settings) as whale:
        yield Client(Application(ops_routes(Watch(whale), Meters()), max_body=0))


def numbers(reply: Reply) -> dict[str, float]:
    """All samples of an answer, by name and labels."""
    assert reply.status == 200
    assert reply.headers['Content-Type'].startswith('text/plain; version=')
    assert reply.headers['Cache-Control'] == 'no-store'
    found = {}
    for family in text_string_to_metric_families(reply.body.decode()):
        for sample in family.samples:
            labels = ','.join(f'{name}={text}' for name, text in sample.labels.items())
            found[f'{sample.name}{{{labels}}}' if labels else sample.name] = sample.value
    return found


def test_a_process_whose_engine_answers_is_well(served: Served) -> None:
    reply = served.client.get('/healthz')
    assert (reply.status, reply.json, reply.headers['Cache-Control']) == (200, {'status': 'ok'}, 'no-store')


def test_a_process_whose_engine_is_away_is_neither_well_nor_ready(away: Client) -> None:
    reply = away.get('/healthz')
    assert (reply.status, reply.error['code'], reply.headers['Retry-After']) == (503, 'storage_unavailable', '2')
    reply = away.get('/readyz')
    assert (reply.status, reply.json['error']['code']) == (503, 'not_ready')
    (reason,) = reply.json['reasons']
    assert reason in reply.json['error']['message']


def test_a_server_that_keeps_and_counts_is_ready(served: Served) -> None:
    assert served.client.get('/readyz').json == {'status': 'ready'}


def test_a_server_whose_engine_takes_nothing_is_well_but_not_ready(served: Served, embedded_server: Server) -> None:
    with configured(embedded_server.nodes, 'maxmemory', 1):
        assert served.client.get('/healthz').status == 200
        reply = served.client.get('/readyz')
    assert reply.status == 503
    assert 'raise its maxmemory' in reply.json['reasons'][0]
    assert served.client.get('/readyz').status == 200


def test_who_looks_may_have_a_shorter_time_limit_of_their_own(whale: Whale) -> None:
    quick = connect('redis://127.0.0.1:1/0', home=Path(), timeout=0.01)
    watch = Watch(whale, quick)
    assert 'no engine at redis://127.0.0.1:1/0' in watch.reasons()[0]


def test_a_server_with_a_full_list_is_not_ready_until_some_of_it_is_drained(served: Served) -> None:
    served.client.post('/count', [{'pk': 'a'}] * 99)
    assert served.client.get('/readyz').status == 200
    served.client.post('/count', {'pk': 'a'})
    reply = served.client.get('/readyz')
    assert reply.status == 503
    (reason,) = reply.json['reasons']
    assert reason.startswith('100 events wait in shard ')
    assert reason.endswith(', and 100 may')
    served.hail.drain(limit=1)
    assert served.client.get('/readyz').status == 200


def test_a_server_whose_drainer_has_ended_is_not_ready(whale: Whale) -> None:
    lives = [True]
    watch = Watch(whale, drains=lambda: lives[0])
    client = Client(Application(ops_routes(watch, Meters()), max_body=0))
    assert client.get('/readyz').status == 200
    lives.clear()
    lives.append(False)
    assert client.get('/readyz').json['reasons'] == ['the drainer of this process has ended']
    assert client.get('/healthz').status == 200


def test_metrics_tell_what_came_and_what_was_refused(served: Served, clock: Clock) -> None:
    token = seal(served.keyrings.current(), Pixel('mail'), now=clock())
    for path in (
        '/count?pk=a',
        '/count.gif?pk=a',
        '/count?pk=[]',
        f'/pixel/{token}.gif',
        '/pixel/forged.gif',
        '/totals',
    ):
        served.client.get(path)
    served.client.post('/count', [{}, {}, {}, {'at': 'x'}])
    found = numbers(served.client.get('/metrics'))
    assert {name: value for name, value in found.items() if name.startswith('hailwhale_events_total')} == {
        'hailwhale_events_total{way=get}': 2,
        'hailwhale_events_total{way=pixel}': 1,
        'hailwhale_events_total{way=post}': 3,
    }
    assert {name: value for name, value in found.items() if name.startswith('hailwhale_refused_events_total')} == {
        'hailwhale_refused_events_total{reason=invalid_path}': 1,
        'hailwhale_refused_events_total{reason=invalid_time}': 1,
        'hailwhale_refused_events_total{reason=token_forged}': 1,
    }
    assert found['hailwhale_requests_total{path=/count,status=200}'] == 2
    assert found['hailwhale_requests_total{path=/count,status=400}'] == 1
    assert found['hailwhale_requests_total{path=/pixel/<token>.gif,status=403}'] == 1
    assert found['hailwhale_request_seconds_count{path=/count}'] == 3
    assert found['hailwhale_push_events_count'] == found['hailwhale_push_seconds_count'] == 4
    assert found['hailwhale_push_events_bucket{le=1.0}'] == 3
    assert found['hailwhale_push_events_sum'] == 6


def test_metrics_tell_what_waits_and_how_long_and_what_was_drained(served: Served, clock: Clock) -> None:
    found = numbers(served.client.get('/metrics'))
    assert (found['hailwhale_backlog_events'], found['hailwhale_lag_seconds']) == (0, 0)
    served.client.post('/count', [{'pk': 'a'}] * 50)
    served.client.post('/count', [{'pk': name} for name in 'bcdefg'])
    clock.now += 20
    found = numbers(served.client.get('/metrics'))
    assert found['hailwhale_engine_up'] == 1
    assert found['hailwhale_backlog_events'] == 56
    assert found['hailwhale_backlog_ratio'] == 0.5
    assert found['hailwhale_lag_seconds'] == 20
    assert found['hailwhale_drained_events_total'] == 0
    served.hail.drain()
    clock.now += 20
    found = numbers(served.client.get('/metrics'))
    assert (found['hailwhale_backlog_events'], found['hailwhale_lag_seconds']) == (0, 0)
    assert found['hailwhale_drained_events_total'] == 56
    assert found['hailwhale_drained_events_per_second'] == 56 / 20
    assert found['hailwhale_dead_events'] == 0


def test_metrics_tell_what_was_put_aside(served: Served, clock: Clock) -> None:
    served.client.post('/count', [{'pk': 'a', 'at': NOW}] * 3)
    clock.now += 500 * 86_400
    served.hail.drain()
    assert numbers(served.client.get('/metrics'))['hailwhale_dead_events'] == 3


def test_metrics_tell_of_memory_keys_and_names(served: Served, embedded_server: Server) -> None:
    before = numbers(served.client.get('/metrics'))
    assert (before['hailwhale_names'], before['hailwhale_names_fullest_shard']) == (0, 0)
    served.client.post('/count', [{'pk': [name, 'below']} for name in 'abcdefg'])
    served.hail.drain()
    (node,) = embedded_server.nodes
    found = numbers(served.client.get('/metrics'))
    assert found['hailwhale_names'] == 7
    assert 1 <= found['hailwhale_names_fullest_shard'] < 7
    assert found['hailwhale_names_limit'] == 100_000
    assert found['hailwhale_engine_keys'] == node.dbsize() > before['hailwhale_engine_keys']
    info = node.info('memory')
    assert found['hailwhale_engine_memory_limit_bytes'] == (info['maxmemory'] or info['total_system_memory'])
    assert found['hailwhale_engine_memory_bytes'] == pytest.approx(info['used_memory'], rel=0.2)


def test_a_limit_of_memory_that_is_set_counts_more_than_that_of_the_machine(
    served: Served, embedded_server: Server
) -> None:
    with configured(embedded_server.nodes, 'maxmemory', 1_000_000_000):
        found = numbers(served.client.get('/metrics'))
    assert found['hailwhale_engine_memory_limit_bytes'] == 1_000_000_000


def test_metrics_of_a_process_are_told_while_its_engine_is_away(away: Client) -> None:
    away.get('/healthz')
    found = numbers(away.get('/metrics'))
    assert found['hailwhale_engine_up'] == 0
    assert found['hailwhale_push_events_count'] == 0
    assert not any('backlog' in name or 'lag' in name or 'drained' in name or 'keys' in name for name in found)


def test_metrics_need_a_library_and_say_which(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'prometheus_client', None)
    reply = served.client.get('/metrics')
    assert (reply.status, reply.error['code']) == (501, 'not_built')
    assert "pip install 'hailwhale[metrics]'" in reply.error['message']
