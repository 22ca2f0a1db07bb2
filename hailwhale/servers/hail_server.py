"""The hail server: take events at any rate, and answer when they are kept.

::

    /count                     GET     OK
    /count                     POST    {"kept": true}, or of several {"kept": n, "refused": m, "results": [...]}
    /count.gif                 GET     the same as an image
    /pixel/TOKEN.gif           GET     an image: the event that is sealed in the token
    /pixel/TOKEN.gif           POST    the same, for a beacon; what it gives stands in the address
    /tracker                   GET     the same for ``pixel=TOKEN``, with the visitor's cookie

An answer of success means that the engine has the event; it is in the counters once it has been drained.  Nothing is
read, so a key that may write is enough, and none for what is sealed.  A browser that asks not to be followed gets no
cookie, and the one that it has is not looked at.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from hailwhale.errors import HailWhaleError, InvalidInput, StorageError
from hailwhale.gathering import Gathering
from hailwhale.hail import Hail
from hailwhale.keyrings import Keyrings
from hailwhale.meters import Meters
from hailwhale.paths import Path
from hailwhale.pixels import opened
from hailwhale.servers.batches import Events, Outcome, Taker
from hailwhale.servers.bodies import Environ
from hailwhale.servers.outages import Outages
from hailwhale.servers.params import OK, pairs, refusal, shown
from hailwhale.servers.queries import Queries, written
from hailwhale.servers.web import COUNTED, TEXT, Answer, Request, Route, encoded, image, json
from hailwhale.uids import cookie_value, new_uid, uid_of

_log = logging.getLogger(__name__)

#: The cookie that names a visitor, and how long a browser keeps it.
COOKIE = 'uid'
_YEAR = 31_536_000
#: The ``uid`` of `/tracker` that makes a new visitor of whoever asks.
_NEW = '_new'
# No HEAD: whoever sends it wants to look, not to count.
_COUNT = ('GET',)


def hail_routes(
    hail: Hail,
    gathering: Gathering,
    *,
    keyrings: Keyrings,
    meters: Meters | None = None,
    queries: Queries | None = None,
) -> tuple[Route, ...]:
    """The routes of the hail server.

    ``gathering``  pushes for everybody: `Gathering(meters.measured(hail.push))`
    ``keyrings``   open what is sealed
    ``queries``    reads plain queries; the express has the same
    """
    server = _HailServer(hail, gathering, keyrings, meters or Meters())
    events = Events(hail.whale.settings, queries)
    return (
        Route('/count', server.count, events, ('GET', 'POST'), scope='write', takes=True),
        Route('/count.gif', server.count_image, events, _COUNT, scope='write', takes=True, image=True),
        Route('/pixel/<token>.gif', server.pixel, _Anything(), ('GET', 'POST'), takes=True, image=True),
        Route('/tracker', server.tracker, _Anything(), _COUNT, takes=True, image=True),
    )


class _Anything:
    """Reads whatever an address gives, as texts: mail programs and advertisers add arguments of their own."""

    def read(self, environ: Environ, *, max_body: int, max_inflated: int | None = None) -> dict[str, Any]:  # noqa: ARG002
        """The texts by name; of several the first."""
        given: dict[str, Any] = {}
        for name, text in pairs(environ.get('QUERY_STRING', '').encode('latin-1'), strict=False):
            given.setdefault(name, text)
        return given

    def pks(self, given: Mapping[str, Any]) -> tuple[Path, ...]:  # noqa: ARG002
        """None: the pk is sealed."""
        return ()

    def cost(self, given: Mapping[str, Any]) -> int:  # noqa: ARG002
        """One event; a pixel has no key, and so no rate."""
        return 1


class _HailServer:
    """What answers at the routes."""

    def __init__(self, hail: Hail, gathering: Gathering, keyrings: Keyrings, meters: Meters) -> None:
        self._hail = hail
        self._keyrings = keyrings
        self._meters = meters
        self._outages = Outages(_log)
        self._taker = Taker(hail, gathering, meters.measured(hail.push))

    # -- counting ----------------------------------------------------------------------------------------------------

    def count(self, request: Request) -> Answer:
        """One event or several."""
        if 'batch' in request.given:
            return self._count_batch(request)
        if request.method == 'GET':
            self._count_one(request, 'get')
            return Answer(COUNTED, TEXT)
        self._count_one(request, 'post')
        return _kept_one()

    def count_image(self, request: Request) -> Answer:
        """One event, for an ``<img>``."""
        self._count_one(request, 'get')
        return image()

    def _count_one(self, request: Request, way: str) -> None:
        given = request.given
        if 'parts' in given:
            whale = self._hail.whale
            # First what is kept is agreed on, which may take its time.
            moment = whale.kept.moment
            read = written(given['parts'], moment, whale.clock())
        else:
            read = self._hail.read(**given)
        self._taker.take_one(*read)
        self._meters.taken[way] += 1

    def _count_batch(self, request: Request) -> Answer:
        events, several = request.given['batch']
        outcomes = self._taker.take(events, request.grant)
        errors = [outcome for outcome in outcomes if isinstance(outcome, HailWhaleError)]
        if kept := len(outcomes) - len(errors):
            self._meters.taken['post'] += kept
        if not several and errors:
            raise errors[0]
        for error in errors:
            self._meters.refuse(error)
        if failed := [error for error in errors if isinstance(error, StorageError)]:
            self._outages.warn(failed[0], f'{len(failed)} events of a batch were not kept')
        return _told(outcomes, errors) if several else _kept_one()

    # -- sealed events -----------------------------------------------------------------------------------------------

    def pixel(self, request: Request) -> Answer:
        """The event of a token, with the amounts and names that the address gives."""
        self._count_sealed(request, request.named['token'], request.given, self._visitor(request))
        answer = image()
        # Any page may show it, so any script may know that it was counted; cookies are not sent for such an answer.
        return Answer(answer.body, answer.type, headers={**answer.headers, 'Access-Control-Allow-Origin': '*'})

    def tracker(self, request: Request) -> Answer:
        """The same, of a visitor."""
        given = request.given
        token, asked = given.pop('pixel', ''), given.pop('uid', '')
        if not token:
            raise InvalidInput('no pixel is named (give its token as pixel=)', field='pixel')
        if request.visit.private and asked in ('', _NEW):
            self._count_sealed(request, token, given, None)
            return image()
        uid = self._visitor_of(request, asked)
        self._count_sealed(request, token, given, uid)
        answer = image()
        return Answer(answer.body, answer.type, headers={**answer.headers, 'Set-Cookie': self._cookie(request, uid)})

    def _count_sealed(self, request: Request, token: str, given: dict[str, Any], uid: str | None) -> None:
        now, origin = self._hail.whale.clock(), request.visit.origin
        event = opened(self._keyrings.current(token), token, given, origin=origin, now=now)
        read = self._hail.read(event.pk, event.dimensions, event.metrics, uid=uid, use=event.use)
        self._taker.take_one(*read)
        self._meters.taken['pixel'] += 1

    # -- visitors ----------------------------------------------------------------------------------------------------

    def _visitor(self, request: Request) -> str | None:
        """The visitor whom a cookie names, where we signed it and may look at it."""
        signed = '' if request.visit.private else _cookie_of(request.visit.cookies)
        return uid_of(self._keyrings.current(signed), signed) if signed else None

    def _visitor_of(self, request: Request, asked: str) -> str:
        """The visitor that a tracker is to count: whom the address names, else the cookie, else a new one."""
        if asked in ('', _NEW):
            return (None if asked else self._visitor(request)) or new_uid()
        # Only what we have signed: nobody may pick another visitor's name.
        uid = uid_of(self._keyrings.current(asked), asked)
        if uid is None:
            raise InvalidInput(
                f'not a visitor: {shown(asked)} (give what the cookie {COOKIE} holds, or _new)', field='uid'
            )
        return uid

    def _cookie(self, request: Request, uid: str) -> str:
        value = cookie_value(self._keyrings.current(), uid)
        secure = '; Secure' if request.visit.secure else ''
        return f'{COOKIE}={value}; Max-Age={_YEAR}; Path=/; HttpOnly; SameSite=Lax{secure}'


def _cookie_of(cookies: str) -> str:
    for cookie in cookies.split(';'):
        name, _, value = cookie.strip().partition('=')
        if name == COOKIE:
            return value
    return ''


def _kept_one() -> Answer:
    # Pages that let in only what agrees to it send events, too, and browsers complain of an answer that does not.
    return Answer(json({'kept': True}).body, headers={'Cross-Origin-Resource-Policy': 'cross-origin'})


def _told(outcomes: list[Outcome], errors: list[HailWhaleError]) -> Answer:
    """What became of a batch.  When none of it was kept, the status is that of the first error."""
    results = [refusal(each).body if isinstance(each, HailWhaleError) else 'OK' for each in outcomes]
    told = {'kept': len(outcomes) - len(errors), 'refused': len(errors), 'results': results}
    if errors and not told['kept']:
        status, _, headers = refusal(errors[0])
        return encoded(told, status, headers)
    return encoded(told, OK, {})
