"""For whoever looks after a server: whether it lives, whether it is to be sent requests, what it does.

::

    /healthz     200 when the process is alive and the engine answers, else 503
    /readyz      200 when events that are sent here are kept and counted, else 503 with the reasons
    /metrics     everything in numbers, as Prometheus reads them

With several processes each answers for itself at `/metrics`, but for what the engine tells: the backlog, the lag, what
was drained and what was put aside are those of the whole store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from hailwhale.errors import MissingLibrary, StorageError
from hailwhale.meters import Histogram, Lags, Meters
from hailwhale.servers.web import Answer, Request, Route, encoded, json
from hailwhale.storage import Condition, Storage
from hailwhale.whale import Whale

if TYPE_CHECKING:
    from prometheus_client.core import Metric

_UNAVAILABLE = 503


class Watch:
    """Looks at a store, and remembers how it was: once a second, by `look`, and whenever it is asked.

    ``storage`` is asked, by default that of the whale; one with a short time limit tells sooner that it is away
    ``drains``  whether the drainer that runs in this process is alive; None: none runs here
    """

    def __init__(
        self, whale: Whale, storage: Storage | None = None, *, drains: Callable[[], bool] | None = None
    ) -> None:
        self._whale = whale
        self._own = storage
        self._drains = drains
        self.lags = Lags()
        self.waiting: list[int] = []
        self.taken = 0
        self.put_aside = 0
        self.condition = Condition(0, 0, 0)
        self.names: list[int] = []

    @property
    def _storage(self) -> Storage:
        return self._own or self._whale.storage

    def look(self) -> None:
        """Look at the lists of waiting events.  Raises `StorageError`."""
        storage, now = self._storage, self._whale.clock()
        # In this order what is taken between the two is counted twice: a lag is told too long, never too short.
        waiting, taken = storage.backlog(), storage.sequences()
        self.lags.look(now, taken, waiting)
        self.waiting, self.taken = waiting, sum(taken)

    def count_dead(self) -> None:
        """Count what was put aside.  Raises `StorageError`."""
        self.put_aside = sum(self._storage.put_aside())

    def examine(self) -> None:
        """Ask the engine how it is, and how many names there are.  Raises `StorageError`."""
        self.condition = self._storage.condition()
        self.names = self._storage.names(int(self._whale.clock()))

    @property
    def fullest(self) -> float:
        """How full the fullest shard's list is, from 0 to 1."""
        return max(self.waiting, default=0) / self._storage.bounds.backlog

    @property
    def most_names(self) -> int:
        """How many names each shard has room for."""
        return self._storage.bounds.children

    def ping(self) -> None:
        """Raise `StorageError` unless the engine answers."""
        self._storage.ping()

    def reasons(self) -> list[str]:
        """Why no requests are to be sent here."""
        reasons = []
        try:
            self.look()
            self._storage.probe()
        except StorageError as error:
            reasons.append(error.message)
        else:
            most = self._storage.bounds.backlog
            reasons += [
                f'{count} events wait in shard {shard}, and {most} may'
                for shard, count in enumerate(self.waiting)
                if count >= most
            ]
        if self._drains and not self._drains():
            reasons.append('the drainer of this process has ended')
        return reasons


def ops_routes(watch: Watch, meters: Meters) -> tuple[Route, ...]:
    """The routes for whoever looks after a server; metrics need a key that may read everything."""
    ops = _Ops(watch, meters)
    return (
        Route('/healthz', ops.healthz),
        Route('/readyz', ops.readyz),
        Route('/metrics', ops.metrics, scope='read'),
    )


class _Ops:
    """What answers at the routes."""

    def __init__(self, watch: Watch, meters: Meters) -> None:
        self._watch = watch
        self._meters = meters

    def healthz(self, _: Request) -> Answer:
        """Alive."""
        self._watch.ping()
        return json({'status': 'ok'})

    def readyz(self, _: Request) -> Answer:
        """Ready, or why not."""
        reasons = self._watch.reasons()
        if not reasons:
            return json({'status': 'ready'})
        said = {'code': 'not_ready', 'message': f'not ready: {"; ".join(reasons)}', 'field': None}
        return encoded({'error': said, 'reasons': reasons}, _UNAVAILABLE, {})

    def metrics(self, request: Request) -> Answer:
        """Everything in numbers."""
        request.grant.check(())
        try:
            from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
        except ImportError as error:
            message = "metrics need a library that is not installed: pip install 'hailwhale[metrics]'"
            raise MissingLibrary(message) from error
        # One of our own: that of the library tells of the process, and of whatever else counts there.
        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(self._watch, self._meters))
        return Answer(generate_latest(registry), CONTENT_TYPE_LATEST)


class _Collector:
    """What is collected, at the moment it is asked for."""

    def __init__(self, watch: Watch, meters: Meters) -> None:
        self._watch = watch
        self._meters = meters

    def collect(self) -> Iterator[Metric]:
        """All metrics."""
        yield from self._of_process()
        yield from self._of_store()

    def _of_process(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        meters = self._meters
        events = CounterMetricFamily(
            'hailwhale_events', 'Events that this process has kept, by the way they came.', labels=['way']
        )
        for way, count in sorted(meters.taken.items()):
            events.add_metric([way], count)
        yield events
        refused = CounterMetricFamily(
            'hailwhale_refused_events', 'Events, and whole requests with events, that were refused.', labels=['reason']
        )
        for reason, count in sorted(meters.refused.items()):
            refused.add_metric([reason], count)
        yield refused
        answers = CounterMetricFamily('hailwhale_requests', 'Requests that were answered.', labels=['path', 'status'])
        for (path, status), count in sorted(meters.answers.items()):
            answers.add_metric([path, str(status)], count)
        yield answers
        yield _histogram('hailwhale_request_seconds', 'How long requests took.', dict(meters.request_seconds))
        yield GaugeMetricFamily('hailwhale_streams', 'Streams that are open.', meters.streams)
        streamed = CounterMetricFamily('hailwhale_stream_events', 'Events that were sent on streams.', labels=['event'])
        for event, count in sorted(meters.streamed.items()):
            streamed.add_metric([event], count)
        yield streamed
        yield _histogram('hailwhale_push_events', 'Events of one round trip to the engine.', {'': meters.push_sizes})
        yield _histogram('hailwhale_push_seconds', 'How long such a round trip took.', {'': meters.push_seconds})

    def _of_store(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        watch = self._watch
        try:
            watch.look()
            watch.count_dead()
            watch.examine()
            up = 1
        except StorageError:
            up = 0
        yield GaugeMetricFamily('hailwhale_engine_up', 'Whether the engine answers.', up)
        if up:
            # An old number would look like a new one.
            yield GaugeMetricFamily('hailwhale_backlog_events', 'Events that wait to be drained.', sum(watch.waiting))
            yield GaugeMetricFamily('hailwhale_backlog_ratio', 'How full the fullest list of them is.', watch.fullest)
            yield GaugeMetricFamily(
                'hailwhale_lag_seconds', 'How long the oldest waiting event has waited.', watch.lags.seconds()
            )
            yield CounterMetricFamily('hailwhale_drained_events', 'Events that were drained, ever.', watch.taken)
            yield GaugeMetricFamily('hailwhale_drained_events_per_second', 'Events drained lately.', watch.lags.speed())
            yield GaugeMetricFamily('hailwhale_dead_events', 'Events that could not be counted.', watch.put_aside)
            yield from self._of_engine()

    def _of_engine(self) -> Iterator[Metric]:
        from prometheus_client.core import GaugeMetricFamily

        condition, names = self._watch.condition, self._watch.names
        yield GaugeMetricFamily('hailwhale_engine_memory_bytes', 'Memory that the engine uses.', condition.memory)
        yield GaugeMetricFamily(
            'hailwhale_engine_memory_limit_bytes',
            'Memory that it may use: its maxmemory, else what its machines have; 0 where nobody knows.',
            condition.limit,
        )
        yield GaugeMetricFamily('hailwhale_engine_keys', 'Keys that the engine holds.', condition.keys)
        yield GaugeMetricFamily(
            'hailwhale_names', 'Names of the first level that were counted in the current 32 days.', sum(names)
        )
        yield GaugeMetricFamily('hailwhale_names_fullest_shard', 'Those of the shard that has most.', max(names))
        yield GaugeMetricFamily('hailwhale_names_limit', 'Names that a shard has room for.', self._watch.most_names)


def _histogram(name: str, help: str, histograms: dict[str, Histogram]) -> Metric:
    """One histogram for each path, or one under no name."""
    from prometheus_client.core import HistogramMetricFamily

    labelled = '' not in histograms
    family = HistogramMetricFamily(name, help, labels=['path'] if labelled else [])
    for path, histogram in sorted(histograms.items()):
        bounds = [*map(str, histogram.bounds), '+Inf']
        buckets = list(zip(bounds, histogram.cumulated(), strict=True))
        family.add_metric([path] if labelled else [], buckets, histogram.total)
    return family
