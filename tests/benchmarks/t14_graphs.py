"""T14: live graphs: how long a hit takes to those who watch, what they cost, and how soon a browser draws."""

from __future__ import annotations

import gzip
import math
import os
import re
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from hailwhale import Whale
from hailwhale.settings import Settings
from tests.benchmarks import chromium, screens, served
from tests.benchmarks.baselines import same
from tests.benchmarks.measure import Bench, Engine, Figure, at_most, at_most_times, quantile

if TYPE_CHECKING:
    from playwright.sync_api import Browser

VIEWERS = 200
#: So many pages draw in each run: the time of one is half luck.
PAGES = 9
#: What they draw: a day by minutes, of all together and of each child.
LINES, POINTS = 10, 1_440
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
    """One who watches, and many; and what one sees in a browser."""
    return [*_watched(bench), *(_seen(bench) if chromium.is_there('T14 in a browser') else [])]


def _watched(bench: Bench) -> list[Figure]:
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


# -- in a browser ----------------------------------------------------------------------------------------------------


def _seen(bench: Bench) -> list[Figure]:
    """How soon a graph is drawn and a hit is seen, and what a reader has to load."""
    hits = bench.size(15, 1)
    last, first, later = [], [], []
    soon: dict[str, list[float]] = {'/count_now': [], '/count': []}
    with bench.engine() as engine, chromium.browser() as browser:
        engine.empty()
        with Whale(settings=Settings.load({}, url=f'embedded://{engine.home}')) as whale:
            whale.count_many(day_of_many(int(time.time())))
        with served.process('all', engine.home) as (url, _):
            for _ in range(bench.runs):
                page = browser.new_page(viewport={'width': 1280, 'height': 900})
                page.goto(f'{url}embed?pk=live&period=1h:24h')
                page.wait_for_selector('.hailwhale canvas')
                for path, seen in soon.items():
                    waits = []
                    for _ in range(hits):
                        waits.append(page.evaluate(screens.HIT, path) / 1e3)
                        time.sleep(APART - waits[-1] % APART)
                    seen.append(quantile(waits, 0.5))
                page.close()
                ends, ones, more = _drawn(browser, url, bench.size(PAGES, 1), bench.size(5, 1))
                last.append(quantile(ends, 0.5))
                first.append(quantile(ones, 0.5))
                later.append(quantile(more, 0.5))
    what = f'{LINES} lines of {POINTS:,} points'
    return [
        Figure('T14', what, 'first draw in a page, p50', 'ms', first, goal=at_most(50)),
        Figure('T14', what, 'the same from the last byte, p50', 'ms', last, goal=at_most(100)),
        Figure('T14', what, 'further draws, p50', 'ms', later, goal=at_most(50)),
        *(
            Figure('T14', f'1 hit by {path}', 'hit to screen, p50', 's', seen, goal=at_most(1))
            for path, seen in soon.items()
        ),
        *_sizes(),
    ]


def day_of_many(now: int) -> Iterator[dict[str, object]]:
    """Each minute of a day for every child: waves, one after the other."""
    for child in range(LINES - 1):
        for minute in range(POINTS):
            hits = round(1_000 + 900 * math.sin(minute / 90 + child))
            yield {'pk': 'many', 'dimensions': f'child {child}', 'metrics': {'hits': hits}, 'at': now - 60 * minute}


def _drawn(browser: Browser, url: str, pages: int, rounds: int) -> tuple[list[float], list[float], list[float]]:
    """How long it takes to draw first in a page, from the answer's last byte and from the answer; and then again."""
    last, first, later = [], [], []
    for _ in range(pages):
        page = browser.new_page(viewport={'width': 1280, 'height': 900})
        page.goto(f'{url}static/uplot-license.txt')
        page.evaluate("document.body.innerHTML = '<main></main>'")
        lines, points, wait, (one, *more) = page.evaluate(screens.DRAWING, 1 + rounds)
        same((lines, points), (LINES, POINTS), 'lines and points')
        last.append(wait)
        first.append(one)
        later += more
        page.close()
    return last, first, later


def _sizes() -> list[Figure]:
    """What a reader has to load, beside what it may be (js/build.mjs)."""
    build = (chromium.STATIC.parent.parent / 'js' / 'build.mjs').read_text('utf-8')
    budgets = re.findall(r"\['([\w.]+)', (?:(\d+) \* )?KILO\]", build)
    sizes = {name: len(gzip.compress((chromium.STATIC / name).read_bytes(), 9)) / 1024 for name, _ in budgets}
    same('count.js' in sizes, True, 'what js/build.mjs says of sizes')
    return [
        Figure('T14', name, 'size packed', 'kB', [sizes[name]], goal=at_most(int(kilo or 1))) for name, kilo in budgets
    ]
