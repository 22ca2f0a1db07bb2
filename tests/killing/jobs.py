"""What the children of the nursery do: what a user's program would."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import redis.cluster  # noqa: F401 - loaded before the forks, not in each of them

from hailwhale import Hail, HailWhaleError, Whale
from hailwhale.settings import Settings


def hail(url: str, now: float, settings: dict[str, Any]) -> Hail:
    return Hail(Whale(url, settings=Settings.load({}, **settings), clock=lambda: now))


def outcome(work: Callable[[], object]) -> dict[str, Any]:
    """What a call returned, or how it failed: only our own errors are foreseen."""
    try:
        return {'did': work()}
    except HailWhaleError as error:
        return {'code': error.code, 'message': error.message}


def drain(url: str, now: float, settings: dict[str, Any], limit: int | None = None) -> dict[str, Any]:
    """Drain once."""
    return outcome(lambda: hail(url, now, settings).drain(limit))


def drain_on(url: str, now: float, settings: dict[str, Any]) -> None:
    """Drain until killed, whatever the engine says."""
    ours = hail(url, now, settings)
    while True:
        outcome(lambda: ours.drain(200))


def push(url: str, now: float, settings: dict[str, Any], events: list[Any], tries: int = 1) -> dict[str, Any]:
    """Push events together, so often at the most until they are acknowledged."""
    ours, done = hail(url, now, settings), {}
    for _ in range(tries):
        done = outcome(lambda: ours.push_many(events))
        if 'did' in done:
            break
    return done


def push_on(
    url: str, now: float, settings: dict[str, Any], events: list[Any], first: int, batch: int, log: str
) -> dict[str, Any]:
    """Push events from the first on, some at a time: those with ids until they are acknowledged, the others once.

    The log has a line ``FIRST END`` for a batch that is about to be pushed, and ``FIRST END MOMENT`` when it was
    acknowledged: what is written there stays when we are killed.
    """
    ours, file = hail(url, now, settings), os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    while first < len(events):
        some = events[first : first + batch]
        os.write(file, b'%d %d\n' % (first, first + len(some)))
        done = outcome(lambda: ours.push_many(some))  # noqa: B023 - called at once
        if 'did' in done:
            os.write(file, b'%d %d %f\n' % (first, first + len(some), time.time()))
        if 'did' in done or 'id' not in some[0]:
            first += len(some)
    return {'did': first}


def forget(url: str, now: float, settings: dict[str, Any]) -> dict[str, Any]:
    """Drain as one must not: count first, and take off the list afterwards, in two steps."""
    import json

    whale = Whale(url, settings=Settings.load({}, **settings), clock=lambda: now)
    key = 'careless'
    engine = whale.storage.engine
    events: Any = engine.ask(0, 'LRANGE', key, 0, -1)
    for text in events:
        whale.count_now(**json.loads(text))
    engine.ask(0, 'DEL', key)
    return {'did': len(events)}


def hasten(url: str, now: float, settings: dict[str, Any]) -> dict[str, Any]:
    """Drain as one must not: take off the list first, and count afterwards."""
    import json

    whale = Whale(url, settings=Settings.load({}, **settings), clock=lambda: now)
    engine, done = whale.storage.engine, 0
    while text := engine.ask(0, 'LPOP', 'careless'):
        whale.count_now(**json.loads(text))  # type: ignore[arg-type]
        done += 1
    return {'did': done}


JOBS: dict[str, Callable[..., Any]] = {job.__name__: job for job in (drain, drain_on, push, push_on, forget, hasten)}
