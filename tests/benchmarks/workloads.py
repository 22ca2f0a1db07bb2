"""The workloads: seeded, so that every run counts the same; each event comes with the nodes that it must count."""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

Node = tuple[str, ...]
DAY = 86_400


class Event(NamedTuple):
    """The arguments of ``count_now``, and what they mean, spelled out here by hand: prefixes, nodes, all metrics."""

    pk: list[str]
    dimensions: Mapping[str, object]
    metrics: Mapping[str, int]
    at: int
    prefixes: tuple[Node, ...]
    nodes: tuple[Node, ...]

    @property
    def arguments(self) -> tuple[list[str], Mapping[str, object], Mapping[str, int], int]:
        """What ``count_now`` and ``count_many`` take."""
        return self.pk, self.dimensions, self.metrics, self.at

    @property
    def amounts(self) -> dict[str, int]:
        """The metrics, with the one that is always added."""
        return {**self.metrics, 'hits': 1}


def sales(count: int, now: int, *, users: bool = False) -> list[Event]:
    """W1: sales of a thousand products by Zipf's law, all within two minutes; with ``users`` W3, where each has its
    own."""
    rng = random.Random(1)
    ids = rng.choices(range(1, 1_001), cum_weights=list(accumulate(1 / rank for rank in range(1, 1_001))), k=count)
    events = []
    for number in ids:
        country, device = f'country {rng.randrange(50)}', f'device {rng.randrange(6)}'
        dimensions = {'country': country, 'device': device}
        nodes: tuple[Node, ...] = ((), ('country',), ('country', country), ('device',), ('device', device))
        if users:
            dimensions['user'] = f'{rng.getrandbits(64):016x}'
            nodes += (('user',), ('user', dimensions['user']))
        metrics = {'revenue': rng.randrange(100, 20_000), 'sales': 1}
        pk = ['Product', str(number)]
        events.append(Event(pk, dimensions, metrics, now - rng.randrange(120), ((pk[0],), (pk[0], pk[1])), nodes))
    return events


def visits(count: int, now: int) -> list[Event]:
    """W2: visits from 50 countries with 10 regions with 20 cities each, spread over 24 hours."""
    rng = random.Random(2)
    events = []
    for _ in range(count):
        country, region, city = f'c{rng.randrange(50)}', f'r{rng.randrange(10)}', f'city{rng.randrange(20)}'
        path = ('geo', country, region, city)
        nodes = tuple(path[:end] for end in range(len(path) + 1))
        metrics = {'visits': 1, 'time': 30}
        at = now - rng.randrange(DAY - 120)
        events.append(Event(['p'], {'geo': {country: {region: city}}}, metrics, at, (('p',),), nodes))
    return events


def children(count: int, now: int, *, pk: str = 'wide', hours: int = 24) -> list[Event]:
    """Many children of one node, each counted in each of the last hours."""
    rng = random.Random(4)
    first = now // 3_600 * 3_600 - (hours - 1) * 3_600
    return [
        Event(
            [pk],
            {'page': f'page {child}'},
            {'views': rng.randrange(1, 100)},
            min(now, first + hour * 3_600 + rng.randrange(3_600)),
            ((pk,),),
            ((), ('page',), ('page', f'page {child}')),
        )
        for hour in range(hours)
        for child in range(count)
    ]


FLIGHTS = ['time_hour', 'hour', 'carrier', 'origin', 'dest', 'distance', 'dep_delay']


def flights(now: int, limit: int | None = None) -> list[list[str]]:
    """W4: the flights from New York in 2013, moved by whole days so that the last one is today's, in UTC (days are kept
    for a year, which the flights fill to the last); only the last ``limit`` of them."""
    packed = files('hailwhale') / 'data' / 'flights.csv.gz'
    with packed.open('rb') as raw, gzip.open(raw, 'rt', encoding='ascii', newline='') as text:
        rows = csv.reader(text)
        assert next(rows) == FLIGHTS
        found = list(rows)[-(limit or 0) :]
    moments = {text: int(datetime.fromisoformat(text).timestamp()) for text in {row[0] for row in found}}
    last = max(moments.values())
    shift = (now // DAY - last // DAY) * DAY
    moved = {text: datetime.fromtimestamp(at + shift, UTC).isoformat() for text, at in moments.items()}
    return [[moved[row[0]], *row[1:]] for row in found]


def write_flights(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """The flights as a file."""
    with path.open('w', encoding='ascii', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(FLIGHTS)
        writer.writerows(rows)


def flight_events(rows: Sequence[Sequence[str]]) -> Iterator[Event]:
    """The flights as events."""
    for time_hour, hour, carrier, origin, dest, distance, delay in rows:
        yield Event(
            ['flights', carrier],
            {'route': {origin: dest}, 'hour': hour},
            {'flights': 1, 'delay': int(delay or 0), 'miles': int(distance)},
            int(datetime.fromisoformat(time_hour).timestamp()),
            (('flights',), ('flights', carrier)),
            ((), ('route',), ('route', origin), ('route', origin, dest), ('hour',), ('hour', hour)),
        )
