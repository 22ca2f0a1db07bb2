"""Bodies: how much of them is read, and what gzip may hold."""

from __future__ import annotations

import gzip
import io
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.errors import HailWhaleError, InvalidText, LimitExceeded
from hailwhale.servers.bodies import UnknownCoding, body_of
from tests.servers.client import environ

MILLION = 1_000_000


def read(
    body: bytes, coding: str = 'gzip', *, max_body: int = MILLION, max_inflated: int = MILLION, **more: Any
) -> bytes:
    given = environ('POST', '/', body, HTTP_CONTENT_ENCODING=coding, **more)
    return body_of(given, max_body=max_body, max_inflated=max_inflated)


def bomb(size: int) -> bytes:
    """A gzip of so many zeros; made of one piece that inflates to a million, again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    head = packer.compress(b'') + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(bytes(MILLION)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + piece * (size // MILLION) + packer.flush()


@given(st.binary(max_size=5_000), st.integers(0, 9))
def test_what_was_packed_arrives_as_it_was(body: bytes, level: int) -> None:
    assert read(gzip.compress(body, level)) == body


@pytest.mark.parametrize('coding', ['gzip', 'GZip', ' x-gzip '])
def test_gzip_is_read_under_each_of_its_names(coding: str) -> None:
    assert read(gzip.compress(b'whale'), coding) == b'whale'


@pytest.mark.parametrize('coding', ['', 'identity', 'Identity'])
def test_a_body_that_is_not_packed_is_taken_as_it_is(coding: str) -> None:
    assert read(b'\x1f\x8b', coding) == b'\x1f\x8b'


def test_no_body_at_all_is_empty_whatever_it_is_packed_in() -> None:
    assert read(b'') == b''


def test_a_packed_body_in_chunks_is_read_to_its_end() -> None:
    more: dict[str, Any] = {'CONTENT_LENGTH': '', 'wsgi.input_terminated': True}
    assert read(gzip.compress(b'whale'), **more) == b'whale'


def test_exactly_as_much_as_is_allowed_may_come_out() -> None:
    packed = gzip.compress(bytes(200_000))
    assert len(read(packed, max_inflated=200_000)) == 200_000
    with pytest.raises(LimitExceeded, match='more than 199999 bytes'):
        read(packed, max_inflated=199_999)


def test_a_bomb_of_ten_gigabytes_is_refused_before_it_has_taken_more_memory_than_an_honest_body() -> None:
    packed = bomb(10_000 * MILLION)
    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded, match='inflates to more than 2000000 bytes'):
            read(packed, max_body=len(packed), max_inflated=2 * MILLION)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # What was sent is here once more, as the body that was read.
    assert most - 2 * len(packed) < 1.3 * 2 * MILLION


def test_the_bomb_of_the_tests_is_one() -> None:
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    # Not to its end, where the checksum of one piece stands for all.
    assert inflater.decompress(bomb(3 * MILLION), 2 * MILLION) == bytes(2 * MILLION)


def test_what_is_sent_has_its_own_limit() -> None:
    with pytest.raises(LimitExceeded, match='the body has more than 10 bytes'):
        read(gzip.compress(b'whale'), max_body=10)


WHALE = gzip.compress(b'whale' * 100, mtime=0)


@pytest.mark.parametrize(
    ('body', 'fragment'),
    [
        (WHALE[:-1], 'cut off'),
        (WHALE[:-8], 'cut off'),
        (WHALE[:5], 'cut off'),
        (b'whale', 'not the gzip'),
        (zlib.compress(b'whale'), 'not the gzip'),
        (WHALE[:-8] + bytes(8), 'not the gzip'),
        (WHALE[:12] + b'\xff' + WHALE[13:], 'not the gzip'),
        (WHALE + b'!', 'something follows'),
        (WHALE + WHALE, 'something follows'),
        (WHALE + bytes(100_000), 'something follows'),
    ],
)
def test_damaged_gzip_is_refused_and_says_so(body: bytes, fragment: str) -> None:
    with pytest.raises(InvalidText) as caught:
        read(body)
    assert fragment in caught.value.message


@given(st.binary(max_size=300))
def test_no_bytes_at_all_make_it_fail(body: bytes) -> None:
    try:
        read(body)
    except HailWhaleError as error:
        assert isinstance(error, InvalidText)  # noqa: PT017 - anything may be raised or nothing


@given(st.integers(0, len(WHALE) - 1), st.integers(0, 7))
def test_one_flipped_bit_never_makes_it_fail_or_grow(place: int, bit: int) -> None:
    body = bytearray(WHALE)
    body[place] ^= 1 << bit
    try:
        assert read(bytes(body), max_inflated=1_000) == b'whale' * 100
    except HailWhaleError as error:
        assert isinstance(error, InvalidText | LimitExceeded)  # noqa: PT017 - a flag of the head changes nothing


@pytest.mark.parametrize('coding', ['deflate', 'br', 'zstd', 'gzip, gzip', 'whale' * 100])
def test_other_codings_are_refused_with_the_one_that_is_read(coding: str) -> None:
    with pytest.raises(UnknownCoding, match=r'send gzip, or leave it out') as caught:
        read(b'whale', coding)
    assert len(caught.value.message) < 200


def test_a_body_that_is_not_packed_in_what_is_read_is_not_read() -> None:
    given: dict[str, Any] = {'wsgi.input': io.BytesIO(), 'CONTENT_LENGTH': 'much'}
    with pytest.raises(UnknownCoding):
        read(b'', 'br', **given)
