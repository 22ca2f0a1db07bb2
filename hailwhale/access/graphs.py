"""One graph that a key shows, and whether a question is one of those that the graph asks.

A graph asks for its node and the children that it draws, over its period; for the period right before it (``compare``);
and, where it may be looked into, for what lies below.  All else that a server knows is no part of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from hailwhale.arguments import metric_list, natural, one_node
from hailwhale.errors import Forbidden, InvalidInput
from hailwhale.formulas import Formula
from hailwhale.metrics import DEFAULT_METRIC
from hailwhale.paths import Path, encode, path_name, pk_path
from hailwhale.periods import Between, Period
from hailwhale.times import shown, zone

#: The period of a graph that may show any.
ANY = 'any'
#: Among so many children at least is looked for those that are drawn, however few these are (js/src/widget/options.js).
LOOKED_AT = 25
DEFAULT_LIMIT = 8
DEFAULT_PERIOD = '1h:7d'
#: More metrics, levels and children than any graph shows.
_MOST_METRICS, _MOST_DEPTH, _MOST_LIMIT = 16, 16, 1_000
#: So many buckets may pass between an answer and the question for what was before it.
_LATE = 2


class Asked(NamedTuple):
    """A question, as far as it can be one of a graph's."""

    nodes: tuple[Path, ...]
    metrics: tuple[str, ...] = ()  #: formulas, and what children are ordered by
    periods: tuple[object, ...] = ()  #: None: the server's own
    depth: int = 0  #: levels below the nodes
    limit: int = 0  #: children of each node; 0: all
    tz: object = None
    annotations: bool = False  #: what happened, and no numbers


@dataclass(frozen=True, slots=True)
class Graph:
    """What a key shows.

    ``node``         is drawn, with ``depth`` levels below it, at most ``limit`` children of each
    ``metrics``      metrics and formulas; what they are made of can be asked for as well
    ``period``       as it is asked for, or `ANY`
    ``drill``        whether it leads on to what is below the node
    ``annotations``  whether it shows those of its pk
    """

    pk: Path
    node: Path = ()
    metrics: tuple[str, ...] = (DEFAULT_METRIC,)
    depth: int = 1
    limit: int = DEFAULT_LIMIT
    period: str = DEFAULT_PERIOD
    tz: str = 'UTC'
    drill: bool = False
    annotations: bool = False

    @classmethod
    def of(
        cls,
        pk: object = None,
        *,
        dimension: object = None,
        metrics: object = None,
        depth: int = 1,
        limit: int = DEFAULT_LIMIT,
        period: str = DEFAULT_PERIOD,
        tz: object = None,
        drill: bool = False,
        annotations: bool = False,
    ) -> Graph:
        """A graph as it is asked for.  Raises `InvalidInput` for what no graph can be asked for."""
        names = metric_list(metrics) or (DEFAULT_METRIC,)
        if len(names) > _MOST_METRICS:
            raise InvalidInput(f'more than {_MOST_METRICS} metrics: {len(names)}', field='metrics')
        for name in names:
            Formula.parse(name)
        zone_name = 'UTC' if tz is None else zone(tz)
        if period != ANY:
            Period.parse(period, zone_name)
        return cls(
            pk_path(pk),
            one_node(dimension),
            names,
            _up_to(_MOST_DEPTH, depth, 'depth', 'levels'),
            _up_to(_MOST_LIMIT, limit, 'limit', 'children'),
            period,
            zone_name,
            drill,
            annotations,
        )

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> Graph:
        """The graph that `written` wrote."""
        return cls(**{**given, **{name: tuple(given[name]) for name in ('pk', 'node', 'metrics')}})

    def written(self) -> dict[str, Any]:
        """The graph as the store keeps it."""
        return {name: getattr(self, name) for name in self.__slots__}

    def __str__(self) -> str:
        where = encode(self.pk) + (f': {encode(self.node)}' if self.node else '')
        return f'{", ".join(self.metrics)} of {where}, {self.period} {self.tz}'

    def options(self) -> dict[str, Any]:
        """The options of the widget that draw it (docs/graphs.rst), those alone that are not its defaults."""
        several = len(self.metrics) > 1
        options: dict[str, Any] = {
            'pk': _name_of(self.pk),
            'metrics' if several else 'metric': list(self.metrics) if several else self.metrics[0],
            'dimensions': _name_of(self.node) if self.node else None,
            'depth': None if self.depth == 1 else self.depth,
            'limit': None if self.limit == DEFAULT_LIMIT else self.limit,
            'period': None if self.period in (ANY, DEFAULT_PERIOD) else self.period,
            'tz': None if self.tz == 'UTC' else self.tz,
            'drill': None if self.drill else False,
            'annotations': 'server' if self.annotations else None,
        }
        return {name: value for name, value in options.items() if value is not None}

    def check(self, asked: Asked, now: int) -> None:
        """Raise `Forbidden` for a question that is none of the graph's, `InvalidInput` for one that is none at all."""
        if asked.annotations:
            if not self.annotations:
                raise _refused('pk', 'annotations')
            return
        self._check_nodes(asked)
        self._check_metrics(asked.metrics)
        for period in asked.periods:
            self._check_period(period, asked.tz, now)

    def _check_nodes(self, asked: Asked) -> None:
        for node in asked.nodes:
            if node != self.node and not (self.drill and node[: len(self.node)] == self.node):
                raise _refused('dimensions', f'the dimension {shown(path_name(node))}')
        if asked.depth > self.depth:
            raise _refused('depth', f'{asked.depth} levels below a dimension (at most {self.depth})')
        most = max(self.limit + 1, LOOKED_AT)
        if asked.depth and not 0 < asked.limit <= most:
            raise _refused('limit', f'{asked.limit or "all"} children of a dimension (at most {most})')

    def _check_metrics(self, asked: Iterable[str]) -> None:
        known = self._counted()
        for name in asked:
            if name not in self.metrics and not set(Formula.parse(name).metrics) <= known:
                raise _refused('metrics', f'the metric {shown(name)}')

    def _counted(self) -> set[str]:
        """What its formulas are made of, and what their children are ordered by."""
        formulas = [Formula.parse(name) for name in self.metrics]
        weights = {formula.weight or DEFAULT_METRIC for formula in formulas}
        return weights.union(*(formula.metrics for formula in formulas))

    def _check_period(self, asked: object, tz: object, now: int) -> None:
        zone_name = 'UTC' if tz is None else zone(tz)
        if zone_name != self.tz:
            raise _refused('tz', f'the time zone {zone_name}')
        if self.period == ANY:
            return
        if asked is not None:
            own, period = (Period.parse(each, zone_name) for each in (self.period, asked))
            if (period.interval, period.length) == (own.interval, own.length) or _is_before(period, own, now):
                return
        raise _refused('period', 'the usual period' if asked is None else f'the period {shown(asked)}')


def _is_before(period: Period, own: Period, now: int) -> bool:
    """Whether a period between two moments is what a graph compares its own with."""
    if not isinstance(period.length, Between) or period.interval.width < own.interval.width:
        return False
    start, end = own.window(now)
    first = start - (end - start) - _LATE * own.interval.width
    return first <= period.length.start and period.length.end <= end


def _refused(field: str, what: str) -> Forbidden:
    return Forbidden(what, field=field)


def _up_to(most: int, given: int, field: str, what: str) -> int:
    if natural(given, field, f'not a number of {what}', f'from 0 to {most}') > most:
        raise InvalidInput(f'more than {most} {what}: {given}', field=field)
    return given


def _name_of(path: Path) -> Any:
    return path[0] if len(path) == 1 else list(path)
