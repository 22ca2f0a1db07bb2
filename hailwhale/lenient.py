"""The one reader of values that people write into URLs: JSON, and the nearly-JSON that the documents show.

::

    value    =  list | mapping | text | number | word
    list     =  [ value, ... ]              a comma may trail
    mapping  =  { key: value, ... }         a comma may trail; a key is a text, a number or a word
    text     =  "..." or '...'              with the escapes of JSON, and \\' \\xHH \\UHHHHHHHH
    number   =  5  -5  +5  .50  5.  1e5     an int, or a Decimal: exact, never a float
    word     =  anything else up to the next , ] } (in a key also :), without [ { "; true, false, null as a value
                are what Python calls them

A whole value that begins with neither a bracket nor a quote, and is no number, is a word to its end, blanks and
all: ``O'Brien``, ``a/b``, ``x, y``.
Numbers that begin with further zeros (``007``) or that no counter could hold (``1e999999``) are words too.

`read_json` reads strict JSON within the same limits, for bodies that programs write.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hailwhale.errors import InvalidInput, InvalidText, LimitExceeded

MAX_BYTES = 65_536
MAX_DEPTH = 16
MAX_NODES = 4096

_NUMBER = re.compile(r'[+-]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?')
# 640 digits is the least that Python may be told to convert; beyond 10**400 lies no float and no amount.
_MAX_DIGITS = 640
_MAX_EXPONENT = 400
#: A number of fewer characters, without an exponent, is in range.
_SHORT = 64
#: Digits become zeros, so that too many of them in a row are one text to look for.
_ZEROS = bytes(ord('0') if chr(byte).isdecimal() and byte < 128 else byte for byte in range(256))
_TOO_LONG = b'0' * (_MAX_DIGITS + 1)

_WORDS = {'true': True, 'True': True, 'false': False, 'False': False, 'null': None, 'None': None}

_BLANKS = re.compile(r'\s*')
_JSON_BLANK = ' \t\n\r'
_JSON_BLANKS = re.compile(f'[{_JSON_BLANK}]*')
_WORD = re.compile(r'[^,\]}\[{"]*')
_KEY = re.compile(r'[^,\]}\[{":]*')
# Each alternative begins with another character, so that no text is tried twice.
_QUOTED = {
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL),
    "'": re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL),
}
# Two halves of one character, written as two escapes, are that one character.
_ESCAPE = re.compile(
    r'\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})'
    r'|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U(00(?:0[0-9a-fA-F]|10)[0-9a-fA-F]{4})|(.))',
    re.DOTALL,
)
_SINGLE_ESCAPES = {'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '"': '"', "'": "'", '\\': '\\', '/': '/'}


def read_value(
    text: str,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
    field: str | None = None,
) -> object:
    """The value of a text, as the module describes: a list, dict, str, int, Decimal, bool or None.

    ``max_depth`` counts brackets within brackets, ``max_nodes`` counts values; ``field`` is the argument that errors
    name.  Raises `InvalidText`, which says where, and `LimitExceeded`.

    >>> read_value("['a', 'b']"), read_value('{"spent": .50}'), read_value("O'Brien")
    (['a', 'b'], {'spent': Decimal('0.50')}, "O'Brien")
    """
    _check_size(text, max_bytes, field)
    try:
        try:
            value = _LENIENT_JSON.decode(text)
        except json.JSONDecodeError:
            return _Reader(text, max_depth, max_nodes, field).whole()
    except RecursionError as error:
        raise _too_deep(max_depth, field) from error
    _check_shape(value, text, max_depth, max_nodes, field)
    return value


def read_json(
    text: str | bytes,
    *,
    max_bytes: int = MAX_BYTES,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
    field: str | None = None,
) -> object:
    """The value of strict JSON (bytes are UTF-8), with numbers as int or Decimal.

    Raises `InvalidText` (also for ``NaN`` and ``Infinity``) and `LimitExceeded` (also for a number beyond 640
    digits or 10**400).

    >>> read_json(b'{"a": [1, 2.50]}')
    {'a': [1, Decimal('2.50')]}
    """
    _check_size(text, max_bytes, field)
    source = _utf8(text, field)
    try:
        value = _strict(text).decode(source)
    except json.JSONDecodeError as error:
        raise _unreadable(error.doc, error.pos, f'not JSON, {error.msg}', field) from error
    except InvalidInput as error:
        error.field = field
        raise
    except RecursionError as error:
        raise _too_deep(max_depth, field) from error
    _check_shape(value, source, max_depth, max_nodes, field)
    return value


def read_items(
    text: bytes, *, max_items: int, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES
) -> list[object | InvalidInput]:
    """The items of a list in strict JSON, each within its own limits: in the place of one that has more is the error.

    Raises `InvalidText` for what is no list in JSON, and `LimitExceeded` for more than ``max_items``, for a number
    beyond 640 digits or 10**400, and for brackets within brackets without end.

    >>> read_items(b'[{"a": 1}, 2.50]', max_items=2)
    [{'a': 1}, Decimal('2.50')]
    """
    source, scan = _utf8(text, None), _strict(text).scan_once
    items: list[object | InvalidInput] = []
    end = _next(source, 0)
    if source[end : end + 1] != '[':
        raise _unreadable(source, end, "not a JSON list, which begins with '['", None)
    following = source[(end := _next(source, end + 1)) : end + 1]
    while following != ']':
        start = end
        value, end = _scanned(scan, source, start, max_depth)
        if len(items) == max_items:
            raise _too_many_items(max_items)
        items.append(_shaped(value, source, start, end, max_depth, max_nodes))
        following = source[(end := _next(source, end)) : end + 1]
        if following == ',':
            end = _next(source, end + 1)
        elif following != ']':
            raise _unreadable(source, end, "not JSON, here comes ',' or ']'", None)
    if _next(source, end + 1) < len(source):
        raise _unreadable(source, end + 1, 'not JSON, nothing may follow here', None)
    return items


def read_lines(
    text: bytes, *, max_items: int, max_depth: int = MAX_DEPTH, max_nodes: int = MAX_NODES
) -> list[object | InvalidInput]:
    """The values of lines of strict JSON, blank lines left out: in the place of one that cannot be read is the error.

    Raises `LimitExceeded` for more than ``max_items``.

    >>> read_lines(b'{"a": 1}\\n\\n2.50\\n', max_items=2)
    [{'a': 1}, Decimal('2.50')]
    """
    values: list[object | InvalidInput] = []
    for line in text.split(b'\n'):
        if not line or line.isspace():
            continue
        if len(values) == max_items:
            raise _too_many_items(max_items)
        try:
            value: object = read_json(line, max_bytes=len(line), max_depth=max_depth, max_nodes=max_nodes)
        except InvalidInput as error:
            value = error
        values.append(value)
    return values


def _scanned(
    scan: Callable[[str, int], tuple[object, int]], source: str, at: int, max_depth: int
) -> tuple[object, int]:
    """The value that begins here, and where it ends."""
    try:
        return scan(source, at)
    except StopIteration as error:
        raise _unreadable(source, error.value, 'not JSON, a value is missing', None) from error
    except json.JSONDecodeError as error:
        raise _unreadable(source, error.pos, f'not JSON, {error.msg}', None) from error
    except RecursionError as error:
        raise _too_deep(max_depth, None) from error


def _shaped(value: object, source: str, start: int, end: int, max_depth: int, max_nodes: int) -> object:
    """The value, or the error where it is too large."""
    brackets = source.count('[', start, end) + source.count('{', start, end)
    if brackets > max_depth or brackets + source.count(',', start, end) >= max_nodes:
        try:
            _check_shape(value, source[start:end], max_depth, max_nodes, None)
        except LimitExceeded as error:
            return error
    return value


def _next(source: str, at: int) -> int:
    """The next character that is no blank of JSON."""
    return _end_of(_JSON_BLANKS, source, at) if source[at : at + 1] in _JSON_BLANK else at


class _Reader:
    """One pass over one text; ``at`` is the next character."""

    __slots__ = ('at', 'field', 'max_depth', 'max_nodes', 'nodes', 'text')

    def __init__(self, text: str, max_depth: int, max_nodes: int, field: str | None) -> None:
        self.text = text
        self.at = 0
        self.nodes = 0
        self.max_depth = max_depth
        self.max_nodes = max_nodes
        self.field = field

    def whole(self) -> object:
        if self.peek() not in ('[', '{', '"', "'"):
            bare = self.text.strip()
            if bare in _WORDS:
                return _WORDS[bare]
            return _number_in(bare) if _NUMBER.fullmatch(bare) else self.text
        value = self.value(depth=0)
        if self.peek():
            raise self.unreadable('nothing may follow here')
        return value

    def value(self, depth: int) -> object:
        self.nodes += 1
        if self.nodes > self.max_nodes:
            raise _too_many(self.max_nodes, self.field)
        begin = self.peek()
        if begin in _QUOTED:
            return self.quoted(begin)
        if begin not in ('[', '{'):
            return self.word()
        if depth == self.max_depth:
            raise _too_deep(self.max_depth, self.field)
        self.at += 1
        return self.items(depth + 1) if begin == '[' else self.branches(depth + 1)

    def items(self, depth: int) -> list[object]:
        items = []
        while not self.closed(']'):
            items.append(self.value(depth))
            self.separated(']')
        return items

    def branches(self, depth: int) -> dict[object, object]:
        branches = {}
        while not self.closed('}'):
            key = self.key()
            if self.peek() != ':':
                raise self.unreadable("a key and its value need ':' between them")
            self.at += 1
            branches[key] = self.value(depth)
            self.separated('}')
        return branches

    def key(self) -> object:
        begin = self.peek()
        if begin in _QUOTED:
            return self.quoted(begin)
        word = self.bare(_KEY)
        return _number_in(word) if _NUMBER.fullmatch(word) else word

    def word(self) -> object:
        word = self.bare(_WORD)
        if word in _WORDS:
            return _WORDS[word]
        return _number_in(word) if _NUMBER.fullmatch(word) else word

    def bare(self, pattern: re.Pattern[str]) -> str:
        """The word that begins here, without the blanks after it."""
        end = _end_of(pattern, self.text, self.at)
        word = self.text[self.at : end].rstrip()
        if not word:
            raise self.unreadable('a value is missing')
        # O'Brien is a name, but b' is a text whose first quote was forgotten.
        if word.endswith("'"):
            raise self.unreadable('a quote ends here that never began')
        self.at = end
        return word

    def quoted(self, quote: str) -> str:
        found = _QUOTED[quote].match(self.text, self.at)
        if found is None:
            raise self.unreadable('the quote that begins here never ends')
        body: str = found[1]
        if '\\' in body:
            body = _ESCAPE.sub(self.unescaped, body)
        self.at = found.end()
        return body

    def unescaped(self, found: re.Match[str]) -> str:
        high, low, *codes, single = found.groups()
        if high:
            return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
        for code in codes:
            if code:
                return chr(int(code, 16))
        if single not in _SINGLE_ESCAPES:
            self.at += 1 + found.start()
            raise self.unreadable('no character is written so (write a backslash twice)')
        return _SINGLE_ESCAPES[single]

    def closed(self, bracket: str) -> bool:
        closed = self.peek() == bracket
        self.at += closed
        return closed

    def separated(self, bracket: str) -> None:
        """Step over a comma, where the list or mapping does not end here."""
        following = self.peek()
        if following == ',':
            self.at += 1
        elif following != bracket:
            raise self.unreadable(f"here comes ',' or '{bracket}'")

    def peek(self) -> str:
        """The next character that is no blank; '' at the end."""
        self.at = _end_of(_BLANKS, self.text, self.at)
        return self.text[self.at : self.at + 1]

    def unreadable(self, why: str) -> InvalidText:
        return _unreadable(self.text, self.at, why, self.field)


def _end_of(pattern: re.Pattern[str], text: str, start: int) -> int:
    """Where the match that begins at ``start`` ends: there itself when nothing matches."""
    found = pattern.match(text, start)
    return found.end() if found else start


def _in_range(digits: str) -> bool:
    _, _, exponent = digits.lower().partition('e')
    return len(digits) <= _MAX_DIGITS and (not exponent or abs(int(exponent)) <= _MAX_EXPONENT)


def _number_in(digits: str) -> int | Decimal | str:
    """The exact number, or the text itself where it is out of range."""
    if not _in_range(digits):
        return digits
    return Decimal(digits) if any(mark in digits for mark in '.eE') else int(digits)


def _strict_number(digits: str) -> int | Decimal:
    if len(digits) < _SHORT and 'e' not in digits and 'E' not in digits and '.' in digits:
        return Decimal(digits)
    value = _number_in(digits)
    if isinstance(value, str):
        raise LimitExceeded(f'a number out of range: {_shown(digits)} (send it as a text)')
    return value


def _strict_constant(name: str) -> object:
    raise InvalidText(f'not JSON: {name} (leave the value out, or send null)')


_LENIENT_JSON = json.JSONDecoder(parse_float=_number_in, parse_int=_number_in, parse_constant=str)
_STRICT_JSON = json.JSONDecoder(parse_float=_strict_number, parse_constant=_strict_constant)
_CAREFUL_JSON = json.JSONDecoder(parse_float=_strict_number, parse_int=_strict_number, parse_constant=_strict_constant)


def _strict(text: str | bytes) -> Any:
    """What decodes strict JSON: where no number can be too long, without a look at each, in half of the time."""
    if len(text) <= _MAX_DIGITS:
        return _STRICT_JSON
    raw = text if isinstance(text, bytes) else text.encode('utf-8', 'surrogatepass')
    return _CAREFUL_JSON if _TOO_LONG in raw.translate(_ZEROS) else _STRICT_JSON


def _utf8(text: str | bytes, field: str | None) -> str:
    if isinstance(text, str):
        return text
    try:
        return text.decode('utf-8-sig')
    except UnicodeDecodeError as error:
        raise InvalidText(f'not UTF-8 at byte {error.start + 1} (encode JSON as UTF-8)', field=field) from error


def _check_size(text: str | bytes, max_bytes: int, field: str | None) -> None:
    size = len(text)
    if size <= max_bytes and isinstance(text, str) and not text.isascii():
        size = len(text.encode('utf-8', 'surrogatepass'))
    if size > max_bytes:
        raise LimitExceeded(f'{_place(field)}more than {max_bytes} bytes (send less at once)', field=field)


def _check_shape(value: object, text: str, max_depth: int, max_nodes: int, field: str | None) -> None:
    # Each value but the first follows a bracket or a comma, which are quicker to count than the values.
    brackets = text.count('[') + text.count('{')
    if brackets <= max_depth and brackets + text.count(',') < max_nodes:
        return
    level, depth, nodes = [value], 0, 0
    while level:
        nodes += len(level)
        if nodes > max_nodes:
            raise _too_many(max_nodes, field)
        containers = [item for item in level if isinstance(item, (list, dict))]
        depth += bool(containers)
        if depth > max_depth:
            raise _too_deep(max_depth, field)
        level = [below for item in containers for below in (item.values() if isinstance(item, dict) else item)]


def _too_deep(max_depth: int, field: str | None) -> LimitExceeded:
    return LimitExceeded(f'{_place(field)}more than {max_depth} brackets within each other (use fewer)', field=field)


def _too_many_items(max_items: int) -> LimitExceeded:
    return LimitExceeded(f'more than {max_items} events at once (send fewer, or raise HAILWHALE_MAX_BATCH)')


def _too_many(max_nodes: int, field: str | None) -> LimitExceeded:
    return LimitExceeded(f'{_place(field)}more than {max_nodes} values (send fewer at once)', field=field)


def _unreadable(text: str, at: int, why: str, field: str | None) -> InvalidText:
    return InvalidText(f'{_place(field)}cannot read {_shown(text)} at character {at + 1}: {why}', field=field)


def _place(field: str | None) -> str:
    return f'{field}: ' if field else ''


def _shown(text: str) -> str:
    return repr(text) if len(text) <= 80 else f'{text[:77]!r}...'
