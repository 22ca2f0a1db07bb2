"""One request, answered by a WSGI application: whatever the lane does not take by itself.

A `Handler` is gevent's own, made strict about where a request ends, with stated times, and for one request only: what
was read beyond that goes back to the connection.  A GET whose head is plain beyond doubt is not read by gevent, whose
reader takes longer than all the rest; nor is an answer written by it that is there in one piece.
"""

from __future__ import annotations

import errno
import re
import time
from contextlib import AbstractContextManager, nullcontext, suppress
from email.utils import formatdate
from functools import lru_cache
from http.client import HTTPException
from io import BytesIO
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote_to_bytes

import gevent
from gevent.pywsgi import MAX_REQUEST_LINE, Input, WSGIHandler  # type: ignore[attr-defined]

from hailwhale.servers.framing import fault_of, refused
from hailwhale.servers.heads import MAX_LINE, has_ended, is_plain_query, known
from hailwhale.servers.params import hide_key
from hailwhale.servers.pieces import Pieces

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIApplication

#: Seconds for the head of a request and for its body.
HEADER_SECONDS = 10.0
BODY_SECONDS = 30.0
#: So much of a body that nobody wanted is read, to keep the connection, and to let the client hear why.
_MAX_UNWANTED = 1_048_576
_READ = 65_536
#: Bytes around the chunks of a body, beside as many as are in them; and after how many others have a turn.
_MAX_FRAMING = 65_536
_GIVE_WAY = 512
#: Heads of answers that are remembered.
_REMEMBERED = 1_024
_STATUS = re.compile(r'[2-5][0-9]{2} [ -~]*')
#: What gevent tells old clients.
_KEPT = (b'Connection', b'keep-alive')
_ODD = ('connection', 'date', 'transfer-encoding')


class Server(Protocol):
    """What a handler has to know."""

    application: WSGIApplication
    access_log: bool
    finishing: bool


class Reader:
    """What a client sends, from a socket: as a file, and what of it nobody has read."""

    closed = False

    def __init__(self, plug: Any, data: bytes = b'') -> None:
        self.head = data  #: what had arrived when it began
        self._plug = plug
        self._data = data
        self._at = 0

    def rest(self) -> bytes:
        """What has arrived and was not read."""
        return self._data[self._at :]

    def skip(self, size: int) -> None:
        """So many bytes have been read by others."""
        self._at += size

    def readline(self, limit: int = -1) -> bytes:
        """To the end of the line, or ``limit`` bytes of it, or what came before the client was done."""
        while (end := self._data.find(b'\n', self._at)) < 0:
            if 0 <= limit <= len(self._data) - self._at or not self._more():
                break
        return self._taken(len(self._data) if end < 0 else end + 1, limit)

    def read(self, size: int = -1) -> bytes:
        """So many bytes, or what came before the client was done."""
        parts = [self._taken(len(self._data), size)]
        left = size - len(parts[0])
        while left and self._more():
            parts.append(self._taken(len(self._data), left))
            left -= len(parts[-1])
        return parts[0] if len(parts) == 1 else b''.join(parts)

    def _taken(self, end: int, limit: int) -> bytes:
        start = self._at
        self._at = end if limit < 0 else min(end, start + limit)
        return self._data[start : self._at]

    def _more(self) -> bool:
        more = self._plug.recv(_READ)
        self._data, self._at = self._data[self._at :] + more, 0
        return bool(more)


class _Paper:
    """A server, and the socket of its one connection, which only keep what they are told."""

    access_log = False
    finishing = False

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application
        self.sent = b''

    def get_environ(self) -> dict[str, Any]:
        return {'wsgi.url_scheme': 'http'}

    def sendall(self, data: bytes) -> None:
        self.sent += data


def on_paper(application: WSGIApplication, head: bytes) -> bytes:
    """What an application, which must not wait, answers to a request without a body, to the last byte."""
    paper = _Paper(application)
    Handler(paper, None, paper, Reader(paper, head)).answer()
    return paper.sent


class Handler(WSGIHandler):
    """Answers one request of a connection, within stated times.

    ``going_on``  is entered with an answer that goes on, and left when that is over
    """

    server: Any
    # Clients that went away, or never read what they asked for, are no errors of ours.
    ignored_socket_errors = (*WSGIHandler.ignored_socket_errors, errno.ETIMEDOUT, 'timed out')  # type: ignore[arg-type]

    #: Status and headers that the application has told and nobody has written yet.
    _told: tuple[str, list[tuple[str, str]]] | None = None
    _is_plain = False

    def __init__(
        self,
        plug: Any,
        address: Any,
        server: Server,
        reader: Reader,
        going_on: Callable[[Pieces], AbstractContextManager[object]] = nullcontext,
    ) -> None:
        self._reader = reader
        self._going_on = going_on
        # The system's socket, which does not wait; on paper there is none.
        self._plug = getattr(plug, '_sock', None)
        super().__init__(plug, address, server, reader)  # type: ignore[call-arg, arg-type]

    def answer(self) -> bool:
        """Answer the request; whether the connection may have another one."""
        self.time_start = time.time()
        self.time_finish = 0
        if self._read_plain():
            self.application = self.server.application
            self.handle_one_response()
            return not self.close_connection
        result = self.handle_one_request()
        if isinstance(result, tuple):
            self.status, body = result
            with suppress(OSError):
                self.socket.sendall(body)
            self.time_finish = time.time()
            self.log_request()
        return result is True

    # -- plain requests ----------------------------------------------------------------------------------------------

    def _read_plain(self) -> bool:
        """Read the request, where it is a GET that nobody could read in two ways."""
        data = self._reader.head
        end = data.find(b'\r\n\r\n')
        space = data.find(b' ', 4, end)
        if not data.startswith(b'GET /') or not 0 < space < min(end, MAX_LINE - len(b' HTTP/1.1\r\n')):
            return False
        target, head = data[4:space], known(data[space:end])
        if head is None or not is_plain_query(target):
            return False
        self._reader.skip(end + 4)
        self.command, self.path, self.request_version = 'GET', target.decode(), f'HTTP/{head.version}'
        self.requestline = f'GET {self.path} {self.request_version}'
        self.close_connection = not head.keeps
        self.environ = self._plain_environ(self.path, head.environ)
        self._is_plain = True
        return True

    def _plain_environ(self, target: str, headers: Mapping[str, str]) -> dict[str, Any]:
        path, _, query = target.partition('?')
        environ: dict[str, Any] = self.server.get_environ()
        environ['REQUEST_METHOD'] = self.command
        environ['SCRIPT_NAME'] = ''
        environ['PATH_INFO'] = unquote_to_bytes(path).decode('latin-1') if '%' in path else path
        environ['QUERY_STRING'] = query
        environ['SERVER_PROTOCOL'] = self.request_version
        if isinstance(self.client_address, tuple):
            environ['REMOTE_ADDR'], environ['REMOTE_PORT'] = map(str, self.client_address[:2])
        environ.update(headers)
        environ['wsgi.input'] = self.wsgi_input = _NoBody()  # type: ignore[assignment]
        environ['wsgi.input_terminated'] = True
        return environ

    def start_response(self, status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
        if not self._is_plain or exc_info:
            self._told = None
            return super().start_response(status, headers, exc_info)
        self._told = status, headers
        return self.write

    def write(self, data: bytes) -> None:
        self._tell()
        super().write(data)

    def _tell(self) -> None:
        """Let gevent write what the application has told."""
        told, self._told = self._told, None
        if told:
            super().start_response(*told)

    def process_result(self) -> None:
        answer = self._in_one_piece(*self._told) if self._told else b''
        if answer:
            self._told = None
            self._sendall(answer)
        else:
            self._tell()
            # An application may tell them with the first piece of its answer.
            self._is_plain = False
            self._process_pieces()

    def _process_pieces(self) -> None:
        pieces: Any = self.result
        if not isinstance(pieces, Pieces):
            super().process_result()
            return
        # Nobody waits behind an answer that goes on; gevent may have promised another one after it.
        self.close_connection = True
        headers: Any = self.response_headers
        headers[:] = [header for header in headers if header != _KEPT]
        with self._going_on(pieces):
            super().process_result()

    def _in_one_piece(self, status: str, headers: list[tuple[str, str]]) -> bytes:
        """The whole answer; nothing where gevent has to write it."""
        result: Any = self.result
        body = result[0] if type(result) is list and len(result) == 1 else b'' if result == [] else None
        if type(body) is not bytes:
            return b''
        said = 'close' if self.close_connection else 'keep-alive'
        head, length = _head_of(status, tuple(map(tuple, headers)), said if self.request_version == 'HTTP/1.0' else '')
        if length != len(body):
            return b''
        self.code, self._orig_status, self.headers_sent = int(status[:3]), status, True
        self.close_connection |= self.server.finishing
        closing = b'\r\nConnection: close' if self.close_connection and self.request_version != 'HTTP/1.0' else b''
        return b'%b\r\nDate: %b%b\r\n\r\n%b' % (head, _date(int(time.time())), closing, body)

    def _sendall(self, data: bytes) -> None:
        sent = 0
        if self._plug is not None:
            # There nearly always is room; where there is not, or something is wrong, gevent sees to it.
            with suppress(OSError):
                sent = self._plug.send(data)
        if sent < len(data):
            super()._sendall(data[sent:])  # type: ignore[misc]
        self.response_length += sent

    # -- all others --------------------------------------------------------------------------------------------------

    def read_requestline(self) -> str:
        line = super().read_requestline()
        # Half a line is no request: it may lack what matters.
        return line if line.endswith('\n') or len(line) >= MAX_REQUEST_LINE else ''

    def read_request(self, raw_requestline: str) -> Any:
        if has_ended(self._reader.head):
            return super().read_request(raw_requestline)
        with gevent.Timeout(HEADER_SECONDS, _TooSlowError()):
            return super().read_request(raw_requestline)

    def MessageClass(self, *args: Any) -> Any:  # noqa: N802 - gevent's name for what reads the headers
        lines, *rest = args
        try:
            headers = super().MessageClass(_Lines(lines), *rest)  # type: ignore[arg-type]
        except HTTPException as error:
            raise ValueError(str(error)) from error
        if fault := fault_of(headers):
            raise ValueError(fault)
        return headers

    def _check_http_version(self) -> bool:
        try:
            return bool(super()._check_http_version())  # type: ignore[misc]
        except (IndexError, ValueError):
            # 'HTTP/1', 'HTTP/x.y'
            return False

    def _handle_client_error(self, error: Exception) -> tuple[str, bytes]:
        if isinstance(error, _TooSlowError):
            return '408', b''
        answer: tuple[str, bytes] = super()._handle_client_error(error)  # type: ignore[misc]
        return answer

    def handle_one_request(self) -> Any:
        result: Any = super().handle_one_request()
        return (result[0], refused(result[0])) if isinstance(result, tuple) else result

    def get_environ(self) -> dict[str, Any]:
        environ = super().get_environ()
        plain = self.wsgi_input
        assert plain is not None
        if plain.content_length or plain.chunked_input:
            environ['wsgi.input'] = self.wsgi_input = _Body(self, plain)
            environ['wsgi.input_terminated'] = True
        return environ

    def finalize_headers(self) -> None:
        super().finalize_headers()
        headers: Any = self.response_headers
        if self.server.finishing:
            self.close_connection = True
        if self.close_connection and not any(name == b'Connection' for name, _ in headers):
            headers.append((b'Connection', b'close'))

    def _write_with_headers(self, data: bytes | str) -> None:
        """Headers and body leave together: sent apart they are two packets, and two system calls."""
        self.headers_sent = True
        self.finalize_headers()
        status: Any = self.status
        headers: Any = self.response_headers
        lines = [b'HTTP/1.1 ' + status, *(name + b': ' + value for name, value in headers), b'', b'']
        # gevent's own empty answers are texts.
        body = data if isinstance(data, bytes) else b''
        if body and self.response_use_chunked:
            body = b'%x\r\n%b\r\n' % (len(body), body)
        self._sendall(b'\r\n'.join(lines) + body)

    def log_request(self) -> None:
        if self.server.access_log:
            super().log_request()

    def format_request(self) -> str:
        return hide_key(super().format_request())

    def log_error(self, msg: str, *args: Any) -> None:
        super().log_error(hide_key(msg % args if args else msg))


class _TooSlowError(ValueError):
    """A client took too long to send its headers."""


class _NoBody(BytesIO):
    """The body of a request that has none."""

    def _discard(self) -> None:
        """Nothing is left of it."""


@lru_cache(_REMEMBERED)
def _head_of(status: str, headers: tuple[tuple[str, str], ...], connection: str) -> tuple[bytes, int]:
    """The head of an answer up to its date, and the length of its body: -1 where gevent has to look closer."""
    said = {name.lower(): value for name, value in headers}
    bodiless = status[:3] in ('204', '304')
    length = said.get('content-length', '0' if bodiless else '')
    lines = [f'HTTP/1.1 {status}', *(f'{name}: {value}' for name, value in headers)]
    lines += [f'Connection: {connection}'] if connection else []
    text = '\r\n'.join(lines)
    is_odd = not said.keys().isdisjoint(_ODD) or (bodiless and 'content-length' in said)
    if is_odd or not (_STATUS.fullmatch(status) and length.isdecimal() and text.isascii()):
        return b'', -1
    if text.splitlines() != lines:
        return b'', -1
    return text.encode(), int(length)


@lru_cache(2)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()


class _Lines:
    """The lines of a head; none of them may have a CR within, where other readers would see another line begin."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines

    def readline(self, limit: int = -1) -> bytes:
        line: bytes = self._lines.readline(limit)
        if b'\r' in line[:-2]:
            raise ValueError('a CR within a line')
        return line


class _Framed:
    """A body in chunks, as it arrives: what frames the chunks is read byte by byte, and is bounded."""

    def __init__(self, plain: Any) -> None:
        self._plain = plain
        self._framing = 0
        self._room = _MAX_FRAMING

    def read(self, size: int) -> bytes:
        data: bytes = self._plain.read(size)
        if size > 1:
            self._room += len(data)
            return data
        self._framing += 1
        if self._framing > self._room:
            raise OSError('more is sent around the chunks of a body than in them')
        if self._framing % _GIVE_WAY == 0:
            # What has arrived is there without waiting; others have to have their turn.
            gevent.sleep(0)
        return data

    def readline(self, limit: int) -> bytes:
        line: bytes = self._plain.readline(limit)
        self._room += len(line)
        return line


class _Body(Input):
    """The body of a request, which has to arrive in time, and of which not everything is read."""

    def __init__(self, handler: Handler, plain: Input) -> None:
        source: Any = _Framed(plain.rfile) if plain.chunked_input else plain.rfile
        super().__init__(source, plain.content_length, plain.socket, plain.chunked_input)
        self._handler = handler

    def read(self, length: int | None = None) -> bytes:
        try:
            with gevent.Timeout(BODY_SECONDS, TimeoutError(f'no whole body within {BODY_SECONDS:g} s')):
                return super().read(length)
        except OSError:
            # Where the next request begins cannot be known any more.
            self._handler.close_connection = True
            raise
        except ValueError as error:
            # gevent takes no digits at all for a number.
            self._handler.close_connection = True
            raise OSError(f'not the size of a chunk: {error}') from error

    def _discard(self) -> None:
        if self._handler.close_connection or self._is_read():
            return
        # A client that waits for leave to send its body is not given it, and sends none.
        self._handler.close_connection = self.socket is not None or not self._read_to_end()

    def _is_read(self) -> bool:
        return self.chunk_length == 0 if self.chunked_input else self.position == self.content_length

    def _read_to_end(self) -> bool:
        with suppress(OSError):
            self.read(_MAX_UNWANTED)
        return self._is_read()
