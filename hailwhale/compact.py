"""An event's template in as few bytes as can be: what a sealed pixel carries.

::

    template  =  FLAGS  [names of the pk, where there are more than 3]  name ...
                 [EXPIRES]  [MOST ID]  [dimensions]  [metrics]  [MORE  [vary]  [free]  [origins]]
    FLAGS     =  1 bit version (0), 2 bits names of the pk less 1 (3: more),
                 expires?, uses?, dimensions?, metrics?, more?
    MORE      =  vary?, free?, origins?
    EXPIRES   =  seconds since 2025;   MOST: how many uses;   ID: 8 random bytes
    dimensions   their number, then for each that has none below it: 8 x the names that it shares with the one
                 before it + its further names less 1 (7 and the rest after it, where these are more), and those names
    metrics   =  2 x their number (+ 1 where each amounts to 1), then name and amount of each (or the names alone)
    vary, free, origins: their number, then name, least and most; name; 'https' left out of the origin
    amount    =  2 x (7 x digits + how many of them stand behind the point) (+ 1 where it is negative)
    name      =  2 x place in WORDS + 1, or 8 x length + 2 x kind and the bytes
    kind 0       a whole number: it stands in place of the length
    kind 1, 2    letters of `_HEX`, `_SMALL`, read as digits of one number; a length of 0 of kind 1: a UUID
    kind 3       UTF-8

All numbers have seven bits in a byte, the low ones first; the top bit says that more follow.  The format is for good:
words are only ever added at the end, and a change of anything else is another version.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, TypeVar

from hailwhale.metrics import MICROS_PER_UNIT, Micros
from hailwhale.paths import Path

__all__ = ['BEGINNING', 'ID_BYTES', 'WORDS', 'OtherVersion', 'Template', 'leaves', 'pack', 'unpack']

T = TypeVar('T')

#: No template expires before 2025.
BEGINNING = 1_735_689_600
ID_BYTES = 8

# The first 64 take one byte, the others two.
_WORDS = """
hits opened clicked viewed mail email newsletter campaign page product Product shop user visits views clicks opens sales
orders revenue price value cost spent earned time duration seconds country device browser city region language source
medium referrer url site app event count signup login purchase mobile desktop tablet name id type version variant option
banner ad impressions conversions video download downloads link goal score
visit view open click sale order visitor visitors users pages products emails mails campaigns newsletters ads banners
impression conversion videos links goals scores amount total quantity profit tax discount rating stars feedback position
index percent level size length width height age gender plan tier status state action category section template subject
sent delivered bounced bounce unsubscribed subscribed forwarded replied spam downloaded played paused finished started
registered purchased paid refunded cancelled returned added removed cart basket checkout home landing search share
shared like likes comment comments post posts article articles story author tag tags channel partner affiliate coupon
os platform screen model brand network carrier currency locale timezone utm_source utm_medium utm_campaign
utm_content utm_term
geo test control true false yes no other none new returning android ios Android iOS Windows Linux macOS Chrome Firefox
Safari Edge US UK GB DE FR ES IT NL BR IN JP CN CA AU MX en de fr es it
"""
WORDS = tuple(_WORDS.split())
_PLACES = {word: place for place, word in enumerate(WORDS)}
_HEX = '0123456789abcdef'
_SMALL = 'abcdefghijklmnopqrstuvwxyz0123456789-_. '
_IS_NUMBER = re.compile(r'0|[1-9][0-9]{0,17}', re.ASCII)
_IS_UUID = re.compile(r'[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}')

_EXPIRES, _USES, _DIMENSIONS, _METRICS, _MORE = 0x10, 0x08, 0x04, 0x02, 0x01
_VARY, _FREE, _ORIGINS = 0x01, 0x02, 0x04
_LONG_PK = 3
_LEVELS = 8
_PLACES_BEHIND = 7


class OtherVersion(ValueError):
    """A template that a later release has packed."""


class Template(NamedTuple):
    """An event, and what may be changed in it; exact and checked."""

    pk: Path
    nodes: tuple[Path, ...]  #: of its dimensions, parents before children, overall left out
    amounts: Mapping[str, Micros]
    vary: Mapping[str, tuple[Micros, Micros]]
    free: tuple[str, ...]
    expires: int | None  #: epoch seconds
    uses: int  #: how often at the most; 0: as often as anybody likes
    id: bytes  #: by which the uses are counted
    origins: tuple[str, ...]


def leaves(nodes: Collection[Path]) -> list[Path]:
    """The nodes with none below them: all others follow from these.

    >>> leaves([('geo',), ('geo', 'UK'), ('mobile',)])
    [('geo', 'UK'), ('mobile',)]
    """
    above = {node[:-1] for node in nodes}
    return [node for node in nodes if node not in above]


def pack(template: Template) -> bytes:
    """The bytes of a template."""
    flags = min(len(template.pk) - 1, _LONG_PK) << 5
    body = _number(len(template.pk)) if len(template.pk) > _LONG_PK else b''
    body += b''.join(map(_name, template.pk))
    if template.expires is not None:
        flags |= _EXPIRES
        body += _number(template.expires - BEGINNING)
    if template.uses:
        flags |= _USES
        body += _number(template.uses) + template.id
    if template.nodes:
        flags |= _DIMENSIONS
        body += _dimensions(leaves(template.nodes))
    if template.amounts:
        flags |= _METRICS
        body += _metrics(template.amounts)
    more = _more(template)
    return bytes([flags | (_MORE if more else 0)]) + body + more


def _more(template: Template) -> bytes:
    """What few templates have."""
    flags, body = 0, b''
    if template.vary:
        flags |= _VARY
        body += _listed(
            [_name(name) + _amount(low) + _amount(high) for name, (low, high) in template.vary.items()],
        )
    if template.free:
        flags |= _FREE
        body += _listed(list(map(_name, template.free)))
    if template.origins:
        flags |= _ORIGINS
        body += _listed([_name(origin.removeprefix('https://')) for origin in template.origins])
    return bytes([flags]) + body if flags else b''


def _listed(packed: list[bytes]) -> bytes:
    return _number(len(packed)) + b''.join(packed)


def _dimensions(ends: list[Path]) -> bytes:
    packed: list[bytes] = []
    before: Path = ()
    for end in ends:
        shared = 0
        while shared < min(len(before), len(end)) and before[shared] == end[shared]:
            shared += 1
        further = len(end) - shared - 1
        few = min(further, _LEVELS - 1)
        rest = b'' if few < _LEVELS - 1 else _number(further - few)
        packed.append(_number(shared * _LEVELS + few) + rest + b''.join(map(_name, end[shared:])))
        before = end
    return _listed(packed)


def _metrics(amounts: Mapping[str, Micros]) -> bytes:
    if all(amount == MICROS_PER_UNIT for amount in amounts.values()):
        return _number(2 * len(amounts) + 1) + b''.join(map(_name, amounts))
    return _number(2 * len(amounts)) + b''.join(_name(name) + _amount(amount) for name, amount in amounts.items())


def _amount(micros: Micros) -> bytes:
    digits, behind = abs(micros), _PLACES_BEHIND - 1
    while behind and digits % 10 == 0:
        digits, behind = digits // 10, behind - 1
    return _number(2 * (_PLACES_BEHIND * digits + behind) + (micros < 0))


def _name(text: str) -> bytes:
    """The shortest spelling."""
    place = _PLACES.get(text)
    if place is not None:
        return _number(2 * place + 1)
    if _IS_NUMBER.fullmatch(text):
        return _number(8 * int(text))
    if _IS_UUID.fullmatch(text):
        return _number(2) + bytes.fromhex(text.replace('-', ''))
    for kind, letters in ((1, _HEX), (2, _SMALL)):
        if text and all(letter in letters for letter in text):
            return _number(8 * len(text) + 2 * kind) + _digits(text, letters)
    raw = text.encode()
    return _number(8 * len(raw) + 6) + raw


def _digits(text: str, letters: str) -> bytes:
    value = 0
    for letter in text:
        value = value * len(letters) + letters.index(letter)
    return value.to_bytes(_size(len(text), letters), 'little')


def _size(length: int, letters: str) -> int:
    """The bytes of so many letters."""
    largest: int = len(letters) ** length - 1
    return (largest.bit_length() + 7) // 8


def _number(value: int) -> bytes:
    packed = bytearray()
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)
    return bytes(packed)


def unpack(packed: bytes) -> Template:
    """The template of these bytes.  Raises `OtherVersion`, and `ValueError` for bytes that `pack` never writes."""
    try:
        return _template(_Reader(packed))
    except IndexError:
        raise ValueError('a template that is cut off') from None


def _template(read: _Reader) -> Template:
    flags = read.byte()
    if flags & 0x80:
        raise OtherVersion('a template of a later release')
    names = (flags >> 5) + 1
    pk = tuple(read.name() for _ in range(read.number() if names > _LONG_PK else names))
    expires = BEGINNING + read.number() if flags & _EXPIRES else None
    uses = read.number() if flags & _USES else 0
    id = read.bytes(ID_BYTES) if flags & _USES else b''
    nodes = read.nodes() if flags & _DIMENSIONS else ()
    amounts = read.amounts() if flags & _METRICS else {}
    more = read.byte() if flags & _MORE else 0
    vary = dict(read.list(read.varied)) if more & _VARY else {}
    free = tuple(read.list(read.name)) if more & _FREE else ()
    origins = tuple(read.list(read.origin)) if more & _ORIGINS else ()
    if not read.at_end or not pk:
        raise ValueError('more than a template')
    if flags & _USES and not uses:
        raise ValueError('a template for no use at all')
    return Template(pk, nodes, amounts, vary, free, expires, uses, id, origins)


class _Reader:
    """Reads one part after the other; `IndexError` at the end."""

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._packed)

    def byte(self) -> int:
        byte = self._packed[self._at]
        self._at += 1
        return byte

    def bytes(self, size: int) -> bytes:
        if self._at + size > len(self._packed):
            raise IndexError
        self._at += size
        return self._packed[self._at - size : self._at]

    def number(self) -> int:
        value = shift = 0
        while (byte := self.byte()) > 0x7F:
            value |= (byte & 0x7F) << shift
            shift += 7
        return value | byte << shift

    def list(self, item: Callable[[], T]) -> list[T]:
        return [item() for _ in range(self.number())]

    def name(self) -> str:
        value = self.number()
        if value & 1:
            return WORDS[value >> 1]
        length, kind = value >> 3, value >> 1 & 3
        if kind == 0:
            return str(length)
        if kind == 3:
            return self.bytes(length).decode()
        return self._uuid() if kind == 1 and not length else self._letters(length, _HEX if kind == 1 else _SMALL)

    def _uuid(self) -> str:
        digits = self.bytes(16).hex()
        return '-'.join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _letters(self, length: int, letters: str) -> str:
        # Not more letters than the bytes that are left can hold: their number alone would be a large one to raise to.
        if length > 2 * len(self._packed):
            raise IndexError
        value = int.from_bytes(self.bytes(_size(length, letters)), 'little')
        found = []
        for _ in range(length):
            value, letter = divmod(value, len(letters))
            found.append(letters[letter])
        return ''.join(reversed(found))

    def amount(self) -> Micros:
        value = self.number()
        digits, behind = divmod(value >> 1, _PLACES_BEHIND)
        unit: int = 10 ** (_PLACES_BEHIND - 1 - behind)
        return digits * (-unit if value & 1 else unit)

    def amounts(self) -> dict[str, Micros]:
        number = self.number()
        if number & 1:
            return {self.name(): MICROS_PER_UNIT for _ in range(number >> 1)}
        return {self.name(): self.amount() for _ in range(number >> 1)}

    def varied(self) -> tuple[str, tuple[Micros, Micros]]:
        return self.name(), (self.amount(), self.amount())

    def origin(self) -> str:
        name = self.name()
        return name if '://' in name else f'https://{name}'

    def nodes(self) -> tuple[Path, ...]:
        found: dict[Path, None] = {}
        before: Path = ()
        for _ in range(self.number()):
            shared, further = divmod(self.number(), _LEVELS)
            further += self.number() if further == _LEVELS - 1 else 0
            before = before[:shared] + tuple(self.name() for _ in range(further + 1))
            found.update((before[:end], None) for end in range(1, len(before) + 1))
        return tuple(found)
