"""A program that serves, for tests that talk to it over real sockets: ``python -m tests.serving '{"port": 0}'``.

It prints its address when it is ready, and at its end the exit status, or the error that it ended with.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from hailwhale import wsgi
from hailwhale.errors import HailWhaleError, SettingsError
from hailwhale.servers import streams
from hailwhale.settings import Settings
from hailwhale.wsgi import express, handler, lane
from hailwhale.wsgi.assembly import assembled
from hailwhale.wsgi.express import Express

Start = Callable[..., Any]
AT: dict[str, Any] = {'host': '127.0.0.1', 'port': 0}


def wait_for_leave(environ: dict[str, Any]) -> bytes:
    """Connect to the port that the query names, and wait until the other side hangs up."""
    with socket.create_connection(('127.0.0.1', int(environ['QUERY_STRING']))) as other:
        other.recv(1)
    return b'done'


def fail(_: dict[str, Any]) -> bytes:
    raise RuntimeError('as asked')


def stream(_: dict[str, Any]) -> Iterator[bytes]:
    yield from (b'one', b'', b'two')


#: What each path answers; bytes have a length, anything else is sent in chunks.
ANSWERS: dict[str, Callable[[dict[str, Any]], Iterable[bytes] | bytes]] = {
    '/': lambda _: b'OK',
    '/pid': lambda _: str(os.getpid()).encode(),
    '/slow': wait_for_leave,
    '/echo': lambda environ: environ['wsgi.input'].read(),
    '/stream': stream,
    '/nothing': lambda _: iter(()),
    '/big': lambda _: b'a' * 64_000_000,
    '/fail': fail,
    '/die': lambda _: os._exit(3),
}


def app(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    path = environ['PATH_INFO']
    if path == '/nodelay':
        handler: Any = start_response.__self__  # type: ignore[attr-defined]
        answer: Any = str(bool(handler.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))).encode()
    else:
        answer = ANSWERS.get(path, ANSWERS['/'])(environ)
    if isinstance(answer, bytes):
        start_response('200 OK', [('Content-Type', 'text/plain'), ('Content-Length', str(len(answer)))])
        return [answer]
    start_response('200 OK', [('Content-Type', 'text/plain')])
    pieces: Iterable[bytes] = answer
    return pieces


@contextmanager
def badly_set() -> Iterator[object]:
    raise SettingsError('as set', field='url')
    yield


@contextmanager
def failing() -> Iterator[object]:
    raise RuntimeError('as made')
    yield


@contextmanager
def only_express(settings: Settings) -> Iterator[object]:
    """The express, around an application that says so when it is asked."""
    with assembled(settings, ['hail'], open=True) as found:
        assert isinstance(found, Express)
        found._app = app
        yield found


@contextmanager
def failing_express(settings: Settings) -> Iterator[object]:
    """An express that fails whenever it may take a request."""
    with only_express(settings) as found:

        def fail(*_: object) -> bool:
            raise RuntimeError('as asked')

        found.take = fail  # type: ignore[attr-defined]
        yield found


@contextmanager
def only_routes(settings: Settings) -> Iterator[object]:
    """The same application as with the express, without it."""
    with assembled(settings, ['hail']) as found:
        yield lambda environ, start_response: found(environ, start_response)


#: What is made of settings.
OURS: dict[str, Callable[[Settings], AbstractContextManager[Any]]] = {
    'express': only_express,
    'failing_express': failing_express,
    'routes': only_routes,
}
APPS: dict[str, Callable[[], AbstractContextManager[Any]]] = {
    'app': partial(nullcontext, app),
    'badly_set': badly_set,
    'failing': failing,
}


def answer_backlog() -> None:
    """Finish while somebody has connected and asked, but nothing was accepted yet."""
    from gevent import monkey

    wsgi.patch()
    with socket.socket() as listener, monkey.get_original('socket', 'socket')() as client:
        listener.bind(('127.0.0.1', 0))
        listener.listen()
        server = wsgi._Server(listener, app, '127.0.0.1', access_log=False)
        server.start()
        client.connect(listener.getsockname())
        client.sendall(b'GET / HTTP/1.1\r\n\r\n')
        server.finish(5)
        print(client.recv(10_000).decode().splitlines()[0], flush=True)


def main(kind: str = 'app', patched: bool = False, told: bool = True, **options: Any) -> int:
    stream = sys.stderr if told else sys.stdout
    logging.basicConfig(level=logging.INFO, format='%(levelname)s %(name)s %(message)s', stream=stream)
    for name in [name for name in options if name.isupper()]:
        value = options.pop(name)
        for module in (lane, handler, express, streams):
            if hasattr(module, name):
                setattr(module, name, value)
    if patched:
        wsgi.patch()
    if told:
        options['ready'] = partial(print, flush=True)
    if kind == 'backlog':
        answer_backlog()
        return 0
    if kind in ('whale', *OURS):
        settings = Settings.load({}, **options.pop('settings'))
        if kind == 'whale':
            return wsgi.serve_parts(settings, **options)
        return wsgi.serve(partial(OURS[kind], settings), **AT, **options)
    return wsgi.serve(APPS[kind], **{**AT, **options})


if __name__ == '__main__':
    try:
        print('ended', main(**json.loads(sys.argv[1])), flush=True)
    except HailWhaleError as error:
        print('error', error.message, flush=True)
