"""The body of a request: read to its end, inflated where it was sent so, within limits.

A body that claims to be larger than allowed is refused before any of it is read, and one that inflates to more than
allowed as soon as it does: a bomb takes no more memory than an honest body.
"""

from __future__ import annotations

import zlib
from typing import Any

from hailwhale.errors import InvalidInput, InvalidText, LimitExceeded

Environ = dict[str, Any]

#: What a body may be packed in; it says so in Content-Encoding.
PACKED = frozenset({'gzip', 'x-gzip'})
_PLAIN = frozenset({'', 'identity'})
#: zlib's way to say: with the head and the checksum of gzip, and no other.
_GZIP = 16 + zlib.MAX_WBITS
_STEP = 65_536


class UnknownCoding(InvalidInput):
    """The body is packed in a way that is not read."""

    code = 'unsupported_content_encoding'


def body_of(environ: Environ, *, max_body: int, max_inflated: int) -> bytes:
    """The body, inflated.

    ``max_body`` is for the bytes that are sent, ``max_inflated`` for what they become.  Raises `LimitExceeded`,
    `UnknownCoding`, and `InvalidText` for a body that is cut off or damaged.
    """
    coding = environ.get('HTTP_CONTENT_ENCODING', '').strip().lower()
    if coding not in PACKED and coding not in _PLAIN:
        raise UnknownCoding(f'not a Content-Encoding that is read: {coding!r:.80} (send gzip, or leave it out)')
    body = _received(environ, max_body)
    return _inflated(body, max_inflated) if coding in PACKED and body else body


def _received(environ: Environ, max_body: int) -> bytes:
    length = environ.get('CONTENT_LENGTH') or '0'
    if not (length.isascii() and length.isdigit()):
        raise InvalidText(f'not a Content-Length: {length!r:.80}')
    # A body in chunks tells no length; the server must mark its end then.
    wanted = max_body + 1 if environ.get('wsgi.input_terminated') and length == '0' else int(length)
    if wanted > max_body and length != '0':
        raise _too_large(max_body)
    body = _read(environ, wanted)
    if len(body) > max_body:
        raise _too_large(max_body)
    if len(body) < int(length):
        raise InvalidText(f'the body ended after {len(body)} of {length} bytes')
    return body


def _read(environ: Environ, wanted: int) -> bytes:
    parts = []
    try:
        while wanted and (part := environ['wsgi.input'].read(wanted)):
            parts.append(part)
            wanted -= len(part)
    except OSError as error:
        raise InvalidText('the body did not arrive whole (send it again)') from error
    return b''.join(parts)


def _inflated(body: bytes, max_inflated: int) -> bytes:
    """What a body of gzip holds; it must be one stream, whole, with nothing behind it."""
    inflater = zlib.decompressobj(_GZIP)
    inflated, left = bytearray(), memoryview(body)
    try:
        while not inflater.eof:
            step = inflater.decompress(inflater.unconsumed_tail, _STEP)
            if not step and not inflater.eof:
                if not left:
                    raise InvalidText('the gzip of the body is cut off (send it again)')
                # Piece by piece: what a step does not come to is copied.
                step, left = inflater.decompress(left[:_STEP], _STEP), left[_STEP:]
            inflated += step
            if len(inflated) > max_inflated:
                raise LimitExceeded(
                    f'the body inflates to more than {max_inflated} bytes (send less at once, or raise '
                    'HAILWHALE_MAX_INFLATED)'
                )
    except zlib.error as error:
        raise InvalidText('the body is not the gzip that its Content-Encoding says') from error
    if inflater.unused_data or left:
        raise InvalidText('something follows the gzip of the body (send one stream)')
    return bytes(inflated)


def _too_large(max_body: int) -> LimitExceeded:
    return LimitExceeded(f'the body has more than {max_body} bytes (send less at once, or raise HAILWHALE_MAX_BODY)')
