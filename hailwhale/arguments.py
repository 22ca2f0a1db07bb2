"""What callers give, as it is understood: two spellings of one argument, names, numbers; and which was wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from hailwhale.errors import InvalidInput
from hailwhale.paths import Path, question_nodes


@contextmanager
def naming(field: str) -> Iterator[None]:
    """Complaints in here are about this argument, the one that the caller gave."""
    try:
        yield
    except InvalidInput as error:
        error.field = field
        raise


def either(name: str, one: object, many: object) -> object:
    """The value of ``metric`` or ``metrics``, whichever is given.  Raises `InvalidInput` when both are.

    >>> either('metric', None, ['sales'])
    ['sales']
    """
    if one is not None and many is not None:
        raise InvalidInput(f'both {name} and {name}s are given: they mean the same (give one)', field=f'{name}s')
    return many if one is None else one


def natural(value: object, field: str, wrong: str, way_out: str, *, least: int = 0) -> int:
    """A whole number from ``least``.  Raises `InvalidInput` for anything else.

    >>> natural(3, 'n', 'not a number of rows', '1 or more')
    3
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise InvalidInput(f'{wrong}: {value!r:.80} ({way_out})', field=field)
    return value


def metric_list(metrics: object) -> tuple[str, ...]:
    """Metrics that are asked for: a name or several, each once."""
    if metrics is None:
        return ()
    names = [metrics] if isinstance(metrics, str) else metrics
    if not isinstance(names, Sequence | set | frozenset | Mapping) or not all(isinstance(name, str) for name in names):
        raise InvalidInput(f'not metrics to ask for: {metrics!r:.80} (a name or a list of names)', field='metrics')
    return tuple(dict.fromkeys(names))


def metrics_to_clear(metrics: object) -> tuple[str, ...]:
    """The metrics named, () for None: all of them.  Raises `InvalidInput` for none of them, which is not all."""
    names = metric_list(metrics)
    if metrics is not None and not names:
        raise InvalidInput(f'no metric to clear: {metrics!r} (leave metrics out to clear all of them)', field='metrics')
    return names


def one_metric(metrics: object) -> str:
    """The one metric or formula that is asked for; ``hits`` for None.  Raises `InvalidInput` for several.

    >>> one_metric(None), one_metric(['revenue/sales'])
    ('hits', 'revenue/sales')
    """
    names = metric_list(metrics) or ('hits',)
    if len(names) > 1:
        raise InvalidInput(f'more than one metric: {metrics!r:.80} (a metric, or a formula)', field='metric')
    return names[0]


def checked_share(important: object) -> float:
    """A number from 0 to 1.  Raises `InvalidInput` for anything else."""
    if isinstance(important, bool) or not isinstance(important, int | float) or not 0 <= important <= 1:
        raise InvalidInput(f'not a share: {important!r:.80} (a number from 0 to 1, 0.1 is a tenth)', field='important')
    return important


def one_node(dimension: object) -> Path:
    """The one dimension that is asked for; overall for None.  Raises `InvalidInput` for several.

    >>> one_node(None), one_node(['geo', 'UK'])
    ((), ('geo', 'UK'))
    """
    nodes = question_nodes(dimension)
    if len(nodes) > 1:
        raise InvalidInput(
            f'more than one dimension: {dimension!r:.80} (a name, or a list of names as a path)', field='dimension'
        )
    return nodes[0]
