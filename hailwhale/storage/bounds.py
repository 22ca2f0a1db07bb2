"""How much a store takes: what bounds its memory, and when something counts as kept."""

from __future__ import annotations

from dataclasses import dataclass

from hailwhale.intervals import DAY


@dataclass(frozen=True, slots=True)
class Bounds:
    """Bounds on what is kept; settings of the same names (with ``max_``) set them."""

    children: int = 100_000  #: most children of one parent in an era; the rest are counted as one, `OTHER`
    backlog: int = 2_000_000  #: most events that wait in one shard
    ids_kept: int = 2 * DAY  #: seconds for which the id of an event is remembered at least
    ids: int = 10_000_000  #: most ids of a day in one shard
    spy: int = 1_000  #: events of one spy log
    spy_kept: int = DAY  #: seconds that a spy log lasts after its last event
    replicas: int = 0  #: replicas that must have a waiting event before it counts as kept


DEFAULT = Bounds()
