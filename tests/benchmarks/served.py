"""Servers to be measured, each in a process of its own: HELLO, an empty application on ours, and parts of HailWhale."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from tests.fresh import unmeasured


@contextmanager
def server(kind: str, home: Path) -> Iterator[str]:
    """A process that serves; its address."""
    with process(kind, home) as (url, _):
        yield url


@contextmanager
def process(kind: str, home: Path) -> Iterator[tuple[str, int]]:
    """The same; with the number of the process."""
    command = [sys.executable, '-m', 'tests.benchmarks.served', kind, str(home)]
    with subprocess.Popen(command, env=unmeasured(), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip(), server.pid
        finally:
            server.terminate()


# -- in that process -------------------------------------------------------------------------------------------------


def hello(_: dict[str, Any], start_response: Callable[..., object]) -> list[bytes]:
    """HELLO: an empty application."""
    start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', '2')])
    return [b'OK']


def serve_hello() -> None:
    """HELLO's server: gevent's own, told to send at once, and in one piece."""
    import socket

    from gevent.pywsgi import WSGIHandler, WSGIServer

    from hailwhale.wsgi.handler import Handler

    class InOnePiece(WSGIHandler):
        _write_with_headers = Handler._write_with_headers
        finalize_headers = WSGIHandler.finalize_headers

    class AtOnce(WSGIServer):
        def do_read(self) -> Any:
            accepted = super().do_read()
            if accepted:
                accepted[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return accepted

    listener = socket.create_server(('127.0.0.1', 0))
    server = AtOnce(listener, hello, log=None, handler_class=InOnePiece, environ={'SERVER_NAME': 'localhost'})
    server.start()
    print(f'http://127.0.0.1:{listener.getsockname()[1]}/', flush=True)
    server.serve_forever()


@contextmanager
def only_routes(settings: Any) -> Iterator[Any]:
    """The same application without the express: every request goes through the routes."""
    from hailwhale.wsgi.assembly import assembled

    with assembled(settings, ['hail']) as app:
        yield lambda environ, start_response: app(environ, start_response)


def serve(kind: str, home: str) -> None:
    """Serve until somebody ends it."""
    from hailwhale import wsgi
    from hailwhale.settings import Settings
    from hailwhale.wsgi.assembly import assembled

    wsgi.patch()
    if kind == 'hello':
        serve_hello()
    settings = Settings.load({}, url=f'embedded://{home}')
    make_apps: dict[str, Callable[[], Any]] = {
        'empty': partial(nullcontext, hello),
        'routes': partial(only_routes, settings),
        'express': partial(assembled, settings, ['hail']),
        'whale': partial(assembled, settings, ['whale']),
        'all': partial(assembled, settings),
    }
    wsgi.serve(make_apps[kind], '127.0.0.1', 0, ready=partial(print, flush=True))


if __name__ == '__main__':
    serve(*sys.argv[1:])
