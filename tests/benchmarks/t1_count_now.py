"""T1: ``count_now`` of W1, one event a call."""

from __future__ import annotations

import time
from collections.abc import Sequence

from hailwhale import Whale
from tests.benchmarks.baselines import Model, check, increments
from tests.benchmarks.measure import Bench, Figure, at_least_times, at_most_above, quantile, seconds
from tests.benchmarks.workloads import Event, sales

#: 2 prefixes, 5 nodes, 3 intervals, 3 metrics.
EACH = 90


def measure(bench: Bench) -> list[Figure]:
    """The rate in increments that a naive writer would send, and how long one call takes."""
    ours, raw, p50, p99, rtt, model_rate = [], [], [], [], [], []
    count = bench.size(3_000, 60)
    with bench.engine() as engine, engine.whale() as whale:
        events = sales(count, engine.now)
        model = Model().count_all(events)
        commands = list(increments(events, whale.kept, engine.now))
        for _ in range(bench.runs):
            engine.empty()
            calls = _calls(whale, events)
            check(whale, model, at_most=20)
            ours.append(EACH * count / sum(calls))
            p50.append(1_000 * quantile(calls, 0.5))
            p99.append(1_000 * quantile(calls, 0.99))
            engine.empty()
            raw.append(EACH * count / seconds(lambda: engine.socket.replay(commands)))
            rtt.append(1_000 * quantile([seconds(engine.socket.ping) for _ in range(count)], 0.5))
            model_rate.append(EACH * count / seconds(lambda: Model().count_all(events)))
    return [
        Figure('T1', 'W1', 'count_now', 'increments/s', ours, 'RAW', raw, at_least_times(0.5)),
        Figure('T1', 'W1', 'count_now', 'increments/s', ours, 'MODEL', model_rate),
        Figure('T1', 'W1', 'count_now p50', 'ms', p50, 'RTT', rtt),
        Figure('T1', 'W1', 'count_now p99', 'ms', p99, 'RTT', rtt, at_most_above(1, 'ms')),
    ]


def _calls(whale: Whale, events: Sequence[Event]) -> list[float]:
    """How long each call took, on an empty engine."""
    # The engine learns the script, and the process its code paths.
    for event in events[:10]:
        whale.count_now('warm', *event.arguments[1:])
    clock, count_now, taken = time.perf_counter, whale.count_now, []
    for pk, dimensions, metrics, at in [event.arguments for event in events]:
        start = clock()
        count_now(pk, dimensions, metrics, at)
        taken.append(clock() - start)
    return taken
