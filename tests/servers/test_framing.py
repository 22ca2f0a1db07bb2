"""Heads of requests that two programs might read differently."""

from __future__ import annotations

import json
from email.message import Message
from http.client import parse_headers
from io import BytesIO

import pytest

from hailwhale.servers.framing import fault_of, refused


def head(*lines: str) -> Message:
    return parse_headers(BytesIO('\r\n'.join([*lines, '', '']).encode('latin-1')))


@pytest.mark.parametrize(
    ('lines', 'fault'),
    [
        ([], ''),
        (['Host: a', 'Content-Length: 12'], ''),
        (['Transfer-Encoding: Chunked'], ''),
        (['X-Folded: a', ' b', 'Content-Length: 0'], ''),
        (['Content-Type: multipart/form-data', 'Content-Length: 2'], ''),
        (['Host : a', 'Content-Length: 2'], 'a line is no header'),
        (['no header', 'Content-Length: 2'], 'a line is no header'),
        ([' Host: a'], 'a line is no header'),
        (['Content-Length: 2', 'Transfer-Encoding: chunked'], 'both Content-Length and Transfer-Encoding'),
        (['Transfer-Encoding: gzip, chunked'], "not a Transfer-Encoding that is read: 'gzip, chunked' (chunked is)"),
        (['Transfer-Encoding: chunked', 'Transfer-Encoding: x'], "not a Transfer-Encoding that is read: 'chunked, x'"),
        (['Content-Length: 2', 'Content-Length: 2'], "not a Content-Length: '2, 2'"),
        (['Content-Length: +2'], "not a Content-Length: '+2'"),
        (['Content-Length: 1_0'], "not a Content-Length: '1_0'"),
        (['Content-Length:'], "not a Content-Length: ''"),
        (['Content-Length: 2 \t'], ''),
        (['Content-Length: \xa02'], "not a Content-Length: '\\xa02'"),
        (['Content-Length: \x0b2'], "not a Content-Length: '\\x0b2'"),
        (['Content-Length:', ' 2'], "not a Content-Length: '\\r\\n 2'"),
        (['Transfer-Encoding: \x0bchunked'], "not a Transfer-Encoding that is read: '\\x0bchunked' (chunked is)"),
        (['Transfer-Encoding: chunked\x1c'], "not a Transfer-Encoding that is read: 'chunked\\x1c' (chunked is)"),
    ],
)
def test_a_head_says_in_one_way_where_its_request_ends_or_is_refused(lines: list[str], fault: str) -> None:
    found = fault_of(head(*lines))
    assert found.startswith(fault)
    assert bool(found) == bool(fault)


@pytest.mark.parametrize('status', ['400', '408', '414'])
def test_what_is_sent_for_it_has_the_shape_of_all_errors(status: str) -> None:
    lines, _, body = refused(status).partition(b'\r\n\r\n')
    assert lines.startswith(b'HTTP/1.1 ' + status.encode())
    assert b'Content-Length: %d' % len(body) in lines
    assert set(json.loads(body)['error']) == {'code', 'message', 'field'}
