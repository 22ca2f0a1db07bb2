"""The express answers what the routes answer, in the order of the requests, whatever clients do."""

from __future__ import annotations

import json
import re
import resource
import shutil
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis

from hailwhale.access import Keys
from hailwhale.storage import connect
from hailwhale.storage.keys import SHARDS, hits_key
from hailwhale.wsgi import listening
from tests import engines
from tests.engines import Server, free_ports, until
from tests.wsgi.test_wsgi import Serve, Served, heard, processes

ONE = b'GET /count?pk=a HTTP/1.1\r\nHost: localhost\r\n\r\n'
IMAGE = b'GET /count.gif?pk=a HTTP/1.1\r\nHost: localhost\r\n\r\n'
#: Nobody takes it at once.
OTHER = b'GET /pid HTTP/1.1\r\nHost: localhost\r\n\r\n'
LAST = b'GET /count?pk=a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'


def hits(node: Redis) -> list[bytes]:
    """All events that wait, in the order of their shards."""
    found: list[Any] = [text for shard in range(SHARDS) for text in node.lrange(hits_key(shard), 0, -1)]
    return found


def bodies(answers: bytes) -> list[bytes]:
    """The bodies of answers that all have a length."""
    found, place = [], 0
    while place < len(answers):
        start = answers.index(b'\r\n\r\n', place) + 4
        match = re.search(rb'(?i)content-length: (\d+)', answers[place:start])
        assert match, answers[place:start]
        place = start + int(match[1])
        found.append(answers[start:place])
    return found


def undated(answer: bytes) -> bytes:
    return re.sub(rb'\r\nDate: [^\r]*', b'', answer)


@pytest.fixture
def serve() -> Iterator[Serve]:
    with processes() as start:
        yield start


@pytest.fixture(scope='module')
def express(redis_server: Server) -> Iterator[Served]:
    """The express alone: what it does not take is answered with something else."""
    with processes() as start:
        served = start(kind='express', settings={'url': redis_server.url})
        until(lambda: is_taken(served, LAST), 'it takes')
        yield served


def both_ways(serve: Serve, **settings: str) -> tuple[Served, Served]:
    """A server that takes events, and the same without the express."""
    settings['port'] = '0'
    return serve(kind='whale', parts=['hail'], settings=settings), serve(kind='routes', settings=settings)


@pytest.fixture(scope='module')
def ways(redis_server: Server) -> Iterator[tuple[Served, Served]]:
    """The same server with and without the express."""
    with processes() as start:
        yield both_ways(start, url=redis_server.url, cors='https://shop.example')


@pytest.fixture
def node(redis_server: Server) -> Redis:
    redis_server.empty()
    return redis_server.nodes[0]


def is_taken(express: Served, request: bytes) -> bool:
    """Whether the express takes a request that is the last one of its connection."""
    answer = express.send(request)
    assert answer.startswith(b'HTTP/1.1 200 OK\r\n'), answer
    return b'nosniff' in answer


# -- what is taken ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('head', 'taken'),
    [
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close', True),
        (b'GET /count.gif?pk=[a,b]&metrics={c:.5} HTTP/1.1\r\nhost: a\r\nConnection: Close\r\nCookie: a=b', True),
        (b'GET /count?pk=a HTTP/1.0', True),
        (b'GET /count?pk=a HTTP/1.0\r\nReferer: https://a.example/b?c', True),
        (b'GET /count?pk=a&at=1 HTTP/1.1\r\nConnection: close', False),
        (b'GET /count?pk=a&id=1 HTTP/1.1\r\nConnection: close', False),
        (b'GET /count?pk=a&pk=b HTTP/1.1\r\nConnection: close', False),
        (b'GET /count?pk=a&metric=b&metrics=c HTTP/1.1\r\nConnection: close', False),
        (b'GET /count?pk=a&dimensions={ HTTP/1.1\r\nConnection: close', False),
        (b'GET /count?pk=a\xc3\xa9 HTTP/1.1\r\nConnection: close', False),
        (b'GET /count?pk= HTTP/1.1\r\nConnection: close', False),
        (b'GET /count? HTTP/1.1\r\nConnection: close', False),
        (b'GET /count/?pk=a HTTP/1.1\r\nConnection: close', False),
        (b'GET /count HTTP/1.1\r\nConnection: close', False),
        (b'HEAD /count?pk=a HTTP/1.1\r\nConnection: close', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nContent-Length: 0', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nHost: a\r\nHost: b', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nOrigin:', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nX: y\r\n folded', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nUpgrade: h2c', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nExpect: 100-continue', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nX_Y: z', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nX: \xe9', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nAuthorization: Basic eA==', False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close\r\nX: ' + b'a' * 20_000, False),
        (b'GET /count?pk=a HTTP/1.1\r\nConnection: close' + b''.join(b'\r\nX%d: y' % n for n in range(80)), False),
    ],
)
def test_only_plain_requests_are_taken(express: Served, head: bytes, taken: bool) -> None:
    assert is_taken(express, head + b'\r\n\r\n') == taken


def test_a_head_that_others_would_end_earlier_is_not_taken(express: Served) -> None:
    # To a lenient reader the first two lines are a request, and the rest is another.
    smuggled = b'GET /count?pk=a HTTP/1.1\r\nX: y\n\nGET /pid HTTP/1.1\r\nConnection: close\r\n\r\n'
    assert bodies(express.send(smuggled)) == [b'OK', b'%d' % express.process.pid]


def test_an_event_is_written_as_the_routes_write_it(ways: tuple[Served, Served], node: Redis) -> None:
    path = '/count?pk=[Shop,"a/b"]&dimensions={geo:{UK:London}}&metrics={revenue:5.25}'.replace('"', '%22')
    for served in ways:
        assert served.get(path) == b'OK'
    first, second = hits(node)
    assert (
        first.split(b'\t')[1:]
        == second.split(b'\t')[1:]
        == [
            b'Shop/a%2Fb',
            b'geo geo/UK geo/UK/London',
            b'revenue 5250000 hits 1000000',
        ]
    )


NAMES = [
    'pk',
    'dimensions',
    'dimension',
    'metrics',
    'metric',
    'at',
    'id',
    'uid',
    'key',
    '_',
    'callback',
    'pk%20',
    'p%6B',
]
TEXTS = [
    '',
    'a',
    '42',
    '1e5',
    '[a, b]',
    '["a", 1]',
    '{a: b}',
    '{a: {b: c}, d: [e]}',
    '{a: 1.5}',
    '{a: 1e99}',
    '[]',
    '{',
    '%',
]
TEXTS += [
    '{a:b,a:c}',
    'null',
    '-1',
    '1' * 600,
    '%C3%A9',
    '%E9',
    '+',
    'a%00b',
    '[' * 40,
    '_',
    '2020-01-01',
    '{hits:0}',
    '"a"',
]
QUERIES = st.lists(
    st.tuples(st.sampled_from(NAMES[:5] * 5 + NAMES), st.sampled_from(TEXTS) | st.text(max_size=12).map(quote)),
    max_size=4,
).map(lambda pairs: '&'.join(f'{name}={text}' for name, text in pairs))
HEADERS = st.sampled_from(
    [
        '',
        'Origin: https://shop.example\r\n',
        'Origin: null\r\n',
        'Origin: https://foreign.example\r\n',
        'Referer: https://foreign.example/page\r\n',
        'Sec-Fetch-Site: cross-site\r\n',
        'Authorization: Bearer hw_abcdefgh_none\r\n',
        'If-None-Match: *\r\n',
        'X-Forwarded-Proto: https\r\nAccept: image/*\r\n',
    ]
)


@given(
    queries=st.lists(QUERIES, min_size=1, max_size=6),
    headers=HEADERS,
    path=st.sampled_from(['/count', '/count', '/count.gif']),
    version=st.sampled_from(['1.1', '1.0']),
    host=st.sampled_from(['localhost', '127.0.0.1:8085', 'foreign.example', '']),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_answer_is_that_of_the_routes_to_the_last_byte(
    ways: tuple[Served, Served], node: Redis, queries: list[str], headers: str, path: str, version: str, host: str
) -> None:
    node.flushall()
    named = f'Host: {host}\r\n' if host else ''
    requests = [
        f'GET {path}?{query} HTTP/{version}\r\n{named}{headers}Connection: keep-alive\r\n\r\n' for query in queries
    ]
    last = f'GET {path}?pk=last HTTP/{version}\r\n{named}{headers}Connection: close\r\n\r\n'
    found = []
    for served in ways:
        answer = undated(served.send(''.join([*requests, last]).encode('latin-1', 'replace')))
        found.append((answer, sorted(text.split(b'\t', 1)[1] for text in hits(node))))
        node.flushall()
    assert found[0] == found[1]


# -- connections -----------------------------------------------------------------------------------------------------


def test_answers_come_in_the_order_of_their_requests_whoever_gives_them(express: Served, node: Redis) -> None:
    pid = b'%d' % express.process.pid
    requests = [ONE, OTHER, IMAGE, ONE, ONE, OTHER, OTHER, IMAGE, LAST]
    found = bodies(express.send(b''.join(requests)))
    assert [{b'OK': ONE, pid: OTHER}.get(body, IMAGE) for body in found] == [*requests[:-1], ONE]
    assert len(hits(node)) == 6


def test_a_thousand_requests_in_one_piece_are_all_counted(express: Served, node: Redis) -> None:
    assert bodies(express.send(ONE * 999 + LAST)) == [b'OK'] * 1_000
    assert len(hits(node)) == 1_000


def test_what_comes_after_the_last_request_is_not_answered(express: Served, node: Redis) -> None:
    assert bodies(express.send(LAST + ONE)) == [b'OK']
    assert len(hits(node)) == 1


def test_a_client_that_sends_byte_by_byte_is_answered(express: Served) -> None:
    with express.plug() as plug:
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in ONE + OTHER + LAST:
            plug.sendall(bytes([byte]))
        assert bodies(heard(plug)) == [b'OK', b'%d' % express.process.pid, b'OK']


def test_a_client_that_is_done_sending_gets_its_answers(express: Served) -> None:
    with express.plug() as plug:
        plug.sendall(ONE + OTHER + ONE + ONE[:-2])
        plug.shutdown(socket.SHUT_WR)
        assert bodies(heard(plug)) == [b'OK', b'%d' % express.process.pid, b'OK']


def test_a_client_that_goes_away_disturbs_nobody(express: Served, node: Redis) -> None:
    for _ in range(50):
        with express.plug() as plug:
            plug.sendall(ONE * 20 + OTHER)
            # It resets the connection.
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    assert bodies(express.send(LAST)) == [b'OK']
    assert 1 <= len(hits(node)) <= 1_001


def test_a_thousand_connections_are_all_answered(express: Served, node: Redis) -> None:
    assert listening.room() >= 1_000
    with ExitStack() as stack:
        plugs = [stack.enter_context(express.plug()) for _ in range(1_000)]
        for _ in range(2):
            for plug in plugs:
                plug.sendall(ONE)
            for plug in plugs:
                assert plug.recv(4_096).endswith(b'\r\n\r\nOK')
        assert len(hits(node)) == 2_000


def test_many_that_send_half_a_head_keep_nobody_waiting_and_are_told_in_the_end(serve: Serve, redis_url: str) -> None:
    served = serve(kind='express', settings={'url': redis_url}, HEADER_SECONDS=1.0)
    with ExitStack() as stack:
        slow = [stack.enter_context(served.plug()) for _ in range(300)]
        for plug in slow:
            plug.sendall(ONE[:-2])
        assert served.get('/') == b'OK'
        for plug in slow:
            assert heard(plug).startswith(b'HTTP/1.1 408 ')
    assert served.get('/') == b'OK'


def test_a_client_that_never_reads_is_put_off_and_then_left(serve: Serve, redis_server: Server, node: Redis) -> None:
    served = serve(kind='express', settings={'url': redis_server.url}, SEND_SECONDS=0.5)
    until(lambda: is_taken(served, LAST), 'it takes')
    with served.plug() as plug:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        with pytest.raises((ConnectionError, TimeoutError)):
            plug.sendall(ONE * 1_000_000)
        # It was read no further than what it is owed.
        assert len(hits(node)) < 200_000
    assert bodies(served.send(LAST)) == [b'OK']


def test_more_than_may_be_owed_wait_until_others_are_answered(serve: Serve, redis_url: str) -> None:
    options: dict[str, Any] = {'MOST_OWED_TO_ALL': 10, 'MOST_OWED': 5, 'MOST_AT_ONCE': 1}
    served = serve(kind='express', settings={'url': redis_url}, **options)
    until(lambda: is_taken(served, LAST), 'it takes')
    with ExitStack() as stack:
        plugs = [stack.enter_context(served.plug()) for _ in range(20)]
        for plug in plugs:
            plug.sendall((ONE * 8 + OTHER) * 3 + LAST)
        for plug in plugs:
            assert len(bodies(heard(plug))) == 28


def test_what_was_sent_before_the_end_is_answered(serve: Serve, redis_server: Server, node: Redis) -> None:
    served = serve(kind='whale', parts=['hail'], settings={'url': redis_server.url, 'port': '0'})
    assert served.get('/count?pk=a') == b'OK'
    with served.plug() as plug, served.plug() as idle:
        plug.sendall(ONE)
        assert plug.recv(4_096).endswith(b'OK')
        plug.sendall(ONE * 3)
        until(lambda: len(hits(node)) == 5, 'they are kept')
        assert served.end() == ('ended 0', '')
        assert bodies(heard(plug)) == [b'OK'] * 3
        assert heard(idle) == b''


def test_a_client_that_reads_late_gets_all_its_answers(express: Served) -> None:
    with express.plug() as plug, ThreadPoolExecutor(1) as others:
        sent = others.submit(plug.sendall, ONE * 30_000 + LAST)
        # It stops reading us until we read: its answers are more than the system keeps for us.
        wait([sent], timeout=0.5)
        assert len(bodies(heard(plug))) == 30_001


def test_a_client_that_goes_away_before_it_says_anything_is_let_go(serve: Serve, redis_url: str) -> None:
    served = serve(kind='express', settings={'url': redis_url})
    for _ in range(20):
        with served.plug() as plug:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    assert served.get('/') == b'OK'
    assert served.end() == ('ended 0', '')


def test_a_failure_of_ours_costs_one_connection_and_is_logged(serve: Serve, redis_url: str) -> None:
    served = serve(kind='failing_express', settings={'url': redis_url})
    assert served.send(ONE) == b''
    assert 'RuntimeError: as asked' in served.end()[1]


@pytest.mark.parametrize(
    ('sent', 'answered'),
    [(b'GET /count', b''), (ONE[:-2], b'HTTP/1.1 408 '), (ONE[:-2] + b'X: ' + b'a' * 20_000, b'HTTP/1.1 408 ')],
)
def test_half_a_head_is_not_waited_for(serve: Serve, redis_url: str, sent: bytes, answered: bytes) -> None:
    answer = serve(kind='express', settings={'url': redis_url}, HEADER_SECONDS=0.1).send(sent)
    assert answer.startswith(answered)
    assert bool(answer) == bool(answered)


def test_a_head_that_comes_in_pieces_too_large_for_one_is_read(express: Served) -> None:
    with express.plug() as plug:
        plug.sendall(OTHER[:-2] + b'X: ' + b'a' * 20_000)
        plug.sendall(b'b' * 20_000 + b'\r\nConnection: close\r\n\r\n')
        assert bodies(heard(plug)) == [b'%d' % express.process.pid]


def test_an_answer_under_way_at_the_end_is_sent_to_its_end(serve: Serve, redis_url: str) -> None:
    served = serve(kind='express', settings={'url': redis_url})
    with served.plug() as plug:
        plug.sendall(b'GET /big HTTP/1.1\r\n\r\n')
        first = plug.recv(1)
        served.process.terminate()
        until(lambda: not served.is_listening(), 'no more connections are accepted')
        assert len(bodies(first + heard(plug))[0]) == 64_000_000
    assert served.ended() == ('ended 0', '')


def send_all(plug: socket.socket, data: bytes) -> None:
    """Send it; the time of the socket is until some of it is taken, and not until all is."""
    rest = memoryview(data)
    while rest:
        rest = rest[plug.send(rest) :]


def test_who_does_not_take_its_answers_is_cut_off_at_the_end(serve: Serve, redis_url: str) -> None:
    served = serve(kind='express', settings={'url': redis_url}, grace=0.1)
    until(lambda: is_taken(served, LAST), 'it takes')
    with served.plug() as plug:
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        plug.settimeout(3)
        with pytest.raises(TimeoutError):
            send_all(plug, ONE * 1_000_000)
        assert 'requests were not finished within 0.1 s' in served.end()[1]


def test_who_asks_is_forgotten_when_too_many_have_asked(serve: Serve, redis_url: str) -> None:
    served = serve(kind='express', settings={'url': redis_url}, REMEMBERED=2)
    until(lambda: is_taken(served, LAST), 'it takes')
    for number in range(8):
        assert is_taken(served, LAST[:-2] + b'Origin: https://%d.example\r\n\r\n' % number)


def test_as_many_connections_as_the_system_allows_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(listening, 'MAX_CONNECTIONS', 600)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
        assert listening.room() == 600
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == 824
        assert listening.room() == 600
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# -- what is not kept ------------------------------------------------------------------------------------------------


@contextmanager
def engine_at(directory: Path, port: int) -> Iterator[Redis]:
    binary = shutil.which('redis-server')
    assert binary
    directory.mkdir()
    with engines.process(binary, directory, port) as node:
        yield node


def test_an_engine_that_is_away_is_told_as_the_routes_tell_it_and_may_come_back(serve: Serve, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with engine_at(tmp_path / 'one', port):
        ways = both_ways(serve, url=f'redis://127.0.0.1:{port}/0', timeout='0.1')
        assert [served.get('/count?pk=a') for served in ways] == [b'OK'] * 2
        until(lambda: bodies(ways[0].send(ONE * 3 + LAST)) == [b'OK'] * 4, 'it takes')
    for request in (ONE, IMAGE):
        request = request.replace(b'\r\n\r\n', b'\r\nConnection: close\r\n\r\n')
        first, second = (undated(served.send(request)) for served in ways)
        assert first == second
        assert first.startswith(b'HTTP/1.1 503 ')
        assert b'\r\nRetry-After: ' in first
    with engine_at(tmp_path / 'two', port) as node:
        until(lambda: bodies(ways[0].send(ONE * 3 + LAST)) == [b'OK'] * 4, 'it goes on')
        assert len(hits(node)) >= 4


def test_an_engine_that_comes_later_is_found(serve: Serve, tmp_path: Path) -> None:
    (port,) = free_ports(1)
    served, _ = both_ways(serve, url=f'redis://127.0.0.1:{port}/0', timeout='0.05')
    assert b'503' in served.send(LAST)[:12]
    with engine_at(tmp_path / 'late', port) as node:
        until(lambda: bodies(served.send(ONE * 3 + LAST)) == [b'OK'] * 4, 'it takes')
        assert len(hits(node)) >= 4


def test_a_list_that_is_full_is_told_and_nothing_is_kept(serve: Serve, redis_server: Server, node: Redis) -> None:
    settings = {'url': redis_server.url, 'port': '0', 'max_backlog': '3'}
    served = serve(kind='whale', parts=['hail'], settings=settings)
    for _ in range(3):
        assert served.get('/count?pk=a') == b'OK'
    for _ in range(2):
        refused = [json.loads(body)['error']['code'] for body in bodies(served.send(ONE * 3 + LAST))]
        assert refused == ['backlog_full'] * 4
    assert len(hits(node)) == 3


# -- keys ------------------------------------------------------------------------------------------------------------


def test_keys_are_asked_for_as_the_routes_ask(serve: Serve, redis_url: str, tmp_path: Path) -> None:
    with closing(connect(redis_url, home=tmp_path)) as storage:
        keys = Keys(storage, time.time)
        shop = keys.create('write', pks=['Shop/*'], origins=['https://shop.example']).text
        rated = keys.create('write', rate='1000/s').text
        reader = keys.create('read').text
    ways = both_ways(serve, url=redis_url)
    tries = [
        (f'pk=[Shop,1]&key={key}', header)
        for key in (shop, rated, reader, 'hw_none_none', 'a%20b', '')
        for header in ('', 'Origin: https://shop.example\r\n', 'Origin: https://foreign.example\r\n')
    ] + [(f'pk={pk}', f'Authorization: Bearer {shop}\r\nOrigin: https://shop.example\r\n') for pk in ('Shop', 'Else')]
    seen = set()
    for query, header in tries * 2:
        request = f'GET /count?{query} HTTP/1.1\r\nHost: a\r\n{header}Connection: close\r\n\r\n'.encode()
        first, second = (undated(served.send(request)) for served in ways)
        assert first == second, request
        seen.add(first[9:12])
    assert seen == {b'200', b'401', b'403'}


# -- behind a proxy --------------------------------------------------------------------------------------------------

NGINX = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    large_client_header_buffers 8 32k;
    upstream hail {{ server 127.0.0.1:{hail}; keepalive 8; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://hail;
            proxy_http_version {version};
            proxy_set_header Connection "";
            proxy_set_header Host localhost;
            proxy_request_buffering {buffering};
        }}
    }}
}}
"""


@pytest.fixture(scope='module', params=[('1.1', 'off'), ('1.1', 'on'), ('1.0', 'on')])
def proxied(
    ways: tuple[Served, Served], tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Served]:
    version, buffering = request.param
    with proxy(tmp_path_factory.mktemp('nginx'), ways[0], version=version, buffering=buffering) as found:
        yield found


@contextmanager
def proxy(folder: Path, served: Served, *, version: str, buffering: str) -> Iterator[Served]:
    """A real proxy in front of a server."""
    binary = shutil.which('nginx', path='/usr/sbin:/usr/local/sbin:/opt/homebrew/bin:/usr/local/bin:/usr/bin')
    if binary is None:
        pytest.fail('these tests need nginx: apt-get install nginx-light (macOS: brew install nginx)')
    (port,) = free_ports(1)
    text = NGINX.format(folder=folder, hail=served.address[1], port=port, version=version, buffering=buffering)
    (folder / 'nginx.conf').write_text(text)
    command = [binary, '-c', str(folder / 'nginx.conf'), '-e', str(folder / 'error.log'), '-p', str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as proxy:
        found = object.__new__(Served)
        found.process, found.address = proxy, ('127.0.0.1', port)
        try:
            until(lambda: found.is_listening(), 'the proxy listens')
            yield found
        finally:
            proxy.terminate()


def test_a_proxy_keeps_its_connections_and_every_event_is_counted_once(proxied: Served, node: Redis) -> None:
    with closing(proxied.connect()) as connection:
        for number in range(100):
            connection.request('GET', f'/count?pk=a{number}')
            assert connection.getresponse().read() == b'OK'
            body = json.dumps([{'pk': f'b{number}'}] * 3)
            connection.request('POST', '/count', body, {'Content-Type': 'application/json'})
            assert json.loads(connection.getresponse().read())['kept'] == 3
    assert len(hits(node)) == 400


def test_a_proxy_passes_chunks_on(proxied: Served, node: Redis) -> None:
    with closing(proxied.connect()) as connection:
        for _ in range(20):
            pieces: Iterator[bytes] = iter([b'[{"pk": "a"},', b'{"pk": ', b'"b"}]'])
            connection.request('POST', '/count', pieces, {'Content-Type': 'application/json'}, encode_chunked=True)
            assert json.loads(connection.getresponse().read())['kept'] == 2
            connection.request('GET', '/count?pk=a')
            assert connection.getresponse().read() == b'OK'
    assert len(hits(node)) == 60


def test_a_proxy_passes_large_heads_on_and_what_is_refused(proxied: Served, node: Redis) -> None:
    with closing(proxied.connect()) as connection:
        for size, status in ((6_000, 200), (20_000, 200), (30_000, 200)):
            connection.request('GET', '/count?pk=a', headers={'X': 'a' * size})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (status, b'OK')
        connection.request('GET', '/count?pk=' + 'a' * 9_000)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())['error']['code']) == (414, 'uri_too_long')
    assert len(hits(node)) == 3


def test_many_clients_of_a_proxy_share_its_connections(proxied: Served, node: Redis) -> None:
    with ExitStack() as stack:
        plugs = [stack.enter_context(proxied.plug()) for _ in range(100)]
        for plug in plugs:
            plug.sendall(ONE * 4 + LAST)
        for plug in plugs:
            assert len(bodies(heard(plug))) == 5
    assert len(hits(node)) == 500
