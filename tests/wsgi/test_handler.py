"""What is read and written the short way is what gevent reads and writes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent import socket
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.servers.heads import plain
from hailwhale.wsgi.handler import Handler, Reader, _Paper, on_paper

Start = Callable[..., Any]
App = Callable[[dict[str, Any], Start], Any]
LENGTH_2 = [('Content-Type', 'text/plain'), ('Content-Length', '2')]
#: gevent leaves such a header out, and a head with it is not plain.
ODD = b'\r\nX_Odd: 1'


def environs(head: bytes, address: object = ('127.0.0.1', 5)) -> list[dict[str, Any]]:
    """What an application is told of a request, the short way and gevent's."""
    found = []

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        found.append(environ | {'wsgi.input': environ['wsgi.input'].read()})
        start_response('200 OK', LENGTH_2)
        return [b'OK']

    for rest in (b'', ODD):
        paper = _Paper(app)
        reader = Reader(paper, head + rest + b'\r\n\r\nmore')
        Handler(paper, address, paper, reader).answer()
        assert reader.rest() == b'more'
    return found


def answers(app: App, head: bytes) -> list[bytes]:
    """An application's answer, the short way and gevent's."""
    return [
        re.sub(rb'\r\nDate: [^\r]*', b'\r\nDate: now', on_paper(app, head + odd + b'\r\n\r\n')) for odd in (b'', ODD)
    ]


@pytest.mark.parametrize(
    'head',
    [
        b'GET / HTTP/1.1',
        b'GET /a%20b%C3%A9?c=%20&d HTTP/1.1\r\nHost: a:80',
        b'GET /?? HTTP/1.0\r\nConnection: Keep-Alive\r\nX-Forwarded-For: a, b',
        b'GET //a/../b#c HTTP/1.1\r\nCookie: a=b; c=d\r\nIf-None-Match: "e"\r\nACCEPT:\t*/* ',
    ],
)
def test_an_application_is_told_what_gevent_tells(head: bytes) -> None:
    assert plain(head[head.index(b' HTTP') :]) is not None
    short, long = environs(head)
    assert short == long


@given(
    target=st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=30),
    values=st.lists(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=9), max_size=4),
)
def test_any_plain_request_reads_the_same_both_ways(target: str, values: list[str]) -> None:
    headers = ''.join(f'\r\nX-{place}: {value}' for place, value in enumerate(values))
    short, long = environs(f'GET /{target} HTTP/1.1{headers}'.encode(), address='')
    assert short == long


def whole(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', LENGTH_2)
    return [b'OK']


def empty(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('304 Not Modified', [('ETag', '"a"')])
    return []


def two_pieces(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', LENGTH_2)
    return [b'O', b'K']


def without_length(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('404 Not Found', [])
    return [b'no']


def wrong_length(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', LENGTH_2)
    return [b'longer']


def told_late(_: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    start_response('200 OK', LENGTH_2)
    yield b'OK'


def nothing_told_late(_: dict[str, Any], start_response: Start) -> Iterator[bytes]:
    start_response('204 No Content', [])
    yield from ()


def written(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', LENGTH_2)(b'O')
    return [b'K']


def told_again(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', [])
    start_response('500 Oh', LENGTH_2, (ValueError, ValueError(), None))
    return [b'oh']


def last(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', [*LENGTH_2, ('Connection', 'close')])
    return [b'OK']


def dated(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', [*LENGTH_2, ('Date', 'then')])
    return [b'OK']


def latin(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', [*LENGTH_2, ('X', '\xe9')])
    return [b'OK']


def listed(_: dict[str, Any], start_response: Start) -> list[bytes]:
    start_response('200 OK', [['Content-Length', '2']])
    return [b'OK']


@pytest.mark.parametrize(
    'app',
    [
        whole,
        empty,
        two_pieces,
        without_length,
        wrong_length,
        told_late,
        nothing_told_late,
        written,
        told_again,
        last,
        dated,
        latin,
        listed,
    ],
)
@pytest.mark.parametrize(
    'head',
    [
        b'GET / HTTP/1.1',
        b'GET / HTTP/1.1\r\nConnection: close',
        b'GET / HTTP/1.0',
        b'GET / HTTP/1.0\r\nConnection: keep-alive',
    ],
)
def test_an_application_answers_as_with_gevent(app: App, head: bytes) -> None:
    short, long = answers(app, head)
    assert short == long
    assert short.startswith(b'HTTP/1.1 ')


@pytest.mark.parametrize(
    ('status', 'headers'),
    [
        ('200 OK', [*LENGTH_2, ('X', 'a\r\nSet-Cookie: b=c')]),
        ('200 OK', [*LENGTH_2, ('X\n', 'a')]),
        ('200 OK\r\nX: a', LENGTH_2),
        ('204 No Content', LENGTH_2),
    ],
)
def test_an_answer_that_would_be_two_is_not_sent(status: str, headers: list[tuple[str, str]]) -> None:
    def app(_: dict[str, Any], start_response: Start) -> list[bytes]:
        start_response(status, headers)
        return [b'OK']

    class Server(_Paper):
        """One that keeps what went wrong."""

        secure_environ_class = dict
        loop: Any = None
        failures: list[Any]

        def handle_error(self, *failure: Any) -> None:
            self.failures.append(failure)

    paper = Server(app)
    paper.loop, paper.failures = paper, []
    Handler(paper, None, paper, Reader(paper, b'GET / HTTP/1.1\r\n\r\n')).answer()
    assert paper.sent.startswith(b'HTTP/1.1 500 Internal Server Error\r\n')
    assert b'Set-Cookie' not in paper.sent
    assert len(paper.failures) == 1


def test_an_answer_that_the_client_takes_slowly_is_sent_whole() -> None:
    body = b'a' * 4_000_000

    def app(_: dict[str, Any], start_response: Start) -> list[bytes]:
        start_response('200 OK', [('Content-Length', str(len(body)))])
        return [body]

    ours, client = socket.socketpair()
    server = _Paper(app)
    with client:
        handler = Handler(ours, None, server, Reader(ours, b'GET / HTTP/1.1\r\n\r\n'))
        answering = gevent.spawn(handler.answer)
        # What fits goes at once, the rest when there is room.
        answering.link(lambda _: ours.close())
        found = b''
        while part := client.recv(65_536):
            found += part
        assert answering.value is True
    head, _, sent = found.partition(b'\r\n\r\n')
    assert sent == body
    assert handler.response_length == len(found)
    assert head.startswith(b'HTTP/1.1 200 OK')


# -- where a body and a head end -------------------------------------------------------------------------------------

CHUNKED = b'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n'


def read_in_chunks(chunks: bytes) -> tuple[bytes, bool]:
    """The body that an application reads, or why it cannot; and whether the connection may have another request."""
    read = b''

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        nonlocal read
        try:
            read = environ['wsgi.input'].read()
        except OSError as error:
            read = str(error).encode()
        start_response('200 OK', LENGTH_2)
        return [b'OK']

    paper = _Paper(app)
    return (Handler(paper, None, paper, Reader(paper, CHUNKED + chunks)).answer(), read)[::-1]


def test_a_body_in_many_small_chunks_is_read_and_others_have_a_turn_meanwhile() -> None:
    turns: list[int] = []

    def take_turns() -> None:
        for _ in range(5):
            turns.append(1)
            gevent.sleep(0)

    other = gevent.spawn(take_turns)
    assert read_in_chunks(b'2\r\nab\r\n' * 2_000 + b'0\r\nX: y\r\n\r\n') == (b'ab' * 2_000, True)
    assert len(turns) == 5
    other.join()


@pytest.mark.parametrize(
    'flood',
    [
        b'1\r\n \r\n' * 20_000,
        (b'1;' + b'a' * 8_000 + b'\r\n \r\n') * 10,
        b'0\r\n' + b'X: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n' * 3_000,
    ],
)
def test_what_frames_a_body_is_bounded(flood: bytes) -> None:
    assert read_in_chunks(flood) == (b'more is sent around the chunks of a body than in them', False)


@pytest.mark.parametrize('size', [b';\r\n', b'\r\n\r\n'])
def test_a_chunk_needs_a_size(size: bytes) -> None:
    said, goes_on = read_in_chunks(size)
    assert said.startswith(b'not the size of a chunk: ')
    assert not goes_on


def test_a_line_of_a_body_in_chunks_can_be_read() -> None:
    lines: list[bytes] = []

    def app(environ: dict[str, Any], start_response: Start) -> list[bytes]:
        lines.extend(environ['wsgi.input'])
        start_response('200 OK', LENGTH_2)
        return [b'OK']

    paper = _Paper(app)
    assert Handler(paper, None, paper, Reader(paper, CHUNKED + b'5\r\na\nb\nc\r\n0\r\n\r\n')).answer()
    assert lines == [b'a\n', b'b\n', b'c']


@pytest.mark.parametrize(
    'head',
    [
        b'POST / HTTP/1.1\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        b'GET / HTTP/1\r\nHost: a\r\n\r\n',
        b'GET / HTTP/1.x\r\nHost: a\r\n\r\n',
    ],
)
def test_a_head_that_could_be_read_in_two_ways_is_refused(head: bytes) -> None:
    def app(*_: object) -> list[bytes]:
        raise AssertionError('it was asked')

    assert on_paper(app, head).startswith(b'HTTP/1.1 400 ')
