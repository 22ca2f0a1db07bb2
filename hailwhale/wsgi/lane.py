"""The lane: all connections of a process, each watched by gevent's loop; an idle one has no greenlet.

What a client sends is read here until it holds a whole head.  Then either somebody takes the request at once and owes
an answer (`Take`), or the connection is handed to a greenlet that answers this one request by any means, and comes
back with what was read beyond it.  Answers leave in the order of their requests: a connection is handed over only when
it is owed nothing, and whoever takes requests pays in their order.

An answer that goes on keeps its greenlet, but nobody waits for it: neither other requests, nor the end of the server.
It ends when its client hangs up.
"""

from __future__ import annotations

import logging
import socket as system
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event
from gevent.pool import Group
from gevent.socket import SHUT_RD, SHUT_RDWR

from hailwhale.servers.framing import refused
from hailwhale.servers.heads import MAX_HEAD, MAX_LINE, has_ended

if TYPE_CHECKING:
    from hailwhale.servers.pieces import Pieces

#: Seconds without a request after which a connection is closed; for the head of a request; and for a client to take
#: what it is sent.
IDLE_SECONDS = 60.0
HEADER_SECONDS = 10.0
SEND_SECONDS = 60.0
#: Seconds after which a client is dead that says nothing of what it was sent, while an answer goes on: the system would
#: wait for a quarter of an hour.
DEAD_SECONDS = 30
#: Seconds for a client to take the end of an answer that goes on, when the server ends.
CUT_SECONDS = 0.5
#: Requests of one connection, and of all, that were taken and not answered: beyond them nothing more is read.
MOST_OWED = 128
MOST_OWED_TO_ALL = 20_000
#: Requests that greenlets answer at the same time; others wait.
MOST_AT_ONCE = 1_000
#: Greenlets that stay when they have nothing to answer.
MOST_IDLE = 100
_READ = 16_384
#: How often it is looked who is too slow, as a share of the shortest of those times.
_OFTEN = 4

_log = logging.getLogger(__name__)

#: Take the request whose head lies between two places of what a connection has sent; False: by any other means.
Take = Callable[['Connection', bytes, int, int], bool]


class Connection:
    """One client: what it has sent that was not read yet, what it is owed, what it has not taken yet."""

    __slots__ = (
        '_closed',
        '_data',
        '_ended',
        '_last',
        '_out',
        '_pieces',
        '_plug',
        '_reads',
        '_seconds',
        '_stuck',
        '_writes',
        'address',
        'handed',
        'lane',
        'owed',
        'socket',
    )

    def __init__(self, lane: Lane, socket: Any, address: Any) -> None:
        self.lane = lane
        self.socket = socket  #: gevent's, which waits
        self.address = address
        self.owed = 0  #: requests that were taken and not answered
        self.handed = False  #: to a greenlet
        # The system's socket, which does not wait.
        self._plug = socket._sock
        self._reads: Any = lane.loop.io(socket.fileno(), 1)
        self._writes: Any = None
        self._data = b''
        self._out: list[bytes] = []
        self._stuck = b''  # what the client does not take at the moment
        self._seconds = 0.0  # since it began to be what it is: idle, sending a head, not taking its answers
        self._ended = False  # nothing more comes
        self._last = False  # the last request was taken
        self._closed = False
        self._pieces: Pieces | None = None  # of the answer that goes on
        self._reads.start(self._readable)

    # -- reading -----------------------------------------------------------------------------------------------------

    def _readable(self) -> None:
        if self._pieces:
            self._hear_end(self._pieces)
            return
        if self.handed:
            # What comes meanwhile waits where it is; seldom does any.
            self._reads.stop()
            return
        try:
            data = self._plug.recv(_READ)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        if not self._data:
            self._seconds = 0.0
        if data:
            self._data += data
        else:
            self._ended = True
        self._advance()

    def _advance(self) -> None:
        """Take the requests that are here, as far as may be; then read on, or wait, or close."""
        try:
            reads_on = self._take_all()
        except Exception:
            _log.exception('a connection failed')
            self.close()
            return
        if self.handed:
            return
        if reads_on and not self._ended:
            if not self._reads.active:
                self._reads.start(self._readable)
            return
        self._reads.stop()
        if (self._ended or self._last) and not self.owed and not self._stuck and not self._out:
            # Half a head that ends here is no request.
            self.close()

    def _take_all(self) -> bool:
        """Take requests until one is not whole (True), or has to wait for others to be answered."""
        data, at, taken = self._data, 0, self.lane.take
        try:
            while at < len(data) and not self._last:
                if self.owed >= MOST_OWED or self._stuck or self.lane.puts_off(self):
                    return False
                end = data.find(b'\r\n\r\n', at) + 4
                if end > 3 and taken(self, data, at, end):
                    at = end
                    self._seconds = 0.0
                elif end > 3 or _is_for_others(data[at:]):
                    if self.owed or self._out:
                        return False
                    self._hand_over(data[at:])
                    at = len(data)
                else:
                    return True
            return not self._last
        finally:
            self._data = data[at:]

    def _hand_over(self, data: bytes) -> None:
        self.handed = True
        self.lane.hand_over(self, data)

    def take_back(self, data: bytes) -> None:
        """Go on with what was sent beyond the request that has been answered."""
        self.handed = False
        self._data = data
        self._seconds = 0.0
        if self.lane.finishing:
            self.hear_no_more()
        self._advance()

    def go_on(self) -> None:
        """Others have been answered: take what had to wait."""
        if not self.handed and not self._closed:
            self._advance()

    def hear_no_more(self) -> None:
        """Read what has been sent already, and then the end."""
        with suppress(OSError):
            self._plug.shutdown(SHUT_RD)

    # -- answering ---------------------------------------------------------------------------------------------------

    def owe(self, *, last: bool) -> None:
        """A request was taken; ``last``: no other is wanted after it."""
        self.owed += 1
        self.lane.owed += 1
        self._last = last

    def pay(self, answer: bytes) -> None:
        """The answer to the first request that is owed one."""
        self.owed -= 1
        self.lane.owed -= 1
        self._out.append(answer)
        if len(self._out) == 1:
            self.lane.has_answers(self)

    def hang_up(self) -> None:
        """Say that it is over, whoever waits to send or to read more."""
        with suppress(OSError):
            self._plug.shutdown(SHUT_RDWR)

    def send(self) -> None:
        """Send the answers that are here, in one piece."""
        if self._closed:
            self._out.clear()
            return
        data = self._stuck + b''.join(self._out)
        self._out.clear()
        try:
            sent = self._plug.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._stuck = data[sent:]
        if sent:
            self._seconds = 0.0
        if self._stuck:
            self._await_writable()
        else:
            self._sent()

    def _await_writable(self) -> None:
        if self._writes is None:
            self._writes = self.lane.loop.io(self.socket.fileno(), 2)
        if not self._writes.active:
            self._writes.start(self.send)

    def _sent(self) -> None:
        if self._writes is not None:
            self._writes.stop()
        # Whoever still waits for an answer is heard on when it has come.
        if self._data or self._ended or self._last or not self._reads.active:
            self._advance()

    # -- an answer that goes on --------------------------------------------------------------------------------------

    @contextmanager
    def going_on(self, pieces: Pieces) -> Iterator[None]:
        """While an answer goes on, and is the last one: it ends when the client hangs up, or the server ends."""
        self._pieces = pieces
        # Not every system has it, and not every kind of socket.
        with suppress(AttributeError, OSError):
            self._plug.setsockopt(system.IPPROTO_TCP, system.TCP_USER_TIMEOUT, DEAD_SECONDS * 1_000)
        if not self._reads.active:
            self._reads.start(self._readable)
        self.lane.begin_going_on(self)
        try:
            yield
        finally:
            self.lane.end_going_on(self)
            self._reads.stop()
            self._pieces = None

    def _hear_end(self, pieces: Pieces) -> None:
        """Nothing is read any more, but that the client has hung up."""
        try:
            if self._plug.recv(_READ):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._reads.stop()
        pieces.end()

    def end_pieces(self) -> None:
        """The server ends, and with it the answer that goes on."""
        if self._pieces:
            self._pieces.end()

    # -- the end -----------------------------------------------------------------------------------------------------

    def look_after(self, seconds: float) -> None:
        """So many seconds have passed: close the connection of whoever is too slow."""
        self._seconds += seconds
        if self._stuck:
            if self._seconds > SEND_SECONDS:
                self.close()
        elif self.owed or self.handed or self._out:
            self._seconds = 0.0
        elif self._data and self._seconds > HEADER_SECONDS:
            if b'\n' in self._data:
                with suppress(OSError):
                    self._plug.send(refused('408'))
            self.close()
        elif self._seconds > IDLE_SECONDS:
            self.close()

    def close(self) -> None:
        """Hang up."""
        if self._closed:
            return
        self._closed = True
        for watcher in (self._reads, self._writes):
            if watcher is not None:
                watcher.stop()
                watcher.close()
        # What a client has sent and nobody has read would make the system reset the connection, and lose the answer.
        with suppress(OSError):
            self._plug.recv(_READ)
        self.socket.close()
        self.lane.forget(self)


def _is_for_others(data: bytes) -> bool:
    """Whether no more has to come before others can tell what is wrong, or what a head of another kind says."""
    return len(data) > MAX_HEAD or (len(data) >= MAX_LINE and b'\n' not in data[:MAX_LINE]) or has_ended(data)


def take_none(*_: object) -> bool:
    """Leave every request to others."""
    return False


class Lane:
    """The connections of a process.

    ``take``    takes the requests that it can, without waiting
    ``answer``  answers one request in a greenlet: of a connection, whose data begin with these; what of them is not
                read, or None for the end of the connection
    """

    def __init__(self, take: Take, answer: Callable[[Connection, bytes], bytes | None]) -> None:
        self._hub = gevent.get_hub()
        self.loop = self._hub.loop
        self.take = take
        self.connections: set[Connection] = set()
        self.going_on: set[Connection] = set()  #: those whose answer goes on
        self.owed = 0
        self.finishing = False
        self._closed_one = Event()
        self._put_off: list[Connection] = []
        self._answer = answer
        self._answering = Group()
        self._busy = 0
        self._idle: list[gevent.Greenlet[Any, Any]] = []
        self._waiting: deque[tuple[Connection, bytes]] = deque()
        self._with_answers: list[Connection] = []
        self._every = min(1.0, min(IDLE_SECONDS, HEADER_SECONDS, SEND_SECONDS) / _OFTEN)
        self._timer = self.loop.timer(self._every, self._every)
        self._timer.start(self._look_after_all)

    def add(self, socket: Any, address: Any) -> None:
        """A connection has been accepted."""
        self.connections.add(Connection(self, socket, address))

    def forget(self, connection: Connection) -> None:
        """A connection was closed."""
        self.connections.discard(connection)
        self._closed_one.set()

    def puts_off(self, connection: Connection) -> bool:
        """Whether so many requests wait for answers that a connection has to wait until some are answered."""
        if self.owed < MOST_OWED_TO_ALL:
            return False
        self._put_off.append(connection)
        return True

    # -- answers -----------------------------------------------------------------------------------------------------

    def has_answers(self, connection: Connection) -> None:
        """Send a connection's answers soon, together."""
        if not self._with_answers:
            self.loop.run_callback(self._send_all)
        self._with_answers.append(connection)

    def _send_all(self) -> None:
        ready, self._with_answers = self._with_answers, []
        for connection in ready:
            connection.send()
        if self._put_off and self.owed < MOST_OWED_TO_ALL // 2:
            waiting, self._put_off = self._put_off, []
            for connection in waiting:
                connection.go_on()

    # -- requests that greenlets answer ------------------------------------------------------------------------------

    def hand_over(self, connection: Connection, data: bytes) -> None:
        """Answer one request, in a greenlet."""
        if self._busy >= MOST_AT_ONCE:
            self._waiting.append((connection, data))
        else:
            self._busy += 1
            if self._idle:
                # As it would start: soon, not now.
                self.loop.run_callback(self._idle.pop().switch, (connection, data))
            else:
                self._answering.start(gevent.Greenlet(self._answer_some, connection, data))

    def _answer_some(self, connection: Connection, data: bytes) -> None:
        """Answer one request, those that wait for others to be answered, and whatever comes later."""
        me: Any = gevent.getcurrent()
        while True:
            try:
                self._answer_one(connection, data)
                while self._waiting:
                    self._answer_one(*self._waiting.popleft())
            finally:
                self._busy -= 1
            if self.finishing or len(self._idle) >= MOST_IDLE:
                return
            self._idle.append(me)
            connection, data = self._hub.switch()

    def begin_going_on(self, connection: Connection) -> None:
        """An answer goes on from here: the next request need not wait for its end."""
        self.going_on.add(connection)
        if self.finishing:
            connection.end_pieces()
        self._busy -= 1
        if self._waiting:
            self.hand_over(*self._waiting.popleft())

    def end_going_on(self, connection: Connection) -> None:
        """It does so no more."""
        self._busy += 1
        self.going_on.discard(connection)

    def _answer_one(self, connection: Connection, data: bytes) -> None:
        rest = None
        try:
            rest = self._answer(connection, data)
        finally:
            if rest is None:
                connection.close()
            else:
                connection.take_back(rest)

    # -- looking after -----------------------------------------------------------------------------------------------

    def _cut(self) -> None:
        """Hang up on those who do not take the end of an answer that goes on."""
        for connection in self.going_on:
            connection.hang_up()

    def _look_after_all(self) -> None:
        for connection in list(self.connections):
            connection.look_after(self._every)

    def finish(self, grace: float) -> int:
        """Answer what is here, and close; how many connections were not finished within ``grace`` seconds."""
        self.finishing = True
        # The others can tell the client that its connection ends.
        self.take = take_none
        for connection in list(self.connections):
            if not connection.handed:
                connection.hear_no_more()
        for connection in self.going_on:
            connection.end_pieces()
        cutting = gevent.spawn_later(CUT_SECONDS, self._cut)
        with gevent.Timeout(grace, False):  # type: ignore[arg-type]
            while self.connections:
                self._closed_one.clear()
                self._closed_one.wait()
        cutting.kill()
        left = len(self.connections)
        self._idle.clear()
        self._answering.kill(timeout=1)
        if left:
            for connection in list(self.connections):
                connection.close()
        self._timer.stop()
        self._timer.close()
        return left
