"""What requests ask of a graph.  Only paths that the widget asks can be asked with a key that shows one graph.

The widget asks ``/plotpoints`` and ``/stream``, and ``/annotations`` where it shows those.  ``/totals``, ``/rank`` and
``/subdimensions`` are not needed, and say more: a ranking has the hits of each child, a list of names has no limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hailwhale.access import Asked
from hailwhale.arguments import metric_list
from hailwhale.metrics import DEFAULT_METRIC
from hailwhale.paths import question_nodes


def annotations_asked(_: Mapping[str, Any]) -> Asked:
    """What ``/annotations`` is asked: those of a pk."""
    return Asked((), annotations=True)


def plotpoints_asked(given: Mapping[str, Any]) -> Asked:
    """What the parameters of ``/plotpoints`` and ``/stream`` ask."""
    metrics = metric_list(given.get('metrics')) or (DEFAULT_METRIC,)
    sort = given.get('sort', '').lstrip('-+')
    return Asked(
        question_nodes(given.get('dimensions')),
        (*metrics, sort) if sort else metrics,
        (given.get('period'),),
        given.get('depth', 0),
        given.get('limit', 0),
        given.get('tz'),
    )
