"""T5: bytes a datapoint of W2, with minutes, hours and days kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.benchmarks.baselines import Model, check, old_layout
from tests.benchmarks.measure import Bench, Engine, Figure, at_most, at_most_times
from tests.benchmarks.workloads import Event, visits


def measure(bench: Bench) -> list[Figure]:
    """What the engine says it uses, less what it used when empty, by the number of distinct datapoints (hits too)."""
    with bench.engine() as engine:
        events = visits(bench.size(50_000, 300), engine.now)
        model = Model().count_all(events)
        points = len(model.counted)
        compact: dict[int, list[float]] = {limit: [] for limit in (512, 128, 1_024)}
        old = []
        # Memory does not vary as time does, and a run takes long: three of them.
        for _ in range(min(bench.runs, 3)):
            for limit, found in compact.items():
                engine.socket.ask('CONFIG', 'SET', 'hash-max-listpack-entries', limit)
                found.append(_used(engine, lambda: _count(engine, model, events)) / points)
            engine.socket.ask('CONFIG', 'SET', 'hash-max-listpack-entries', 512)
            old.append(_used(engine, lambda: engine.socket.replay(old_layout(model))) / points)
    workload = f'W2, {points:,} datapoints'
    name, unit = 'memory', 'bytes a datapoint'
    return [
        Figure('T5', workload, name, unit, compact[512], goal=at_most(30)),
        Figure('T5', workload, name, unit, compact[512], 'OLD', old, at_most_times(0.4)),
        Figure('T5', workload, f'{name}, listpack-entries 128', unit, compact[128], 'OLD', old),
        Figure('T5', workload, f'{name}, listpack-entries 1024', unit, compact[1_024], 'OLD', old),
    ]


def _used(engine: Engine, fill: Callable[[], None]) -> float:
    engine.empty()
    before = engine.socket.memory()
    fill()
    return engine.socket.memory() - before


def _count(engine: Engine, model: Model, events: Sequence[Event]) -> None:
    with engine.whale() as whale:
        whale.count_many(event.arguments for event in events)
        check(whale, model, at_most=20)
