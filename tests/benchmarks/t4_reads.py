"""T4: totals and plotpoints of one series, a breakdown into 1,000 children over 24 hours, and its top 10.

The bare reads fetch the very hashes that the answer needs down one socket, and decode them by the shortest code into
the very same answer: it is compared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hailwhale import Period, Whale
from hailwhale.paths import unescape
from hailwhale.storage import group, shard_of
from hailwhale.storage.keys import counters_key, names_key
from tests.benchmarks.baselines import Model, check, columns_of, same
from tests.benchmarks.measure import Bench, Engine, Figure, at_most, at_most_above, at_most_times, milliseconds
from tests.benchmarks.workloads import children

PK = 'wide'
PERIOD = '1h:24h'
Ask = Callable[[], object]


def measure(bench: Bench) -> list[Figure]:
    """Each answer beside the bare reads that it needs, run by run."""
    with bench.engine() as engine, engine.whale() as whale:
        events = children(bench.size(1_000, 20), engine.now, pk=PK)
        whale.count_many(event.arguments for event in events)
        check(whale, Model().count_all(events), at_most=50)
        bare = Bare(engine, whale)
        times = bench.size(15, 2)
        one = partial(_paired, bench, times * 20, engine.socket.ping)
        totals, rtt = one(lambda: whale.totals(PK, 'page', 'views', PERIOD))
        points, rtt2 = one(lambda: whale.plotpoints(PK, 'page', 'views', PERIOD))
        breakdown, bare_breakdown = _both(bench, times, _breakdown(whale), bare.breakdown)
        pairs, bare_pairs = _both(bench, times, _breakdown(whale, points='ms'), partial(bare.breakdown, ms=True))
        top, bare_top = _both(bench, times, lambda: whale.top(PK, 10, 'views', 'page', PERIOD), bare.top)
    wide = f'{bench.size(1_000, 20):,} children x 24 h'
    return [
        Figure('T4', 'one series', 'totals', 'ms', totals, 'RTT', rtt, at_most_above(1, 'ms')),
        Figure('T4', 'one series', 'plotpoints', 'ms', points, 'RTT', rtt2, at_most_above(1, 'ms')),
        Figure('T4', wide, 'plotpoints depth=1', 'ms', breakdown, 'bare reads', bare_breakdown, at_most_times(1.3)),
        Figure('T4', wide, "plotpoints depth=1, 'ms'", 'ms', pairs, 'bare reads', bare_pairs, at_most_times(1.3)),
        Figure('T4', wide, 'top(10)', 'ms', top, 'bare reads', bare_top, at_most_times(1.3)),
        Figure('T4', wide, 'top(10)', 'ms', top, goal=at_most(25)),
    ]


def _breakdown(whale: Whale, points: Any = dict) -> Ask:
    return lambda: whale.plotpoints(PK, 'page', 'views', PERIOD, depth=1, points=points)


def _paired(bench: Bench, times: int, other: Ask, ask: Ask) -> tuple[list[float], list[float]]:
    """Samples of two things, in turn."""
    ours, theirs = [], []
    for _ in range(bench.runs):
        ours.append(milliseconds(ask, times))
        theirs.append(milliseconds(other, times))
    return ours, theirs


def _both(bench: Bench, times: int, ask: Ask, bare: Ask) -> tuple[list[float], list[float]]:
    """Samples of an answer and of the bare reads for it, once they have said the same."""
    same(ask(), bare(), 'the bare reads')
    return _paired(bench, times, bare, ask)


class Bare:
    """The reads that a breakdown needs, by hand."""

    def __init__(self, engine: Engine, whale: Whale) -> None:
        self._socket = engine.socket
        plan = whale.kept.plan(Period.parse(PERIOD), engine.now)
        self._starts = list(plan.starts)
        self._shard = shard_of((PK,))
        self._chunks = plan.chunks
        self._eras = sorted({chunk.era for chunk in plan.chunks})

    def _hashes(self, parent: tuple[str, ...]) -> tuple[list[list[bytes]], dict[int, dict[int, str]]]:
        """The counters below a node, chunk by chunk, and for each era the names of the numbers."""
        of = group((PK,), parent)
        keys = [counters_key(self._shard, chunk.name, of, 'views') for chunk in self._chunks]
        replies = self._socket.hashes([*keys, *(names_key(self._shard, era, of) for era in self._eras)])
        tables = {
            era: {
                int(number): unescape(name.decode())
                for name, number in zip(table[::2], table[1::2], strict=True)
                if name
            }
            for era, table in zip(self._eras, replies[len(keys) :], strict=True)
        }
        return replies[: len(keys)], tables

    def _columns(self, parent: tuple[str, ...]) -> dict[str, list[int]]:
        hashes, tables = self._hashes(parent)
        width, first = len(self._starts), 0
        by_era: defaultdict[int, list[Any]] = defaultdict(list)
        for chunk, fields in zip(self._chunks, hashes, strict=True):
            places = {offset: first + i for i, offset in enumerate(chunk.offsets)}
            first += len(places)
            by_era[chunk.era].append((fields, chunk.length, places))
        found: dict[str, list[int]] = {}
        for era, some in by_era.items():
            for name, column in columns_of(some, tables[era], width).items():
                found[name] = [a + b for a, b in zip(found[name], column, strict=True)] if name in found else column
        return found

    def breakdown(self, *, ms: bool = False) -> object:
        """A node, and everything below it."""
        pages = self._columns(('page',))
        overall = self._columns(())['page']
        named = {'page': overall} | {f'["page", "{name}"]': column for name, column in sorted(pages.items())}
        if ms:
            millis = [start * 1_000 for start in self._starts]
            return {
                name: {'views': [[at, n] for at, n in zip(millis, column, strict=True)]}
                for name, column in named.items()
            }
        moments = [datetime.fromtimestamp(start, UTC) for start in self._starts]
        return {name: {'views': dict(zip(moments, column, strict=True))} for name, column in named.items()}

    def top(self) -> object:
        """The ten best pages: sums alone, without a column for each page."""
        hashes, tables = self._hashes(('page',))
        totals: defaultdict[str, int] = defaultdict(int)
        for chunk, fields in zip(self._chunks, hashes, strict=True):
            length, wanted, names = chunk.length, set(chunk.offsets), tables[chunk.era]
            sums: defaultdict[int, int] = defaultdict(int)
            for field, value in zip(map(int, fields[::2]), map(int, fields[1::2]), strict=True):
                if field % length in wanted:
                    sums[field // length] += value
            for child, total in sums.items():
                totals[names[child]] += total
        return sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:10]
