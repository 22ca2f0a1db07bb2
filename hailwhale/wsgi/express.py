"""The express: plain requests that count one event are taken as they arrive, and pushed together, without a greenlet
for each.

What it answers is what the routes answer, to the last byte; a test compares.  What it does not know it leaves to them:
another path or method, a head that is not plain, a query with ``at``, ``id`` or anything that it cannot read, a key
that it has not seen or that has a rate.  So whatever is wrong with a request is told by them.  Only that an event was
not kept is told here: it has been pushed by then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from email.utils import formatdate
from time import perf_counter, time
from typing import TYPE_CHECKING

import gevent

from hailwhale.access import Access, Grant
from hailwhale.errors import HailWhaleError, StorageError, StorageUnavailable
from hailwhale.kept import AGREE_SECONDS
from hailwhale.pixels import page_origin
from hailwhale.servers.heads import Head, plain
from hailwhale.servers.queries import Queries
from hailwhale.servers.web import COUNTED, TEXT, Answer, Application, Request, Route, image
from hailwhale.wsgi.handler import on_paper

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from hailwhale.gathering import Gathering, Outcome
    from hailwhale.hail import Hail
    from hailwhale.meters import Meters
    from hailwhale.paths import Path
    from hailwhale.storage import Arrival
    from hailwhale.wsgi.lane import Connection

#: Ends of heads, and answers, that are remembered; and how long the end of a head may be for that.
REMEMBERED = 4_096
_LONGEST = 2_048
_GET, _GET_IMAGE = b'GET /count?', b'GET /count.gif?'
_COUNT, _COUNT_IMAGE = '/count', '/count.gif'
_BEARER = re.compile(r'(?i:bearer) +([A-Za-z0-9_-]+)')


class _Caller:
    """What a head says of who asks, and what that may do."""

    __slots__ = ('asked_with', 'cross_site', 'forms', 'grant', 'head', 'key', 'origin')

    def __init__(self, head: Head, key: str | None) -> None:
        self.head = head
        self.key = key
        self.grant: Grant | None = None
        self.asked_with: str | None = None
        self.forms: dict[str, _Form] = {}  # by path: what is answered when an event was kept, under that grant
        self.origin = page_origin(head.origin or None, head.referer or None) or ('null' if head.origin else None)
        self.cross_site = head.site in ('cross-site', 'same-site')


class _Form:
    """An answer that many requests get: the same to the last byte, but for its date."""

    __slots__ = ('_after', '_before', 'second', 'status', 'whole')

    def __init__(self, answer: bytes) -> None:
        self.status = int(answer[9:12])
        before, mark, rest = answer.partition(b'\r\nDate: ')
        self._before = before + mark
        self._after = rest[rest.index(b'\r\n') :]
        self.second = -1
        self.whole = b''

    def at(self, second: int) -> bytes:
        """The answer of a second."""
        self.second = second
        self.whole = self._before + formatdate(second, usegmt=True).encode() + self._after
        return self.whole


#: A request that was taken: whose it is, its path, who asks, what that may and is answered then, when it was taken.
_Taken = tuple['Connection', str, _Caller, Grant, dict[str, _Form], float]


class Express:
    """A WSGI application with a way around it.

    ``app``        answers what is not taken here
    ``gathering``  where the routes of ``app`` put their events, too
    ``queries``    reads queries; the routes have the same
    ``cors``, ``access``, ``meters``  as for the application
    """

    def __init__(
        self,
        app: WSGIApplication,
        hail: Hail,
        gathering: Gathering,
        *,
        queries: Queries | None = None,
        cors: Iterable[str],
        access: Access,
        meters: Meters,
    ) -> None:
        self._app = app
        self._whale = hail.whale
        self._gathering = gathering
        self._cors = tuple(cors)
        self._access = access
        self._meters = meters
        self._queries = queries or Queries(hail.whale.settings)
        self._callers: dict[bytes, _Caller | None] = {}
        self._forms: dict[tuple[object, ...], _Form] = {}
        self._refusals: dict[tuple[object, ...], _Form] = {}  # by the error that was met last
        self._error: Exception | None = None
        self._arrivals: list[tuple[int, Arrival]] = []
        self._taken: list[_Taken] = []
        self._pushing = False
        self._moment = 0
        self._agree_at = 0.0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        return self._app(environ, start_response)

    # -- taking ------------------------------------------------------------------------------------------------------

    def take(self, connection: Connection, data: bytes, at: int, end: int) -> bool:
        """Take the request between two places of what a connection has sent; False: it is for the application."""
        start, path = at + len(_GET), _COUNT
        if not data.startswith(_GET, at):
            if not data.startswith(_GET_IMAGE, at):
                return False
            start, path = at + len(_GET_IMAGE), _COUNT_IMAGE
        space = data.find(b' ', start, end)
        caller = self._caller(data[space : end - 4])
        now = self._whale.clock()
        if caller is None or not self._has_agreed(now):
            return False
        hit = self._queries.read(data[start:space], self._moment, now)
        if hit is None:
            return False
        pk, shard, arrival, key = hit
        grant = self._granted(caller, caller.key or key, pk, now)
        if grant is None:
            return False
        connection.owe(last=not caller.head.keeps)
        self._arrivals.append((shard, arrival))
        self._taken.append((connection, path, caller, grant, caller.forms, perf_counter()))
        if not self._pushing:
            self._pushing = True
            gevent.spawn(self._push)
        return True

    def _caller(self, tail: bytes) -> _Caller | None:
        """Who asks, by the end of the head; None where it is not plain."""
        found = self._callers.get(tail)
        if found is None and tail not in self._callers:
            found = _read_caller(tail)
            if len(tail) <= _LONGEST:
                if len(self._callers) >= REMEMBERED:
                    self._callers.clear()
                self._callers[tail] = found
        return found

    def _granted(self, caller: _Caller, key: str | None, pk: Path, now: float) -> Grant | None:
        """That the event may be counted; None where only the engine knows, or where it may not."""
        grant = caller.grant
        if grant is None or key != caller.asked_with or now >= grant.until:
            host = caller.head.host or None
            grant = self._access.permitted(key, 'write', origin=caller.origin, cross_site=caller.cross_site, host=host)
            if grant is None or grant.has_rate:
                return None
            caller.grant, caller.asked_with, caller.forms = grant, key, {}
        if grant.key_id is not None:
            try:
                grant.check(pk)
            except HailWhaleError:
                return None
        return grant

    def _has_agreed(self, now: float) -> bool:
        """Whether it is known what the store keeps; if not, or not for sure any more, somebody asks."""
        if not now < self._agree_at <= now + AGREE_SECONDS:
            self._agree_at = now + AGREE_SECONDS
            gevent.spawn(self._agree)
        return self._moment > 0

    def _agree(self) -> None:
        try:
            self._moment = self._whale.kept.moment
        except StorageError:
            # The routes tell why; the next request asks again.
            self._agree_at = 0.0

    # -- answering ---------------------------------------------------------------------------------------------------

    def _push(self) -> None:
        """Push what was taken, together, and answer it, until nothing more has been taken."""
        try:
            while self._taken:
                arrivals, self._arrivals = self._arrivals, []
                taken, self._taken = self._taken, []
                outcomes: Sequence[Outcome] = [_CUT_OFF] * len(taken)
                try:
                    outcomes = self._gathering.push(arrivals)
                finally:
                    self._answer(taken, outcomes)
        finally:
            self._pushing = False

    def _answer(self, taken: Sequence[_Taken], outcomes: Sequence[Outcome]) -> None:
        """Each event was kept, or was not: answer the requests that brought them."""
        meters, second, now, kept = self._meters, int(time()), perf_counter(), 0
        for (connection, path, caller, grant, forms, began), outcome in zip(taken, outcomes, strict=True):
            if outcome is True:
                form = forms.get(path)
                if form is None:
                    form = forms[path] = self._form(path, caller.head, grant, None)
                kept += 1
            else:
                error = _error(outcome)
                form = self._form(path, caller.head, grant, error)
                meters.refuse(error)
            connection.pay(form.whole if form.second == second else form.at(second))
            meters.answered(path, form.status, now - began)
        meters.taken['get'] += kept

    def _form(self, path: str, head: Head, grant: Grant, error: Exception | None) -> _Form:
        """The answer to an event that was kept, or was not."""
        forms = self._forms
        if error is not None:
            if error is not self._error:
                self._error, self._refusals = error, {}
            forms = self._refusals
        which = (path, head.version, head.keeps, head.origin, grant.origins)
        found = forms.get(which)
        if found is None:
            if len(forms) >= REMEMBERED:
                forms.clear()
            found = forms[which] = _Form(self._rendered(path, head, grant, error))
        return found

    def _rendered(self, path: str, head: Head, grant: Grant, error: Exception | None) -> bytes:
        """What the application would answer."""
        is_image = path == _COUNT_IMAGE

        def answer(_: Request) -> Answer:
            if error is not None:
                raise error
            return image() if is_image else Answer(COUNTED, TEXT)

        route = Route(path, answer, methods=('GET',), scope='write', image=is_image)
        return on_paper(Application([route], cors=self._cors, max_body=0, access=_Granted(grant)), _written(path, head))


class _Granted(Access):
    """Lets in whom another has let in."""

    def __init__(self, grant: Grant) -> None:
        self._grant_given = grant

    def permit(self, *_: object, **__: object) -> Grant:
        return self._grant_given


_CUT_OFF = StorageUnavailable('this server was stopped before it knew whether the event was kept')


def _error(outcome: Outcome) -> Exception:
    # No plain event is of a sealed pixel, which alone may be used up.
    return outcome if isinstance(outcome, StorageError) else StorageError('the event was not kept')


def _read_caller(tail: bytes) -> _Caller | None:
    """Who asks, by the end of a head; None where others have to read it."""
    head = plain(tail)
    if head is None:
        return None
    if not head.authorization:
        return _Caller(head, None)
    bearer = _BEARER.fullmatch(head.authorization)
    return _Caller(head, bearer[1]) if bearer else None


def _written(path: str, head: Head) -> bytes:
    """The shortest head that says the same, as far as answers depend on it."""
    lines = [f'GET {path} HTTP/{head.version}', f'Connection: {"keep-alive" if head.keeps else "close"}']
    lines += [f'Origin: {head.origin}'] if head.origin else []
    return '\r\n'.join([*lines, '', '']).encode()
