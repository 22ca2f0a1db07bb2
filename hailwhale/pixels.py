"""Sealed pixels: an event, or the template of one, as a token that can stand in any page or mail.

Whoever has the address can have it counted; nobody can read what it counts, or change it beyond the bounds that were
sealed with it: which amounts and which names the address may give, until when, how often, on whose pages.

::

    token = seal(keyring, Pixel(['mail', 42], metrics='opened', expires='30d', uses=1), now=time.time())
    event = opened(keyring, token, {}, origin=None, now=time.time())

What a pixel holds is read as an event is read when it is counted, with every amount and name that an address may give
at its largest: what cannot be counted is refused when it is sealed, and not when the mail is out.

A token does not expire with its key's turn: a key that has been rotated out still opens.  Sealing the same pixel twice
gives the same token, but for one with a number of uses, which has a random id of its own by which they are counted.
"""

from __future__ import annotations

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from hailwhale.compact import BEGINNING, ID_BYTES, OtherVersion, Template, pack, unpack
from hailwhale.counter import Read, read_event
from hailwhale.errors import InvalidDimensions, InvalidInput, InvalidMetric, InvalidTime, LimitExceeded, TokenRefused
from hailwhale.intervals import DAY
from hailwhale.lengths import Last
from hailwhale.limits import DEFAULT, Limits
from hailwhale.metrics import DEFAULT_METRIC, MICROS_PER_UNIT, Micros, metric_name, parse_amount
from hailwhale.paths import Path
from hailwhale.storage import Use
from hailwhale.times import parse_time, shown
from hailwhale.tokens import Keyring

__all__ = ['LONGEST_FREE', 'LONGEST_TOKEN', 'LONGEST_USED', 'Opened', 'Pixel', 'opened', 'page_origin', 'read', 'seal']

_PURPOSE = b'pixel'
#: Bytes of a name that an address gives, at the most.
LONGEST_FREE = 64
#: Characters: an address with more of them is cut off by some mail programs.
LONGEST_TOKEN = 1_800
#: Seconds for which uses are counted, at the most: the store keeps a counter so long.
LONGEST_USED = 400 * DAY
#: An expiry further ahead was meant to be a moment, or milliseconds.
_LONGEST = 3_660 * DAY
_MOST_USES = 10**9
_MOST_ORIGINS = 32
_ORIGIN = re.compile(
    r'(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(?:[/?#].*)?', re.ASCII | re.DOTALL | re.IGNORECASE
)
_USUAL_PORTS = {'http': ':80', 'https': ':443'}
_LENGTH = re.compile(r'\s*[0-9]+\s*[a-z]*\s*', re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Pixel:
    """What a sealed pixel counts, and its bounds.

    ``pk``, ``dimensions``, ``metrics``  as in `Whale.count_now`: these are fixed
    ``vary``      metric to (least, most): amounts that the address may give, both ends included.  Where it gives none,
                  the fixed amount is counted if there is one
    ``free``      top-level dimensions of which the address may give the value, one name of at most 64 bytes; where it
                  gives none, the event has no such dimension
    ``expires``   from this moment on it is refused: a datetime, an ISO 8601 text, or how long from now: a timedelta,
                  seconds, ``'30d'``
    ``uses``      how often it is counted at the most; needs an expiry at most 400 days away
    ``origins``   pages on which it counts, ``https://example.org``; empty: wherever it is shown.  A mail has no origin
    """

    pk: object = None
    dimensions: object = None
    metrics: object = None
    vary: Mapping[str, tuple[object, object]] = field(default_factory=dict)
    free: Collection[str] = ()
    expires: object = None
    uses: int | None = None
    origins: Collection[str] = ()


class Opened(NamedTuple):
    """An event to be counted, in the arguments of `Hail.count`."""

    pk: Path
    dimensions: dict[str, object]
    metrics: dict[str, int | Decimal]
    use: Use | None  #: by which its uses are counted; None: as often as anybody likes


def seal(keyring: Keyring, pixel: Pixel, *, now: float, limits: Limits = DEFAULT) -> str:
    """The token of a pixel: 31 characters for the shortest.

    Raises `InvalidInput` for one that could not be counted, that has expired, or whose bounds cannot be.
    """
    vary = _varied(pixel.vary)
    free = _free(pixel.free)
    event = _largest(pixel, vary, free, now, limits)
    expires = None if pixel.expires is None else _moment(pixel.expires, now)
    template = Template(
        event.subject.pk,
        tuple(node for node in event.subject.nodes if node),
        _fixed_amounts(event),
        vary,
        free,
        expires,
        _uses(pixel.uses, expires, now),
        b'' if pixel.uses is None else os.urandom(ID_BYTES),
        _origins(pixel.origins),
    )
    token = keyring.seal(pack(template), _PURPOSE)
    if len(token) > LONGEST_TOKEN:
        raise LimitExceeded(
            f'a token of {len(token)} characters, more than {LONGEST_TOKEN} (shorten the names, or use fewer)',
            field='pk',
        )
    return token


def read(keyring: Keyring, token: str) -> Pixel:
    """What a token holds, as it was sealed, whether it has expired or not.  Raises `TokenRefused`."""
    template = _template(keyring, token)
    return Pixel(
        list(template.pk),
        _nested(template.nodes),
        _numbers(template.amounts),
        {name: (_exact(low), _exact(high)) for name, (low, high) in template.vary.items()},
        template.free,
        None if template.expires is None else datetime.fromtimestamp(template.expires, UTC),
        template.uses or None,
        template.origins,
    )


def opened(keyring: Keyring, token: str, given: Mapping[str, object], *, origin: str | None, now: float) -> Opened:
    """The event of a token, with what the address gives in ``given``: amounts and names by metric and dimension.

    What the pixel leaves no room for is not looked at: mail programs and advertisers add arguments of their own.
    ``''`` and None give nothing.  ``origin`` is that of the page (`page_origin`).

    Raises `TokenRefused` with its reason: ``forged``, ``foreign``, ``expired``, ``origin``, ``bounds``.  How often it
    was used is not looked at here: `Storage.push` does with `Opened.use`.
    """
    template = _template(keyring, token)
    if template.expires is not None and now >= template.expires:
        raise TokenRefused('expired')
    if template.origins and origin not in template.origins:
        raise TokenRefused('origin')
    try:
        varied = {
            name: _within(given[name], *bounds) for name, bounds in template.vary.items() if _is_given(given, name)
        }
        freed = {name: _free_value(given[name]) for name in template.free if _is_given(given, name)}
    except InvalidInput:
        raise TokenRefused('bounds') from None
    return Opened(
        template.pk,
        {**_nested(template.nodes), **freed},
        _numbers({**template.amounts, **varied}),
        _use(template),
    )


def page_origin(origin: str | None, referer: str | None = None) -> str | None:
    """The origin of the page that a request comes from, by its ``Origin`` header, else by its ``Referer``.

    >>> page_origin(None, 'https://Example.org:443/shop?q=1')
    'https://example.org'
    """
    found = _ORIGIN.fullmatch(origin or referer or '')
    if found is None:
        return None
    scheme, host, port = found[1].lower(), found[2].lower(), found[3]
    return f'{scheme}://{host}{"" if port in (None, _USUAL_PORTS[scheme]) else port}'


# -- reading what is to be sealed ------------------------------------------------------------------------------------


def _varied(vary: object) -> dict[str, tuple[Micros, Micros]]:
    if not isinstance(vary, Mapping):
        raise InvalidInput(f'not bounds: {shown(vary)} (metrics with the least and the most of each)', field='vary')
    varied = {}
    for name, bounds in vary.items():
        known = metric_name(name)
        if not isinstance(bounds, list | tuple) or len(bounds) != 2:
            raise InvalidInput(
                f'not bounds of {known}: {shown(bounds)} (the least and the most, as 0, 100)', field='vary'
            )
        low, high = (parse_amount(bound, known) for bound in bounds)
        if low > high:
            raise InvalidInput(
                f'no amount of {known} lies within {shown(bounds)} (the least comes first)', field='vary'
            )
        varied[known] = (low, high)
    return varied


def _free(free: object) -> tuple[str, ...]:
    if isinstance(free, str) or not isinstance(free, Collection) or not all(isinstance(name, str) for name in free):
        raise InvalidDimensions(f'not names of dimensions: {shown(free)} (a list of texts)', field='free')
    return tuple(dict.fromkeys(free))


def _largest(
    pixel: Pixel, vary: Mapping[str, tuple[Micros, Micros]], free: tuple[str, ...], now: float, limits: Limits
) -> Read:
    """The fixed event, once the largest that an address can make of it has been read as well."""
    event = read_event(pixel.pk, pixel.dimensions, pixel.metrics, None, None, now=now, limits=limits)
    fixed = {node[0] for node in event.subject.nodes if node}
    for name in free:
        if name in fixed:
            raise InvalidDimensions(
                f'both fixed and free: {name!r} (an event would count two values below it)', field='free'
            )
        if name in vary:
            raise InvalidMetric(f'both a metric and a dimension: {name!r} (an address has one {name}=)', field='vary')
    # Of all names of so many bytes this one takes the most in keys, where each of its characters is escaped.
    value = '%' * min(LONGEST_FREE, limits.name)
    dimensions = {**_nested(tuple(node for node in event.subject.nodes if node)), **dict.fromkeys(free, value)}
    names = dict.fromkeys([*_fixed_amounts(event), *vary], 1)
    read_event(event.subject.pk, dimensions, names, None, None, now=now, limits=limits)
    return event


def _fixed_amounts(event: Read) -> dict[str, Micros]:
    """Its amounts, but for the one hit that every event has."""
    return {
        name: amount for name, amount in event.amounts.items() if (name, amount) != (DEFAULT_METRIC, MICROS_PER_UNIT)
    }


def _moment(expires: object, now: float) -> int:
    """The first second at which a pixel has expired."""
    at = _seconds(expires, now)
    if at <= max(now, BEGINNING):
        raise InvalidTime(f'has expired already: {shown(expires)} (try 30d)', field='expires')
    if at > now + _LONGEST:
        raise InvalidTime(
            f'more than ten years ahead: {shown(expires)} (numbers are seconds from now; leave it out for no end)',
            field='expires',
        )
    return at


def _seconds(expires: object, now: float) -> int:
    try:
        if isinstance(expires, timedelta):
            return int(now + expires.total_seconds())
        # A text of digits alone is a length, as a number is.
        if isinstance(expires, str) and _LENGTH.fullmatch(expires):
            length = Last.parse(expires)
            # The calendar has no dates for lengths beyond all reason.
            return length.after(int(now), 'UTC') if length.seconds <= _LONGEST else int(now) + length.seconds
        if isinstance(expires, str | date):
            return parse_time(expires, now)
    except InvalidInput as error:
        raise InvalidTime(f'{error.message}; or 30d for so long from now', field='expires') from error
    if isinstance(expires, int | float) and not isinstance(expires, bool) and abs(expires) < 10**12:
        return int(now + expires)
    raise InvalidTime(f'not an end: {shown(expires)} (a datetime, seconds from now, or 30d)', field='expires')


def _uses(uses: object, expires: int | None, now: float) -> int:
    if uses is None:
        return 0
    if isinstance(uses, bool) or not isinstance(uses, int) or not 1 <= uses <= _MOST_USES:
        raise InvalidInput(f'not a number of uses: {shown(uses)} (from 1 to {_MOST_USES})', field='uses')
    if expires is None or expires > now + LONGEST_USED:
        raise InvalidInput(
            f'uses are counted until the pixel expires, which must be within {LONGEST_USED // DAY} days (try 30d)',
            field='expires',
        )
    return uses


def _origins(origins: object) -> tuple[str, ...]:
    if isinstance(origins, str) or not isinstance(origins, Collection) or len(origins) > _MOST_ORIGINS:
        raise InvalidInput(f'not origins: {shown(origins)} (a list of at most {_MOST_ORIGINS})', field='origins')
    return tuple(dict.fromkeys(map(_origin, origins)))


def _origin(given: object) -> str:
    text = given.removesuffix('/') if isinstance(given, str) else ''
    found = page_origin(text)
    if found is None or re.search(r'[/?#]', text.partition('://')[2]):
        raise InvalidInput(f'not an origin: {shown(given)} (try https://example.org)', field='origins')
    return found


# -- opening ---------------------------------------------------------------------------------------------------------


def _template(keyring: Keyring, token: str) -> Template:
    if len(token) > LONGEST_TOKEN:
        raise TokenRefused('forged')
    try:
        return _unpacked(keyring.open(token, _PURPOSE))
    except OtherVersion:
        raise TokenRefused('foreign') from None
    except ValueError:
        raise TokenRefused('forged') from None


# The same pixel is asked for by everybody who sees the page.
@lru_cache(maxsize=1_024)
def _unpacked(packed: bytes) -> Template:
    return unpack(packed)


def _is_given(given: Mapping[str, object], name: str) -> bool:
    return given.get(name) not in (None, '')


def _within(value: object, low: Micros, high: Micros) -> Micros:
    amount = parse_amount(value)
    if not low <= amount <= high:
        raise InvalidInput('out of bounds')
    return amount


def _free_value(value: object) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18 else value
    if not isinstance(text, str) or len(text.encode('utf-8', 'surrogatepass')) > LONGEST_FREE:
        raise InvalidInput('not a free name')
    if any('\ud800' <= character <= '\udfff' for character in text):
        raise InvalidInput('half a surrogate pair')
    return text


def _use(template: Template) -> Use | None:
    if not template.uses or template.expires is None:
        return None
    return Use(urlsafe_b64encode(template.id).rstrip(b'=').decode(), template.uses, template.expires)


def _numbers(amounts: Mapping[str, Micros]) -> dict[str, int | Decimal]:
    return {name: _exact(amount) for name, amount in amounts.items()}


def _exact(micros: Micros) -> int | Decimal:
    """An amount as a number that loses nothing."""
    whole, rest = divmod(micros, MICROS_PER_UNIT)
    return Decimal(micros).scaleb(-6).normalize() if rest else whole


def _nested(nodes: tuple[Path, ...]) -> dict[str, object]:
    """Dimensions whose nodes these are, as people write them: ``{'geo': {'UK': 'London'}}``."""
    tree: dict[str, dict[str, object]] = {}
    for node in nodes:
        here: dict[str, object] = tree  # type: ignore[assignment] # each value is a tree as well
        for name in node:
            here = here.setdefault(name, {})  # type: ignore[assignment]
    return {name: _tidy(below) for name, below in tree.items()}


def _tidy(tree: dict[str, object]) -> object:
    if not tree:
        return None
    if len(tree) == 1 and not next(iter(tree.values())):
        return next(iter(tree))
    return {name: _tidy(below) for name, below in tree.items()}  # type: ignore[arg-type]
