"""Serving over real sockets, by a real process."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import pytest

from hailwhale import wsgi
from hailwhale.errors import SettingsError
from hailwhale.servers.params import refusal
from hailwhale.settings import Settings
from hailwhale.wsgi import listening
from hailwhale.wsgi.assembly import assembled
from hailwhale.wsgi.workers import Workers
from tests import serving
from tests.engines import until
from tests.servers.client import Client

ROOT = Path(__file__).resolve().parents[2]
#: Seconds after which an answer does not come any more.
PATIENCE = 20.0


class Served:
    """A process that serves, and what it has written."""

    def __init__(self, process: subprocess.Popen[str], log: IO[str]) -> None:
        self.process = process
        self.log = log
        assert process.stdout is not None
        self.url = process.stdout.readline().strip()
        parts = urlsplit(self.url)
        self.address = (parts.hostname or '', parts.port or 0)

    def end(self, number: int = signal.SIGTERM) -> tuple[str, str]:
        """Tell it to end; what it said last, and its log."""
        self.process.send_signal(number)
        return self.ended()

    def ended(self) -> tuple[str, str]:
        out, _ = self.process.communicate(timeout=PATIENCE)
        self.log.seek(0)
        return out.strip(), self.log.read()

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(*self.address, timeout=PATIENCE)

    def get(self, path: str = '/') -> bytes:
        with closing(self.connect()) as connection:
            connection.request('GET', path)
            return connection.getresponse().read()

    def send(self, *parts: bytes) -> bytes:
        """Everything that comes back for some bytes, until the server hangs up."""
        with self.plug() as plug:
            for part in parts:
                plug.sendall(part)
            return heard(plug)

    def plug(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=PATIENCE)

    def is_listening(self) -> bool:
        try:
            self.plug().close()
        except ConnectionRefusedError:
            return False
        return True


def heard(plug: socket.socket) -> bytes:
    """What comes until the other side hangs up, which it may do in the midst of what we send."""
    found = []
    with suppress(ConnectionResetError):
        while part := plug.recv(65_536):
            found.append(part)
    return b''.join(found)


Serve = Callable[..., Served]


@contextmanager
def processes() -> Iterator[Serve]:
    """Starts processes that serve; they are stopped at the end."""
    with ExitStack() as stack:

        def start(**options: object) -> Served:
            command = [sys.executable, '-m', 'tests.serving', json.dumps(options)]
            # A pipe that nobody reads while it fills would stop the process.
            log = stack.enter_context(tempfile.TemporaryFile('w+'))
            process = stack.enter_context(
                subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=log, text=True)
            )
            stack.callback(process.terminate)
            return Served(process, log)

        yield start


@pytest.fixture
def serve() -> Iterator[Serve]:
    with processes() as start:
        yield start


@pytest.fixture(scope='module')
def plain() -> Iterator[Served]:
    """One process for all tests that leave it as it was."""
    with processes() as start:
        yield start()


@contextmanager
def under_way(served: Served) -> Iterator[tuple[http.client.HTTPConnection, socket.socket]]:
    """A request that the server has begun to answer, and what lets it go on when it is closed."""
    with socket.create_server(('127.0.0.1', 0)) as listener, closing(served.connect()) as connection:
        listener.settimeout(PATIENCE)
        connection.request('GET', f'/slow?{listener.getsockname()[1]}')
        leave, _ = listener.accept()
        with leave:
            yield connection, leave


# -- one process -----------------------------------------------------------------------------------------------------


def test_the_whale_is_served_over_a_real_socket_and_ends_cleanly(serve: Serve, tmp_path: Path) -> None:
    served = serve(kind='whale', settings={'home': str(tmp_path), 'port': '0'}, patched=True)
    assert re.fullmatch(r'http://127\.0\.0\.1:\d+/', served.url)
    assert served.get('/count_now?pk=a&metrics=%7Bb:.5%7D') == b'OK'
    assert json.loads(served.get('/totals?pk=a&metrics=b&period=hour')) == {'hour': {'_': {'b': 0.5}}}
    out, log = served.end()
    assert (out, log, served.process.returncode) == ('ended 0', '', 0)


def test_where_it_serves_is_logged_when_nobody_wants_to_be_told(serve: Serve) -> None:
    assert re.fullmatch(r'INFO hailwhale\.wsgi serving at http://127\.0\.0\.1:\d+/', serve(told=False).url)


def test_a_whale_whose_engine_is_away_is_served_with_what_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load({}, url='redis://127.0.0.1:1/0', timeout='0.01')
    with assembled(settings, ('hail', 'whale')) as app:
        assert Client(app).get('/healthz').status == 503
    assert 'serving without an engine: ' in caplog.text


def test_one_connection_carries_many_requests(plain: Served) -> None:
    with closing(plain.connect()) as connection:
        for _ in range(3):
            connection.request('GET', '/')
            response = connection.getresponse()
            assert (response.status, response.read(), response.will_close) == (200, b'OK', False)


def test_an_answer_leaves_at_once_and_in_one_piece(plain: Served) -> None:
    assert plain.get('/nodelay') == b'True'
    with plain.plug() as plug:
        for _ in range(20):
            plug.sendall(b'GET / HTTP/1.1\r\n\r\n')
            whole = plug.recv(65_536)
            assert whole.startswith(b'HTTP/1.1 200 OK\r\n')
            assert whole.endswith(b'\r\n\r\nOK')


def test_answers_without_a_length_come_in_chunks(plain: Served) -> None:
    assert plain.get('/stream') == b'onetwo'
    assert plain.get('/nothing') == b''
    assert b'\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n' in plain.send(
        b'GET /stream HTTP/1.1\r\nConnection: close\r\n\r\n'
    )


def test_an_application_that_fails_is_answered_with_500(serve: Serve) -> None:
    served = serve()
    assert served.send(b'GET /fail HTTP/1.1\r\n\r\n').startswith(b'HTTP/1.1 500 ')
    assert served.get() == b'OK'
    assert 'RuntimeError: as asked' in served.end()[1]


@pytest.mark.parametrize(('access_log', 'workers', 'lines'), [(True, 1, 1), (True, 2, 1), (False, 1, 0)])
def test_requests_are_logged_only_where_that_is_wanted(
    serve: Serve, access_log: bool, workers: int, lines: int
) -> None:
    served = serve(access_log=access_log, workers=workers)
    served.get('/pid?a=b')
    log = served.end()[1]
    assert log.count('INFO hailwhale.access 127.0.0.1 - - ') == log.count('"GET /pid?a=b HTTP/1.1" 200 ') == lines
    assert len(log.splitlines()) == lines


def test_a_key_in_an_address_is_not_logged(serve: Serve) -> None:
    served = serve(access_log=True)
    served.get('/pid?a=b&key=hw_k2n8w0qd_secret')
    served.send(b'GET /pid?key=hw_k2n8w0qd_secret HTTP/9.9\r\n\r\n')
    log = served.end()[1]
    assert '"GET /pid?a=b&key=*** HTTP/1.1" 200 ' in log
    assert 'secret' not in log


# -- the end ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_what_is_under_way_is_finished_and_nothing_new_begun(serve: Serve, number: int) -> None:
    served = serve()
    with closing(served.connect()) as idle, under_way(served) as (connection, leave):
        idle.request('GET', '/')
        idle.getresponse().read()
        served.process.send_signal(number)
        until(lambda: not served.is_listening(), 'no more connections are accepted')
        assert idle.sock.recv(1) == b''
        leave.close()
        response = connection.getresponse()
        assert response.read() == b'done'
        assert response.getheader('Connection') == 'close'
    assert served.ended() == ('ended 0', '')


def test_a_request_that_outlasts_the_grace_is_cut_off_and_told_of(serve: Serve) -> None:
    served = serve(grace=0.05)
    with under_way(served) as (connection, _):
        out, log = served.end()
        assert heard(connection.sock).startswith(b'HTTP/1.1 500 ')
    assert out == 'ended 0'
    assert 'WARNING hailwhale.wsgi 1 requests were not finished within 0.05 s' in log


def test_who_has_connected_but_was_not_accepted_is_answered_before_the_end(serve: Serve) -> None:
    served = serve(kind='backlog')
    assert served.url == 'HTTP/1.1 200 OK'
    assert served.process.wait(PATIENCE) == 0


# -- clients that are slow, wrong or gone ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('sent', 'expected'),
    [
        (b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 200 + b'\r\n', b'HTTP/1.1 400 '),
        (b'GET /' + b'a' * 9_000 + b' HTTP/1.1\r\n\r\n', b'HTTP/1.1 414 '),
        (b'GET / HTTP/7.0\r\n\r\n', b'HTTP/1.1 400 '),
        (b'nonsense\r\n\r\n', b'HTTP/1.1 400 '),
        (b'POST / HTTP/1.1\r\nContent-Length: many\r\n\r\n', b'HTTP/1.1 400 '),
        (b'POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n', b'HTTP/1.1 400 '),
        (b'GET / HTTP/1.0\r\n\r\n', b'HTTP/1.1 200 '),
        (b'POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', b'HTTP/1.1 400 '),
        (b'POST / HTTP/1.1\r\nContent-Length: +2\r\n\r\n{}', b'HTTP/1.1 400 '),
        (b'POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', b'HTTP/1.1 400 '),
        (b'POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', b'HTTP/1.1 400 '),
        (b'POST / HTTP/1.1\r\nno header\r\nContent-Length: 2\r\n\r\n{}', b'HTTP/1.1 400 '),
        (b'POST / HTTP/1.1\r\nHost : a\r\nContent-Length: 2\r\n\r\n{}', b'HTTP/1.1 400 '),
        (b'POST / HTTP/1.1\r\n Host: a\r\nContent-Length: 2\r\n\r\n{}', b'HTTP/1.1 400 '),
    ],
)
def test_what_is_no_proper_request_is_refused_and_the_connection_closed(
    plain: Served, sent: bytes, expected: bytes
) -> None:
    answer = plain.send(sent)
    assert answer.startswith(expected)
    assert answer.lower().count(b'\r\nconnection: close\r\n') == 1


def test_what_is_no_request_is_answered_in_the_shape_of_all_errors_and_told_in_one_line(serve: Serve) -> None:
    served = serve()
    answer = served.send(b'GET / HTTP/1.1\r\n' + b'X: y\r\n' * 200 + b'\r\n')
    assert json.loads(answer.partition(b'\r\n\r\n')[2])['error']['code'] == 'bad_request'
    answer = served.send(b'GET /' + b'a' * 9_000 + b' HTTP/1.1\r\n\r\n')
    assert 'by POST' in json.loads(answer.partition(b'\r\n\r\n')[2])['error']['message']
    assert len(served.end()[1].splitlines()) == 1


def test_half_a_request_line_is_no_request(serve: Serve) -> None:
    served = serve(access_log=True)
    with served.plug() as plug:
        plug.sendall(b'GET /count_now?pk=a')
        plug.shutdown(socket.SHUT_WR)
        assert heard(plug) == b''
    assert served.end()[1] == ''


@pytest.mark.parametrize(
    ('option', 'sent', 'answered'),
    [
        ('IDLE_SECONDS', b'', b''),
        ('IDLE_SECONDS', b'GET', b''),
        ('HEADER_SECONDS', b'GET / HTTP/1.1\r\nHost:', b'HTTP/1.1 408 Request Timeout\r\n'),
        ('BODY_SECONDS', b'POST /echo HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf', b'HTTP/1.1 500 '),
        ('BODY_SECONDS', b'POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf', b'HTTP/1.1 200 OK\r\n'),
    ],
)
def test_a_client_that_is_too_slow_is_not_waited_for(serve: Serve, option: str, sent: bytes, answered: bytes) -> None:
    assert serve(**{option: 0.05}).send(sent).startswith(answered)


def test_a_client_that_never_reads_is_not_waited_for_either(serve: Serve) -> None:
    served = serve(SEND_SECONDS=0.05, access_log=True)
    with served.plug() as plug:
        plug.sendall(b'GET /big HTTP/1.1\r\n\r\n')
        out, log = served.end()
        assert len(heard(plug)) < 64_000_000
    assert out == 'ended 0'
    assert 'GET /big' in log
    assert 'Traceback' not in log


CHUNKED = b'POST %b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
ASK_AGAIN = b'GET /pid HTTP/1.1\r\nConnection: close\r\n\r\n'


@pytest.mark.parametrize(
    ('request_', 'first'),
    [
        (b'POST /echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', b'hello'),
        (b'POST /unread HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello', b'OK'),
        (CHUNKED % b'/echo', b'hello'),
        (CHUNKED % b'/unread', b'OK'),
        (b'POST /unread HTTP/1.1\r\nContent-Length: 0\r\n\r\n', b'OK'),
    ],
)
def test_a_body_that_nobody_read_does_not_disturb_the_next_request(
    plain: Served, request_: bytes, first: bytes
) -> None:
    answers = plain.send(request_, ASK_AGAIN)
    assert answers.count(b'HTTP/1.1 200 OK\r\n') == 2
    assert b'\r\n\r\n%bHTTP/1.1' % first in answers
    assert answers.endswith(b'\r\n\r\n%d' % plain.process.pid)


def test_a_large_body_that_nobody_wants_is_not_read_to_its_end(plain: Served) -> None:
    head = b'POST / HTTP/1.1\r\nContent-Length: 9999999999\r\n\r\n'
    assert plain.send(head, b'a' * 1_048_577).startswith(b'HTTP/1.1 200 OK\r\n')


def test_a_client_that_asks_for_leave_gets_it_when_its_body_is_wanted(plain: Served) -> None:
    head = b'POST %b HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\nConnection: %b\r\n\r\n'
    with plain.plug() as plug:
        plug.sendall(head % (b'/echo', b'close'))
        assert plug.recv(65_536) == b'HTTP/1.1 100 Continue\r\n\r\n'
        plug.sendall(b'hello')
        assert heard(plug).endswith(b'\r\n\r\nhello')
    assert plain.send(head % (b'/unread', b'keep-alive')).startswith(b'HTTP/1.1 200 OK\r\n')


# -- where it listens ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('workers', [1, 2])
def test_a_port_that_is_taken_is_named_with_the_way_out(serve: Serve, workers: int) -> None:
    first = serve(workers=workers)
    for count in (1, 2):
        second = serve(port=first.address[1], workers=count)
        said = second.url
        assert second.ended() == ('', '')
        assert said.startswith(f'error cannot listen at port {first.address[1]} of 127.0.0.1: Address already in use')
        assert '--port' in said
    assert first.get() == b'OK'


@pytest.mark.parametrize('host', ['0.0.0.0', '', '::', '[::]', '192.0.2.1'])
def test_beyond_loopback_it_listens_only_when_told_so(host: str) -> None:
    with pytest.raises(SettingsError, match='--open') as caught:
        wsgi.serve(serving.APPS['app'], host, 0)
    assert caught.value.field == 'host'


def test_when_told_so_it_listens_everywhere(serve: Serve) -> None:
    served = serve(host='0.0.0.0', open=True)
    assert served.url.startswith('http://0.0.0.0:')
    assert served.get() == b'OK'


def test_a_host_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="no such host: 'no such host'"):
        wsgi.serve(serving.APPS['app'], 'no such host', 0)


@pytest.mark.parametrize(
    ('host', 'url'),
    [('127.0.0.1', 'http://127.0.0.1:80/'), ('::1', 'http://[::1]:80/'), ('[::1]', 'http://[::1]:80/')],
)
def test_an_address_can_be_put_into_a_browser(host: str, url: str) -> None:
    assert listening.is_loopback(host)
    assert listening.url(host, 80) == url


# -- several processes -----------------------------------------------------------------------------------------------


def pids(served: Served, count: int) -> list[int]:
    """Those of the workers, met by asking until all of them have answered."""
    found: set[int] = set()

    def ask() -> bool:
        found.add(int(served.get('/pid')))
        return len(found) == count

    until(ask, f'{count} workers answer')
    return sorted(found)


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_workers_share_a_port_and_end_together(serve: Serve, number: int) -> None:
    served = serve(workers=2)
    workers = pids(served, 2)
    assert served.process.pid not in workers
    with under_way(served) as (connection, leave):
        served.process.send_signal(number)
        until(lambda: not served.is_listening(), 'no more connections are accepted')
        leave.close()
        assert connection.getresponse().read() == b'done'
    assert served.ended() == ('ended 0', '')
    assert not any(map(is_running, workers))


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_workers_serve_a_whale_together(serve: Serve, tmp_path: Path) -> None:
    served = serve(kind='whale', settings={'home': str(tmp_path), 'port': '0'}, workers=2)
    assert [served.get('/count_now?pk=a') for _ in range(20)] == [b'OK'] * 20
    assert json.loads(served.get('/totals?pk=a&period=hour')) == {'hour': {'_': {'hits': 20}}}
    engine = int((tmp_path / 'engine.pid').read_text())
    assert served.end() == ('ended 0', '')
    until(lambda: not is_running(engine), 'the last worker has stopped the engine')


def test_a_worker_that_dies_is_told_of_and_the_others_go_on(serve: Serve) -> None:
    served = serve(workers=2)
    workers = pids(served, 2)
    with pytest.raises((http.client.HTTPException, ConnectionError)):
        served.get('/die')
    until(lambda: sum(map(is_running, workers)) == 1, 'one worker is left')
    assert {is_running(int(served.get('/pid'))) for _ in range(20)} == {True}
    out, log = served.end()
    assert out == 'ended 1'
    assert re.search(r'ERROR hailwhale\.wsgi\.workers worker \d+ ended with 3; 1 go on', log)


@pytest.mark.parametrize(
    ('kind', 'said'), [('badly_set', 'error as set'), ('failing', 'error a worker ended before it served')]
)
def test_workers_that_cannot_start_say_why(serve: Serve, kind: str, said: str) -> None:
    served = serve(kind=kind, workers=2)
    assert served.url.startswith(said)
    assert served.process.wait(PATIENCE) == 0


def test_workers_do_not_outlive_who_started_them(serve: Serve) -> None:
    served = serve(workers=2)
    workers = pids(served, 2)
    served.process.kill()
    until(lambda: not any(map(is_running, workers)), 'the workers end too')


def test_workers_told_to_end_before_they_have_begun_end_without_an_error() -> None:
    workers = Workers(wsgi.patch, [serving.answer_backlog] * 2, '127.0.0.1', 0)
    workers._stop()
    assert workers.serve(lambda _: pytest.fail('it was not ready')) == 0


def test_an_error_of_a_worker_survives_the_way_to_its_starter() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(SettingsError('no', field='port')))
    assert refusal(error).body == {'error': {'code': 'invalid_setting', 'message': 'no', 'field': 'port'}}
