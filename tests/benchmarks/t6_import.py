"""T6: ``hailwhale import`` of W4, from a CSV file to every counter, the start of the program included."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pandas

from hailwhale import Whale
from tests.benchmarks.baselines import increments, same
from tests.benchmarks.measure import Bench, Engine, Figure, at_least, seconds
from tests.benchmarks.workloads import FLIGHTS, flight_events, flights, write_flights
from tests.fresh import unmeasured

METRICS = ['flights', 'delay', 'miles', 'hits']
LAYOUT = [
    *('--pk', '["flights", "{carrier}"]', '--dimensions', '{"route": {"{origin}": "{dest}"}, "hour": "{hour}"}'),
    *('--metrics', '{"flights": 1, "delay": "{dep_delay}", "miles": "{distance}"}', '--at', '{time_hour}'),
]


def measure(bench: Bench) -> list[Figure]:
    """Rows a second; RAW would send every increment of every row."""
    ours, raw = [], []
    with bench.engine() as engine, engine.whale() as whale:
        rows = flights(engine.now, bench.size(0, 2_000))
        file = engine.home / 'flights.csv'
        write_flights(file, rows)
        frame = pandas.DataFrame(rows, columns=FLIGHTS)
        # Spread over the year, as all rows are: the older ones count in fewer intervals.
        sample = rows[:: max(1, len(rows) // 10_000)]
        commands = list(increments(list(flight_events(sample)), whale.kept, engine.now))
        for _ in range(bench.runs):
            engine.empty()
            ours.append(len(rows) / seconds(partial(_import, engine, file)))
            check(whale, frame)
            engine.empty()
            raw.append(len(sample) / seconds(lambda: engine.socket.replay(commands)))
    goal = None if bench.quick else at_least(60_000)
    return [Figure('T6', f'W4, {len(rows):,} rows', 'hailwhale import', 'rows/s', ours, 'RAW', raw, goal)]


def _import(engine: Engine, file: Path) -> None:
    command = [sys.executable, '-m', 'hailwhale', 'import', str(file), '--url', f'unix://{engine.address}', *LAYOUT]
    subprocess.run(command, check=True, capture_output=True, env=unmeasured())


def check(whale: Whale, frame: pandas.DataFrame) -> None:
    """Hold the counters against what pandas adds up: by carrier, by route, by hour, and by day."""
    frame = frame.assign(
        flights=1,
        hits=1,
        delay=pandas.to_numeric(frame['dep_delay']).fillna(0).astype('int64'),
        miles=frame['distance'].astype('int64'),
        day=pandas.to_datetime(frame['time_hour'], utc=True).dt.floor('D'),
    )
    same(_total(whale, 'flights'), _sums(frame), 'all flights')
    for carrier, some in frame.groupby('carrier'):
        same(_total(whale, ['flights', carrier]), _sums(some), f'carrier {carrier}')
    for (origin, dest), some in islice(frame.groupby(['origin', 'dest']), 50):
        same(_total(whale, 'flights', ['route', origin, dest]), _sums(some), f'route {origin} {dest}')
    for hour, some in frame.groupby('hour'):
        same(_total(whale, 'flights', ['hour', hour]), _sums(some), f'hour {hour}')
    (drawn,) = whale.plotpoints('flights', None, 'miles', 'year').values()
    days = frame.groupby('day')['miles'].sum()
    same({day: miles for day, miles in drawn['miles'].items() if miles}, dict(days.items()), 'miles by day')


def _total(whale: Whale, pk: Any, dimension: Any = None) -> dict[str, int | float]:
    (found,) = whale.totals(pk, dimension, METRICS, 'year')['year'].values()
    return found


def _sums(frame: pandas.DataFrame) -> dict[str, int]:
    return {name: int(frame[name].sum()) for name in METRICS}
