"""What one event may hold at the most."""

from __future__ import annotations

from dataclasses import dataclass

from hailwhale.metrics import MAX_METRICS
from hailwhale.paths import MAX_DEPTH, MAX_NAME_BYTES, MAX_NODES


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on an event from outside; settings of the same names with ``max_`` set them."""

    name: int = MAX_NAME_BYTES  #: bytes of a name in UTF-8
    depth: int = MAX_DEPTH  #: names of a path
    nodes: int = MAX_NODES  #: dimension nodes of an event, overall among them
    metrics: int = MAX_METRICS  #: metrics of an event


DEFAULT = Limits()
