"""Heads of requests that are plain beyond doubt: read by one strict pattern, so that no two programs differ about them.

A plain head is one line ``GET PATH?QUERY HTTP/1.x`` and headers in visible ASCII, each once, none of which says
anything about a body, another protocol, or waiting for leave.  What is not plain is not refused: it is read by what
reads all requests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

#: Longer heads are not plain; nor are those of more lines.
MAX_HEAD = 16_384
_MAX_LINES = 64
#: As `gevent.pywsgi` bounds the first line.
MAX_LINE = 8_192
#: Ends of heads that are remembered, and how long one may be for that.
_REMEMBERED = 1_024
_LONGEST = 2_048

#: The end of a head as the most lenient reader sees it.
_ANY_END = re.compile(rb'\n\r?\n')
_TAIL = re.compile(rb" HTTP/1\.[01]((?:\r\n[A-Za-z0-9!#$%&'*+.^`|~-]+:[\t -~]*)*)")
_QUERY = re.compile(rb'[!-~]*')
#: What tells of a body, of another protocol, or of waiting for leave.
_MORE = frozenset((b'content-length', b'content-type', b'transfer-encoding', b'expect', b'upgrade', b'te', b'trailer'))
_KEEPS = {b'keep-alive': True, b'close': False}
_NAMES = (b'host', b'origin', b'referer', b'authorization', b'sec-fetch-site', b'cookie')


class Head(NamedTuple):
    """What a plain head says beside its first line; '' where it does not say it."""

    version: str
    keeps: bool  #: whether the connection may have another request
    host: str
    origin: str
    referer: str
    authorization: str
    site: str  #: Sec-Fetch-Site
    cookie: str
    environ: Mapping[str, str] = {}  #: all that it says, by the names of WSGI


def has_ended(data: bytes) -> bool:
    """Whether some reader may take the bytes for a whole head."""
    return _ANY_END.search(data) is not None


def is_plain_query(query: bytes) -> bool:
    """Whether a query is of visible ASCII alone."""
    return _QUERY.fullmatch(query) is not None


def plain(tail: bytes) -> Head | None:
    r"""What a head says from the blank before its version on, without the empty line at its end; None: not plain.

    >>> plain(b' HTTP/1.1\r\nHost: a').host
    'a'
    >>> plain(b' HTTP/1.1\r\nHost: a\r\n folded')
    """
    match = _TAIL.fullmatch(tail)
    if match is None or len(tail) > MAX_HEAD:
        return None
    lines = match[1].split(b'\r\n')[1:]
    found: dict[bytes, bytes] = {}
    for line in lines:
        name, _, value = line.partition(b':')
        found[name.lower()] = value.strip(b' \t')
    # What is said by saying nothing may be heard as something, or as nothing.
    if (
        b'' in found.values()
        or len(found) < len(lines)
        or len(lines) > _MAX_LINES
        or not found.keys().isdisjoint(_MORE)
    ):
        return None
    version = tail[6:9].decode()
    said = found.get(b'connection')
    keeps = version == '1.1' if said is None else _KEEPS.get(said.lower())
    if keeps is None:
        return None
    environ = {f'HTTP_{name.decode().upper().replace("-", "_")}': value.decode() for name, value in found.items()}
    host, origin, referer, authorization, site, cookie = (found.get(name, b'').decode() for name in _NAMES)
    return Head(version, keeps, host, origin, referer, authorization, site, cookie, environ)


_remembered = lru_cache(_REMEMBERED)(plain)


def known(tail: bytes) -> Head | None:
    """As `plain`; what has come before is not read again."""
    return _remembered(tail) if len(tail) <= _LONGEST else plain(tail)
