"""Heads that two programs cannot read differently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.servers.heads import Head, has_ended, is_plain_query, known, plain

NOTHING = Head('1.1', True, '', '', '', '', '', '')


@pytest.mark.parametrize(
    ('tail', 'found'),
    [
        (b' HTTP/1.1', NOTHING),
        (b' HTTP/1.0', NOTHING._replace(version='1.0', keeps=False)),
        (b' HTTP/1.0\r\nConnection: Keep-Alive', NOTHING._replace(version='1.0')),
        (b' HTTP/1.1\r\nConnection: close', NOTHING._replace(keeps=False)),
        (b' HTTP/1.1\r\nhOST:\t a \r\nX:', None),
        (b' HTTP/1.1\r\nhOST:\t a ', NOTHING._replace(host='a')),
        (
            b' HTTP/1.1\r\nOrigin: o\r\nReferer: r\r\nAuthorization: x y\r\nSec-Fetch-Site: s\r\nCookie: c',
            NOTHING._replace(origin='o', referer='r', authorization='x y', site='s', cookie='c'),
        ),
        (b' HTTP/2.0', None),
        (b' HTTP/1.1 ', None),
        (b'  HTTP/1.1', None),
        (b'', None),
        (b' HTTP/1.1\nHost: a', None),
        (b' HTTP/1.1\r\nHost: a\n', None),
        (b' HTTP/1.1\r\nHost: a\r\n', None),
        (b' HTTP/1.1\r\nHost : a', None),
        (b' HTTP/1.1\r\nHost', None),
        (b' HTTP/1.1\r\n: a', None),
        (b' HTTP/1.1\r\nHost: a\r\n b', None),
        (b' HTTP/1.1\r\nHost: a\x00', None),
        (b' HTTP/1.1\r\nHost: \xff', None),
        (b' HTTP/1.1\r\nHost: a\r\nhost: a', None),
        (b' HTTP/1.1\r\nConnection: keep-alive, Upgrade', None),
        (b' HTTP/1.1\r\ncontent-length: 0', None),
        (b' HTTP/1.1\r\nTransfer-Encoding: chunked', None),
        (b' HTTP/1.1\r\nContent_Length: 0', None),
        (b' HTTP/1.1\r\nExpect: 100-continue', None),
        (b' HTTP/1.1' + b''.join(b'\r\nX%d: y' % n for n in range(64)), NOTHING),
        (b' HTTP/1.1' + b''.join(b'\r\nX%d: y' % n for n in range(65)), None),
        (b' HTTP/1.1\r\nX: ' + b'a' * 16_384, None),
    ],
)
def test_a_head_is_read_only_where_nobody_could_read_it_differently(tail: bytes, found: Head | None) -> None:
    head = plain(tail)
    assert (head and head._replace(environ={})) == found
    assert known(tail) == head


@given(st.binary(max_size=60).map(lambda noise: b' HTTP/1.1\r\nHost: a\r\n' + noise))
def test_whatever_is_read_has_no_end_of_a_line_but_the_strict_one(tail: bytes) -> None:
    if plain(tail) is not None:
        rest = tail.replace(b'\r\n', b'')
        assert b'\r' not in rest
        assert b'\n' not in rest
        assert not has_ended(tail)


@pytest.mark.parametrize(
    ('data', 'ended'),
    [
        (b'GET /', False),
        (b'a\r\nb\r\n', False),
        (b'a\r\n\r\n', True),
        (b'a\n\n', True),
        (b'a\n\r\nb', True),
        (b'a\n\rb', False),
    ],
)
def test_a_head_ends_where_the_most_lenient_reader_sees_its_end(data: bytes, ended: bool) -> None:
    assert has_ended(data) == ended


@pytest.mark.parametrize('query', [b' ', b'a b', b'\n', b'\x00', b'\x7f', b'\xc3\xa9'])
def test_a_query_with_other_than_visible_characters_is_not_plain(query: bytes) -> None:
    assert not is_plain_query(query)
    assert is_plain_query(b'a=%20&b=~"\'#\\')
