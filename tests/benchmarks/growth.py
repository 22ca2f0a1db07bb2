"""Growth: what an event and a question cost among ten thousand counters, and among millions.

The small store and the large one are measured in turn, so that what slows the machine down slows both.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from hailwhale import Whale
from tests.benchmarks.baselines import same
from tests.benchmarks.measure import Bench, Figure, at_most_times, milliseconds

#: Each shop counts ten pages: itself, the node above the pages and the pages, in three intervals.
PAGES = 10
EACH = (1 + 1 + PAGES) * 3
SMALL = 10_000
NAMES = ('count_now', 'totals, one series', f'plotpoints, {PAGES} children x 24 h')


def measure(bench: Bench) -> list[Figure]:
    """Ratios to the smallest store."""
    sizes = [100_000, 1_000_000, *([10_000_000] if bench.huge else [])]
    figures: list[Figure] = []
    with bench.engine() as engine, engine.whale() as few:
        small = _fill(few, engine.now, bench.size(SMALL, 360))
        for size in [2_000] if bench.quick else sizes:
            with bench.engine() as other, other.whale() as many:
                figures += _compare(bench, size, (few, small), (many, _fill(many, other.now, size)))
    return figures


def _fill(whale: Whale, now: int, counters: int) -> int:
    """Count until there are so many counters; how many shops they make."""
    shops = counters // EACH
    events = ((['shop', str(shop)], {'page': str(page)}, None, now) for shop in range(shops) for page in range(PAGES))
    same(whale.count_many(events).counted, shops * PAGES, 'events')
    return shops


def _compare(bench: Bench, size: int, few: tuple[Whale, int], many: tuple[Whale, int]) -> Iterator[Figure]:
    times = bench.size(300, 5)
    samples: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in NAMES}
    for _ in range(bench.runs):
        for side, (whale, shops) in enumerate((many, few)):
            for name, action in _actions(whale, shops).items():
                samples[name][side].append(milliseconds(action, times))
    for name, (large, small) in samples.items():
        yield Figure('growth', f'{size:,} counters', name, 'ms', large, f'{SMALL:,}', small, at_most_times(1.5))


def _actions(whale: Whale, shops: int) -> dict[str, Callable[[], object]]:
    """What is asked, each time of another shop; the events go to another tree, whose sums nobody compares."""
    rng = random.Random(5)

    def pk() -> list[str]:
        return ['shop', str(rng.randrange(shops))]

    def count() -> None:
        whale.count_now(pk(), {'visitor': str(rng.randrange(PAGES))})

    def totals() -> None:
        (found,) = whale.totals(pk(), 'page', None, '1h:24h').values()
        same(found, {'page': {'hits': PAGES}}, 'the total')

    def breakdown() -> None:
        same(len(whale.plotpoints(pk(), 'page', None, '1h:24h', depth=1)), 1 + PAGES, 'series')

    return dict(zip(NAMES, (count, totals, breakdown), strict=True))
