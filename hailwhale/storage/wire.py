"""The engine's protocol on one socket: commands go out as bytes made beforehand, replies are read at the speed of
``split``.

The redis client makes the connection (addresses, TLS, passwords, unix sockets) and packs ordinary commands; a
slice of 10,000 increments, or a chunk with 24,000 fields, would cost it 8 microseconds each in Python.  What is sent
here is RESP 2.  Replies hold no CR LF inside a value: names are escaped before they become fields, values are
integers, events are JSON.  An array that begins with a string holds only strings, one that begins with a number or a
word holds no string.
"""

from __future__ import annotations

import re
import socket
import time
from typing import TYPE_CHECKING

from hailwhale.errors import CounterFull, StorageError, StorageRefused, StorageUnavailable

if TYPE_CHECKING:
    from redis.connection import ConnectionInterface

Reply = bytes | int | None | StorageError | list['Reply']

#: A connection that has rested for longer is asked whether it still lives before it is used again.
RESTED = 1.0
_READ = 262_144
#: An integer as a string, or one that is missing.
_INTEGER = re.compile(rb'\$(?:-1|\d+\r\n(-?\d+))\r\n')
#: What stands between two parts of a command, by the length of the second: most keys and names are this short.
_LENGTHS = [b'\r\n$%d\r\n' % size for size in range(512)]


class Moved(StorageError):
    """The cluster has given the slot to another node, or is about to; nothing was done."""


class NotReady(StorageUnavailable):
    """Nobody listens, the engine is loading, or its cluster is electing; nothing was done."""


class ReadOnly(StorageRefused):
    """The engine is a replica, perhaps since a moment ago; nothing was done."""


class NoScript(StorageError):
    """The engine does not know the script (yet); nothing was done."""


def pack(*args: bytes | str | int, more: int = 0) -> bytes:
    """One command as the engine reads it, or its beginning, where so many ``more`` arguments follow (`bulk`).

    >>> pack('GET', 'a')
    b'*2\\r\\n$3\\r\\nGET\\r\\n$1\\r\\na\\r\\n'
    """
    parts = [b'*%d' % (len(args) + more)]
    for arg in args:
        data = arg.encode() if isinstance(arg, str) else arg if isinstance(arg, bytes) else b'%d' % arg
        size = len(data)
        parts += (_LENGTHS[size] if size < len(_LENGTHS) else b'\r\n$%d\r\n' % size, data)
    parts.append(b'\r\n')
    return b''.join(parts)


def bulk(arg: bytes | str | int) -> bytes:
    """One part of a command.

    >>> bulk('GET')
    b'$3\\r\\nGET\\r\\n'
    """
    data = arg.encode() if isinstance(arg, str) else arg if isinstance(arg, bytes) else b'%d' % arg
    return b'$%d\r\n%b\r\n' % (len(data), data)


_PING = pack('PING')


#: How an error line begins, what kind of error it is, and the way out.
_ERRORS: dict[str, tuple[type[StorageError], str]] = {
    'MOVED': (Moved, ''),
    'ASK': (Moved, 'a slot is on its way to another node: try again when that is done'),
    'TRYAGAIN': (NotReady, 'a slot is on its way to another node: try again when that is done'),
    'NOSCRIPT': (NoScript, ''),
    'LOADING': (NotReady, 'it has just started: try again soon'),
    'CLUSTERDOWN': (NotReady, 'the cluster elects a master, or has lost one without a replica: see its nodes'),
    'MASTERDOWN': (NotReady, 'it is a replica without its master: see whether that runs'),
    'BUSY': (NotReady, 'a script of some other program takes its time: SCRIPT KILL ends it'),
    'NOREPLICAS': (NotReady, 'it has fewer replicas than its min-replicas-to-write: see whether they run'),
    'READONLY': (ReadOnly, 'it is a replica: name its master in HAILWHALE_URL'),
    'OOM': (StorageRefused, 'it is full: raise its maxmemory, or keep less with HAILWHALE_KEEP'),
    'MISCONF': (StorageRefused, 'it cannot write its files: see its log, and whether its disk is full'),
    'WRONGTYPE': (
        StorageRefused,
        'another program writes to keys that begin with hw: - give HAILWHALE_URL a database number of its own',
    ),
    'NOAUTH': (StorageRefused, 'it wants a password: redis://:PASSWORD@HOST:PORT in HAILWHALE_URL'),
    'NOPERM': (StorageRefused, 'the user in HAILWHALE_URL may not: allow it all commands on the keys hw:*'),
}


def error(line: bytes) -> StorageError:
    """The engine's error line as one of ours, with the way out.

    >>> error(b'LOADING the dataset')
    NotReady('the engine answered: LOADING the dataset (it has just started: try again soon)')
    """
    answer = line.decode(errors='replace')
    if 'would overflow' in answer:
        return CounterFull(f'the engine answered: {answer}')
    # So engines call a command of more than ten parts from who has not logged in.
    word = 'NOAUTH' if 'unauthenticated' in answer else answer.partition(' ')[0]
    kind, way_out = _ERRORS.get(word, (StorageRefused, ''))
    return kind(f'the engine answered: {answer} ({way_out})' if way_out else f'the engine answered: {answer}')


def login_refused(address: str, cause: Exception) -> StorageRefused:
    return StorageRefused(f'the engine at {address} refused the login: {cause} (see HAILWHALE_URL)')


class Wire:
    """One connection to one engine, for one caller at a time."""

    def __init__(self, connection: ConnectionInterface, address: str) -> None:
        from redis.exceptions import AuthenticationError, RedisError

        self.address = address
        self.used = time.monotonic()
        self.taught: set[str] = set()  #: scripts that the engine knows
        self._connection = connection
        try:
            connection.connect()  # type: ignore[no-untyped-call]
        except AuthenticationError as cause:
            raise login_refused(address, cause) from cause
        except (RedisError, OSError) as cause:
            raise NotReady(f'no engine at {address}: {cause} (is it running? see HAILWHALE_URL)') from cause
        found = connection._get_socket()  # type: ignore[attr-defined] # the client has no public way to it
        assert isinstance(found, socket.socket)
        self._socket = found
        self._data = b''
        self._at = 0

    def close(self) -> None:
        """End the connection; what was under way on it has an unknown outcome."""
        self._connection.disconnect()  # type: ignore[no-untyped-call]

    def rested(self) -> bool:
        """Whether it lay idle for so long that the other side may have hung up."""
        return time.monotonic() - self.used > RESTED

    def alive(self) -> bool:
        """Whether the engine still answers on this connection; closes it if not."""
        try:
            return self.ask(_PING) == b'PONG'
        except StorageError:
            self.close()
            return False

    def send(self, data: bytes) -> None:
        """Send commands; the replies are read with `reply`, in order."""
        try:
            self._socket.sendall(data)
        except OSError as cause:
            raise self._lost(cause) from cause

    def reply(self) -> Reply:
        """The next reply; an error of the engine is answered, not raised."""
        line = self._line()
        kind, rest = line[:1], line[1:]
        if kind == b':':
            return int(rest)
        if kind == b'+':
            return rest
        if kind == b'-':
            return error(rest)
        if kind == b'$':
            return self._bulk(int(rest))
        if rest == b'-1':
            return None
        return self._array(int(rest))

    def ask(self, data: bytes) -> Reply:
        """Send one command and read its reply; raise it if it is an error."""
        self.send(data)
        return checked(self.reply())

    def simple(self, count: int) -> list[StorageError]:
        """Read that many one-line replies (``OK``, ``QUEUED``, a number); the errors among them."""
        if count <= 2:
            replies = [self.reply() for _ in range(count)]
        else:
            replies = [_scalar(line) for line in self._lines(count) if line[:1] == b'-']
        return [reply for reply in replies if isinstance(reply, StorageError)]

    def texts(self) -> list[bytes]:
        """The next reply: an array of strings in which anybody may have written anything, line breaks too."""
        head = self._line()
        if head[:1] == b'-':
            raise error(head[1:])
        length = int(head[1:])
        lines = self._lines(2 * length)
        values = lines[1::2]
        if lines[::2] == [b'$%d' % len(value) for value in values]:
            return values
        self._data, self._at = b'\r\n'.join([*lines, self._data]), 0
        return [self._bulk(int(self._line()[1:])) or b'' for _ in range(length)]

    def values(self, count: int, *, integers: int | None = None) -> list[bytes]:
        """The next replies, so many, each a string or an array of strings: all their strings, b'' for those that are
        missing.  In none of them may be a line break.  The first error is raised.

        ``integers``: how many strings there are, where all are integers, each reply holds at least one, and no other
        is under way; these are told apart sooner.
        """
        if integers and self._at == len(self._data):
            self._more()
        while True:
            found = None if integers is None else self._integers(integers)
            if found is not None or (found := self._values(count)) is not None:
                return found
            self._more()

    def _integers(self, count: int) -> list[bytes] | None:
        """The same of what has arrived; None where that is not all, or no integer."""
        found: list[bytes] = _INTEGER.findall(self._data, self._at)
        if len(found) != count:
            return None
        self._data, self._at = b'', 0
        return found

    def _values(self, count: int) -> list[bytes] | None:
        """The same of what has arrived; None where that is not all."""
        lines = self._data[self._at :].split(b'\r\n')
        rest = lines.pop()
        values: list[bytes] = []
        failed, left, each = None, count, iter(lines)
        for line in each:
            kind = line[:1]
            if kind == b'*':
                left += int(line[1:])
            elif kind == b'-':
                failed = failed or error(line[1:])
            elif line == b'$-1':
                values.append(b'')
            else:
                value = next(each, None)
                if value is None:
                    return None
                values.append(value)
            left -= 1
            if not left:
                break
        if left:
            return None
        self._data, self._at = b'\r\n'.join((*each, rest)), 0
        if failed:
            raise failed
        return values

    def _line(self) -> bytes:
        while (end := self._data.find(b'\r\n', self._at)) < 0:
            self._more()
        line = self._data[self._at : end]
        self._at = end + 2
        return line

    def _bulk(self, length: int) -> bytes | None:
        if length < 0:
            return None
        while len(self._data) < self._at + length + 2:
            self._more()
        value = self._data[self._at : self._at + length]
        self._at += length + 2
        return value

    def _array(self, length: int) -> list[Reply]:
        if length > 2:
            while len(self._data) <= self._at:
                self._more()
            first = self._data[self._at : self._at + 1]
            if first == b'$':
                return list(self._lines(2 * length)[1::2])
            if first in b':+-':
                return [_scalar(line) for line in self._lines(length)]
        return [self.reply() for _ in range(length)]

    def _lines(self, wanted: int) -> list[bytes]:
        """The next lines, split in one go: all that arrays of strings (two lines each) or of numbers consist of."""
        data = self._data[self._at :]
        found = data.count(b'\r\n')
        if found < wanted:
            parts = [data]
            while found < wanted:
                more = self._receive()
                # A pair that two reads have torn apart counts with the second.
                found += more.count(b'\r\n') + (parts[-1].endswith(b'\r') and more.startswith(b'\n'))
                parts.append(more)
            data = b''.join(parts)
        lines = data.split(b'\r\n', wanted)
        self._data, self._at = lines.pop(), 0
        return lines

    def _more(self) -> None:
        """Read what has arrived; what was taken already is dropped from the front."""
        self._data, self._at = self._data[self._at :] + self._receive(), 0

    def _receive(self) -> bytes:
        try:
            data = self._socket.recv(_READ)
        except OSError as cause:
            raise self._lost(cause) from cause
        if not data:
            raise self._lost(ConnectionError('it closed the connection'))
        return data

    def _lost(self, cause: OSError) -> StorageUnavailable:
        self.close()
        return StorageUnavailable(f'the engine at {self.address} went away: {cause}')


def _scalar(line: bytes) -> Reply:
    if line[:1] == b':':
        return int(line[1:])
    return error(line[1:]) if line[:1] == b'-' else line[1:]


def checked(reply: Reply) -> Reply:
    """The reply, unless it is an error: that is raised."""
    if isinstance(reply, StorageError):
        raise reply
    return reply


def strings(reply: Reply) -> list[bytes]:
    """A reply that is an array of strings, none of them missing."""
    assert isinstance(reply, list)
    return reply  # type: ignore[return-value]


def numbers(reply: Reply) -> list[int]:
    """A reply that is an array of numbers."""
    assert isinstance(reply, list)
    return reply  # type: ignore[return-value]


def text(reply: Reply) -> str | None:
    """A reply that is a string, or None where there is none."""
    assert isinstance(reply, bytes | None)
    return None if reply is None else reply.decode()
