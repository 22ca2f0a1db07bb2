"""What a request says: typed, limited parameters, whether in the address line, a form or JSON; and what errors answer.

This is the only place that knows HTTP statuses.

In the address line and in forms a value is read by `hailwhale.lenient`, as the documents write it.  A whole value
that is a number stays the text it is, so that ``pk=1e5`` and ``pk="1e5"`` name the same; an empty value counts as not
given.  JSON bodies are strict.  A parameter that a path does not know is refused: a typo is not ignored in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

from hailwhale.arguments import naming
from hailwhale.errors import (
    AccessError,
    BacklogFull,
    HailWhaleError,
    InvalidInput,
    InvalidText,
    LimitExceeded,
    MissingLibrary,
    StorageConflict,
    StorageError,
    StorageUnavailable,
    TooManyRequests,
    TooManyStreams,
    Unanswerable,
    Unauthorized,
)
from hailwhale.lenient import MAX_NODES, read_json, read_value
from hailwhale.paths import DEFAULT_PK, Path, pk_path
from hailwhale.servers.bodies import Environ, UnknownCoding, body_of

OK, NO_CONTENT, NOT_MODIFIED = 200, 204, 304
#: More parameters than any path has.
MAX_PARAMETERS = 64
#: Seconds after which a client may ask again, when the engine was away, others were quicker, too many events wait, or
#: too many streams are open.
RETRY_AFTER = 2
#: The parameter of the address line that holds a key, for whoever cannot send a header.
KEY = 'key'

#: The key, which is looked at before; and what browsers' libraries send along, to get around caches, and for scripts
#: from elsewhere, which are never answered.
_IGNORED = frozenset({'_', 'callback', KEY})
_SPELLINGS = (('dimension', 'dimensions'), ('metric', 'metrics'), ('period', 'periods'))
_OTHER_SPELLING = {one: other for pair in _SPELLINGS for one, other in (pair, pair[::-1])}
FORM = 'application/x-www-form-urlencoded'
# Beacons are sent as text/plain.
_JSON = re.compile(r'|text/plain|application/(?:[a-z0-9.-]+\+)?json')
_KEY_GIVEN = re.compile(rf"""([?&]{KEY}=)[^&\s'"]+""")
#: As many as any number has that stands for something.
_DIGITS = 18
_WHOLE = re.compile(rf'[+-]?[0-9]{{1,{_DIGITS}}}')
_MANY_DIGITS = re.compile(r'[+-]?[0-9]+')
_FLAGS = dict.fromkeys(('', '1', 'true', 'yes', 'on'), True) | dict.fromkeys(('0', 'false', 'no', 'off'), False)
_SHOWN = 80
#: Parts of queries are remembered that are no longer than this.
_SHORT = 256


class NotFound(InvalidInput):
    """Nothing is served at the path."""

    code = 'not_found'


class WrongMethod(InvalidInput):
    """The path does not take the method; ``allowed`` are those it takes."""

    code = 'method_not_allowed'

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        super().__init__(f'not a method of this path: {shown(method)} (it takes {", ".join(allowed)})')
        self.allowed = allowed


class UnknownBody(InvalidInput):
    """The body is of a type that is not read."""

    code = 'unsupported_media_type'


class UnknownFormat(InvalidInput):
    """The answer is wanted in a format that is not written."""

    code = 'unknown_format'


class ForeignOrigin(InvalidInput):
    """A page of another site asked for what only pages of this one may do."""

    code = 'foreign_origin'


#: The first that an error is an instance of.
_STATUSES: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, 404),
    (WrongMethod, 405),
    (UnknownBody, 415),
    (UnknownCoding, 415),
    (ForeignOrigin, 403),
    (MissingLibrary, 501),
    (UnknownFormat, 501),
    (Unauthorized, 401),
    (TooManyRequests, 429),
    (AccessError, 403),
    (LimitExceeded, 413),
    (InvalidInput, 400),
    (Unanswerable, 422),
    (StorageError, 503),
    (TooManyStreams, 503),
    (Exception, 500),
)


def hide_key(text: str) -> str:
    """A text without the keys that stand in its addresses, for logs.

    >>> hide_key('GET /count?pk=a&key=hw_k2n8w0qd_secret&id=7 HTTP/1.1')
    'GET /count?pk=a&key=***&id=7 HTTP/1.1'
    """
    return _KEY_GIVEN.sub(r'\1***', text)


class Refusal(NamedTuple):
    """What is answered for an error: ``body`` is the one shape that all errors have in JSON."""

    status: int
    body: dict[str, dict[str, str | None]]
    headers: dict[str, str]


def refusal(error: Exception) -> Refusal:
    """What an error answers.  What we did not expect is not told: the log has it.

    >>> refusal(LimitExceeded('more than 16 levels: 17', field='depth')).status
    413
    """
    status = next(status for kind, status in _STATUSES if isinstance(error, kind))
    if isinstance(error, HailWhaleError):
        said: dict[str, str | None] = {'code': error.code, 'message': error.message, 'field': error.field}
    else:
        said = {'code': 'internal', 'message': "this server failed; its log says how ('internal')", 'field': None}
    return Refusal(status, {'error': said}, _headers(error))


def _headers(error: Exception) -> dict[str, str]:
    """What an error tells in headers: when to ask again, what to ask with."""
    match error:
        case StorageUnavailable() | StorageConflict() | BacklogFull() | TooManyStreams():
            return {'Retry-After': str(RETRY_AFTER)}
        case TooManyRequests():
            return {'Retry-After': str(error.retry_after)}
        case Unauthorized():
            return {'WWW-Authenticate': 'Bearer realm="HailWhale"'}
        case WrongMethod():
            return {'Allow': ', '.join(error.allowed)}
        case UnknownCoding():
            return {'Accept-Encoding': 'gzip'}
    return {}


def shown(value: object) -> str:
    """A value as messages quote it, not longer than a line."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f'{text[: _SHOWN - 3]}...'


# -- kinds of values -------------------------------------------------------------------------------------------------

#: Reads what was given for a name; ``spelled`` says that it is a text of an address line or a form.
Kind = Callable[[Any, str, bool], object]


def value(given: Any, name: str, spelled: bool) -> object:
    """Anything: a name, a list, a mapping."""
    if not spelled:
        return given
    read = _copy(_value(given, name)) if len(given) <= _SHORT else read_value(given, field=name)
    return given.strip() if isinstance(read, int | Decimal) and not isinstance(read, bool) else read


@lru_cache(maxsize=4_096)
def _value(text: str, field: str) -> object:
    """The value of a short text: the same few come again and again."""
    return read_value(text, field=field)


def _copy(value: Any) -> Any:
    """A value that may be changed."""
    if isinstance(value, list):
        return list(map(_copy, value))
    if isinstance(value, dict):
        return {name: _copy(below) for name, below in value.items()}
    return value


def word(given: Any, name: str, spelled: bool) -> str:
    """One text, such as a formula; a list of one is taken for it."""
    read = _perhaps(given, name) if spelled else given
    if isinstance(read, list) and len(read) == 1:
        read = read[0]
    if not isinstance(read, str):
        raise InvalidInput(f'not one text: {shown(read)}', field=name)
    return read


def _perhaps(given: str, name: str) -> object:
    """The list or text that a text spells, or the text: ``"hours"/hits`` begins like one, and so may a name."""
    try:
        read = read_value(given, field=name)
    except InvalidText:
        return given
    return read if isinstance(read, str | list) else given


def formulas(given: Any, name: str, spelled: bool) -> object:
    """Metrics and formulas, one or several; one may begin with a name in quotes: ``"hours"/hits``."""
    return _perhaps(given, name) if spelled and given.lstrip()[:1] == '"' else value(given, name, spelled)


def raw(given: Any, name: str, spelled: bool) -> str:
    """A text just as it is, quotes and all."""
    if not spelled and not isinstance(given, str):
        raise InvalidInput(f'not a text: {shown(given)}', field=name)
    return str(given)


def visitor(given: Any, name: str, spelled: bool) -> str | int:
    """A text just as it is, or a whole number: applications number their visitors."""
    if (not spelled and not isinstance(given, str | int)) or isinstance(given, bool):
        raise InvalidInput(f'neither a text nor a whole number: {shown(given)}', field=name)
    found: str | int = given
    return found


def whole(given: Any, name: str, spelled: bool) -> int:
    """A whole number."""
    if spelled and _WHOLE.fullmatch(given.strip()):
        return int(given)
    if spelled and _MANY_DIGITS.fullmatch(given.strip()):
        raise InvalidInput(
            f'not a whole number of at most {_DIGITS} digits: {shown(given)} (from -{10**_DIGITS - 1:,} to '
            f'{10**_DIGITS - 1:,})',
            field=name,
        )
    if spelled or not isinstance(given, int) or isinstance(given, bool):
        raise InvalidInput(f'not a whole number: {shown(given)} (try 0, 1, 2)', field=name)
    return given


def share(given: Any, name: str, spelled: bool) -> float:
    """A number from 0 to 1."""
    read = read_value(given, field=name) if spelled else given
    if isinstance(read, bool) or not isinstance(read, int | Decimal) or not 0 <= read <= 1:
        raise InvalidInput(f'not a share: {shown(given)} (a number from 0 to 1, 0.1 is a tenth)', field=name)
    return float(read)


def flag(given: Any, name: str, spelled: bool) -> bool:
    """Yes or no."""
    read = _FLAGS.get(given.strip().lower()) if spelled else given
    if not isinstance(read, bool):
        raise InvalidInput(f'neither yes nor no: {shown(given)} (true or false)', field=name)
    return read


def one_of(*choices: str) -> Kind:
    """One of a few texts."""

    def choice(given: Any, name: str, spelled: bool) -> str:
        read = word(given, name, spelled)
        if read not in choices:
            raise InvalidInput(f'not one of {", ".join(choices)}: {shown(read)}', field=name)
        return read

    return choice


def under(given: Any, name: str, spelled: bool) -> Path:
    """A pk that others lie below; ``()`` lies above all of them."""
    read = value(given, name, spelled)
    with naming(name):
        return () if read is None or read in ('', []) else pk_path(read)


# -- requests --------------------------------------------------------------------------------------------------------


class Parameters:
    """The parameters that a path knows, by name; ``metric`` and ``metrics`` and their like are the same one.

    >>> environ = {'REQUEST_METHOD': 'GET', 'QUERY_STRING': 'pk=[a, b]&depth=2'}
    >>> Parameters(pk=value, depth=whole).read(environ, max_body=0)
    {'pk': ['a', 'b'], 'depth': 2}
    """

    def __init__(self, **kinds: Kind) -> None:
        self._kinds = kinds
        self._without_pk = DEFAULT_PK
        self._most = MAX_NODES
        self._many: str | None = None
        self._names = {name: name for name in kinds}
        self._names |= {_OTHER_SPELLING[name]: name for name in kinds if name in _OTHER_SPELLING}

    def about_all(self) -> Parameters:
        """The same; but a request that names no pk is one about all pks, not about the pk without a name."""
        self._without_pk = ()
        return self

    def with_many(self, name: str, values: int) -> Parameters:
        """The same; but a JSON body may hold so many values, as there may be many in ``name``."""
        self._most, self._many = values, name
        return self

    def pks(self, given: Mapping[str, Any]) -> list[Path]:
        """The pks that a request is about, as `read` gave it; ``()`` is all of them."""
        return [pk_path(given['pk']) if 'pk' in given else self._without_pk] if 'pk' in self._kinds else []

    def cost(self, given: Mapping[str, Any]) -> int:  # noqa: ARG002
        """What a rate pays for a request: one event, or one question."""
        return 1

    def read(self, environ: Environ, *, max_body: int, max_inflated: int | None = None) -> dict[str, Any]:
        """The values that a request gives, under the names of the table.

        Raises `InvalidInput` for what cannot be read, `LimitExceeded` for a body of more than ``max_body`` bytes, or
        ``max_inflated`` once it is inflated, and the like, `UnknownBody` for a body that is neither JSON nor a form.
        """
        found: dict[str, Any] = {}
        for given_name, given, spelled in self._given(environ, max_body, max_inflated):
            if given_name in _IGNORED:
                continue
            name = self._names.get(given_name)
            if name is None:
                message = f'no such parameter: {shown(given_name)} ({self._known()})'
                raise InvalidInput(message, field=given_name[:_SHOWN])
            if name in found:
                raise InvalidInput(f'{name} is given twice (give one; several values are a list)', field=name)
            kind = self._kinds[name]
            if given is not None and (given != '' or not spelled or kind is flag):
                found[name] = kind(given, name, spelled)
        return found

    def _given(self, environ: Environ, max_body: int, max_inflated: int | None) -> Iterator[tuple[str, Any, bool]]:
        """Every name with its value; and whether that is a text to be read, not a value of JSON."""
        for name, text in pairs(environ.get('QUERY_STRING', '').encode('latin-1')):
            yield name, text, True
        if environ['REQUEST_METHOD'] != 'POST':
            return
        media = media_type(environ)
        body = body_of(environ, max_body=max_body, max_inflated=max_body if max_inflated is None else max_inflated)
        if body and media == FORM:
            if body.lstrip()[:1] == b'{':
                raise UnknownBody('a form that looks like JSON (send JSON with Content-Type: application/json)')
            for name, text in pairs(body):
                yield name, text, True
        elif body:
            check_json(media)
            yield from ((name, item, False) for name, item in self._json(body).items())

    def _json(self, body: bytes) -> Mapping[str, Any]:
        try:
            read = read_json(body, max_bytes=len(body), max_nodes=self._most)
        except LimitExceeded as error:
            error.field = self._many
            raise
        if not isinstance(read, dict):
            raise InvalidText(f'not a JSON object of parameters: {shown(read)} (try {{"pk": "signup"}})')
        return read

    def _known(self) -> str:
        return f'there are {", ".join(self._kinds)}' if self._kinds else 'this path takes none'


def media_type(environ: Environ) -> str:
    """What a body is said to be, without its parameters."""
    return str(environ.get('CONTENT_TYPE', '')).partition(';')[0].strip().lower()


def check_json(media: str) -> None:
    """Raise `UnknownBody` unless a body of this type is read as JSON."""
    if not _JSON.fullmatch(media):
        raise UnknownBody(f'not a type of body that is read: {shown(media)} (send application/json)')


def pairs(query: bytes, *, strict: bool = True) -> Iterator[tuple[str, str]]:
    """The names and texts of an address line or a form; unless ``strict``, of any encoding."""
    text_of = _text if strict else _any_text
    parts = [part for part in query.split(b'&') if part]
    if len(parts) > MAX_PARAMETERS:
        raise LimitExceeded(f'more than {MAX_PARAMETERS} parameters: {len(parts)}')
    for pair in parts:
        name, _, text = pair.partition(b'=')
        decoded = text_of(name, 'a name')
        yield decoded, text_of(text, decoded)


def _any_text(quoted: bytes, _: str) -> str:
    return unquote_to_bytes(quoted.replace(b'+', b' ')).decode(errors='replace')


def _unquoted(quoted: bytes) -> str:
    return unquote_to_bytes(quoted.replace(b'+', b' ')).decode()


_remembered = lru_cache(maxsize=4_096)(_unquoted)


def _text(quoted: bytes, whose: str) -> str:
    """The text of a part of a query: ``+`` is a blank, ``%C3%A9`` is UTF-8."""
    try:
        return (_remembered if len(quoted) <= _SHORT else _unquoted)(quoted)
    except UnicodeDecodeError as error:
        message = f'{shown(whose)} is not UTF-8 (percent-encode the bytes of UTF-8)'
        raise InvalidText(message, field=whose[:_SHOWN]) from error
