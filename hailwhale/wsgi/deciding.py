"""Decisions in a server of greenlets: no request waits for the arithmetic of a model, and many share one reading."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import gevent

from hailwhale.decisions.deciding import Deciding

if TYPE_CHECKING:
    from collections.abc import Callable

    from hailwhale.whale import Whale

Found = TypeVar('Found')

#: Seconds for which the weights of a context serve again.
_REUSE = 0.5


def deciding(whale: Whale) -> Deciding:
    """What decides by the counters of a whale."""
    return Deciding(whale, compute=_in_a_real_thread, reuse=_REUSE)


def _in_a_real_thread(work: Callable[[], Found]) -> Found:
    found: Found = gevent.get_hub().threadpool.apply(work)
    return found
