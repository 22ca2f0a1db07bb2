"""Paths: the names that events are counted under, and the one text that each of them has in keys.

A path is a tuple of strings.  A pk is a path of at least one name; a dimension node is a path too, and the
empty path is "overall".  Three spellings of a path exist:

=============  ================================  ==========================================
for            ``('geo', 'UK')``                 written by, read by
=============  ================================  ==========================================
programs       ``('geo', 'UK')``                 `pk_path`, `dimension_nodes`, `question_nodes`
results        ``'["geo", "UK"]'``               `path_name`, `parse_path_name`
keys, fields   ``'geo/UK'``                      `encode`, `decode`
=============  ================================  ==========================================

The last two are injective: two different paths never share a text.
"""

from __future__ import annotations

import json
import operator
import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import NamedTuple, NoReturn
from uuid import UUID

from hailwhale.errors import InvalidDimensions, InvalidInput, InvalidPath, LimitExceeded

Path = tuple[str, ...]

OVERALL: Path = ()
DEFAULT_PK: Path = ('_',)

MAX_NAME_BYTES = 512
MAX_DEPTH = 16
MAX_NODES = 256

# '/' joins names and ':' joins the parts of a key; '{' and '}' would open or end the hash tag of a cluster; blanks
# and control characters would break lines of the engine's tools.  A lone surrogate has no UTF-8 to be stored as.
_SPECIAL = re.compile('[/:{}%\x00-\x20\x7f\ud800-\udfff]')
_SPECIAL_IN_CODE = re.compile('[:{}%\x00-\x20\x7f\ud800-\udfff]')
_ESCAPED = re.compile('%([0-9A-F]{2})')
_EMPTY_NAME = '%'

_to_json = json.JSONEncoder(ensure_ascii=False).encode
# A number within a name's JSON is meant as it is written: 1.50 is the name '1.50', not '1.5'.
_from_json = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str).decode


class _Rules(NamedTuple):
    """What a reader allows, and how it complains."""

    field: str
    misshapen: type[InvalidInput]
    max_name_bytes: int
    max_depth: int
    max_nodes: int


def pk_path(pk: object = None, *, max_name_bytes: int = MAX_NAME_BYTES, max_depth: int = MAX_DEPTH) -> Path:
    """The path that a pk names: ``None`` is ``('_',)``, a scalar is a path of one, a list or tuple is the path.

    Names are texts; numbers, booleans, UUIDs and dates are taken by the text that Python gives them.

    Raises `InvalidPath` for anything else, and `LimitExceeded` for a longer name or a deeper path than allowed.

    >>> pk_path(), pk_path('signup'), pk_path(['Product', 42])
    (('_',), ('signup',), ('Product', '42'))
    """
    if pk is None:
        return DEFAULT_PK
    rules = _Rules('pk', InvalidPath, max_name_bytes, max_depth, MAX_NODES)
    if not isinstance(pk, (list, tuple)):
        return (_name(pk, rules),)
    if not pk:
        raise InvalidPath("a pk has at least one name, this one is [] (leave it out to count under '_')", field='pk')
    return _path(pk, rules)


def prefixes(path: Path) -> tuple[Path, ...]:
    """Every non-empty prefix of a path, the shortest first, the path itself last.

    >>> prefixes(('Product', '42'))
    (('Product',), ('Product', '42'))
    """
    return tuple([path[:length] for length in range(1, len(path) + 1)])


def dimension_nodes(
    dimensions: object = None,
    *,
    max_name_bytes: int = MAX_NAME_BYTES,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
) -> tuple[Path, ...]:
    """Every node that an event with these dimensions counts: overall first, each once, parents before children.

    A scalar is one node, a list or tuple is a path, a mapping has a branch for each key; what a key leads to is
    read likewise: a scalar is a child, a list is a path below, a mapping is more branches, ``None`` is no child.
    ``None``, ``''``, ``'_'`` and whatever is empty are overall alone.

    Raises `InvalidDimensions` for another shape, `InvalidPath` for a name without UTF-8, and `LimitExceeded`
    beyond the limits (``max_nodes`` counts overall too).

    >>> dimension_nodes({'a': 5, 'b': {'x': 1, 'y': 2}})[:4]
    ((), ('a',), ('a', '5'), ('b',))
    >>> dimension_nodes(['UK', 'London'])
    ((), ('UK',), ('UK', 'London'))
    """
    nodes: dict[Path, None] = {OVERALL: None}
    if not _is_overall(dimensions):
        rules = _Rules('dimensions', InvalidDimensions, max_name_bytes, max_depth, max_nodes)
        _add_below(OVERALL, dimensions, nodes, rules)
        if len(nodes) > max_nodes:
            _refuse_count(rules)
    return tuple(nodes)


def question_nodes(
    dimensions: object = None,
    *,
    max_name_bytes: int = MAX_NAME_BYTES,
    max_depth: int = MAX_DEPTH,
    max_nodes: int = MAX_NODES,
) -> tuple[Path, ...]:
    """The nodes that a reader asks for, each once, in the order asked.

    A scalar is that node, a list of scalars is that one path; in a list that holds a list, each item is a path of its
    own (``'_'``, ``''``, ``None`` or ``[]`` is overall); a mapping asks for all that an event with it would count.
    Nothing at all asks for overall.

    Raises as `dimension_nodes` does.

    >>> question_nodes('UK'), question_nodes(['geo', 'UK'])
    ((('UK',),), (('geo', 'UK'),))
    >>> question_nodes([['geo', 'UK'], '_', 'mobile'])
    (('geo', 'UK'), (), ('mobile',))
    """
    if isinstance(dimensions, Mapping):
        return dimension_nodes(dimensions, max_name_bytes=max_name_bytes, max_depth=max_depth, max_nodes=max_nodes)
    rules = _Rules('dimensions', InvalidDimensions, max_name_bytes, max_depth, max_nodes)
    if isinstance(dimensions, (list, tuple)) and any(isinstance(item, (list, tuple)) for item in dimensions):
        if len(dimensions) > max_nodes:
            _refuse_count(rules)
        return tuple(dict.fromkeys([_question_path(item, rules) for item in dimensions]))
    return (_question_path(dimensions, rules),)


def path_name(path: Path) -> str:
    """The text of a dimension in results: ``'_'``, the name of a path of one, else the path as a JSON list.

    Injective: a single name that would look like another path's text is written as JSON too.

    >>> path_name(()), path_name(('UK',)), path_name(('geo', 'UK')), path_name(('_',))
    ('_', 'UK', '["geo", "UK"]', '["_"]')
    """
    if not path:
        return '_'
    if len(path) == 1:
        name = path[0]
        if name and name != '_' and name[0] != '[':
            return name
    return _to_json(path)


def parse_path_name(text: str) -> Path:
    """The path that has this text in results; the inverse of `path_name`.

    Raises `InvalidPath` for a text that begins as a list and is none, `LimitExceeded` beyond the limits of a path.

    >>> parse_path_name('["geo", "UK"]')
    ('geo', 'UK')
    """
    rules = _Rules('dimensions', InvalidPath, MAX_NAME_BYTES, MAX_DEPTH, MAX_NODES)
    if text in ('_', ''):
        return OVERALL
    if text[0] != '[':
        return (_name(text, rules),)
    try:
        return _path(_from_json(text), rules)
    except (json.JSONDecodeError, RecursionError) as error:
        message = f'not the name of a path: {_shown(text)} (a list of names, as ["geo", "UK"])'
        raise InvalidPath(message, field='dimensions') from error


def escape(name: str) -> str:
    """One name as it stands in keys and fields: never empty, without ``/ : { }``, blanks and control characters.

    What may not stand there becomes ``%XX``; the empty name is ``'%'``; all other Unicode stays as it is.
    Raises `InvalidPath` for a lone surrogate.

    >>> escape('Mac OS X'), escape('50%'), escape('')
    ('Mac%20OS%20X', '50%25', '%')
    """
    if not name:
        return _EMPTY_NAME
    if _SPECIAL.search(name) is None:
        return name
    return _SPECIAL.sub(_escape_one, name)


def unescape(text: str) -> str:
    """The name whose escaped text this is.  Raises `InvalidPath` for a text that `escape` never writes.

    >>> unescape('Mac%20OS%20X')
    'Mac OS X'
    """
    if text and _SPECIAL.search(text) is None:
        return text
    if text == _EMPTY_NAME:
        return ''
    name = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    # Only what escape() itself writes is read: any other spelling would be a second key for the same name.
    if not name or _SPECIAL.sub(_escape_one, name) != text:
        raise InvalidPath(f'not an escaped name: {_shown(text)}')
    return name


def encode(path: Path) -> str:
    """A path as it stands in keys and fields: its escaped names joined by ``/``; overall is ``''``.

    >>> encode(('geo', 'UK')), encode(('a/b', ''))
    ('geo/UK', 'a%2Fb/%')
    """
    return '/'.join([escape(name) for name in path])


def decode(text: str) -> Path:
    """The path whose encoded text this is.  Raises `InvalidPath` for a text that `encode` never writes.

    >>> decode('a%2Fb/%')
    ('a/b', '')
    """
    if not text:
        return OVERALL
    names = text.split('/')
    if _SPECIAL_IN_CODE.search(text) is None and '' not in names:
        return tuple(names)
    return tuple([unescape(name) for name in names])


def _escape_one(found: re.Match[str]) -> str:
    character = found[0]
    if character > '\x7f':
        message = f'a name cannot hold half a surrogate pair: {_shown(found.string)} (decode the text as UTF-8 first)'
        raise InvalidPath(message)
    return f'%{ord(character):02X}'


def _is_overall(dimensions: object) -> bool:
    if isinstance(dimensions, str):
        return dimensions in ('_', '')
    return dimensions is None or (isinstance(dimensions, (Mapping, list, tuple)) and not dimensions)


def _question_path(item: object, rules: _Rules) -> Path:
    if _is_overall(item):
        return OVERALL
    if isinstance(item, (list, tuple)):
        return _path(item, rules)
    return (_name(item, rules),)


def _path(names: list[object] | tuple[object, ...], rules: _Rules) -> Path:
    if len(names) > rules.max_depth:
        _refuse_depth(rules)
    return tuple([_name(name, rules) for name in names])


def _add_below(parent: Path, below: object, nodes: dict[Path, None], rules: _Rules) -> None:
    """Add what ``below`` says lies under ``parent``."""
    if isinstance(below, (list, tuple)):
        for name in below:
            parent = _add(parent, name, nodes, rules)
    elif isinstance(below, dict) or (type(below) is not str and isinstance(below, Mapping)):
        for name, deeper in below.items():
            node = _add(parent, name, nodes, rules)
            # The limits are checked on the way, so that neither a wide tree nor one that holds itself costs more.
            if len(nodes) > rules.max_nodes:
                _refuse_count(rules)
            if deeper is not None:
                _add_below(node, deeper, nodes, rules)
    else:
        _add(parent, below, nodes, rules)


def _add(parent: Path, name: object, nodes: dict[Path, None], rules: _Rules) -> Path:
    node = (*parent, _name(name, rules))
    if len(node) > rules.max_depth:
        _refuse_depth(rules)
    nodes[node] = None
    return node


def _name(value: object, rules: _Rules) -> str:
    """The checked text of one name."""
    name = value if type(value) is str else _text_of(value, rules)
    if name.isascii():
        size = len(name)
    else:
        try:
            size = len(name.encode())
        except UnicodeEncodeError as error:
            message = f'a name cannot hold half a surrogate pair: {_shown(name)} (decode the text as UTF-8 first)'
            raise InvalidPath(message, field=rules.field) from error
    if size > rules.max_name_bytes:
        _refuse_size(name, rules)
    return name


def _text_of(value: object, rules: _Rules) -> str:
    # The base types' own methods: an enum member that is a text or a number goes by its value, not by 'Color.RED'.
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, (bool, Decimal, UUID)):
        return str(value)
    if isinstance(value, float):
        return float.__repr__(value)
    if isinstance(value, date):
        return value.isoformat()
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError as error:
        way_out = 'use a text, a number, a date or a UUID'
        raise rules.misshapen(f'{rules.field}: not a name: {_shown(value)} ({way_out})', field=rules.field) from error
    # Python refuses to write integers of thousands of digits; each digit takes more than three bits.
    if number.bit_length() > 4 * rules.max_name_bytes:
        _refuse_size('an integer', rules)
    return str(number)


def _refuse_size(name: str, rules: _Rules) -> NoReturn:
    message = f'{rules.field}: a name of more than {rules.max_name_bytes} bytes: {_shown(name)} (shorten it)'
    raise LimitExceeded(message, field=rules.field)


def _refuse_depth(rules: _Rules) -> NoReturn:
    message = f'{rules.field}: a path of more than {rules.max_depth} names (use fewer levels)'
    raise LimitExceeded(message, field=rules.field)


def _refuse_count(rules: _Rules) -> NoReturn:
    message = f'{rules.field}: more than {rules.max_nodes} nodes (use fewer branches)'
    raise LimitExceeded(message, field=rules.field)


def _shown(value: object) -> str:
    """A value as a message shows it: never longer than a line."""
    text = repr(value) if isinstance(value, (str, bytes)) else f'a {type(value).__name__}'
    return text if len(text) <= 80 else f'{text[:77]}...'
