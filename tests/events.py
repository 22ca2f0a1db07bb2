"""Server-sent events, as tests read them."""

from __future__ import annotations

import json
import re
import socket
from typing import Any, NamedTuple

_EVENT = re.compile(rb'id: (\d+)\nevent: (\w+)\ndata: (.*)')


class Event(NamedTuple):
    """What a stream has told."""

    kind: str
    data: Any
    id: str


def events(text: bytes) -> list[Event]:
    """The events of a stream; all else in it has to be what a stream may say."""
    found = []
    assert text.endswith(b'\n\n') or not text
    for block in text.split(b'\n\n')[:-1]:
        if block in (b'retry: 2000', b': '):
            continue
        match = _EVENT.fullmatch(block)
        assert match, block
        found.append(Event(match[2].decode(), json.loads(match[3]), match[1].decode()))
    return found


def merged(told: list[Event]) -> Any:
    """What a client knows that was told this."""
    known: Any = None
    for event in told:
        if event.kind != 'points':
            known = event.data
            continue
        for dimension, by_metric in event.data.items():
            for metric, points in by_metric.items():
                numbers = dict(points)
                drawn = known[dimension][metric]
                assert numbers.keys() <= {start for start, _ in drawn}
                known[dimension][metric] = [[start, numbers.get(start, number)] for start, number in drawn]
    return known


class Stream:
    """A client of a stream over a real socket, which has asked for one."""

    def __init__(self, address: tuple[str, int], path: str, *headers: str, version: str = '1.1') -> None:
        self.plug = socket.create_connection(address, timeout=20)
        lines = [f'GET {path} HTTP/{version}', 'Host: localhost', *headers, '', '']
        self.plug.sendall('\r\n'.join(lines).encode())
        self._raw = bytearray()
        self.head = bytearray()
        self.text = bytearray()  #: of the body, without its framing
        self.told: list[Event] = []  #: the events that have come as a whole
        self._parsed = 0
        self.is_over = False  #: whether it has ended, as its framing says where there is one

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.plug.close()

    @property
    def status(self) -> int:
        """Of the answer."""
        while not self.head:
            self._read()
        return int(self.head[9:12])

    def wait(self, count: int) -> list[Event]:
        """The events that have come, once there are so many."""
        while len(self.told) < count:
            assert bytes(self.head[:12]) in (b'', b'HTTP/1.1 200'), self.head
            self._read()
        return self.told

    def wait_for(self, text: bytes) -> None:
        """Until a text has come."""
        while text not in self.text:
            self._read()

    def rest(self) -> None:
        """Until it ends."""
        while not self.is_over:
            self._read()

    def _read(self) -> None:
        assert not self.is_over, (self.head, self.text)
        part = self.plug.recv(65_536)
        self._raw += part
        if not self.head and b'\r\n\r\n' in self._raw:
            self.head, _, self._raw = map(bytearray, self._raw.partition(b'\r\n\r\n'))
        if not self.head:
            assert part, 'no answer'
        elif b'Transfer-Encoding: chunked' in self.head:
            self._unchunk()
            assert part or self.is_over, 'it was cut off'
        else:
            self.text += self._raw
            self._raw.clear()
            self.is_over = not part
        self._parse()

    def _unchunk(self) -> None:
        while (at := self._raw.find(b'\r\n', 0, 20)) > 0:
            end = at + 2 + int(self._raw[:at], 16)
            if len(self._raw) < end + 2:
                return
            assert self._raw[end : end + 2] == b'\r\n'
            self.text += self._raw[at + 2 : end]
            self.is_over = end == at + 2
            del self._raw[: end + 2]
        assert not (self.is_over and self._raw)

    def _parse(self) -> None:
        if self.head.startswith(b'HTTP/1.1 200 ') and (end := self.text.rfind(b'\n\n', self._parsed) + 2) > 1:
            self.told += events(bytes(self.text[self._parsed : end]))
            self._parsed = end
