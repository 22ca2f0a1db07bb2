"""Streams over real sockets, by real processes: framed, shared, and gone when their clients or the server go."""

from __future__ import annotations

import json
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from redis import Redis

from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.engines import Server, until
from tests.events import Stream, merged
from tests.wsgi.test_express import proxy
from tests.wsgi.test_wsgi import Serve, Served, processes

HOUR = '/stream?pk=a&period=1h:1h'


@pytest.fixture
def serve() -> Iterator[Serve]:
    with processes() as start:
        yield start


@pytest.fixture
def whale(redis_url: str) -> Iterator[Whale]:
    with Whale(redis_url, settings=Settings.load({})) as whale:
        yield whale


@pytest.fixture
def served(serve: Serve, whale: Whale) -> Served:
    return start(serve, whale)


def start(serve: Serve, whale: Whale, **options: object) -> Served:
    return serve(kind='whale', settings={'url': whale.url, 'port': '0'}, **options)


def meter(served: Served, name: str) -> float:
    """A number of /metrics."""
    match = re.search(rf'^{name} ([\d.]+)$', served.get('/metrics').decode(), re.MULTILINE)
    return float(match[1]) if match else 0.0


def number(stream: Stream) -> int:
    """What the last event says was counted."""
    ((_, found),) = stream.told[-1].data['_']['hits']
    return int(found)


# -- what is sent ----------------------------------------------------------------------------------------------------


def test_a_hit_is_sent_as_it_comes_in_a_chunk_of_its_own(served: Served, whale: Whale) -> None:
    with Stream(served.address, HOUR) as stream:
        assert stream.status == 200
        assert stream.wait(1)[0].data == json.loads(served.get(HOUR.replace('/stream', '/plotpoints')))
        for lower in (b'transfer-encoding: chunked', b'connection: close', b'x-accel-buffering: no'):
            assert stream.head.lower().count(lower) == 1
        whale.count_now('a')
        assert stream.wait(2)[1].kind == 'points'
        assert number(stream) == 1


def test_a_hit_that_waits_in_a_list_is_sent_when_it_is_drained(served: Served) -> None:
    with Stream(served.address, HOUR) as stream:
        stream.wait(1)
        served.get('/count?pk=a')
        stream.wait(2)
        assert number(stream) == 1


def test_a_client_of_http_1_0_gets_the_same_without_chunks(served: Served, whale: Whale) -> None:
    with Stream(served.address, HOUR, 'Connection: keep-alive', version='1.0') as stream:
        stream.wait(1)
        assert b'chunked' not in stream.head
        assert b'Connection: close' in stream.head
        whale.count_now('a')
        stream.wait(2)
        served.process.terminate()
        stream.rest()


@pytest.mark.parametrize('method', ['HEAD', 'POST'])
def test_other_methods_are_refused_at_once(served: Served, method: str) -> None:
    answer = served.send(f'{method} {HOUR} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'.encode())
    assert answer.startswith(b'HTTP/1.1 405 ')
    assert b'Allow: GET, OPTIONS' in answer


def test_a_stream_that_has_nothing_to_say_is_kept_alive(serve: Serve, whale: Whale) -> None:
    served = start(serve, whale, QUIET=0.05)
    with Stream(served.address, HOUR) as stream:
        stream.wait_for(b'\n\n: \n\n: \n\n')
        assert len(stream.told) == 1


def test_what_has_changed_while_a_client_was_away_is_told_by_any_worker(serve: Serve, whale: Whale) -> None:
    served = start(serve, whale, workers=2)
    with Stream(served.address, HOUR) as stream:
        known = f'Last-Event-ID: {stream.wait(1)[0].id}'
    with ExitStack() as stack:
        streams = [stack.enter_context(Stream(served.address, HOUR, known)) for _ in range(8)]
        for stream in streams:
            stream.wait_for(b'retry: 2000\n\n')
            assert stream.told == []
        whale.count_now('a')
        for stream in streams:
            assert stream.wait(1)[0].kind == 'points'
            assert number(stream) == 1
        with Stream(served.address, HOUR, known) as late:
            assert late.wait(1)[0].kind == 'all'
    assert served.end() == ('ended 0', '')


# -- what it costs ---------------------------------------------------------------------------------------------------


def test_many_who_watch_the_same_cost_as_much_as_one(served: Served, whale: Whale, redis_server: Server) -> None:
    (node,) = redis_server.nodes
    with ExitStack() as stack:
        streams = [stack.enter_context(Stream(served.address, HOUR)) for _ in range(200)]
        for stream in streams:
            stream.wait(1)
        assert meter(served, 'hailwhale_streams') == 200
        before, began = reads(node), time.monotonic()
        for count in range(1, 4):
            whale.count_now('a')
            for stream in streams:
                stream.wait(count + 1)
        # Two a second; and counting reads, too.
        assert 2 < reads(node) - before < 4 * (time.monotonic() - began + 2)
    until(lambda: meter(served, 'hailwhale_streams') == 0, 'all are gone')


def reads(node: Redis) -> int:
    """How many reads of counters the engine has answered."""
    return int(node.info('commandstats')['cmdstat_hmget']['calls'])


def test_streams_keep_nobody_else_waiting(serve: Serve, whale: Whale) -> None:
    served = start(serve, whale, MOST_AT_ONCE=1)
    with ExitStack() as stack:
        streams = [stack.enter_context(Stream(served.address, HOUR)) for _ in range(5)]
        for stream in streams:
            stream.wait(1)
        for _ in range(3):
            assert served.get('/count_now?pk=a') == b'OK'
        for stream in streams:
            while number(stream) < 3:
                stream.wait(len(stream.told) + 1)
    assert served.end() == ('ended 0', '')


def test_more_than_may_be_open_are_refused(serve: Serve, whale: Whale) -> None:
    served = serve(kind='whale', settings={'url': whale.url, 'port': '0', 'max_streams': '1'})
    with Stream(served.address, HOUR) as stream:
        stream.wait(1)
        with Stream(served.address, HOUR) as other:
            assert other.status == 503
            assert b'Retry-After: 2' in other.head
    until(lambda: is_opened(served), 'another one is let in')


def is_opened(served: Served) -> bool:
    with Stream(served.address, HOUR) as stream:
        return stream.status == 200


# -- clients that go, or take nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize('abruptly', [True, False])
def test_a_client_that_goes_away_frees_everything_at_once(served: Served, abruptly: bool) -> None:
    stream = Stream(served.address, HOUR)
    stream.wait(1)
    if abruptly:
        stream.plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
    assert meter(served, 'hailwhale_streams') == 1
    stream.plug.close()
    until(lambda: meter(served, 'hailwhale_streams') == 0, 'the stream is closed', seconds=5)
    assert meter(served, r'hailwhale_stream_events_total\{event="all"\}') == 1


def test_what_a_client_sends_meanwhile_is_not_answered(served: Served, whale: Whale) -> None:
    with Stream(served.address, HOUR) as stream:
        stream.wait(1)
        stream.plug.sendall(b'GET /count_now?pk=a HTTP/1.1\r\nHost: localhost\r\n\r\n')
        whale.count_now('a')
        stream.wait(2)
        assert number(stream) == 1


#: More than the system keeps for a client that takes nothing.
WIDE = '/stream?pk=wide&period=1m:20h&depth=1'
NAMES = 300


def test_a_client_that_takes_nothing_gets_the_newest_later_and_keeps_nobody_waiting(
    served: Served, whale: Whale
) -> None:
    whale.count_many([('wide', str(name)) for name in range(NAMES)])
    with Stream(served.address, WIDE) as slow, Stream(served.address, HOUR) as other:
        until(lambda: meter(served, r'hailwhale_stream_events_total\{event="all"\}') == 2, 'both are sent all')
        for count in range(1, 4):
            whale.count_now('wide', '7')
            whale.count_now('a')
            other.wait(count + 1)
        assert meter(served, r'hailwhale_stream_events_total\{event="points"\}') == 3
        known = 0
        while known < NAMES + 3:
            slow.wait(len(slow.told) + 1)
            known = sum(number for _, number in merged(slow.told)['_']['hits'])
        # Where a minute has begun meanwhile, one of them is all.
        assert len(slow.told) <= 3


# -- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('workers', [1, 2])
def test_streams_end_at_once_when_the_server_is_told_to_end(serve: Serve, whale: Whale, workers: int) -> None:
    served = start(serve, whale, workers=workers)
    with ExitStack() as stack:
        streams = [stack.enter_context(Stream(served.address, HOUR)) for _ in range(20)]
        for stream in streams:
            stream.wait(1)
        began = time.monotonic()
        assert served.end() == ('ended 0', '')
        assert time.monotonic() - began < 5
        for stream in streams:
            stream.rest()


def test_who_takes_nothing_does_not_keep_the_server_from_ending(serve: Serve, whale: Whale) -> None:
    whale.count_many([('wide', str(name)) for name in range(NAMES)])
    served = start(serve, whale)
    with Stream(served.address, WIDE):
        until(lambda: meter(served, r'hailwhale_stream_events_total\{event="all"\}') == 1, 'it is sent')
        began = time.monotonic()
        out, log = served.end(signal.SIGTERM)
        assert (out, log) == ('ended 0', '')
        assert time.monotonic() - began < 5


# -- behind a proxy --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('version', ['1.1', '1.0'])
def test_a_proxy_passes_each_event_on_as_it_comes(served: Served, whale: Whale, tmp_path: Path, version: str) -> None:
    with proxy(tmp_path, served, version=version, buffering='on') as proxied:
        with Stream(proxied.address, HOUR) as stream:
            stream.wait(1)
            for count in range(1, 4):
                whale.count_now('a')
                stream.wait(count + 1)
                assert number(stream) == count
            assert meter(served, 'hailwhale_streams') == 1
        until(lambda: meter(served, 'hailwhale_streams') == 0, 'the proxy passes on that the client has gone')
