"""What a benchmark yields: figures, each with what it is held against and the goal that it should meet."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hailwhale import Whale
from hailwhale.settings import Settings
from hailwhale.storage import embedded
from tests.benchmarks.baselines import Socket


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure should be, in words, and whether it is."""

    text: str
    met: Callable[[float, float], bool]  #: of the figure and its ratio to the baseline


def at_most(limit: float) -> Goal:
    """The figure itself is bounded."""
    return Goal(f'<= {limit:g}', lambda ours, ratio: ours <= limit)  # noqa: ARG005


def at_least(limit: float) -> Goal:
    """The figure itself is bounded."""
    return Goal(f'>= {limit:g}', lambda ours, ratio: ours >= limit)  # noqa: ARG005


def at_most_times(limit: float) -> Goal:
    """The ratio to the baseline is bounded."""
    return Goal(f'<= {limit:g} x', lambda ours, ratio: ratio <= limit)  # noqa: ARG005


def at_least_times(limit: float) -> Goal:
    """The ratio to the baseline is bounded."""
    return Goal(f'>= {limit:g} x', lambda ours, ratio: ratio >= limit)  # noqa: ARG005


def at_most_above(limit: float, unit: str) -> Goal:
    """The figure may exceed the baseline by so much."""
    return Goal(f'<= baseline + {limit:g} {unit}', lambda ours, ratio: ours <= ours / ratio + limit)


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: a sample a run, and of the same runs those of its baseline."""

    target: str
    workload: str
    what: str
    unit: str
    ours: Sequence[float]
    baseline: str = ''
    theirs: Sequence[float] = ()
    goal: Goal | None = None
    by_mean: bool = False  #: the mean of the runs stands for them, and not the median

    @property
    def median(self) -> float:
        return self._middle(self.ours)

    def _middle(self, values: Sequence[float]) -> float:
        return statistics.mean(values) if self.by_mean else statistics.median(values)

    @property
    def ratio(self) -> float | None:
        """To the baseline, run by run, so that what slows a whole run down hardly matters; the median of those.

        Of means it is their ratio.
        """
        if not self.theirs:
            return None
        if self.by_mean:
            return statistics.mean(self.ours) / statistics.mean(self.theirs)
        return statistics.median(one / other for one, other in zip(self.ours, self.theirs, strict=True))

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.goal is None else self.goal.met(self.median, self.ratio or 1.0)

    def cells(self) -> list[str]:
        """One line of the table."""
        verdict = {None: '', True: 'yes', False: 'NO'}[self.met]
        ratio = '' if self.ratio is None else f'{self.ratio:.2f}'
        base = f'{self.baseline}: {shown(self._middle(self.theirs))}' if self.theirs else ''
        spread = f'{shown(min(self.ours))} .. {shown(max(self.ours))}'
        goal = self.goal.text if self.goal else ''
        return [
            self.target,
            self.workload,
            f'{self.what}, {self.unit}',
            shown(self.median),
            spread,
            base,
            ratio,
            goal,
            verdict,
        ]


HEADINGS = ['target', 'workload', 'figure', 'median', 'spread', 'baseline', 'ratio', 'goal', 'met']


def shown(value: float) -> str:
    """A figure with three digits, or all digits before the point.

    >>> shown(0.012345), shown(1.5), shown(276543.2)
    ('0.0123', '1.50', '276,543')
    """
    if abs(value) >= 100:
        return f'{value:,.0f}'
    digits = 4 if abs(value) < 0.1 else 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1
    return f'{value:.{digits}f}'


def seconds(action: Callable[[], object]) -> float:
    """How long something takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def milliseconds(action: Callable[[], object], times: int) -> float:
    """How long something takes, the median of a few times."""
    return 1_000 * statistics.median(seconds(action) for _ in range(times))


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which a share of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


@dataclass(frozen=True, slots=True)
class Engine:
    """The bundled engine in a directory of its own: empty, with a whale on it and a plain socket beside that."""

    home: Path
    now: int
    address: Path  #: of its unix socket
    socket: Socket

    @contextmanager
    def whale(self) -> Iterator[Whale]:
        """A whale on the emptied engine, with default settings whatever the environment says, at a standing clock."""
        self.empty()
        with Whale(settings=Settings.load({}, url=f'embedded://{self.home}'), clock=lambda: float(self.now)) as whale:
            yield whale

    def empty(self) -> None:
        """Forget everything that was counted."""
        self.socket.ask(b'FLUSHALL', b'SYNC')


@dataclass(frozen=True, slots=True)
class Bench:
    """How much is measured: all of it, or little, only to see that it works."""

    runs: int = 5
    quick: bool = False
    huge: bool = False  #: also what takes minutes

    def size(self, full: int, quick: int) -> int:
        """How many events, or repetitions."""
        return quick if self.quick else full

    @contextmanager
    def engine(self) -> Iterator[Engine]:
        """A fresh engine, gone afterwards with all that it holds."""
        with tempfile.TemporaryDirectory(prefix='hw') as home:
            running = embedded.ensure(Path(home))
            try:
                with Socket(running.socket) as socket:
                    yield Engine(Path(home), int(time.time()), running.socket, socket)
            finally:
                running.stop()
