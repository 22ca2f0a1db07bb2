"""Routes and answers: one shape for errors, caching of reads, permissions for pages of other sites.

An `Application` is plain WSGI.  A handler gets a `Request` and returns an `Answer`, or raises; it never sees HTTP.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

import bottle  # type: ignore[import-untyped]
import ujson

from hailwhale.errors import HailWhaleError, StorageError
from hailwhale.servers.params import (
    NO_CONTENT,
    NOT_MODIFIED,
    OK,
    Environ,
    ForeignOrigin,
    NotFound,
    Parameters,
    WrongMethod,
    refusal,
    shown,
)

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

_log = logging.getLogger(__name__)

JSON = 'application/json'
TEXT = 'text/plain; charset=utf-8'
#: A reader may show what it was told a second ago; then a short answer tells that nothing has changed.
FOR_A_SECOND = 'private, max-age=1'
NEVER = 'no-store'

_CORS_SECONDS = 600
_SAFE = frozenset({'GET', 'HEAD', 'OPTIONS'})


class Request(NamedTuple):
    """A request that has been read: its method, its parameters, and what stood for names in the route's path."""

    method: str
    given: dict[str, Any]
    named: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back; ``cache`` is the Cache-Control of an answer to GET, other methods are never cached."""

    body: bytes
    type: str = JSON
    cache: str = NEVER
    status: int = OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Route:
    """A path, with and without a slash at its end, and who answers there.

    ``parameters``  those it takes; None: whatever is given is not looked at
    ``methods``     which it takes, beside OPTIONS; GET brings HEAD with it where nothing changes by asking
    ``own_pages``   whether, of pages in browsers, only our own and those of permitted origins may use it
    """

    path: str
    answer: Callable[[Request], Answer]
    parameters: Parameters | None = None
    methods: tuple[str, ...] = ('GET', 'HEAD')
    own_pages: bool = False


def json(value: object, *, cache: str = NEVER) -> Answer:
    """An answer in JSON: floats with all their digits, integers of any size, never a NaN.

    >>> json({'größe': 0.1 + 0.2}).body.decode()
    '{"größe":0.30000000000000004}'
    """
    text = ujson.dumps(value, ensure_ascii=False, escape_forward_slashes=False, allow_nan=False)
    return Answer(text.encode(), cache=cache)


class Application:
    """A WSGI application made of routes.

    ``cors``      origins whose pages may ask, in lower case; ``*`` means all
    ``max_body``  most bytes in the body of a request
    """

    def __init__(self, routes: Iterable[Route], *, cors: Sequence[str], max_body: int) -> None:
        self._cors = frozenset(cors)
        self._max_body = max_body
        # Only the router of bottle: what it keeps for a request would be shared by greenlets, were it imported before
        # gevent has patched what it keeps that in.
        self._router = bottle.Router()
        self._paths: list[str] = []
        for route in routes:
            self._paths.append(route.path)
            for path in {route.path, route.path.rstrip('/') + '/'}:
                self._router.add(path, 'ANY', route)

    def __call__(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        try:
            answer = self._answer(environ)
        except Exception as error:
            answer = _refused(error, environ)
        status, headers, body = self._shaped(answer, environ)
        start_response(f'{status} {HTTPStatus(status).phrase}', list(headers.items()))
        return [body] if body and environ['REQUEST_METHOD'] != 'HEAD' else []

    def _answer(self, environ: Environ) -> Answer:
        route, named = self._route(environ.get('PATH_INFO', ''))
        method = environ['REQUEST_METHOD']
        allowed = (*route.methods, 'OPTIONS')
        if method == 'OPTIONS':
            return self._preflight(allowed, environ)
        if method not in allowed:
            raise WrongMethod(method, allowed)
        if route.own_pages:
            self._check_origin(environ)
        given = route.parameters.read(environ, max_body=self._max_body) if route.parameters else {}
        return route.answer(Request(method, given, named))

    def _route(self, path: str) -> tuple[Route, Mapping[str, str]]:
        asked = path.encode('latin-1').decode('utf-8', 'replace')
        try:
            found: tuple[Route, Mapping[str, str]] = self._router.match({'REQUEST_METHOD': 'ANY', 'PATH_INFO': asked})
        except bottle.HTTPError:
            raise NotFound(f'no such path: {shown(asked)} (there are {", ".join(self._paths)})') from None
        return found

    def _shaped(self, answer: Answer, environ: Environ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of an answer, or that the client has it already."""
        cache = answer.cache if environ['REQUEST_METHOD'] in _SAFE else NEVER
        headers = {'Cache-Control': cache, 'X-Content-Type-Options': 'nosniff'}
        headers |= self._permission(environ) | dict(answer.headers)
        if answer.status == NO_CONTENT:
            return NO_CONTENT, headers, b''
        if cache != NEVER:
            headers['ETag'] = f'"{blake2b(answer.body, digest_size=12).hexdigest()}"'
            if _knows(environ.get('HTTP_IF_NONE_MATCH', ''), headers['ETag']):
                return NOT_MODIFIED, headers, b''
        headers |= {'Content-Type': answer.type, 'Content-Length': str(len(answer.body))}
        return answer.status, headers, answer.body

    # -- pages of other sites ----------------------------------------------------------------------------------------

    def _permits(self, origin: str) -> bool:
        return '*' in self._cors or origin.lower() in self._cors

    def _permission(self, environ: Environ) -> dict[str, str]:
        if not self._cors:
            return {}
        headers = {} if '*' in self._cors else {'Vary': 'Origin'}
        origin = environ.get('HTTP_ORIGIN', '')
        if origin and self._permits(origin):
            headers['Access-Control-Allow-Origin'] = '*' if '*' in self._cors else origin
            headers['Access-Control-Expose-Headers'] = 'ETag, Retry-After'
        return headers

    def _preflight(self, allowed: tuple[str, ...], environ: Environ) -> Answer:
        headers = {'Allow': ', '.join(allowed)}
        if self._permits(environ.get('HTTP_ORIGIN', '')):
            headers |= {
                'Access-Control-Allow-Methods': ', '.join(allowed),
                'Access-Control-Allow-Headers': 'Content-Type, If-None-Match',
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


def _refused(error: Exception, environ: Environ) -> Answer:
    """The answer to what went wrong, which is logged where it is not the client's doing."""
    what = (environ['REQUEST_METHOD'], environ.get('PATH_INFO', ''))
    if isinstance(error, StorageError):
        _log.warning('%s %r: %s', *what, error.message)
    elif not isinstance(error, HailWhaleError):
        _log.error('%s %r failed', *what, exc_info=error)
    status, body, headers = refusal(error)
    # In ASCII: a message may quote what no encoding has a byte for.
    return Answer(ujson.dumps(body, escape_forward_slashes=False).encode(), status=status, headers=headers)


def _knows(if_none_match: str, etag: str) -> bool:
    """Whether a client's list of what it has holds this."""
    known = {tag.strip().removeprefix('W/') for tag in if_none_match.split(',')}
    return etag in known or '*' in known
