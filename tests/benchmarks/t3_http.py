"""T3: events by HTTP, each answered when it is kept, over 64 connections: one by GET, and a thousand by POST."""

from __future__ import annotations

import json
import tempfile
import time
from functools import partial
from pathlib import Path

from hailwhale.storage.keys import SHARDS, hits_key
from tests.benchmarks import served, wrk
from tests.benchmarks.measure import Bench, Engine, Figure, at_least, at_least_times, at_most
from tests.benchmarks.workloads import sales

BATCH = 1_000
#: Requests that are sent in turn.
DISTINCT = 50_000
#: Seconds in which a request that has been sent is answered, even on a machine that others use.
_SETTLED = 0.6


def measure(bench: Bench) -> list[Figure]:
    """The same requests to an empty application and to ours, by turns."""
    if not wrk.is_there('T3'):
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
    texts = [wrk.get('/count', pk=one.pk, dimensions=one.dimensions, metrics=one.metrics) for one in sales(count, 0)]
    return wrk.listed(folder, 'gets', [''.join(texts).encode()])


def _posts(folder: Path, count: int) -> Path:
    """A list of files, each with a request."""
    events = [
        {'pk': event.pk, 'dimensions': event.dimensions, 'metrics': event.metrics} for event in sales(count * BATCH, 0)
    ]
    bodies = [json.dumps(events[start : start + BATCH]).encode() for start in range(0, len(events), BATCH)]
    head = b'POST /count HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%b'
    return wrk.listed(folder, 'posts', [head % (len(body), body) for body in bodies])


def _run(
    bench: Bench, engine: Engine, kind: str, requests: Path, *, kept: int = 0, connections: int = wrk.CONNECTIONS
) -> wrk.Run:
    """Send requests for some seconds; what was answered is what the engine has."""
    engine.empty()
    with served.server(kind, engine.home) as url:
        # What is read for the first time is remembered then, in both.
        wrk.send(url, requests, 1, connections)
        before = _waiting(engine)
        run = wrk.send(url, requests, bench.size(5, 1), connections)
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
