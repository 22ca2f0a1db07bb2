"""Counting for decisions: what an option did, so that the policy can learn from it.

An ordinary event under ``[*pk, option]`` with the visitor's dimensions, and beside them:

``__context__``   all dimensions together as one name below this one, so that what only a pair of them tells is seen
``__holdout__``   for visitors of the hold-out, whose options were chosen by chance alone
``earned*earned``, ``earned*spent``   sums of squares and products, from which the scatter of amounts is known
``*earned``       how often something was earned

An exposure is an event without metrics: one hit.  What comes of it later has metrics, and no hits unless given.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from hailwhale.arguments import naming
from hailwhale.decisions.contexts import Context
from hailwhale.decisions.visitors import in_holdout
from hailwhale.errors import InvalidDimensions, InvalidInput, LimitExceeded
from hailwhale.metrics import DEFAULT_METRIC, MICROS_PER_UNIT, parse_metrics
from hailwhale.paths import MAX_NAME_BYTES, Path, dimension_nodes, pk_path
from hailwhale.products import is_product, with_products

CONTEXT = '__context__'
HOLDOUT = '__holdout__'
RESERVED = (CONTEXT, HOLDOUT)


def decision_pk(pk_base: object, decision_name: object = None) -> Path:
    """The pk of a decision: the base, and its name where it has one.  Raises `InvalidInput`."""
    base = pk_path(pk_base)
    return base if decision_name is None else (*base, *_path(decision_name, 'decision_name'))


def option_pk(decision: Path, option: object, *, field: str = 'option') -> Path:
    """The pk of one of its options.  Raises `InvalidInput`, which names ``field``."""
    (name, *more) = _path(option, field)
    if more:
        raise InvalidInput(f'not the name of an option: {option!r:.80} (one text)', field=field)
    return (*decision, name)


def _path(names: object, field: str) -> Path:
    with naming(field):
        return pk_path(names)


def context_of(dimensions: object, *, most: int = MAX_NAME_BYTES) -> Context:
    """The context of a visitor, of so many bytes ``most``.  Raises `InvalidDimensions` and `LimitExceeded`."""
    if type(dimensions) is dict and all(type(name) is type(below) is str for name, below in dimensions.items()):
        # The same few come again and again.
        return _context_of_texts(tuple(dimensions.items()), most)
    return _context_of(dimensions, most)


@lru_cache(maxsize=16_384)
def _context_of_texts(dimensions: tuple[tuple[str, str], ...], most: int) -> Context:
    return _context_of(dict(dimensions), most)


def _context_of(dimensions: object, most: int) -> Context:
    context = Context.of(dimensions)
    if any(path[0] in RESERVED for path in context.paths):
        raise InvalidDimensions(
            f'{" and ".join(RESERVED)} are written by decisions themselves (give this dimension another name)',
            field='dimensions',
        )
    size = len(context.text.encode(errors='surrogatepass'))
    if size > most:
        raise LimitExceeded(
            f'what is known of a visitor takes {size} bytes together, more than {most}: {context.text!r:.80} '
            '(give fewer dimensions to decide by, or shorter names)',
            field='dimensions',
        )
    return context


def decided_event(
    pk_base: object,
    decision_name: object,
    option: object,
    dimensions: object = None,
    metrics: object = None,
    at: object = None,
    *,
    id: object = None,
    visitor: object = None,
    holdout: object = 0.0,
) -> dict[str, Any]:
    """What an option did, as the arguments of `Whale.count_now`.  Raises `InvalidInput`."""
    decision = decision_pk(pk_base, decision_name)
    apart = in_holdout(decision, visitor, holdout)
    return event_of(decision, option, dimensions, metrics, at, id, holdout=apart)


def event_of(
    decision: Path,
    option: object,
    dimensions: object = None,
    metrics: object = None,
    at: object = None,
    id: object = None,
    *,
    holdout: bool = False,
) -> dict[str, Any]:
    """What an option did, as the arguments of `Whale.count_now`.  Raises `InvalidInput`."""
    context = context_of(dimensions)
    counted: dict[str, Any] = {}
    for node in dimension_nodes(dimensions):
        below = counted
        for name in node:
            below = below.setdefault(name, {})
    if context.text:
        counted[CONTEXT] = {context.text: {}}
    if holdout:
        counted[HOLDOUT] = {}
    pk = list(option_pk(decision, option))
    return {'pk': pk, 'dimensions': _shortest(counted) or None, 'metrics': _amounts(metrics), 'at': at, 'id': id}


def _shortest(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Branches that end are None."""
    return {name: _shortest(below) or None for name, below in tree.items()}


def _amounts(metrics: object) -> dict[str, Any]:
    """The metrics of an event with squares and products; no hits where others are given alone."""
    amounts = parse_metrics(metrics)
    for name in amounts:
        if is_product(name):
            raise InvalidInput(f'{name!r:.80} is counted with the metrics it is made of (give those)', field='metrics')
    given = metrics if isinstance(metrics, Mapping | list | tuple) else () if metrics is None else (metrics,)
    if given and DEFAULT_METRIC not in given:
        amounts[DEFAULT_METRIC] = 0
    found = with_products(amounts)
    return {name: _exact(micros) for name, micros in found.items()}


def _exact(micros: int) -> int | str:
    """An amount as it is read back without loss."""
    whole, rest = divmod(abs(micros), MICROS_PER_UNIT)
    if not rest:
        return micros // MICROS_PER_UNIT
    return f'{"-" if micros < 0 else ""}{whole}.{rest:06d}'
