"""Where the search begins: for each target a few inputs, one a line, as Python writes bytes.

What once went wrong is added here, so that the suite tries it again for ever.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path
from random import Random

CORPUS = Path(__file__).parent / 'corpus'
#: All targets.
NAMES = tuple(sorted(path.stem for path in CORPUS.glob('*.txt')))

#: What is worth putting anywhere: what some reader takes for an end, a beginning, a number, or nothing.
TOKENS = tuple(
    token.encode('utf-8', 'surrogateescape')
    for token in (
        *'[]{}:,;"\'\\/%&=+ \t\n\r\x00\x0b\x0c\x1c\x7f\x85\xa0\u2028\ufeff\U0001f433',
        *('\udc80', '\udcff\udcfe', '%00', '%0D%0A', '%C3%A9', '%E9', '%', '%%', '%2F', '%2f'),
        *('pk', 'dimensions', 'metrics', 'at', 'id', 'uid', 'key', 'period', 'tz', 'limit', 'depth', '__other__', '_'),
        *('null', 'true', 'false', 'None', 'NaN', 'Infinity', '-0', '1e5', '1e400', '-1', '.5', '5.', '007', '0x1'),
        *(
            '9' * 641,
            '[' * 40,
            '{"a":' * 40,
            '\\ud83d',
            '\\udc33',
            '\\u0000',
            '\\x41',
            '\\U0010FFFF',
            '\u0661',
            '\u00b2',
        ),
        *('1h', '1d', '1mo', '1y', '1x', '24h', 'mtd', 'yesterday', '2026-11-22', '11/22/2026', '..', ' to ', 'T10:00'),
        *('Z', '+14:00', 'UTC+05:30', 'Asia/Kathmandu', '9999-12-31', '0001-01-01', '2026-02-30', '99999999999'),
        *('\r\n', '\r\n\r\n', '\n\n', '\r\n ', 'HTTP/1.1', 'HTTP/1.0', 'GET ', 'POST ', 'HEAD ', 'OPTIONS ', '/count'),
        *('/count_now', '/totals', '/plotpoints', '/rank', '/spy', '/reset', '/flush_hail', '/tracker', '/pixel/'),
        *('Host: localhost', 'Origin: null', 'Content-Length: 2', 'Content-Length: -1', 'Transfer-Encoding: chunked'),
        *(
            'Connection: close',
            'Expect: 100-continue',
            'Content-Encoding: gzip',
            'Authorization: Bearer ',
            'Cookie: uid=',
        ),
        *(
            'Upgrade: websocket',
            'Content-Type: application/json',
            'Content-Type: application/x-ndjson',
            '*',
            '/*',
            'hits',
        ),
    )
)


@cache
def seeds(target: str) -> tuple[bytes, ...]:
    """The inputs of a target."""
    lines = (CORPUS / f'{target}.txt').read_text('ascii').splitlines()
    return tuple(_input(line) for line in lines if line and not line.startswith('#'))


def _input(line: str) -> bytes:
    found = ast.literal_eval(line)
    assert isinstance(found, bytes), line
    return found


def mutated(dice: Random, target: str) -> bytes:
    """A seed with a few changes: something put in, left out, said again, exchanged, cut off, or joined to another."""
    known = seeds(target)
    data = bytearray(dice.choice(known))
    for _ in range(dice.randint(1, 4)):
        start = dice.randint(0, len(data))
        end = min(len(data), start + dice.choice((0, 1, 1, 2, 5, 20, 100)))
        match dice.randrange(6):
            case 0:
                data[start:start] = dice.choice(TOKENS)
            case 1:
                data[start:end] = dice.choice(TOKENS)
            case 2:
                data[start:end] = bytes([dice.randrange(256)])
            case 3:
                data[start:start] = data[start:end] * dice.choice((1, 2, 30))
            case 4:
                other = dice.choice(known)
                data[start:end] = other[dice.randint(0, len(other)) :]
            case _:
                del data[start:end]
    return bytes(data)
