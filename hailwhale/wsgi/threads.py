"""Real threads beside the greenlets: for what takes long and waits for nothing, so that no other request waits for it.

What asks the engine has to run in the loop of the greenlets, where the connections are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

import gevent
from gevent import monkey

if TYPE_CHECKING:
    from collections.abc import Callable

    from gevent.hub import Hub
    from gevent.threadpool import ThreadPool

Found = TypeVar('Found')

# That of threads, whatever greenlets have in its place.
_allocate_lock = monkey.get_original('_thread', 'allocate_lock')


def in_a_real_thread(work: Callable[[], Found], pool: ThreadPool | None = None) -> Found:
    """What some work answers, or raises; other greenlets go on meanwhile.

    ``pool``  whose thread; by default one of those that never wait for the loop
    """
    # An error that the thread itself met would be printed.
    outcome: _Outcome[Found] = (pool or gevent.get_hub().threadpool).apply(_Outcome, (work,))
    return outcome.found()


def in_the_loop(hub: Hub, work: Callable[[], Found]) -> Found:
    """What some work answers, or raises, that a real thread has the loop of the greenlets do."""
    done, outcomes = _allocate_lock(), list[_Outcome[Found]]()
    done.acquire()

    def run() -> None:
        outcomes.append(_Outcome(work))
        done.release()

    hub.loop.run_callback_threadsafe(gevent.spawn, run)
    done.acquire()
    (outcome,) = outcomes
    return outcome.found()


class _Outcome(Generic[Found]):
    """What some work answered or raised."""

    def __init__(self, work: Callable[[], Found]) -> None:
        self._answers: list[Found] = []
        self._error: BaseException | None = None
        try:
            self._answers.append(work())
        except BaseException as error:
            self._error = error

    def found(self) -> Found:
        if self._error:
            raise self._error
        return self._answers[0]
