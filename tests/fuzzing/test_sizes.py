"""Ten times as much to read takes about ten times as long: no reader goes over the same text again and again."""

from __future__ import annotations

import time

import pytest

from tests.fuzzing.parsers import TARGETS, Target
from tests.fuzzing.requests import plain_requests
from tests.fuzzing.seeds import seeds

SMALL, LARGE = 5_000, 50_000
#: What is quadratic takes 100 times as long.  Below so many seconds it is the clock that is measured.
MOST_TIMES, LEAST = 40, 0.002
#: A template is never longer than its token, which has at most 1,800 characters.
READERS = {name: target for name, target in TARGETS.items() if name != 'templates'} | {'plain_requests': plain_requests}
UNITS = (
    *(
        b'[',
        b'{',
        b'"',
        b"'",
        b'\\',
        b'%',
        b'%41',
        b'\\u',
        b' ',
        b'\t',
        b'\n',
        b'\r\n ',
        b'a',
        b'1',
        b'.',
        b'/',
        b':',
        b',',
    ),
    *(b'&', b'&a=', b'[1],', b'{"a":', b'"\\"', b'x: y\r\n', b';', b' to ', b'key=', b'\xff', b'\xc3\xa9'),
)


def seconds(target: Target, data: bytes) -> float:
    """How long the processor takes."""
    began = time.process_time()
    target(data)
    return time.process_time() - began


def grows_slowly(target: Target, beginning: bytes, unit: bytes) -> bool:
    def sized(size: int) -> bytes:
        return (beginning + unit * (size // len(unit)))[:size]

    def ratio() -> float:
        return seconds(target, sized(LARGE)) / max(LEAST, seconds(target, sized(SMALL)))

    # Whatever else the machine does only makes it more.
    return any(ratio() < MOST_TIMES for _ in range(3))


@pytest.mark.parametrize('name', READERS)
def test_the_time_of_a_reader_grows_with_the_size_of_what_it_reads(name: str) -> None:
    whole = seeds(name)[0]
    beginnings = (b'', whole[: len(whole) // 2])
    slow = [
        (beginning, unit)
        for beginning in beginnings
        for unit in UNITS
        if not grows_slowly(READERS[name], beginning, unit)
    ]
    assert slow == []


def test_what_is_quadratic_is_found() -> None:
    def quadratic(data: bytes) -> None:
        for at in range(0, len(data), 4):
            data[at:].count(b'a')

    def linear(data: bytes) -> None:
        data.count(b'a')

    assert grows_slowly(linear, b'', b'a')
    assert not grows_slowly(quadratic, b'', b'a')
