"""The protocol on real sockets: replies however they are torn, and engines that go away."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redis import Connection

from hailwhale.errors import CounterFull, StorageError, StorageRefused, StorageUnavailable
from hailwhale.storage import wire as wire_module
from hailwhale.storage.wire import (
    Moved,
    NoScript,
    NotReady,
    ReadOnly,
    Wire,
    checked,
    error,
    numbers,
    pack,
    strings,
    text,
)

WORDS = st.text('abcXYZ012 :-+$*%', max_size=12)
WHOLE = st.none() | st.integers(-(2**63), 2**63 - 1).map(lambda number: b'%d' % number)
STRINGS = WORDS.map(str.encode)
NUMBERS = st.integers(-(2**63), 2**63 - 1)
ERRORS = WORDS.map(lambda word: StorageRefused(f'the engine answered: ERR {word}'))
SCALARS = NUMBERS | WORDS.map(lambda word: ('+', word)) | ERRORS
FLAT = st.lists(STRINGS, max_size=6) | st.lists(SCALARS, max_size=6)
REPLIES = (
    st.none() | STRINGS | SCALARS | FLAT | st.lists(FLAT, min_size=1, max_size=4) | st.lists(STRINGS | FLAT, max_size=2)
)


def encoded(value: object) -> bytes:
    """A reply as engines send it; ('+', word) is a status."""
    if value is None:
        return b'$-1\r\n'
    if isinstance(value, bytes):
        return b'$%d\r\n%b\r\n' % (len(value), value)
    if isinstance(value, int):
        return b':%d\r\n' % value
    if isinstance(value, tuple):
        return b'+%b\r\n' % value[1].encode()
    if isinstance(value, StorageError):
        return b'-%b\r\n' % value.message.removeprefix('the engine answered: ').encode()
    assert isinstance(value, list)
    return b'*%d\r\n' % len(value) + b''.join(map(encoded, value))


def plain(value: object) -> object:
    """What can be compared: errors by their class and message, a status as the bytes that come."""
    if isinstance(value, StorageError):
        return type(value), value.message
    if isinstance(value, tuple):
        return value[1].encode()
    return [plain(one) for one in value] if isinstance(value, list) else value


@contextmanager
def pair(timeout: float = 10.0) -> Iterator[tuple[Wire, socket.socket]]:
    """A wire, and the other end of it, over TCP."""
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        connection = Connection(
            port=port, protocol=2, socket_timeout=timeout, redis_connect_func=lambda _connection: None
        )
        wire = Wire(connection, 'here:1')
        other, _ = listener.accept()
    with other:
        yield wire, other
        wire.close()


class TestReplies:
    @pytest.mark.parametrize('size', [1, 2, 3, 5, 8, 13, 1 << 20])
    @given(st.lists(REPLIES, min_size=1, max_size=5))
    def test_replies_torn_anywhere_are_read_as_they_were_sent(self, size: int, sent: list[object]) -> None:
        with pytest.MonkeyPatch.context() as patch, pair() as (wire, other):
            patch.setattr(wire_module, '_READ', size)
            other.sendall(b''.join(map(encoded, sent)))
            assert [plain(wire.reply()) for _ in sent] == [plain(value) for value in sent]

    @pytest.mark.parametrize('sent', [[b'a', b'', b'ccc'], [1, -2, 3], [[b'a', b'b', b'c'], [4, 5, 6]], b'abc'])
    def test_a_reply_torn_at_any_one_byte_is_read(self, sent: object, monkeypatch: pytest.MonkeyPatch) -> None:
        data = encoded(sent)
        with pair() as (wire, other):
            for first in range(1, len(data)):
                monkeypatch.setattr(wire_module, '_READ', first)
                other.sendall(data)
                assert wire.reply() == sent

    def test_a_huge_array_is_read_whole(self) -> None:
        sent = [b'%d' % number for number in range(200_000)]
        with pair() as (wire, other):
            sender = threading.Thread(target=other.sendall, args=(encoded(sent) + encoded(sent) + b':7\r\n',))
            sender.start()
            assert wire.reply() == sent
            assert wire.reply() == sent
            assert wire.reply() == 7
            sender.join()

    @pytest.mark.parametrize('size', [1, 7, 1 << 20])
    @given(st.lists(st.text('ab$1:\r\n', max_size=8).map(str.encode), max_size=6))
    def test_texts_of_others_are_read_whatever_is_in_them(self, size: int, sent: list[bytes]) -> None:
        with pytest.MonkeyPatch.context() as patch, pair() as (wire, other):
            patch.setattr(wire_module, '_READ', size)
            other.sendall(encoded(sent) + b':7\r\n')
            assert wire.texts() == sent
            assert wire.reply() == 7

    def test_an_error_instead_of_texts_is_raised(self) -> None:
        with pair() as (wire, other):
            other.sendall(b'-WRONGTYPE no list\r\n')
            with pytest.raises(StorageRefused, match='WRONGTYPE no list'):
                wire.texts()

    @pytest.mark.parametrize('size', [1, 2, 3, 5, 1 << 20])
    @given(st.lists(st.none() | STRINGS | st.lists(st.none() | STRINGS, max_size=4), min_size=1, max_size=6))
    def test_values_are_those_of_all_replies_however_they_are_torn(self, size: int, sent: list[object]) -> None:
        flat = [one or b'' for reply in sent for one in (reply if isinstance(reply, list) else [reply])]
        with pytest.MonkeyPatch.context() as patch, pair() as (wire, other):
            patch.setattr(wire_module, '_READ', size)
            other.sendall(b''.join(map(encoded, sent)) + b':7\r\n')
            assert wire.values(len(sent)) == flat
            assert wire.reply() == 7

    def test_the_first_error_among_values_is_raised_and_the_rest_is_taken(self) -> None:
        with pair() as (wire, other):
            other.sendall(b'$1\r\na\r\n-WRONGTYPE one\r\n*1\r\n$-1\r\n-ERR two\r\n:7\r\n')
            with pytest.raises(StorageRefused, match='WRONGTYPE one'):
                wire.values(4)
            assert wire.reply() == 7

    @pytest.mark.parametrize('size', [1, 2, 3, 5, 1 << 20])
    @given(st.lists(WHOLE | st.lists(WHOLE, min_size=1, max_size=4), min_size=1, max_size=6))
    def test_integers_are_those_of_all_replies_however_they_are_torn(self, size: int, sent: list[object]) -> None:
        flat = [one or b'' for reply in sent for one in (reply if isinstance(reply, list) else [reply])]
        with pytest.MonkeyPatch.context() as patch, pair() as (wire, other):
            patch.setattr(wire_module, '_READ', size)
            # In one piece, what follows may have arrived with what came before.
            other.sendall(b'+OK\r\n' + b''.join(map(encoded, sent)))
            assert wire.reply() == b'OK'
            assert wire.values(len(sent), integers=len(flat)) == flat
            other.sendall(b':7\r\n')
            assert wire.reply() == 7

    @pytest.mark.parametrize('sent', [b'-WRONGTYPE one\r\n$1\r\n2\r\n', b'$1\r\n2\r\n-WRONGTYPE one\r\n'])
    def test_an_error_instead_of_an_integer_is_raised(self, sent: bytes) -> None:
        with pair() as (wire, other):
            other.sendall(sent)
            with pytest.raises(StorageRefused, match='WRONGTYPE one'):
                wire.values(2, integers=2)
            other.sendall(b':7\r\n')
            assert wire.reply() == 7

    def test_errors_within_an_array_are_found_among_its_values(self) -> None:
        with pair() as (wire, other):
            other.sendall(b'*4\r\n:1\r\n-ERR increment or decrement would overflow\r\n+OK\r\n:-4\r\n')
            values: list[Any] = [*strings(wire.reply())]
            one, two, three, four = values
            assert (one, three, four) == (1, b'OK', -4)
            assert isinstance(two, StorageRefused)

    def test_no_array_at_all_is_none(self) -> None:
        with pair() as (wire, other):
            other.sendall(b'*-1\r\n*0\r\n*1\r\n$-1\r\n')
            assert [wire.reply() for _ in range(3)] == [None, [], [None]]

    @pytest.mark.parametrize('count', [1, 2, 3, 4_000])
    def test_errors_are_found_among_replies_of_one_line(self, count: int) -> None:
        with pair() as (wire, other):
            other.sendall(b'+QUEUED\r\n' * (count - 1) + b'-OOM no memory\r\n:12\r\n')
            (found,) = wire.simple(count)
            assert found.message.startswith('the engine answered: OOM no memory (')
            assert wire.reply() == 12

    def test_no_errors_among_replies_without_any(self) -> None:
        with pair() as (wire, other):
            other.sendall(b'+OK\r\n' * 2_003)
            assert wire.simple(2_000) == []
            assert wire.simple(2) == []
            assert wire.ask(pack('PING')) == b'OK'


class TestCommands:
    @given(st.lists(STRINGS | WORDS | st.integers(), min_size=1, max_size=6))
    def test_a_command_is_sent_as_an_array_of_strings(self, args: list[bytes | str | int]) -> None:
        as_bytes: list[object] = [arg if isinstance(arg, bytes) else str(arg).encode() for arg in args]
        assert pack(*args) == encoded(as_bytes)

    @pytest.mark.parametrize('size', [0, 1, 511, 512, 70_000])
    def test_a_part_of_any_length_is_sent_with_it(self, size: int) -> None:
        assert pack('SET', b'x' * size) == b'*2\r\n$3\r\nSET\r\n$%d\r\n%b\r\n' % (size, b'x' * size)

    @given(st.text(st.characters(codec='utf-8')))
    def test_the_length_of_a_text_is_that_of_its_bytes(self, word: str) -> None:
        assert pack(word) == b'*1\r\n$%d\r\n%b\r\n' % (len(word.encode()), word.encode())

    def test_what_is_sent_arrives(self) -> None:
        with pair() as (wire, other):
            wire.send(pack('GET', 'a'))
            assert other.recv(100) == b'*2\r\n$3\r\nGET\r\n$1\r\na\r\n'

    def test_an_error_for_a_command_is_raised(self) -> None:
        with pair() as (wire, other):
            other.sendall(b'-WRONGTYPE not a hash\r\n')
            with pytest.raises(StorageRefused, match='WRONGTYPE not a hash'):
                wire.ask(pack('HGET', 'a', 'b'))


class TestErrors:
    @pytest.mark.parametrize(
        ('line', 'kind', 'way_out'),
        [
            (b'LOADING Redis is loading the dataset in memory', NotReady, 'try again soon'),
            (b'CLUSTERDOWN Hash slot not served', NotReady, 'elects a master'),
            (b'TRYAGAIN Multiple keys request during rehashing of slot', NotReady, 'on its way to another node'),
            (b'MASTERDOWN Link with MASTER is down', NotReady, 'replica without its master'),
            (b'BUSY a script is running', NotReady, 'SCRIPT KILL'),
            (b'NOREPLICAS Not enough good replicas to write.', NotReady, 'min-replicas-to-write'),
            (b'ASK 3999 127.0.0.1:6381', Moved, 'on its way to another node'),
            (b'MOVED 3999 127.0.0.1:6381', Moved, ''),
            (b'NOSCRIPT No matching script.', NoScript, ''),
            (b"READONLY You can't write against a read only replica.", ReadOnly, 'name its master in HAILWHALE_URL'),
            (
                b"OOM command not allowed when used memory > 'maxmemory'.",
                StorageRefused,
                'keep less with HAILWHALE_KEEP',
            ),
            (b'MISCONF Errors writing to the AOF file', StorageRefused, 'its disk is full'),
            (b'WRONGTYPE Operation against a key', StorageRefused, 'a database number of its own'),
            (b'NOPERM this user has no permissions', StorageRefused, 'allow it all commands on the keys hw:*'),
            (b'NOAUTH Authentication required.', StorageRefused, 'redis://:PASSWORD@HOST:PORT'),
            (b'ERR Protocol error: unauthenticated multibulk length', StorageRefused, 'redis://:PASSWORD@HOST:PORT'),
            (b'EXECABORT Transaction discarded', StorageRefused, ''),
            (b'ERR increment or decrement would overflow', CounterFull, ''),
            (b'\xff', StorageRefused, ''),
        ],
    )
    def test_an_error_line_is_of_a_kind_and_names_the_way_out(
        self, line: bytes, kind: type[StorageError], way_out: str
    ) -> None:
        found = error(line)
        assert type(found) is kind
        answered = 'the engine answered: ' + line.decode(errors='replace')
        assert found.message == answered if not way_out else found.message.startswith(f'{answered} (')
        assert way_out in found.message

    def test_what_may_work_later_is_unavailable_and_a_no_is_not(self) -> None:
        assert issubclass(NotReady, StorageUnavailable)
        assert not issubclass(StorageRefused, StorageUnavailable)

    def test_only_errors_are_raised(self) -> None:
        assert checked(b'x') == b'x'
        with pytest.raises(StorageRefused):
            checked(StorageRefused('no'))

    def test_what_is_asked_for_comes_in_its_type(self) -> None:
        assert text(None) is None
        assert text(b'\xc3\xa9') == 'é'
        assert strings([b'a']) == [b'a']
        assert numbers([1]) == [1]
        for wrong in (strings, numbers):
            with pytest.raises(AssertionError):
                wrong(b'no array')
        with pytest.raises(AssertionError):
            text(7)


class TestLost:
    @pytest.mark.parametrize('half', [b'', b'$5\r\nab', b'*2\r\n:1\r\n', b'*4\r\n$1\r\na\r\n$1', b'*3\r\n', b':1'])
    def test_an_engine_that_goes_away_in_the_middle_of_a_reply_is_unavailable(self, half: bytes) -> None:
        with pair() as (wire, other):
            other.sendall(half)
            other.shutdown(socket.SHUT_WR)
            with pytest.raises(StorageUnavailable, match='the engine at here:1 went away: it closed the connection'):
                wire.reply()
            assert other.recv(1) == b'', 'the wire hung up too'

    def test_an_engine_that_does_not_answer_in_time_is_unavailable(self) -> None:
        with pair(timeout=0.01) as (wire, other):
            other.sendall(b'$5\r\nab')
            with pytest.raises(StorageUnavailable, match='went away: timed out') as caught:
                wire.reply()
            assert isinstance(caught.value.__cause__, TimeoutError)
            assert other.recv(1) == b''

    def test_an_engine_that_takes_no_more_is_unavailable(self) -> None:
        with pair(timeout=0.01) as (wire, _), pytest.raises(StorageUnavailable, match='here:1 went away: timed out'):
            wire.send(b'x' * 50_000_000)

    def test_nobody_listening_names_the_address_and_the_way_out(self) -> None:
        with closing(socket.socket()) as taken:
            taken.bind(('127.0.0.1', 0))
            port = taken.getsockname()[1]
            with pytest.raises(NotReady, match=rf'no engine at db:1: .*:{port}\. .*is it running\? see HAILWHALE_URL'):
                Wire(Connection(host='127.0.0.1', port=port, protocol=2), 'db:1')

    def test_a_wire_is_alive_while_the_engine_answers(self) -> None:
        with pair() as (wire, other):
            other.sendall(b'+PONG\r\n')
            assert wire.alive()
            assert other.recv(100) == pack('PING')
            other.sendall(b'+odd\r\n')
            assert not wire.alive()

    def test_a_wire_whose_engine_has_gone_is_closed_when_asked(self) -> None:
        with pair() as (wire, other):
            other.shutdown(socket.SHUT_WR)
            assert not wire.alive()
            assert other.recv(100) == pack('PING')
            assert other.recv(100) == b''

    def test_a_wire_has_rested_after_a_second(self) -> None:
        with pair() as (wire, _):
            assert not wire.rested()
            wire.used -= 1.1
            assert wire.rested()
