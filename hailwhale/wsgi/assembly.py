"""Servers, put together from their parts, for one process."""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Literal

import gevent

from hailwhale.access import Access, check_start
from hailwhale.errors import StorageError, StorageUnavailable
from hailwhale.gathering import Gathering
from hailwhale.hail import Hail
from hailwhale.keyrings import Keyrings, keyring
from hailwhale.meters import Meters
from hailwhale.parts import register
from hailwhale.servers.hail_server import hail_routes
from hailwhale.servers.ops import Watch, ops_routes
from hailwhale.servers.queries import Queries
from hailwhale.servers.streams import Streams
from hailwhale.servers.web import Application, Route
from hailwhale.servers.whale_server import whale_routes
from hailwhale.storage import Storage, connect
from hailwhale.whale import Whale
from hailwhale.wsgi.express import Express
from hailwhale.wsgi.listening import is_loopback

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from hailwhale.settings import Settings

#: What a process may do: take events, count and answer, bring what was taken into the counters.
Part = Literal['hail', 'whale', 'drain']
ALL: tuple[Part, ...] = ('hail', 'whale', 'drain')

#: Seconds between two looks at how many events wait; for one; and before a drainer that has failed, or that had no
#: turn, begins again.
_LOOK_EVERY = 1.0
_LOOK_WITHIN = 1.0
_AGAIN_AFTER = 1.0
#: Seconds for which a drainer that is left still brings what waits into the counters.
LEAVE_WITHIN = 10.0

#: What decides and compares in a server.
_DECIDING, _RESULTS = 'deciding in a server', 'results in a server'
register(_DECIDING, 'hailwhale.wsgi.deciding:deciding')
register(_RESULTS, 'hailwhale.wsgi.deciding:results')

_log = logging.getLogger(__name__)


@contextmanager
def assembled(
    settings: Settings, parts: Collection[Part] = ALL, *, open: bool = False, turn: str | None = None
) -> Iterator[WSGIApplication]:
    """The parts of a server with these settings, its engine connected; closed at the end.

    ``turn`` is a file that is the same for several processes: of those that could drain, the one that has it locked
    does.  An engine that is away is no reason not to start: until it is back, requests are answered with what is
    wrong.  Raises `SettingsError` for a server that others could reach, were it not ``open``, without a key.
    """
    with ExitStack() as stack:
        # The whale's own storage is there only once the engine is.
        storage = connect(settings.url, home=settings.home, timeout=settings.timeout)
        stack.callback(storage.close)
        _ping(storage)
        access = _access(storage, settings, open=open)
        stack.callback(access.close)
        whale = stack.enter_context(Whale(settings=settings, deciding=_DECIDING, results=_RESULTS))
        hail, meters = Hail(whale), Meters()
        gathering = Gathering(meters.measured(hail.push))
        drainer = stack.enter_context(Drainer(hail, turn)) if 'drain' in parts else None
        # Whoever asks how a server does wants to know soon.
        quick = connect(settings.url, home=settings.home, timeout=min(settings.timeout, _LOOK_WITHIN))
        stack.callback(quick.close)
        watch = Watch(whale, quick, drains=drainer.is_alive if drainer else None)
        stack.callback(gevent.spawn(_look_for_ever, watch).kill)
        routes: list[Route] = []
        queries = Queries(settings)
        if 'hail' in parts:
            rings = Keyrings(lambda: keyring(whale.storage, settings))
            routes += hail_routes(hail, gathering, keyrings=rings, meters=meters, queries=queries)
        if 'whale' in parts:
            streams = Streams(whale, meters=meters)
            stack.callback(streams.close)
            routes += whale_routes(whale, hail, streams)
        app = Application(
            [*routes, *ops_routes(watch, meters)],
            cors=settings.cors,
            max_body=settings.max_body,
            max_inflated=settings.max_inflated,
            access=access,
            meters=meters,
        )
        if 'hail' in parts:
            yield Express(app, hail, gathering, queries=queries, cors=settings.cors, access=access, meters=meters)
        else:
            yield app


def _ping(storage: Storage) -> None:
    # Now, not in the first requests, which come at once.
    try:
        storage.ping()
    except StorageUnavailable as error:
        _log.warning('serving without an engine: %s', error.message)


def _access(storage: Storage, settings: Settings, *, open: bool) -> Access:
    local = is_loopback(settings.host)
    access = Access(storage, time.time, open=open, local=local, host=settings.host, trusted=settings.cors)
    if not local and not open:
        try:
            check_start(host_is_loopback=local, has_keys=access.has_keys, open=open)
        except StorageError as error:
            _log.warning('nobody is let in until the keys can be read: %s', error.message)
    return access


def _look_for_ever(watch: Watch) -> None:
    """Look how many events wait, so that it is known since when."""
    while True:
        try:
            watch.look()
        except StorageError:
            _log.debug('nobody knows how many events wait', exc_info=True)
        gevent.sleep(_LOOK_EVERY)


class _Turn:
    """Whose turn it is to drain: that of the process which has a file locked.

    The kernel takes the lock away from a process that dies, so that the next one has its turn.  Without a file it is
    always ours.
    """

    def __init__(self, place: str | None) -> None:
        self._file = None if place is None else os.open(place, os.O_RDWR)

    def is_ours(self) -> bool:
        if self._file is not None:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
        return True

    def end(self) -> None:
        if self._file is not None:
            os.close(self._file)


class Drainer:
    """Brings what waits into the counters, beside the requests, until it is left; begins again when it fails.

    With ``turn``, a file, only one of several processes does; each of them drains what is left when it leaves.
    """

    def __init__(self, hail: Hail, turn: str | None = None) -> None:
        self._hail = hail
        self._turn = _Turn(turn)
        self._stopping = threading.Event()
        self._greenlet = gevent.Greenlet(self._run)

    def __enter__(self) -> Drainer:
        self._greenlet.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._greenlet.join()
        enough = threading.Event()
        timer = gevent.spawn_later(LEAVE_WITHIN, enough.set)
        try:
            self._hail.drain(stopping=enough)
        except StorageError as error:
            _log.warning('some events wait for the next drainer: %s', error.message)
        finally:
            timer.kill()
            self._turn.end()

    def is_alive(self) -> bool:
        """Whether it drains."""
        return not self._greenlet.dead

    def _run(self) -> None:
        while not self._stopping.is_set():
            if not self._turn.is_ours():
                self._stopping.wait(_AGAIN_AFTER)
                continue
            try:
                # Between two slices it is the turn of requests.
                self._hail.drain(forever=True, stopping=self._stopping, progress=lambda _: gevent.sleep(0))
            except Exception:
                _log.exception('the drainer failed, and begins again')
                self._stopping.wait(_AGAIN_AFTER)
