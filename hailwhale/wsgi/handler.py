"""One request, answered by a WSGI application: whatever the lane does not take by itself.

A `Handler` is gevent's own, made strict about where a request ends, with stated times, and for one request only: what
was read beyond that goes back to the connection.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Protocol

import gevent
from gevent.pywsgi import MAX_REQUEST_LINE, Input, WSGIHandler  # type: ignore[attr-defined]

from hailwhale.servers.framing import fault_of, refused
from hailwhale.servers.heads import has_ended
from hailwhale.servers.params import hide_key

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

#: Seconds for the head of a request and for its body.
HEADER_SECONDS = 10.0
BODY_SECONDS = 30.0
#: So much of a body that nobody wanted is read, to keep the connection, and to let the client hear why.
_MAX_UNWANTED = 1_048_576
_READ = 65_536


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
    """Answers one request of a connection, within stated times."""

    server: Any
    # Clients that went away, or never read what they asked for, are no errors of ours.
    ignored_socket_errors = (*WSGIHandler.ignored_socket_errors, errno.ETIMEDOUT, 'timed out')  # type: ignore[arg-type]

    def __init__(self, plug: Any, address: Any, server: Server, reader: Reader) -> None:
        self._reader = reader
        super().__init__(plug, address, server, reader)  # type: ignore[call-arg, arg-type]

    def answer(self) -> bool:
        """Answer the request; whether the connection may have another one."""
        self.time_start = time.time()
        self.time_finish = 0
        result = self.handle_one_request()
        if isinstance(result, tuple):
            self.status, body = result
            with suppress(OSError):
                self.socket.sendall(body)
            self.time_finish = time.time()
            self.log_request()
        return result is True

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
        try:
            headers = super().MessageClass(*args)
        except HTTPException as error:
            raise ValueError(str(error)) from error
        if fault := fault_of(headers):
            raise ValueError(fault)
        return headers

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
        self._sendall(b'\r\n'.join(lines) + body)  # type: ignore[attr-defined]

    def log_request(self) -> None:
        if self.server.access_log:
            super().log_request()

    def format_request(self) -> str:
        return hide_key(super().format_request())

    def log_error(self, msg: str, *args: Any) -> None:
        super().log_error(hide_key(msg % args if args else msg))


class _TooSlowError(ValueError):
    """A client took too long to send its headers."""


class _Body(Input):
    """The body of a request, which has to arrive in time, and of which not everything is read."""

    def __init__(self, handler: Handler, plain: Input) -> None:
        super().__init__(plain.rfile, plain.content_length, plain.socket, plain.chunked_input)
        self._handler = handler

    def read(self, length: int | None = None) -> bytes:
        try:
            with gevent.Timeout(BODY_SECONDS, TimeoutError(f'no whole body within {BODY_SECONDS:g} s')):
                return super().read(length)
        except OSError:
            # Where the next request begins cannot be known any more.
            self._handler.close_connection = True
            raise

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
