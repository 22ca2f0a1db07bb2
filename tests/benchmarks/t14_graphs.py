"""T14: live graphs: how long a hit takes to those who watch, and what they cost."""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from hailwhale import Whale
from hailwhale.settings import Settings
from tests.benchmarks import served
from tests.benchmarks.baselines import same
from tests.benchmarks.measure import Bench, Engine, Figure, at_most, at_most_times, quantile

VIEWERS = 200
#: Seconds between two hits, so that they fall anywhere between two looks of the server.
APART = 0.73
#: After so many seconds an event does not come any more.
PATIENCE = 20.0
_ASK = b'GET /stream?pk=live&period=1h:24h HTTP/1.1\r\nHost: localhost\r\n\r\n'
#: The name of the command that reads one series.
_READ = 'cmdstat_hmget'


class Run(NamedTuple):
    """What was measured of some viewers."""

    median: float  #: seconds from the call of `Whale.count_now` to an event
    p99: float
    reads: float  #: of the engine, a second
    cpu: float  #: of the server, seconds a second


def measure(bench: Bench) -> list[Figure]:
    """One who watches, and many."""
    many, hits = bench.size(VIEWERS, 10), bench.size(20, 2)
    with bench.engine() as engine:
        ones = [_run(engine, 1, hits) for _ in range(bench.runs)]
        all_ = [_run(engine, many, hits) for _ in range(bench.runs)]
    what = f'{many} who watch'
    return [
        Figure('T14', what, 'hit to event, p50', 's', [run.median for run in all_], goal=at_most(1)),
        Figure('T14', what, 'hit to event, p99', 's', [run.p99 for run in all_], goal=at_most(1)),
        Figure(
            'T14',
            what,
            'reads of the engine',
            '1/s',
            [run.reads for run in all_],
            'one who watches',
            [run.reads for run in ones],
            at_most_times(1.3),
        ),
        Figure('T14', what, 'CPU of the server', 's/s', [run.cpu for run in all_], goal=at_most(0.2)),
    ]


def _run(engine: Engine, viewers: int, hits: int) -> Run:
    engine.empty()
    settings = Settings.load({}, url=f'embedded://{engine.home}')
    with (
        served.process('whale', engine.home) as (url, pid),
        Whale(settings=settings) as whale,
        _watching(url, viewers) as (selector, plugs),
    ):
        _hear(selector, plugs)
        reads, cpu, began = _reads(engine), _cpu(pid), time.perf_counter()
        waits: list[float] = []
        for _ in range(hits):
            hit = time.perf_counter()
            whale.count_now('live')
            waits += [heard - hit for heard in _hear(selector, plugs)]
            time.sleep(max(0.0, hit + APART - time.perf_counter()))
        took = time.perf_counter() - began
        reads, cpu = _reads(engine) - reads, _cpu(pid) - cpu
    same(len(waits), viewers * hits, 'the number of events')
    return Run(quantile(waits, 0.5), quantile(waits, 0.99), reads / took, cpu / took)


@contextmanager
def _watching(url: str, viewers: int) -> Iterator[tuple[selectors.BaseSelector, list[socket.socket]]]:
    """Connections, each with a stream."""
    parts = urlsplit(url)
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        plugs = []
        for _ in range(viewers):
            plug = stack.enter_context(socket.create_connection((parts.hostname, parts.port), PATIENCE))
            plug.sendall(_ASK)
            selector.register(plug, selectors.EVENT_READ)
            plugs.append(plug)
        yield selector, plugs


def _hear(selector: selectors.BaseSelector, plugs: list[socket.socket]) -> list[float]:
    """When each has got an event: all of them have to."""
    waiting, heard = set(plugs), []
    while waiting:
        ready = selector.select(PATIENCE)
        if not ready:
            raise RuntimeError(f'{len(waiting)} were not told')
        for key, _ in ready:
            plug = key.fileobj
            assert isinstance(plug, socket.socket)
            # An event is small, and comes in one piece.
            if b'\ndata: ' in plug.recv(65_536):
                waiting.discard(plug)
                heard.append(time.perf_counter())
    return heard


def _reads(engine: Engine) -> float:
    found = engine.socket.info('commandstats').get(_READ, 'calls=0,')
    return float(str(found).partition('calls=')[2].partition(',')[0])


def _cpu(pid: int) -> float:
    """Seconds that a process has used."""
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')
