"""T2: a drain of W1 and of W3, from the list to the counters, exactly once, by one drainer.

RAW of W1 sends every increment of some events, added up nowhere: what adding up saves is the point.  In W3 hardly
anything can be added up.  Its RAW sends the very increments that the drain has made, to an empty store: nearly all of
them begin a new counter, which costs any engine more than to add to an old one.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from hailwhale import Hail, Whale
from hailwhale.metrics import MICROS_PER_UNIT
from hailwhale.storage import Commit
from hailwhale.storage.keys import counters_key
from tests.benchmarks.baselines import Model, check, command, increments, same
from tests.benchmarks.measure import Bench, Engine, Figure, at_least, at_least_times, seconds
from tests.benchmarks.workloads import Event, sales

#: Logical increments of an event of W1: 2 prefixes, 5 nodes, 3 intervals, 3 metrics.
EACH = 90
#: Events of which RAW sends every increment.
SAMPLE = 3_000
PUSHED = 10_000


def measure(bench: Bench) -> list[Figure]:
    """Events and increments a second; RAW sends every increment, as it is or of what is left of many added up."""
    with bench.engine() as engine, engine.whale() as whale:
        return _sales(bench, engine, whale) + _users(bench, engine, whale)


def _sales(bench: Bench, engine: Engine, whale: Whale) -> list[Figure]:
    events = sales(bench.size(300_000, 3_000), engine.now)
    model = Model().count_all(events)
    rates, raw, model_rates = [], [], []
    for _ in range(bench.runs):
        rates.append(len(events) / _drained(engine, whale, events)[0])
        check(whale, model, at_most=100)
        raw.append(_raw(engine, whale, events[:SAMPLE]))
        model_rates.append(SAMPLE / seconds(lambda: Model().count_all(events[:SAMPLE])))
    goal = None if bench.quick else at_least(60_000)
    times = None if bench.quick else at_least_times(15)
    logical = [EACH * rate for rate in rates]
    what = f'W1, {len(events):,} wait'
    return [
        Figure('T2', what, 'drain', 'events/s', rates, 'MODEL', model_rates, goal),
        Figure('T2', what, 'drain', 'logical increments/s', logical, 'RAW', raw, times),
    ]


def _users(bench: Bench, engine: Engine, whale: Whale) -> list[Figure]:
    events = sales(bench.size(50_000, 1_000), engine.now, users=True)
    model = Model().count_all(events)
    rates, raw = [], []
    for _ in range(bench.runs):
        taken, commits = _drained(engine, whale, events)
        check(whale, model, at_most=100)
        commands = list(_real(commits))
        sent = sum(count for _, count in commands)
        rates.append(sent / taken)
        engine.empty()
        raw.append(sent / seconds(partial(engine.socket.replay, commands)))
    goal = None if bench.quick else at_least_times(0.85)
    return [Figure('T2', f'W3, {len(events):,} wait', 'drain', 'real increments/s', rates, 'RAW', raw, goal)]


def _drained(engine: Engine, whale: Whale, events: Sequence[Event]) -> tuple[float, list[Commit]]:
    """How long it takes to drain these events, and the commits that it makes."""
    engine.empty()
    hail = Hail(whale)
    for first in range(0, len(events), PUSHED):
        hail.push_many(event.arguments for event in events[first : first + PUSHED])
    commits: list[Commit] = []
    original = whale.storage.commit

    def commit(commit: Commit, **more: Any) -> bool:
        commits.append(commit)
        return original(commit, **more)

    with pytest.MonkeyPatch.context() as patch, _alone():
        patch.setattr(whale.storage, 'commit', commit)
        taken = seconds(hail.drain)
    same(hail.waiting(), 0, 'what still waits')
    return taken, commits


@contextmanager
def _alone() -> Iterator[None]:
    """Spare the collector of garbage the workload and its model: no drainer has hundreds of thousands of events."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _real(commits: Sequence[Commit], *, batch: int = 10_000) -> Iterator[tuple[bytes, int]]:
    """The increments of some commits, one by one; all amounts of these workloads are whole."""
    numbers: dict[tuple[int, str], dict[str, int]] = {}
    out: list[bytes] = []
    for commit in commits:
        for slot, cells in commit.cells.items():
            for (shard, group, child), packed in cells.items():
                of_group = numbers.setdefault((slot.era, group), {})
                field = of_group.setdefault(child, len(of_group)) * slot.length + slot.offset
                for metric, micros in zip(commit.lanes.keys, commit.lanes.unpack(packed), strict=True):
                    if micros:
                        key = counters_key(shard, slot.name, group, metric)
                        out.append(command('HINCRBY', key, field, micros // MICROS_PER_UNIT))
            if len(out) >= batch:
                yield b''.join(out), len(out)
                out = []
    if out:
        yield b''.join(out), len(out)


def _raw(engine: Engine, whale: Whale, events: Sequence[Event]) -> float:
    commands = list(increments(events, whale.kept, engine.now))
    engine.empty()
    return sum(count for _, count in commands) / seconds(lambda: engine.socket.replay(commands))
