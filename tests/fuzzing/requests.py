"""What must hold of the whole application, whatever it is sent: each target takes bytes, and raises where it does not.

The bytes are what a connection carries.  They go through the same handler as on a socket, to the same routes, with a
real engine beneath; only the socket is not there.
"""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr
from http.client import HTTPResponse
from typing import Any

import gevent
from redis import Redis

from hailwhale.access import Access, Keys
from hailwhale.gathering import Gathering
from hailwhale.meters import Meters
from hailwhale.pixels import Pixel, seal
from hailwhale.servers.web import GIF
from hailwhale.settings import Settings
from hailwhale.storage.keys import SHARDS
from hailwhale.uids import cookie_value
from hailwhale.whale import Whale
from hailwhale.wsgi.express import Express
from hailwhale.wsgi.handler import Handler, Reader
from tests.clocks import Clock
from tests.engines import Server
from tests.fuzzing.parsers import Target
from tests.servers.hails import Served

#: In a request: a key that may do so, a token, a cookie.  Bytes of a corpus cannot know them.
KEYS = {b'<READ>': 'read', b'<WRITE>': 'write', b'<ADMIN>': 'admin'}
PAGE = 'https://shop.example'
#: Seconds that any request may take.
PATIENCE = 5.0
#: What an engine that answers may still refuse.
_FULL = {'counter_full'}
_SEPARATE = 200
_HEADER = re.compile(rb'[A-Za-z-]+: [\x20-\x7e\x80-\xff]*')


class _Line:
    """The socket of a client that has sent everything, and the server that it is connected to."""

    access_log = False
    finishing = False
    secure_environ_class = dict

    def __init__(self, application: Any) -> None:
        self._application = application
        self.sent = b''
        self.asked: list[tuple[str, str]] = []
        self.failed: list[object] = []
        self.error_log = io.StringIO()
        self.loop = self

    def application(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        self.asked.append((environ['REQUEST_METHOD'], environ['PATH_INFO']))
        found: Iterable[bytes] = self._application(environ, start_response)
        return found

    def get_environ(self) -> dict[str, Any]:
        return {'wsgi.url_scheme': 'http', 'SERVER_NAME': 'localhost', 'SERVER_PORT': '8085'}

    def handle_error(self, *what: object) -> None:
        self.failed.append(what)

    def recv(self, _: int) -> bytes:
        return b''

    def sendall(self, data: bytes) -> None:
        self.sent += data


class Heard:
    """What came back for one request: read by the standard library, to its end."""

    def __init__(self, method: str, answer: bytes) -> None:
        head = answer.partition(b'\r\n\r\n')[0].split(b'\r\n')
        assert all(_HEADER.fullmatch(line) for line in head[1:]), head
        response = HTTPResponse(_Plug(answer), method=method)  # type: ignore[arg-type]
        stream = response.fp
        response.begin()
        self.status = response.status
        self.type = response.getheader('Content-Type', '')
        self.error = response.getheader('X-HailWhale-Error')
        self.headers = response.headers
        self.body = response.read()
        assert stream.closed or not stream.read(), answer
        assert len(set(response.headers.keys())) == len(response.headers.keys()), head

    @property
    def code(self) -> str:
        """The code of an error, which has the one shape."""
        if self.type == 'image/gif':
            assert self.body == GIF
            assert self.error
            return self.error
        assert self.type == 'application/json', self.type
        told = json.loads(self.body)
        if 'results' in told:
            assert (told['kept'], told['refused']) == (0, len(told['results']))
            told = told['results'][0]
        assert set(told['error']) == {'code', 'message', 'field'}, told
        return str(told['error']['code'])


class _Plug:
    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self._answer)


class Arena:
    """The application in three moods (for this machine, with keys, for everybody), and what it writes into."""

    def __init__(self, stack: ExitStack, server: Server) -> None:
        self.clock = Clock()
        base = server.url.rpartition('/')[0]
        plain, keyed = (self._whale(stack, f'{base}/{number}', cors) for number, cors in ((0, '*'), (1, PAGE)))
        self.node = stack.enter_context(Redis.from_url(server.url))
        keys = Keys(keyed.storage, self.clock)
        self.known = {mark: keys.create(scope).text.encode() for mark, scope in KEYS.items()}
        local = Access(plain.storage, self.clock, open=False, local=True, host='127.0.0.1')
        asked = Access(keyed.storage, self.clock, open=False, local=True, host='127.0.0.1')
        everybody = Access(plain.storage, self.clock, open=True, local=True)
        self.moods = [Served(whale, access) for whale, access in ((plain, local), (keyed, asked), (plain, everybody))]
        for scope, text in zip(KEYS.values(), list(self.known.values()), strict=True):
            asked.permit(text.decode(), scope)  # type: ignore[arg-type]
        # That a key is used is noted beside the request that does: now, and not again while the clock stands still.
        asked.close()
        rings = [mood.keyrings.current() for mood in self.moods[:2]]
        self.known[b'<TOKEN>'] = seal(
            rings[0], Pixel('mail', vary={'a': (0, 9)}, free=['b']), now=self.clock()
        ).encode()
        self.known[b'<USED>'] = seal(rings[0], Pixel('mail', expires='9d', uses=1), now=self.clock()).encode()
        self.known[b'<UID>'] = cookie_value(rings[0], 'a' * 22).encode()
        self.expresses = [self._express(mood, access) for mood, access in zip(self.moods, (local, asked), strict=False)]
        self._count = 0

    def _whale(self, stack: ExitStack, url: str, cors: str) -> Whale:
        settings = Settings.load({}, url=url, cors=cors, max_body='20k', max_inflated='64k', max_batch='50')
        return stack.enter_context(Whale(url, settings=settings, clock=self.clock))

    def _express(self, mood: Served, access: Access) -> Express:
        gathering, cors = Gathering(mood.hail.push), mood.whale.settings.cors
        express = Express(mood.app, mood.hail, gathering, cors=cors, access=access, meters=Meters())
        head = b'GET /count?pk=a HTTP/1.1\r\n\r\n'
        express.take(_Connection(), head, 0, len(head))  # type: ignore[arg-type]
        # Once it has asked what the store keeps, it takes requests, or leaves them for other reasons.
        gevent.sleep(0)
        assert express._moment
        return express

    def filled(self, data: bytes) -> bytes:
        """The bytes with what they could not know."""
        for mark, text in self.known.items():
            data = data.replace(mark, text)
        return data

    def changes(self) -> int:
        """How often anything was written to the engine."""
        return int(self.node.info('persistence')['rdb_changes_since_last_save'])

    def rest(self) -> None:
        """Bring what waits into the counters, now and then, so that the lists do not grow."""
        self._count += 1
        if self._count % _SEPARATE == 0:
            for mood in self.moods[:2]:
                mood.hail.drain()

    # -- targets -----------------------------------------------------------------------------------------------------

    def requests(self, data: bytes) -> None:
        """One request: one whole answer in the one shape, and no event more or less than it says."""
        self.rest()
        mood = self.moods[data[0] % 3] if data else self.moods[0]
        data = self.filled(data[1:])
        before, changes = sum(mood.whale.storage.backlog()), self.changes()
        line, _ = answered(mood.app, data)
        added = sum(mood.whale.storage.backlog()) - before
        answer = line.sent.removeprefix(b'HTTP/1.1 100 Continue\r\n\r\n')
        if not answer:
            assert not line.asked
            assert added == 0
            return
        # What is no request is answered to nobody's method.
        method, path = line.asked[0] if line.asked else ('GET', '')
        heard = Heard(method, answer)
        if heard.status >= 400:
            assert method == 'HEAD' or heard.code
            assert heard.status < 500 or (heard.status == 503 and heard.code in _FULL), answer
            assert (added, self.changes()) == (0, changes), answer
        else:
            assert added == promised(path, method, heard), (added, answer)

    def express(self, data: bytes) -> None:
        """A request that is taken at once: the answer of the routes to the last byte, and the same event."""
        self.rest()
        place = data[0] % 2 if data else 0
        express, mood = self.expresses[place], self.moods[place]
        data = self.filled(data[1:])
        end = data.find(b'\r\n\r\n') + 4
        if end < 4:
            return
        backlog = mood.whale.storage.backlog()
        connection = _Connection()
        if not express.take(connection, data, 0, end):  # type: ignore[arg-type]
            assert mood.whale.storage.backlog() == backlog
            return
        began = time.monotonic()
        while not connection.paid:
            gevent.sleep(0)
            assert time.monotonic() - began < PATIENCE
        added = self.added(mood, backlog)
        backlog = mood.whale.storage.backlog()
        line, rest = answered(mood.app, data[:end])
        assert rest == b''
        (answer,) = connection.paid
        assert undated(answer) == undated(line.sent)
        assert len(added) == 1
        assert added == self.added(mood, backlog)
        assert connection.last == (b'\r\nConnection: close\r\n' in answer)

    def added(self, mood: Served, before: list[int]) -> list[tuple[int, bytes]]:
        """The events that have come since there were so many, each with its shard."""
        storage = mood.whale.storage
        return [
            (shard, text)
            for shard in range(SHARDS)
            if storage.backlog()[shard] != before[shard]
            for text in storage.waiting(shard, 100, before[shard])[1]
        ]


class _Connection:
    """What the express owes."""

    def __init__(self) -> None:
        self.paid: list[bytes] = []
        self.last = False

    def owe(self, *, last: bool) -> None:
        self.last = last

    def pay(self, answer: bytes) -> None:
        self.paid.append(answer)


def answered(app: Any, data: bytes, kind: type[Handler] = Handler) -> tuple[_Line, bytes]:
    """What a handler does with one request, and what of the bytes it leaves for the next."""
    line = _Line(app)
    reader = Reader(line, data)
    began = time.monotonic()
    # Of what cannot be read gevent writes there.
    with redirect_stderr(line.error_log):
        server: Any = line
        goes_on = kind(line, ('127.0.0.1', 1), server, reader).answer()
    assert time.monotonic() - began < PATIENCE
    assert not line.failed, line.failed
    assert len(line.asked) <= 1
    return line, reader.rest() if goes_on else b''


class _AsOthers(Handler):
    """Reads all requests, and writes all answers, as gevent does."""

    def _read_plain(self) -> bool:
        return False


def _echo(shape: int) -> Any:
    """An application that answers with what it was asked, in one of the shapes that answers have."""

    def app(environ: dict[str, Any], start_response: Any) -> list[bytes]:
        body = environ['wsgi.input'].read()
        asked = {name: value for name, value in environ.items() if not name.startswith('wsgi.')}
        said = json.dumps([asked, body.decode('latin-1')], sort_keys=True).encode()
        if shape == 1:
            start_response('204 No Content', [('X', 'y')])
            return []
        if shape == 2:
            start_response('304 Not Modified', [('ETag', '"a"'), ('Connection', 'close')])
            return []
        lengths = [('Content-Length', str(len(said)))] if shape != 3 else []
        start_response('200 OK', [('Content-Type', 'application/json'), *lengths])
        return [said[:9], said[9:]] if shape == 4 else [] if asked['REQUEST_METHOD'] == 'HEAD' else [said]

    return app


def plain_requests(data: bytes) -> None:
    """A request that is read, and answered, without gevent: the same in every byte as with it."""
    app = _echo(data[0] % 6 if data else 0)
    found: list[object] = []
    for kind in (Handler, _AsOthers):
        try:
            line, rest = answered(app, data[1:], kind)
        except AssertionError as error:
            # A body that cannot be read, which our application answers, and this one does not.
            found.append((type(error).__name__, b''))
        else:
            found.append((undated(line.sent), rest))
    assert found[0] == found[1]


def undated(answer: bytes) -> bytes:
    return re.sub(rb'\r\nDate: [^\r]*', b'', answer)


def promised(path: str, method: str, heard: Heard) -> int:
    """How many events more wait when an answer of success is true."""
    if method == 'OPTIONS':
        return 0
    match path.rstrip('/'):
        case '/count':
            return 1 if heard.body == b'OK' else int(json.loads(heard.body)['kept'])
        case '/flush_hail':
            return -int(json.loads(heard.body)['drained'])
        case '/count.gif' | '/tracker':
            return 1
    return int(path.startswith('/pixel/'))


@contextmanager
def arena(server: Server) -> Iterator[Arena]:
    """The application over a Redis server, whose first two databases it takes."""
    server.empty()
    with ExitStack() as stack:
        yield Arena(stack, server)


def targets(found: Arena) -> dict[str, Target]:
    return {'requests': found.requests, 'express': found.express}
