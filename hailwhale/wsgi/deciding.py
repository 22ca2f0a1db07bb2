"""Decisions and results in a server of greenlets: no request waits for the arithmetic of another one, nor for the
import of the libraries that it takes; and many decisions share one reading."""

from __future__ import annotations

from functools import cache, partial
from typing import TYPE_CHECKING, Any

import gevent
from gevent.threadpool import ThreadPool

from hailwhale import parts
from hailwhale.wsgi.threads import in_a_real_thread, in_the_loop

if TYPE_CHECKING:
    from gevent.hub import Hub

    from hailwhale.choices import Deciding
    from hailwhale.whale import Whale

#: Seconds for which the weights of a context serve again.
_REUSE = 0.5
#: Results that are compared at the same time.
_COMPARING = 2


def deciding(whale: Whale) -> Deciding:
    """What decides by the counters of a whale."""
    make = in_a_real_thread(partial(parts.maker, 'deciding'))
    found: Deciding = make(whale, compute=in_a_real_thread, reuse=_REUSE)
    return found


def results(whale: Whale, pk: object, goals: object, **asked: Any) -> Any:
    """What `Whale.results` answers."""
    hub = gevent.get_hub()
    within = _Within(whale, hub)
    return in_a_real_thread(lambda: parts.maker('results')(within, pk, goals, **asked), _pool_of(hub))


@cache
def _pool_of(hub: Hub) -> ThreadPool:
    """Threads that wait for the loop: were they those of the hub, the loop might wait for them to look up a host."""
    return ThreadPool(_COMPARING, hub)


class _Within:
    """An object whose methods a real thread calls in the loop of the greenlets, and those of its ``storage``, too."""

    def __init__(self, inner: Any, hub: Hub) -> None:
        self._inner = inner
        self._hub = hub

    def __getattr__(self, name: str) -> Any:
        # A whale connects when its storage is first asked for.
        found = in_the_loop(self._hub, partial(getattr, self._inner, name))
        if name == 'storage':
            return _Within(found, self._hub)
        return partial(self._call, found) if callable(found) else found

    def _call(self, method: Any, *args: Any, **more: Any) -> Any:
        return in_the_loop(self._hub, lambda: method(*args, **more))
