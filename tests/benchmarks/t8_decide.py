"""T8: ``decide`` with 4 options and 3 dimensions, in process and over HTTP.

The table that it decides by has 300 contexts and a week of hours.  In process every decision is counted as well, and
one in ten succeeds, so that models age and are made anew behind the calls; over HTTP visitors only ask.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from hailwhale import Whale
from tests.benchmarks import served, wrk
from tests.benchmarks.measure import (
    Bench,
    Engine,
    Figure,
    at_least_times,
    at_most_above,
    at_most_times,
    quantile,
    seconds,
)

OPTIONS = {'blue': 0.08, 'green': 0.1, 'red': 0.12, 'grey': 0.1}
FORMULA = 'earned/hits'
_HOUR = 3_600
_WEEK = 7 * 24
Visitor = dict[str, str]


def measure(bench: Bench) -> list[Figure]:
    """How long a decision takes, and how many are answered."""
    p50, p99, rtt, loop = [], [], [], []
    with bench.engine() as engine:
        _count(engine, bench.size(30_000, 600))
        for _ in range(bench.runs):
            with Whale(f'embedded://{engine.home}') as whale:
                calls = _calls(whale, bench.size(5_000, 50))
            p50.append(1_000 * quantile(calls, 0.5))
            p99.append(1_000 * quantile(calls, 0.99))
            loop.append(1_000 * quantile(_loops(quantile(calls, 0.5), len(calls)), 0.99))
            pings = [seconds(engine.socket.ping) for _ in range(bench.size(1_000, 50))]
            rtt.append(1_000 * quantile(pings, 0.5))
        http = _over_http(bench, engine)
    figure = partial(Figure, 'T8', '4 options, 300 contexts')
    return [
        figure('decide p50', 'ms', p50, 'RTT', rtt),
        figure('decide p99', 'ms', p99, 'RTT', rtt, at_most_above(1, 'ms')),
        figure('decide p99 beside a loop', 'ms', p99, 'LOOP', loop),
        *http,
    ]


def _over_http(bench: Bench, engine: Engine) -> list[Figure]:
    if not wrk.is_there('T8 over HTTP'):
        return []
    hello, ours = [], []
    with tempfile.TemporaryDirectory(prefix='hw') as name:
        requests = _requests(Path(name), bench.size(20_000, 500))
        for _ in range(bench.runs):
            hello.append(_run(bench, engine, 'hello', requests))
            ours.append(_run(bench, engine, 'whale', requests))
    rates = [run.rate for run in hello]
    figure = partial(Figure, 'T8', '/decide, 64 connections')
    return [
        figure('requests', '1/s', [run.rate for run in ours], 'HELLO', rates, at_least_times(0.4)),
        figure('p99', 'ms', [run.p99 for run in ours], 'HELLO', [run.p99 for run in hello], at_most_times(1)),
    ]


def _visitors(count: int, seed: int) -> list[Visitor]:
    """Visitors of 300 contexts, some of them many times as often as others."""
    rng = random.Random(seed)
    countries = rng.choices(range(20), [1 / rank for rank in range(1, 21)], k=count)
    return [
        {
            'country': f'country {country}',
            'device': f'device {rng.randrange(3)}',
            'source': f'source {rng.randrange(5)}',
        }
        for country in countries
    ]


def _count(engine: Engine, count: int) -> None:
    """What was shown and earned within the last week."""
    rng, now = random.Random(8), int(time.time())
    with Whale(f'embedded://{engine.home}') as whale:
        events: list[dict[str, Any]] = []
        for visitor in _visitors(count, 1):
            option, at = rng.choice(list(OPTIONS)), now - _HOUR * rng.randrange(_WEEK)
            events.append(whale.decided_event('Page', None, option, visitor, None, at))
            if rng.random() < OPTIONS[option]:
                events.append(whale.decided_event('Page', None, option, visitor, {'earned': 1}, at))
        whale.count_many(events)


def _calls(whale: Whale, count: int) -> list[float]:
    """How long each decision took, while they are counted."""
    rng, options, clock, taken = random.Random(9), list(OPTIONS), time.perf_counter, []
    whale.decide('Page', None, options, FORMULA)
    for visitor in _visitors(count, 2):
        start = clock()
        option = whale.decide('Page', None, options, FORMULA, visitor)
        taken.append(clock() - start)
        whale.count_decided_now('Page', None, option, visitor)
        if rng.random() < OPTIONS[option]:
            whale.count_decided_now('Page', None, option, visitor, {'earned': 1})
    return taken


def _loops(length: float, count: int) -> list[float]:
    """LOOP: how long each of so many loops took that take so many seconds at the median."""

    def loop(turns: int) -> None:
        for _ in range(turns):
            pass

    turns = 2_000
    once = quantile([seconds(lambda: loop(turns)) for _ in range(count // 10 + 1)], 0.5)
    turns = max(int(turns * length / once), 1)
    return [seconds(lambda: loop(turns)) for _ in range(count)]


def _requests(folder: Path, count: int) -> Path:
    options: Sequence[str] = list(OPTIONS)
    texts = [
        wrk.get('/decide', pk='Page', options=options, dimensions=one, by_metric=FORMULA) for one in _visitors(count, 3)
    ]
    return wrk.listed(folder, 'decisions', [''.join(texts).encode()])


def _run(bench: Bench, engine: Engine, kind: str, requests: Path) -> wrk.Run:
    with served.server(kind, engine.home) as url:
        # The first model is made then.
        wrk.send(url, requests, 1, wrk.CONNECTIONS)
        run = wrk.send(url, requests, bench.size(5, 1), wrk.CONNECTIONS)
    if run.failed:
        raise ArithmeticError(f'{run.failed} of {run.answered} requests failed')
    return run
