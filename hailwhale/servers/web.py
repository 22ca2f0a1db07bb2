"""Routes and answers: one shape for errors, keys, caching of reads, permissions for pages of other sites.

An `Application` is plain WSGI, made of the routes that it is given.  A handler gets a `Request` and returns an
`Answer`, or a `Stream` that goes on, or raises; it never sees HTTP.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from http import HTTPStatus
from ipaddress import IPv6Address
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import quote

import bottle  # type: ignore[import-untyped]
import ujson

from hailwhale.access import Access, Asked, Grant, Scope
from hailwhale.errors import HailWhaleError, StorageError
from hailwhale.meters import Meters
from hailwhale.paths import Path
from hailwhale.pixels import page_origin
from hailwhale.servers.bodies import Environ
from hailwhale.servers.outages import Outages
from hailwhale.servers.params import (
    KEY,
    NO_CONTENT,
    NOT_MODIFIED,
    OK,
    ForeignOrigin,
    NotFound,
    WrongMethod,
    pairs,
    refusal,
    shown,
)
from hailwhale.servers.pieces import Pieces, WhilePermitted

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

_log = logging.getLogger(__name__)

JSON = 'application/json'
TEXT = 'text/plain; charset=utf-8'
EVENTS = 'text/event-stream; charset=utf-8'
#: A reader may show what it was told a second ago; then a short answer tells that nothing has changed.
FOR_A_SECOND = 'private, max-age=1'
NEVER = 'no-store'
#: One transparent pixel.
GIF = (
    b'GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,'
    b'\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;'
)
#: The header that tells an image request why it was refused.
ERROR_HEADER = 'X-HailWhale-Error'
#: The answer to every GET that counts.
COUNTED = b'OK'

_CORS_SECONDS = 600
_NOTHING: Mapping[str, str] = MappingProxyType({})
_STATUS_LINES = {int(status): f'{int(status)} {status.phrase}' for status in HTTPStatus}
_SAFE = frozenset({'GET', 'HEAD', 'OPTIONS'})
_SAYABLE = re.compile(r'[!-~]+')
_HOST = re.compile(r'([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?', re.ASCII)
_ASKED_HEADERS = 'Authorization, Content-Encoding, Content-Type, If-None-Match, Last-Event-ID'
_EXPOSED_HEADERS = f'ETag, Retry-After, {ERROR_HEADER}'


#: Where nobody is asked for a key.
EVERYTHING = Grant()


class Reads(Protocol):
    """Reads what a request gives, by name; `hailwhale.servers.params.Parameters` does."""

    def read(self, environ: Environ, *, max_body: int, max_inflated: int | None = None) -> dict[str, Any]:
        """The values that a request gives."""

    def pks(self, given: Mapping[str, Any]) -> Iterable[Path]:
        """The pks that it is about; ``()`` is all of them."""

    def cost(self, given: Mapping[str, Any]) -> int:
        """What a rate pays for it: the number of its events or questions."""


class Visit(NamedTuple):
    """What a browser says of itself: the page it shows, its cookies, whether they travel sealed, what it was told
    last.

    ``private``  whether it asks that nobody be followed: ``Sec-GPC: 1``, or the older ``DNT: 1``
    ``address``  what it asked for, with the name that it has for us; '' where that is no name, or the route is not
                 ``addressed``
    """

    origin: str | None = None
    cookies: str = ''
    secure: bool = False
    agent: str = ''
    private: bool = False
    last_event: str = ''
    address: str = ''


class Request(NamedTuple):
    """A request that has been read: its method, its parameters, and what stood for names in the route's path."""

    method: str
    given: dict[str, Any]
    named: Mapping[str, str]
    grant: Grant = EVERYTHING
    visit: Visit = Visit()
    framers: tuple[str, ...] = ()  #: the origins whose pages may frame the answer; ``*`` means all


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; ``cache`` is the Cache-Control of an answer to GET, other methods are never cached."""

    body: bytes
    type: str = JSON
    cache: str = NEVER
    status: int = OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on: server-sent events, each sent as it comes; never cached.

    It ends when there are no more pieces, when whoever asked may not have them any more, or when nobody takes them.
    """

    pieces: Pieces


@dataclass(frozen=True, slots=True)
class Route:
    """A path, with and without a slash at its end, and who answers there.

    ``parameters``  those it takes; None: whatever is given is not looked at
    ``methods``     which it takes, beside OPTIONS; GET brings HEAD with it where nothing changes by asking
    ``scope``       what a key must be for; None: no key is asked for.  Keys are looked at before the body is read, and
                    the pks that the parameters name before the handler is called
    ``own_pages``   whether, of pages in browsers, only our own and those of permitted origins may use it
    ``addressed``   whether it is told at which address it was asked
    ``framed``      whether pages may frame the answer that may ask, or that the key in its address is for
    ``image``       whether errors are images, too: what an ``<img>`` asks for shows no broken sign
    ``shows``       what its parameters ask of a graph; None: keys that show one graph are not for it
    ``below``       whether it is about all below a pk as well, so that a key for the pk alone does not do
    ``takes``       whether events come in here, so that what is refused here counts as refused events
    """

    path: str
    answer: Callable[[Request], Answer | Stream]
    parameters: Reads | None = None
    methods: tuple[str, ...] = ('GET', 'HEAD')
    scope: Scope | None = None
    own_pages: bool = False
    addressed: bool = False
    framed: bool = False
    image: bool = False
    takes: bool = False
    below: bool = False
    shows: Callable[[Mapping[str, Any]], Asked] | None = None


def image() -> Answer:
    """The answer to an ``<img>``."""
    # Pages that let in only what agrees to it may show it, too.
    return Answer(GIF, 'image/gif', headers={'Cross-Origin-Resource-Policy': 'cross-origin'})


def json(value: object, *, cache: str = NEVER) -> Answer:
    """An answer in JSON: floats with all their digits, integers of any size, never a NaN.

    >>> json({'größe': 0.1 + 0.2}).body.decode()
    '{"größe":0.30000000000000004}'
    """
    text = ujson.dumps(value, ensure_ascii=False, escape_forward_slashes=False, allow_nan=False)
    return Answer(text.encode(), cache=cache)


class _Call:
    """One request on its way: what is known of it so far."""

    __slots__ = ('environ', 'grant', 'method', 'origin', 'route')

    def __init__(self, environ: Environ) -> None:
        self.environ = environ
        self.method: str = environ['REQUEST_METHOD']
        origin = environ.get('HTTP_ORIGIN')
        #: That of the page that asks, where there is one.  What has no name is foreign to everybody.
        referer = environ.get('HTTP_REFERER')
        self.origin: str | None = None
        if origin is not None or referer:
            self.origin = page_origin(origin, referer) or ('null' if origin is not None else None)
        self.route: Route | None = None
        self.grant: Grant = EVERYTHING


class Application:
    """A WSGI application made of routes.

    ``cors``          origins whose pages may ask, in lower case; ``*`` means all
    ``max_body``      most bytes in the body of a request
    ``max_inflated``  most bytes of it once it is inflated; by default as many
    ``access``        who may come in; None: everybody
    ``meters``        where it is noted what was answered and refused
    """

    def __init__(
        self,
        routes: Iterable[Route],
        *,
        cors: Sequence[str] = (),
        max_body: int,
        max_inflated: int | None = None,
        access: Access | None = None,
        meters: Meters | None = None,
    ) -> None:
        self._cors = frozenset(cors)
        self._max_body = max_body
        self._max_inflated = max_body if max_inflated is None else max_inflated
        self._access = access
        self._meters = meters
        # Only the router of bottle: what it keeps for a request would be shared by greenlets, were it imported before
        # gevent has patched what it keeps that in.
        self._router = bottle.Router()
        self._paths: list[str] = []
        self._outages = Outages(_log)
        # Paths without names in them are found at once.
        self._fixed: dict[str, Route] = {}
        for route in routes:
            self._paths.append(route.path)
            for path in {route.path, route.path.rstrip('/') + '/'}:
                self._router.add(path, 'ANY', route)
                if '<' not in path:
                    self._fixed.setdefault(path, route)

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths of all routes."""
        return tuple(self._paths)

    def __call__(self, environ: Environ, start_response: StartResponse) -> list[bytes] | Pieces:
        began = time.perf_counter()
        call = _Call(environ)
        answer: Answer | Stream
        try:
            answer = self._answer(call)
        except Exception as error:
            answer = self._refused(error, call)
        body: list[bytes] | Pieces
        if isinstance(answer, Stream):
            status, headers, body = OK, self._streamed(call), answer.pieces
        else:
            status, headers, whole = self._shaped(answer, call)
            body = [whole] if whole and call.method != 'HEAD' else []
        start_response(_STATUS_LINES[status], list(headers.items()))
        if self._meters:
            path = call.route.path if call.route else 'none'
            self._meters.answered(path, status, time.perf_counter() - began)
        return body

    def _answer(self, call: _Call) -> Answer | Stream:
        environ, method = call.environ, call.method
        call.route, named = self._route(environ.get('PATH_INFO', ''))
        route = call.route
        allowed = (*route.methods, 'OPTIONS')
        if method == 'OPTIONS':
            return self._preflight(allowed, call)
        if method not in allowed:
            raise WrongMethod(method, allowed)
        if route.own_pages:
            self._check_origin(environ)
        if route.scope and self._access:
            call.grant = self._permitted(self._access, route, call)
        given: dict[str, Any] = {}
        pks: Sequence[Path] = ()
        asked: Asked | None = None
        if route.parameters:
            given = route.parameters.read(environ, max_body=self._max_body, max_inflated=self._max_inflated)
            pks = tuple(route.parameters.pks(given))
            asked = route.shows(given) if route.shows else None
            _check(call, route, pks, asked)
        # At once, and all or nothing: what is refused costs nothing.
        call.grant.spend(route.parameters.cost(given) if route.parameters else 1)
        framers = self._framers(environ) if route.framed else ()
        answer = route.answer(Request(method, given, named, call.grant, _visit(call), framers))
        if isinstance(answer, Stream) and route.scope and self._access:
            again = partial(self._check_again, self._access, route, call, pks, asked)
            return replace(answer, pieces=WhilePermitted(answer.pieces, again))
        return answer

    def _check_again(self, access: Access, route: Route, call: _Call, pks: Sequence[Path], asked: Asked | None) -> None:
        """Raise unless whoever has asked may still do so."""
        self._permitted(access, route, call)
        _check(call, route, pks, asked)

    @staticmethod
    def _permitted(access: Access, route: Route, call: _Call) -> Grant:
        """What whoever asks may do."""
        assert route.scope
        scope: Scope = 'graph' if route.shows else route.scope
        environ = call.environ
        # A browser tells whose page asks, even where it sends no Origin; older ones tell nothing.
        cross_site = environ.get('HTTP_SEC_FETCH_SITE', '') in ('cross-site', 'same-site')
        host = environ.get('HTTP_HOST')
        grant = access.permit(key_of(environ), scope, origin=call.origin, cross_site=cross_site, host=host)
        # Even of a request that is then refused for its rate, the page may read why.
        call.grant = grant
        return grant

    def _route(self, path: str) -> tuple[Route, Mapping[str, str]]:
        if path in self._fixed:
            return self._fixed[path], _NOTHING
        asked = path.encode('latin-1').decode('utf-8', 'replace')
        try:
            found: tuple[Route, Mapping[str, str]] = self._router.match({'REQUEST_METHOD': 'ANY', 'PATH_INFO': asked})
        except bottle.HTTPError:
            raise NotFound(f'no such path: {shown(asked)} (there are {", ".join(self._paths)})') from None
        return found

    def _refused(self, error: Exception, call: _Call) -> Answer:
        """The answer to what went wrong, which is logged where it is not the client's doing."""
        what = (call.method, call.environ.get('PATH_INFO', ''))
        if isinstance(error, StorageError):
            self._outages.warn(error, '{} {!r}'.format(*what))
        elif not isinstance(error, HailWhaleError):
            _log.error('%s %r failed', *what, exc_info=error)
        if self._meters and call.route and call.route.takes:
            self._meters.refuse(error)
        status, body, headers = refusal(error)
        if call.route and call.route.image:
            shape = image()
            return Answer(
                shape.body,
                shape.type,
                status=status,
                headers={**shape.headers, **headers, ERROR_HEADER: body['error']['code'] or ''},
            )
        return encoded(body, status, headers)

    def _shaped(self, answer: Answer, call: _Call) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer, or that the client has it already."""
        cache = answer.cache if call.method in _SAFE else NEVER
        headers = self._common(cache, call) | dict(answer.headers)
        if answer.status == NO_CONTENT:
            return NO_CONTENT, headers, b''
        if cache != NEVER:
            headers['ETag'] = f'"{blake2b(answer.body, digest_size=12).hexdigest()}"'
            if self._access:
                headers['Vary'] = f'{headers["Vary"]}, Authorization' if 'Vary' in headers else 'Authorization'
            if _knows(call.environ.get('HTTP_IF_NONE_MATCH', ''), headers['ETag']):
                return NOT_MODIFIED, headers, b''
        headers |= {'Content-Type': answer.type, 'Content-Length': str(len(answer.body))}
        return answer.status, headers, answer.body

    def _streamed(self, call: _Call) -> dict[str, str]:
        """The headers of an answer that goes on: no proxy may wait for its end."""
        return self._common(NEVER, call) | {'Content-Type': EVENTS, 'X-Accel-Buffering': 'no'}

    def _common(self, cache: str, call: _Call) -> dict[str, str]:
        headers = {'Cache-Control': cache, 'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer'}
        return headers | self._permission(call)

    # -- pages of other sites ----------------------------------------------------------------------------------------

    def _permits(self, origin: str) -> bool:
        return '*' in self._cors or origin.lower() in self._cors

    def _framers(self, environ: Environ) -> tuple[str, ...]:
        of_key = self._access.origins(key_of(environ)) if self._access else ()
        return tuple(sorted({*self._cors, *of_key}))

    def _permission(self, call: _Call) -> dict[str, str]:
        """The headers that let a page of another site read the answer: one that is listed, or that the key is for."""
        if not self._cors and not call.grant.origins:
            return {}
        everybody = '*' in self._cors
        headers = {} if everybody else {'Vary': 'Origin'}
        origin = _named_origin(call.environ)
        if origin and (self._permits(origin) or call.origin in call.grant.origins):
            headers['Access-Control-Allow-Origin'] = '*' if everybody else origin
            headers['Access-Control-Expose-Headers'] = _EXPOSED_HEADERS
        return headers

    def _preflight(self, allowed: tuple[str, ...], call: _Call) -> Answer:
        """What a browser may send.

        It asks without the key.  Where keys are asked for nothing is given away by saying yes to every page: what it
        sends then has no cookies of ours, and is refused without a key that is for it.
        """
        headers = {'Allow': ', '.join(allowed)}
        origin = _named_origin(call.environ)
        if not origin:
            return Answer(b'', status=NO_CONTENT, headers=headers)
        keyed = bool(call.route and call.route.scope and self._access and self._access.mode == 'keyed')
        if keyed and not self._permits(origin):
            headers |= {'Access-Control-Allow-Origin': origin, 'Vary': 'Origin'}
        if keyed or self._permits(origin):
            headers |= {
                'Access-Control-Allow-Methods': ', '.join(allowed),
                'Access-Control-Allow-Headers': _ASKED_HEADERS,
                'Access-Control-Max-Age': str(_CORS_SECONDS),
            }
        return Answer(b'', status=NO_CONTENT, headers=headers)

    def _check_origin(self, environ: Environ) -> None:
        # A browser sends forms of any site anywhere without asking first, but it says whose they are.
        origin = environ.get('HTTP_ORIGIN')
        if origin is None or origin.partition('://')[2].lower() == environ.get('HTTP_HOST', '').lower():
            return
        if not self._permits(origin):
            raise ForeignOrigin(f'not for pages of {shown(origin)} (HAILWHALE_CORS lists whose pages may)')


def key_of(environ: Environ) -> str | None:
    """The key that a request brings: ``Authorization: Bearer KEY``, else the parameter ``key`` of its address line."""
    scheme, _, token = environ.get('HTTP_AUTHORIZATION', '').strip().partition(' ')
    if scheme.lower() == 'bearer':
        return token.strip() or None
    query = environ.get('QUERY_STRING', '')
    if f'{KEY}=' not in query:
        return None
    return next((text for name, text in pairs(query.encode('latin-1'), strict=False) if name == KEY and text), None)


def _named_origin(environ: Environ) -> str | None:
    """The origin that an answer may name.  No header can be made of line ends and control characters."""
    origin: str | None = environ.get('HTTP_ORIGIN')
    return origin if origin and _SAYABLE.fullmatch(origin) else None


def encoded(body: Mapping[str, object], status: int, headers: Mapping[str, str]) -> Answer:
    """An answer in ASCII: a message in it may quote what no encoding has a byte for."""
    return Answer(ujson.dumps(body, escape_forward_slashes=False).encode(), status=status, headers=headers)


def _visit(call: _Call) -> Visit:
    get = call.environ.get
    secure = 'https' in (get('wsgi.url_scheme'), get('HTTP_X_FORWARDED_PROTO', '').partition(',')[0].strip().lower())
    private = '1' in (get('HTTP_SEC_GPC'), get('HTTP_DNT'))
    agent, last_event = get('HTTP_USER_AGENT', ''), get('HTTP_LAST_EVENT_ID', '')
    address = _address(call.environ, secure=secure) if call.route and call.route.addressed else ''
    return Visit(call.origin, get('HTTP_COOKIE', ''), secure, agent, private, last_event, address)


def _address(environ: Environ, *, secure: bool) -> str:
    host = environ.get('HTTP_HOST', '')
    if not _is_host(host):
        return ''
    path = quote(f'{environ.get("SCRIPT_NAME", "")}{environ.get("PATH_INFO", "")}'.encode('latin-1'))
    query = environ.get('QUERY_STRING', '')
    return f'http{"s" if secure else ""}://{host}{path}{"?" if query else ""}{query}'


def _is_host(host: str) -> bool:
    found = _HOST.fullmatch(host)
    if found is None:
        return False
    if found[1].startswith('['):
        try:
            IPv6Address(found[1][1:-1])
        except ValueError:
            return False
    return True


def _check(call: _Call, route: Route, pks: Iterable[Path], asked: Asked | None) -> None:
    """Raise unless the key is for the pks, and for the graph."""
    for pk in pks:
        call.grant.check(pk, below=route.below)
    if asked is not None:
        call.grant.check_graph(asked)


def _knows(if_none_match: str, etag: str) -> bool:
    """Whether a client's list of what it has holds this."""
    known = {tag.strip().removeprefix('W/') for tag in if_none_match.split(',')}
    return etag in known or '*' in known
