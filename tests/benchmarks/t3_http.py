"""T3: events by HTTP, each answered when it is kept, over 64 connections: one by GET, and a thousand by POST.

The client is ``wrk`` (Debian: ``apt-get install wrk``): one in Python would be slower than what it measures.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from hailwhale.storage.keys import SHARDS, hits_key
from tests.benchmarks.measure import Bench, Engine, Figure, at_least, at_least_times, at_most
from tests.benchmarks.workloads import sales
from tests.fresh import unmeasured

CONNECTIONS = 64
BATCH = 1_000
#: Requests that are sent in turn.
DISTINCT = 50_000
#: Seconds in which a request that has been sent is answered, even on a machine that others use.
_SETTLED = 0.6
SCRIPT = """
local requests, at = {}, 0
function init()
  for path in io.lines(os.getenv('REQUESTS')) do
    local file = io.open(path, 'rb')
    requests[#requests + 1] = file:read('*a')
    file:close()
  end
  if #requests == 1 then
    local all = requests[1]
    requests = {}
    for text in all:gmatch('(.-\\r\\n\\r\\n)') do
      requests[#requests + 1] = text
    end
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local seconds = summary.duration / 1e6
  io.write(string.format('\\n{"answered": %d, "failed": %d, "seconds": %f, "p99": %f}\\n',
    summary.requests, failed, seconds, latency:percentile(99) / 1e3))
end
"""


@dataclass(frozen=True, slots=True)
class Run:
    """What a client has seen."""

    answered: int
    failed: int
    seconds: float
    p99: float  #: milliseconds

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answered / self.seconds


def measure(bench: Bench) -> list[Figure]:
    """The same requests to an empty application and to ours, by turns."""
    if shutil.which('wrk') is None:
        print('T3 is left out: it needs wrk (apt-get install wrk)', file=sys.stderr)
        return []
    hello, empty, express, routes, posts = [], [], [], [], []
    with tempfile.TemporaryDirectory(prefix='hw') as name, bench.engine() as engine:
        gets = _gets(Path(name), bench.size(DISTINCT, 500))
        batches = _posts(Path(name), bench.size(20, 2))
        for _ in range(bench.runs):
            hello.append(_run(bench, engine, 'hello', gets))
            empty.append(_run(bench, engine, 'empty', gets))
            express.append(_run(bench, engine, 'express', gets, kept=1))
            routes.append(_run(bench, engine, 'routes', gets, kept=1))
            posts.append(_run(bench, engine, 'express', batches, kept=BATCH, connections=8))
    rates = [run.rate for run in hello]
    figure = partial(Figure, 'T3')
    return [
        figure('W1, GET', 'requests', '1/s', [run.rate for run in express], 'HELLO', rates, at_least_times(2.5)),
        figure(
            'W1, GET',
            'requests',
            '1/s',
            [run.rate for run in express],
            'an empty application on our server',
            [run.rate for run in empty],
        ),
        figure('W1, GET', 'p99', 'ms', [run.p99 for run in express], 'HELLO', [run.p99 for run in hello], at_most(30)),
        figure(
            'W1, GET by routes', 'requests', '1/s', [run.rate for run in routes], 'HELLO', rates, at_least_times(0.5)
        ),
        figure('W1, POST of 1,000', 'events', '1/s', [BATCH * run.rate for run in posts], goal=at_least(60_000)),
    ]


def _gets(folder: Path, count: int) -> Path:
    """A list of one file, in which all requests stand."""
    texts = [
        f'GET /count?pk={_spelled(event.pk)}&dimensions={_spelled(event.dimensions)}&metrics={_spelled(event.metrics)} '
        'HTTP/1.1\r\nHost: localhost\r\n\r\n'
        for event in sales(count, 0)
    ]
    return _listed(folder, 'gets', [''.join(texts).encode()])


def _spelled(value: object) -> str:
    return quote(json.dumps(value, separators=(',', ':')), safe=',:')


def _posts(folder: Path, count: int) -> Path:
    """A list of files, each with a request."""
    events = [
        {'pk': event.pk, 'dimensions': event.dimensions, 'metrics': event.metrics} for event in sales(count * BATCH, 0)
    ]
    bodies = [json.dumps(events[start : start + BATCH]).encode() for start in range(0, len(events), BATCH)]
    head = b'POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b'
    return _listed(folder, 'posts', [head % (len(body), body) for body in bodies])


def _listed(folder: Path, name: str, requests: Sequence[bytes]) -> Path:
    paths = []
    for number, request in enumerate(requests):
        path = folder / f'{name}{number}'
        path.write_bytes(request)
        paths.append(str(path))
    found = folder / name
    found.write_text('\n'.join(paths) + '\n')
    return found


def _run(
    bench: Bench, engine: Engine, kind: str, requests: Path, *, kept: int = 0, connections: int = CONNECTIONS
) -> Run:
    """Send requests for some seconds; what was answered is what the engine has."""
    engine.empty()
    with _server(kind, engine) as url:
        # What is read for the first time is remembered then, in both.
        _client(url, requests, 1, connections)
        before = _waiting(engine)
        run = _client(url, requests, bench.size(5, 1), connections)
    if run.failed:
        raise ArithmeticError(f'{run.failed} of {run.answered} requests failed')
    if kept and not 0 <= _waiting(engine) - before - run.answered * kept <= connections * kept:
        # At the end the client no longer hears the answers to what it has just sent.
        raise ArithmeticError(f'{run.answered} requests were answered, and {_waiting(engine) - before} events are kept')
    return run


def _waiting(engine: Engine) -> int:
    """How many events wait, once all that was sent has been taken."""
    before, found = -1, 0
    while found != before:
        time.sleep(_SETTLED)
        before, found = found, sum(int(engine.socket.ask(b'LLEN', hits_key(shard))[1:]) for shard in range(SHARDS))
    return found


def _client(url: str, requests: Path, seconds: int, connections: int) -> Run:
    script = requests.with_suffix('.lua')
    script.write_text(SCRIPT)
    command = ['wrk', '-t1', f'-c{connections}', f'-d{seconds}s', '--timeout', '10s', '-s', str(script), url]
    out = subprocess.check_output(command, env=unmeasured() | {'REQUESTS': str(requests)}, text=True)
    return Run(**json.loads(out.splitlines()[-1]))


@contextmanager
def _server(kind: str, engine: Engine) -> Iterator[str]:
    """A process that serves; its address."""
    command = [sys.executable, '-m', 'tests.benchmarks.t3_http', kind, str(engine.home)]
    with subprocess.Popen(command, env=unmeasured(), stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


# -- what is served, in a process of its own -------------------------------------------------------------------------


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

    with assembled(settings, ('hail',)) as app:
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
        'express': partial(assembled, settings, ('hail',)),
    }
    wsgi.serve(make_apps[kind], '127.0.0.1', 0, ready=partial(print, flush=True))


if __name__ == '__main__':
    serve(*sys.argv[1:])
