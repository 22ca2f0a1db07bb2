"""Serving over HTTP, on gevent: where a server is put together and listens.

`serve_parts` is what ``hailwhale serve`` calls; `serve` does the same for any application.  Call them first thing in a
process: they make it cooperative (`patch`), and what opened sockets or made locks before that would hold up everybody
else.  With several workers it is they that are patched, not the process that starts them.
"""

from __future__ import annotations

import logging
import multiprocessing
import signal
import socket
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, closing, suppress
from functools import partial
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

import gevent
from gevent import monkey
from gevent.event import Event
from gevent.pywsgi import WSGIServer

from hailwhale.errors import SettingsError
from hailwhale.wsgi import lane
from hailwhale.wsgi.assembly import ALL, Part, assembled
from hailwhale.wsgi.express import Express
from hailwhale.wsgi.handler import Handler, Reader
from hailwhale.wsgi.lane import Connection, Lane, take_none
from hailwhale.wsgi.listening import bound, is_loopback, room, url
from hailwhale.wsgi.workers import Workers

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from hailwhale.settings import Settings

    #: Makes the application, in the process that serves it, and clears up behind it.
    MakeApp = Callable[[], AbstractContextManager[WSGIApplication]]
    Ready = Callable[[str], object]

_log = logging.getLogger(__name__)

#: Seconds that requests under way have to end in, once the server is told to stop.
GRACE = 10.0
_BACKLOG = 1_024


def patch() -> None:
    """Make this process cooperative: waiting for a socket, a lock or a child lets others go on.

    Before anything else opens sockets or makes locks.  A second call does nothing.
    """
    if not monkey.is_module_patched('socket'):
        monkey.patch_all()


def _log_ready(url: str) -> None:
    _log.info('serving at %s', url)


def serve_parts(
    settings: Settings,
    parts: Collection[Part] = ALL,
    *,
    workers: int = 1,
    open: bool = False,
    ready: Ready = _log_ready,
    access_log: bool = False,
) -> int:
    """Serve parts of HailWhale with these settings at their host and port; see `serve`.

    Of several workers one drains at a time.  Beyond loopback it has to be ``open``, or there have to be keys.
    """
    with NamedTemporaryFile(prefix='hailwhale-') as file:
        make_app = partial(assembled, settings, tuple(parts), open=open, turn=file.name if workers > 1 else None)
        # Who may come in is asked there.
        host, port = settings.host, settings.port
        return serve(make_app, host, port, workers=workers, ready=ready, open=True, access_log=access_log)


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
    if not open and not is_loopback(host):
        raise SettingsError(
            f'not listening at {host}: whoever reaches it could count, read and reset (listen at 127.0.0.1 behind a '
            'proxy that lets in whom you trust, or allow it with --open)',
            field='host',
        )
    work = partial(_work, make_app, host, access_log=access_log, grace=grace)
    if workers > 1:
        return Workers(patch, [work] * workers, host, port).serve(ready)
    patch()
    work(port, shared=False, ready=ready)
    return 0


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
        with closing(bound(host, port, shared=shared)) as listener, make_app() as app:
            listener.listen(_BACKLOG)
            server = _Server(listener, app, host, access_log=access_log)
            server.start()
            ready(url(host, listener.getsockname()[1]))
            stopping.wait()
            server.finish(grace)
    finally:
        for watcher in watchers:
            watcher.cancel()


class _Server(WSGIServer):
    """Accepts connections for the lane, and has a handler answer what that does not take."""

    def __init__(self, listener: socket.socket, app: WSGIApplication, host: str, *, access_log: bool) -> None:
        super().__init__(
            listener,
            app,
            log=logging.getLogger('hailwhale.access') if access_log else None,
            error_log=_log,
            # Named here, or it would be asked for in the DNS.
            environ={'SERVER_NAME': host},
        )
        self.access_log = access_log
        self.finishing = False
        # What is taken at once is not logged by request, so nothing is.
        take = app.take if isinstance(app, Express) and not access_log else take_none
        self.lane = Lane(take, self._answer)
        self._room = room()

    def full(self) -> bool:
        return len(self.lane.connections) >= self._room

    def do_read(self) -> Any:
        accepted = super().do_read()
        if accepted:
            # An answer waits for nothing: with Nagle and delayed acknowledgement it would, 40 ms under keep-alive.
            with suppress(OSError):
                accepted[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            accepted[0].settimeout(lane.SEND_SECONDS)
        return accepted

    def do_handle(self, *accepted: Any) -> None:
        self.lane.add(*accepted)

    def _answer(self, connection: Connection, data: bytes) -> bytes | None:
        reader = Reader(connection.socket, data)
        handler = Handler(connection.socket, connection.address, self, reader, connection.going_on)
        return reader.rest() if handler.answer() else None

    def finish(self, grace: float) -> None:
        """Accept no more; answer the requests that are here, for ``grace`` seconds at the most."""
        self.finishing = True
        self.stop_accepting()
        # Who has connected, but was not accepted yet, would be cut off by closing.
        while not self.full() and (accepted := self.do_read()):
            self.do_handle(*accepted)
        self.close()
        if left := self.lane.finish(grace):
            _log.warning('%d requests were not finished within %g s', left, grace)
