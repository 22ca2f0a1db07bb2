"""Where commands and replies end in a stream of the engine's protocol (RESP 2)."""

from __future__ import annotations

_LINE = b'\r\n'


def command_end(data: bytes | bytearray, at: int = 0) -> int | None:
    r"""Where the command that begins at ``at`` ends; None when it has not arrived whole.

    >>> command_end(b'*2\r\n$3\r\nGET\r\n$1\r\na\r\n*1')
    20
    >>> command_end(b'*2\r\n$3\r\nGET\r\n$1\r\na\r') is None
    True
    """
    line = data.find(_LINE, at)
    if line < 0:
        return None
    assert data[at : at + 1] == b'*', f'no command begins with {bytes(data[at : at + 20])!r}'
    parts, at = int(data[at + 1 : line]), line + 2
    for _ in range(parts):
        line = data.find(_LINE, at)
        if line < 0:
            return None
        at = line + int(data[at + 1 : line]) + 4
    return at if at <= len(data) else None


def command_name(command: bytes) -> str:
    r"""The first word of a command, and the second where the first says little.

    >>> command_name(b'*2\r\n$6\r\nSCRIPT\r\n$5\r\nFLUSH\r\n')
    'SCRIPT FLUSH'
    """
    words = command.split(_LINE)[2::2]
    name = words[0].decode()
    return f'{name} {words[1].decode()}' if name in ('SCRIPT', 'CLUSTER', 'CLIENT') else name


def reply_end(data: bytes | bytearray, at: int = 0) -> int | None:
    r"""Where the reply that begins at ``at`` ends; None when it has not arrived whole.

    >>> reply_end(b'*2\r\n:1\r\n*1\r\n$1\r\na\r\n+OK\r\n'), reply_end(b'$-1\r\n'), reply_end(b'*-1\r\n')
    (19, 5, 5)
    >>> reply_end(b'*2\r\n:1\r\n$1\r\n') is None
    True
    """
    left = 1
    while left:
        line = data.find(_LINE, at)
        if line < 0:
            return None
        kind, left = data[at : at + 1], left - 1
        if kind == b'$':
            length = int(data[at + 1 : line])
            at = line + (length + 4 if length >= 0 else 2)
        else:
            left += max(int(data[at + 1 : line]), 0) if kind == b'*' else 0
            at = line + 2
    return at if at <= len(data) else None
