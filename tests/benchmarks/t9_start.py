"""T9: how long a start takes: importing the package, and ``hailwhale serve`` until it answers."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from tests.benchmarks.baselines import same
from tests.benchmarks.measure import Bench, Figure, at_most, at_most_times, seconds
from tests.fresh import unmeasured

#: After so many seconds a server that does not answer is broken.
PATIENCE = 30.0


def measure(bench: Bench) -> list[Figure]:
    """All in fresh processes."""
    ours, redis, serve, engine = [], [], [], []
    for _ in range(bench.runs):
        ours.append(_import('hailwhale', bench.size(5, 1)))
        redis.append(_import('redis', bench.size(5, 1)))
        serve.append(_serve())
        engine.append(seconds(lambda: _engine(bench)))
    return [
        Figure('T9', 'fresh process', 'import hailwhale', 'ms', ours, 'import redis', redis, at_most_times(0.5)),
        Figure('T9', 'embedded', 'hailwhale serve answers', 's', serve, 'the engine alone', engine, at_most(2)),
    ]


def _import(name: str, times: int) -> float:
    program = f'import time; start = time.perf_counter(); import {name}; print(time.perf_counter() - start)'
    command = [sys.executable, '-c', program]
    taken = [float(subprocess.check_output(command, env=unmeasured())) for _ in range(times)]
    return 1_000 * statistics.median(taken)


def _engine(bench: Bench) -> None:
    with bench.engine() as engine:
        engine.socket.ping()


def _serve() -> float:
    """From the start of the program on an empty directory to the first count that it has taken and answers for."""
    with tempfile.TemporaryDirectory(prefix='hw') as home:
        start = time.perf_counter()
        with _server(Path(home)) as port:
            until = time.perf_counter()
            same(_get(port, '/count_now?pk=start'), b'OK', 'the first count')
            total = json.loads(_get(port, '/totals?pk=start&period=hour'))
            same(total, {'hour': {'_': {'hits': 1}}}, 'the first total')
    return until - start


@contextmanager
def _server(home: Path) -> Iterator[int]:
    """A server that has just said that it is well."""
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port: int = free.getsockname()[1]
    command = [sys.executable, '-m', 'hailwhale', 'serve', '--home', str(home), '--port', str(port)]
    with subprocess.Popen(command, env=unmeasured(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            while not _is_well(port):
                if server.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError('hailwhale serve does not answer')
                time.sleep(0.002)
            yield port
        finally:
            server.terminate()


def _is_well(port: int) -> bool:
    try:
        return bool(_get(port, '/healthz'))
    except OSError:
        return False


def _get(port: int, path: str) -> bytes:
    connection = HTTPConnection('127.0.0.1', port, timeout=PATIENCE)
    try:
        connection.request('GET', path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise ConnectionError(f'{path}: {answer.status} {body!r}')
        return body
    finally:
        connection.close()
