"""Connections in moments that no client can choose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import pytest
from gevent import socket

from hailwhale.servers.pieces import Pieces
from hailwhale.wsgi import lane as lanes
from hailwhale.wsgi.handler import Reader
from hailwhale.wsgi.lane import Connection, Lane, take_none


@contextmanager
def connected(lane: Lane) -> Iterator[tuple[Connection, Any]]:
    """A connection of the lane, and the client's end of it."""
    ours, client = socket.socketpair()
    lane.add(ours, None)
    (connection,) = lane.connections
    with client:
        yield connection, client
    connection.close()


@pytest.fixture
def lane() -> Iterator[Lane]:
    found = Lane(take_none, lambda connection, data: None)  # noqa: ARG005
    yield found
    assert found.finish(1) == 0


def test_a_connection_is_closed_once(lane: Lane) -> None:
    with connected(lane) as (connection, client):
        connection.close()
        connection.close()
        assert lane.connections == set()
        assert client.recv(1) == b''


def test_a_connection_that_was_woken_for_nothing_waits_on(lane: Lane) -> None:
    with connected(lane) as (connection, client):
        connection._readable()
        assert lane.connections == {connection}
        client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        assert client.recv(1) == b''


def test_what_comes_while_a_request_is_answered_waits_where_it_is(lane: Lane) -> None:
    with connected(lane) as (connection, client):
        client.sendall(b'more')
        connection.handed = True
        connection._readable()
        assert not connection._reads.active
        assert connection.socket.recv(8) == b'more'
        connection.handed = False


def test_an_answer_to_a_client_that_is_gone_is_dropped(lane: Lane) -> None:
    with connected(lane) as (connection, client):
        connection.owe(last=False)
        connection.close()
        connection.pay(b'an answer')
        connection.go_on()
        gevent.sleep(0.001)
        assert (connection.owed, lane.owed) == (0, 0)
        assert client.recv(1) == b''


def test_an_answer_that_can_not_be_sent_ends_the_connection(lane: Lane) -> None:
    with connected(lane) as (connection, client):
        connection.owe(last=False)
        client.close()
        connection.pay(b'an answer')
        connection.send()
        assert lane.connections == set()


def test_answers_that_the_client_does_not_take_at_once_are_sent_when_it_does(lane: Lane) -> None:
    with connected(lane) as (connection, client):
        for part in (b'a' * 2_000_000, b'b' * 2_000_000, b'c'):
            connection.owe(last=part == b'c')
            connection.pay(part)
            connection.send()
        found = b''
        while part := client.recv(100_000):
            found += part
            gevent.sleep(0)
        assert found == b'a' * 2_000_000 + b'b' * 2_000_000 + b'c'


def test_a_reader_gives_lines_and_bytes_and_what_is_left() -> None:
    ours, client = socket.socketpair()
    with ours, client:
        client.sendall(b'next\nand rest')
        reader = Reader(ours, b'first\n')
        assert reader.readline() == b'first\n'
        assert reader.readline(3) == b'nex'
        assert reader.readline(99) == b't\n'
        assert reader.read(3) == b'and'
        assert reader.rest() == b' rest'
        client.shutdown(socket.SHUT_WR)
        assert reader.readline(4) == b' res'
        assert reader.readline() == b't'
        assert reader.read(5) == reader.readline() == b''


def test_whoever_has_answered_stays_to_answer_others_as_far_as_many_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, 'MOST_IDLE', 2)
    answered_by: list[Any] = []

    def answer(connection: Connection, _: bytes) -> bytes:
        answered_by.append(gevent.getcurrent())
        gevent.sleep(0)
        connection.socket.sendall(b'OK')
        return b''

    lane = Lane(take_none, answer)
    clients = []
    for _ in range(4):
        ours, client = socket.socketpair()
        lane.add(ours, None)
        clients.append(client)
    for _ in range(2):
        for client in clients:
            client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        assert [client.recv(10) for client in clients] == [b'OK'] * 4
    # Four at first; then two that had stayed, and two others.
    assert len(answered_by) == 8
    assert len(set(answered_by)) == 6
    for client in clients:
        client.close()
    assert lane.finish(1) == 0
    assert all(greenlet.ready() for greenlet in answered_by)


# -- answers that go on ----------------------------------------------------------------------------------------------


class Endless(Pieces):
    """Pieces that only know whether they were told to end."""

    has_ended = False

    def __next__(self) -> bytes:
        raise StopIteration

    def end(self) -> None:
        self.has_ended = True

    def close(self) -> None:
        pass


@contextmanager
def handed(lane: Lane) -> Iterator[tuple[Connection, Any]]:
    """A connection whose request a greenlet answers, as the lane sees it."""
    with connected(lane) as (connection, client):
        connection.handed = True
        lane._busy += 1
        yield connection, client
        lane._busy -= 1
        connection.handed = False


def test_an_answer_that_goes_on_ends_when_its_client_hangs_up_whatever_it_sends_before(lane: Lane) -> None:
    pieces = Endless()
    with handed(lane) as (connection, client), connection.going_on(pieces):
        connection._readable()
        client.sendall(b'more')
        gevent.sleep(0)
        connection._readable()
        assert not pieces.has_ended
        client.close()
        gevent.sleep(0)
        connection._readable()
        assert pieces.has_ended


def test_an_answer_that_goes_on_ends_when_its_client_has_hung_up_before(lane: Lane) -> None:
    pieces = Endless()
    with handed(lane) as (connection, client):
        client.close()
        connection._readable()
        assert not connection._reads.active
        with connection.going_on(pieces):
            gevent.sleep(0.001)
            assert pieces.has_ended


def test_an_answer_that_goes_on_ends_when_its_connection_is_broken(lane: Lane) -> None:
    pieces = Endless()
    with tcp(lane) as (connection, client), connection.going_on(pieces):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
        client.close()
        gevent.sleep(0)
        connection._readable()
        assert pieces.has_ended


@contextmanager
def tcp(lane: Lane) -> Iterator[tuple[Connection, Any]]:
    """The same over TCP."""
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname())
        ours, address = listener.accept()
    lane.add(ours, address)
    (connection,) = lane.connections
    connection.handed = True
    lane._busy += 1
    with client:
        yield connection, client
    lane._busy -= 1
    connection.handed = False
    connection.close()


def test_a_client_that_says_nothing_of_what_it_was_sent_is_dead_soon(lane: Lane) -> None:
    with tcp(lane) as (connection, _), connection.going_on(Endless()):
        found = connection.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
        assert found == lanes.DEAD_SECONDS * 1_000


def test_an_answer_that_begins_to_go_on_while_the_server_ends_ends_too(lane: Lane) -> None:
    pieces = Endless()
    with handed(lane) as (connection, _):
        lane.finishing = True
        with connection.going_on(pieces):
            assert pieces.has_ended


def test_a_connection_without_such_an_answer_has_none_to_end(lane: Lane) -> None:
    with connected(lane) as (connection, _):
        connection.end_pieces()
        assert lane.going_on == set()


def test_a_request_that_waits_has_its_turn_when_another_answer_goes_on(
    lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lanes, 'MOST_AT_ONCE', 1)
    answered: list[bytes] = []
    lane._answer = lambda _, data: answered.append(data)
    with handed(lane) as (connection, _):
        ours, client = socket.socketpair()
        lane.add(ours, None)
        with client:
            client.sendall(b'GET / HTTP/1.1\r\n\r\n')
            gevent.sleep(0.001)
            assert answered == []
            with connection.going_on(Endless()):
                assert client.recv(1) == b''
                assert answered == [b'GET / HTTP/1.1\r\n\r\n']
