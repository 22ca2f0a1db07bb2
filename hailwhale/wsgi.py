"""Serving over HTTP, on gevent: where a server is put together and listens.

`serve_whale` is what ``hailwhale serve`` calls; `serve` does the same for any application.  Call them first thing in a
process: they make it cooperative (`patch`), and what opened sockets or made locks before that would hold up everybody
else.  With several workers it is they that are patched, not the process that starts them.
"""

from __future__ import annotations

import errno
import ipaddress
import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from functools import partial
from http.client import HTTPException
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

import gevent
from gevent import monkey
from gevent.event import Event
from gevent.pool import Pool
from gevent.pywsgi import MAX_REQUEST_LINE, Input, WSGIHandler, WSGIServer  # type: ignore[attr-defined]

from hailwhale.errors import HailWhaleError, SettingsError, StorageUnavailable
from hailwhale.servers.framing import fault_of, refused

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from _typeshed.wsgi import WSGIApplication

    from hailwhale.settings import Settings

    #: Makes the application, in the process that serves it, and clears up behind it.
    MakeApp = Callable[[], AbstractContextManager[WSGIApplication]]
    Ready = Callable[[str], object]

_log = logging.getLogger(__name__)

#: Seconds that requests under way have to end in, once the server is told to stop.
GRACE = 10.0
#: Seconds without a request after which a connection is closed; and for the headers, the body and the answer of one.
IDLE_SECONDS = 60.0
HEADER_SECONDS = 10.0
BODY_SECONDS = 30.0
SEND_SECONDS = 60.0
#: Others wait to be accepted.  Many systems let a process have 1,024 files open.
MAX_CONNECTIONS = 900
_BACKLOG = 1_024
#: So much of a body that nobody wanted is read, to keep the connection, and to let the client hear why.
_MAX_UNWANTED = 1_048_576


def patch() -> None:
    """Make this process cooperative: waiting for a socket, a lock or a child lets others go on.

    Before anything else opens sockets or makes locks.  A second call does nothing.
    """
    if not monkey.is_module_patched('socket'):
        monkey.patch_all()


def _log_ready(url: str) -> None:
    _log.info('serving at %s', url)


def serve_whale(
    settings: Settings, *, workers: int = 1, open: bool = False, ready: Ready = _log_ready, access_log: bool = False
) -> int:
    """Serve the whale of these settings at their host and port; see `serve`."""
    make_app = partial(whale_app, settings)
    host, port = settings.host, settings.port
    return serve(make_app, host, port, workers=workers, ready=ready, open=open, access_log=access_log)


@contextmanager
def whale_app(settings: Settings) -> Iterator[WSGIApplication]:
    """The whale server of these settings, its engine connected; closed at the end.

    An engine that is away is no reason not to start: until it is back, requests are answered with what is wrong.
    """
    from hailwhale.servers.whale_server import WhaleServer
    from hailwhale.whale import Whale

    with Whale(settings=settings) as whale:
        # Now, not in the first requests, which come at once.
        try:
            whale.storage.ping()
        except StorageUnavailable as error:
            _log.warning('serving without an engine: %s', error.message)
        yield WhaleServer(whale, settings)


def serve(
    make_app: MakeApp,
    host: str,
    port: int,
    *,
    workers: int = 1,
    ready: Ready = _log_ready,
    open: bool = False,
    access_log: bool = False,
    grace: float = GRACE,
) -> int:
    """Serve an application until SIGTERM or SIGINT; then finish what is under way, within ``grace`` seconds.

    ``make_app``    answers a context manager whose value is the WSGI application.  It is called once in each process
                    that serves, after `patch`; with several workers it is a function or a `partial`, to be pickled
    ``port``        0 takes any free one
    ``workers``     processes that listen on the port together.  One that dies is logged as an error and not started
                    again: the others go on
    ``ready``       is told the address (``http://127.0.0.1:8085/``) as soon as requests are answered; by default it is
                    logged
    ``open``        listen beyond loopback, where anybody who reaches the port may count, read and reset
    ``access_log``  log each request to the logger ``hailwhale.access``

    Answers an exit status: 1 when a worker died, else 0.  Raises `SettingsError` when it cannot listen there.
    """
    if not open and not _is_loopback(host):
        raise SettingsError(
            f'not listening at {host}: whoever reaches it could count, read and reset (listen at 127.0.0.1 behind a '
            'proxy that lets in whom you trust, or allow it with --open)',
            field='host',
        )
    work = partial(_work, make_app, host, access_log=access_log, grace=grace)
    if workers > 1:
        return _Workers(work, host, port, workers).serve(ready)
    patch()
    work(port, shared=False, ready=ready)
    return 0


# -- listening -------------------------------------------------------------------------------------------------------


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, Any]]:
    """Where a host is, IPv4 first: what says localhost mostly means that."""
    name = host.removeprefix('[').removesuffix(']') or '0.0.0.0'
    try:
        found = socket.getaddrinfo(name, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise SettingsError(f'no such host: {host!r} ({error.strerror}; try 127.0.0.1)', field='host') from error
    return sorted(((family, address) for family, _, _, _, address in found), key=lambda each: each[0] != socket.AF_INET)


def _is_loopback(host: str) -> bool:
    return all(ipaddress.ip_address(address[0].partition('%')[0]).is_loopback for _, address in _addresses(host, 0))


def _bound(host: str, port: int, *, shared: bool) -> socket.socket:
    """A socket that has the port, but does not listen yet; ``shared`` ones may have it together."""
    family, address = _addresses(host, port)[0]
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise SettingsError(
            f'cannot listen at port {port} of {host}: {error.strerror} (stop what has it, or take another with --port '
            'or HAILWHALE_PORT; 0 is any free one)',
            field='port',
        ) from error
    return found


def _url(host: str, port: int) -> str:
    return f'http://[{host.strip("[]")}]:{port}/' if ':' in host else f'http://{host}:{port}/'


# -- one process -----------------------------------------------------------------------------------------------------


def _work(
    make_app: MakeApp, host: str, port: int, *, shared: bool, ready: Ready, access_log: bool, grace: float
) -> None:
    """Serve in this process, which is patched."""
    stopping = Event()
    watchers = [gevent.signal_handler(number, stopping.set) for number in (signal.SIGTERM, signal.SIGINT)]
    if starter := multiprocessing.parent_process():
        # Whatever ends the process that started this one, this one must not go on alone.
        gevent.get_hub().loop.io(starter.sentinel, 1).start(stopping.set)
    try:
        # The port comes first, so that one that is taken is told before an engine is started for nothing.
        with closing(_bound(host, port, shared=shared)) as listener, make_app() as app:
            listener.listen(_BACKLOG)
            server = _Server(listener, app, host, access_log=access_log)
            server.start()
            ready(_url(host, listener.getsockname()[1]))
            stopping.wait()
            server.finish(grace)
    finally:
        for watcher in watchers:
            watcher.cancel()


class _Server(WSGIServer):
    """Accepts connections, and knows which of them wait for a request."""

    def __init__(self, listener: socket.socket, app: WSGIApplication, host: str, *, access_log: bool) -> None:
        self.connections = Pool(MAX_CONNECTIONS)
        super().__init__(
            listener,
            app,
            spawn=self.connections,
            log=logging.getLogger('hailwhale.access') if access_log else None,
            error_log=_log,
            handler_class=_Handler,
            # Named here, or it would be asked for in the DNS.
            environ={'SERVER_NAME': host},
        )
        self.access_log = access_log
        self.finishing = False
        self.resting: set[_Handler] = set()

    def do_read(self) -> Any:
        accepted = super().do_read()
        if accepted:
            # An answer waits for nothing: with Nagle and delayed acknowledgement it would, 40 ms under keep-alive.
            with suppress(OSError):
                accepted[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted[0].settimeout(SEND_SECONDS)
        return accepted

    def finish(self, grace: float) -> None:
        """Accept no more; answer the requests that are here, for ``grace`` seconds at the most."""
        self.finishing = True
        self.stop_accepting()
        # Who has connected, but was not accepted yet, would be cut off by closing.
        while not self.full() and (accepted := self.do_read()):
            self.do_handle(*accepted)
        for handler in list(self.resting):
            handler.hear_no_more()
        self.close()
        self.connections.join(timeout=grace)
        if len(self.connections):
            _log.warning('%d requests were not finished within %g s', len(self.connections), grace)
            self.connections.kill(timeout=1)


class _Handler(WSGIHandler):
    """Answers the requests of one connection, within stated times."""

    server: _Server
    # Clients that went away, or never read what they asked for, are no errors of ours.
    ignored_socket_errors = (*WSGIHandler.ignored_socket_errors, errno.ETIMEDOUT, 'timed out')  # type: ignore[arg-type]

    def hear_no_more(self) -> None:
        """Read what has been sent already, and then the end."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RD)

    def read_requestline(self) -> str:
        if self.server.finishing:
            self.hear_no_more()
        self.server.resting.add(self)
        try:
            with gevent.Timeout(IDLE_SECONDS, False):  # type: ignore[arg-type]
                line = super().read_requestline()
                # Half a line is no request: it may lack what matters.
                return line if line.endswith('\n') or len(line) >= MAX_REQUEST_LINE else ''
            return ''
        finally:
            self.server.resting.discard(self)

    def read_request(self, raw_requestline: str) -> Any:
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


class _TooSlowError(ValueError):
    """A client took too long to send its headers."""


class _Body(Input):
    """The body of a request, which has to arrive in time, and of which not everything is read."""

    def __init__(self, handler: _Handler, plain: Input) -> None:
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


# -- several processes -----------------------------------------------------------------------------------------------


class _Workers:
    """Processes that listen at one port together, and the one that started them, which only waits."""

    def __init__(self, work: Callable[..., None], host: str, port: int, count: int) -> None:
        self._work = work
        self._host = host
        self._port = port
        self._count = count
        self._processes: list[SpawnProcess] = []
        self._stopping = False

    def serve(self, ready: Ready) -> int:
        # Alone first: sharing the port with another server that shares it would be no error.
        with closing(_bound(self._host, self._port, shared=False)) as alone:
            port = alone.getsockname()[1]
        # Then held, without listening, so that it stays ours whatever becomes of a worker.
        with closing(_bound(self._host, port, shared=True)), self._signals():
            try:
                for started in [self._start(port) for _ in range(self._count)]:
                    self._await_ready(started)
                if not self._stopping:
                    ready(_url(self._host, port))
                return self._wait()
            finally:
                self._stop()
                for process in self._processes:
                    process.join()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, self._stop) for number in numbers]
        try:
            yield
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _start(self, port: int) -> Connection:
        # New processes, not forks: whatever this one has opened or locked, they begin with nothing.
        context = multiprocessing.get_context('spawn')
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_worker, args=(self._work, port, theirs, _log_settings()))
        process.start()
        self._processes.append(process)
        theirs.close()
        if self._stopping:
            process.terminate()
        return ours

    def _await_ready(self, started: Connection) -> None:
        with started:
            try:
                error = started.recv()
            except EOFError:
                error = (
                    None if self._stopping else HailWhaleError('a worker ended before it served; its output tells why')
                )
        if error is not None:
            raise error

    def _stop(self, *_: object) -> None:
        self._stopping = True
        for process in self._processes:
            process.terminate()

    def _wait(self) -> int:
        """Until all workers have ended; 1 when one did that by itself."""
        status = 0
        going = list(self._processes)
        while going:
            ended = wait([process.sentinel for process in going])
            for process in [process for process in going if process.sentinel in ended]:
                going.remove(process)
                process.join()
                if not self._stopping:
                    _log.error('worker %d ended with %s; %d go on', process.pid, process.exitcode, len(going))
                    status = 1
        return status


def _log_settings() -> dict[str, Any]:
    """How this process logs, so that its workers log alike, to standard error."""
    root = logging.getLogger()
    formats = [handler.formatter._fmt for handler in root.handlers if handler.formatter]
    return {'level': root.level, 'format': formats[0] if formats else None}


def _worker(work: Callable[..., None], port: int, starter: Connection, log_settings: dict[str, Any]) -> None:
    """A process of several."""
    patch()
    logging.basicConfig(**log_settings)
    # A terminal's ^C goes to all; it is for the one that started us to say when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with starter:
        try:
            work(port, shared=True, ready=lambda _: starter.send(None))
        except HailWhaleError as error:
            _end_undisturbed()
            starter.send(error)
        finally:
            _end_undisturbed()


def _end_undisturbed() -> None:
    """This process ends by itself: to be told so as well must not cut that short."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
