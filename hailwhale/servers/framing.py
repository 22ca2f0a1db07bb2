"""What is refused before it is a request: nobody may doubt where one ends and the next begins.

A proxy in front that reads a head differently than we do would take a part of one client's request for another's.
"""

from __future__ import annotations

import re
from email.errors import FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect
from email.message import Message

import ujson

#: Lines that are no headers; whatever comes after the second kind, a Content-Length too, would not be read.
_BROKEN = (FirstHeaderLineIsContinuationDefect, MissingHeaderBodySeparatorDefect)
_LENGTH = re.compile(r'[0-9]{1,18}', re.ASCII)
_BLANKS = ' \t'

_SAID = {
    '400': ('Bad Request', 'bad_request', 'not a request of HTTP/1.1 that can be read in one way alone'),
    '408': ('Request Timeout', 'request_timeout', 'the headers took too long to arrive (send it again)'),
    '414': ('URI Too Long', 'uri_too_long', 'the address is too long (send its parameters as JSON, by POST)'),
}


def fault_of(headers: Message) -> str:
    """Why a head cannot be trusted to say where its request ends; '' where it can."""
    if any(isinstance(defect, _BROKEN) for defect in headers.defects):
        return 'a line is no header'
    codings = headers.get_all('transfer-encoding', [])
    lengths = headers.get_all('content-length', [])
    if codings and lengths:
        return 'both Content-Length and Transfer-Encoding'
    # Blanks and tabs alone: Python strips what others take for a part of the value, or for the end of a line.
    if codings and [coding.strip(_BLANKS).lower() for coding in codings] != ['chunked']:
        return f'not a Transfer-Encoding that is read: {", ".join(codings)!r:.80} (chunked is)'
    if len(lengths) > 1 or not all(_LENGTH.fullmatch(length.strip(_BLANKS)) for length in lengths):
        return f'not a Content-Length: {", ".join(lengths)!r:.80}'
    return ''


def refused(status: str) -> bytes:
    """All that is sent for what is no request: the one shape that every error has.

    >>> refused('408').splitlines()[0]
    b'HTTP/1.1 408 Request Timeout'
    """
    phrase, code, message = _SAID[status]
    body = ujson.dumps({'error': {'code': code, 'message': message, 'field': None}}, escape_forward_slashes=False)
    return (
        f'HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: application/json\r\n'
        f'X-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n{body}'
    ).encode()
