"""What figures are held against: the engine driven as plainly as can be, a dict, and the layout of old.

Nothing here uses the package but for the names of its keys: the same hashes are written and read, by the shortest code.
"""

from __future__ import annotations

import json
import socket
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from hailwhale import Whale
from hailwhale.kept import Kept
from hailwhale.paths import escape
from hailwhale.storage import series
from hailwhale.storage.keys import counters_key
from tests.benchmarks.workloads import Event, Node

WIDTHS = {'1m': 60, '1h': 3_600, '1d': 86_400}
#: What HTTP and answers call the overall node.
OVERALL = '_'


def command(*parts: bytes | str | int) -> bytes:
    """A command in the engine's protocol."""
    texts = [part if isinstance(part, bytes) else str(part).encode() for part in parts]
    return b'*%d\r\n' % len(texts) + b''.join(b'$%d\r\n%b\r\n' % (len(text), text) for text in texts)


PING = command('PING')


class Socket:
    """One plain socket to the engine."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, *parts: bytes | str | int) -> bytes:
        """One command and its reply of one line, or of a text."""
        self._socket.sendall(command(*parts))
        reply = self._socket.recv(262_144)
        assert not reply.startswith(b'-'), reply
        return reply

    def ping(self) -> None:
        """RTT: one round trip."""
        self._socket.sendall(PING)
        self._socket.recv(16)

    def replay(self, batches: Iterable[tuple[bytes, int]]) -> None:
        """RAW: send batches of commands, whose number is given and each of whose replies is a line."""
        for data, wanted in batches:
            self._socket.sendall(data)
            self._lines(wanted)

    def hashes(self, keys: Sequence[str]) -> list[list[bytes]]:
        """Hashes as they lie, in one pipeline: fields and values in turn."""
        self._socket.sendall(b''.join([command('HGETALL', key) for key in keys]))
        data = self._socket.recv(1 << 20)
        found: list[list[bytes]] = []
        at = 0
        while len(found) < len(keys):
            end = data.find(b'\r\n', at)
            if end < 0:
                data += self._socket.recv(1 << 20)
                continue
            wanted = 2 * int(data[at + 1 : end])
            parts = [data[end + 2 :]]
            while sum(part.count(b'\r\n') for part in parts) < wanted:
                parts.append(self._socket.recv(1 << 20))
                if parts[-2].endswith(b'\r'):
                    parts[-2:] = [parts[-2] + parts[-1]]
            lines = b''.join(parts).split(b'\r\n', wanted)
            data, at = lines.pop(), 0
            found.append(lines[1::2])
        return found

    def _lines(self, wanted: int) -> None:
        while wanted > 0:
            wanted -= self._socket.recv(262_144).count(b'\n')

    def memory(self) -> int:
        """Bytes that the engine uses."""
        return int(self.info('memory')['used_memory'])

    def info(self, section: str) -> dict[str, str]:
        """What the engine says of itself."""
        lines = self.ask('INFO', section).decode().splitlines()
        return dict(line.split(':', 1) for line in lines if ':' in line)


class Model:
    """MODEL: the same count in a dict, from (pk, node, metric, interval, bucket) to a sum."""

    def __init__(self) -> None:
        self.counted: defaultdict[tuple[Node, Node, str, str, int], int] = defaultdict(int)

    def count(self, event: Event) -> None:
        """Add one event everywhere."""
        counted, at = self.counted, event.at
        buckets = [(name, at - at % width) for name, width in WIDTHS.items()]
        for pk in event.prefixes:
            for node in event.nodes:
                for metric, amount in event.amounts.items():
                    for name, start in buckets:
                        counted[pk, node, metric, name, start] += amount

    def count_all(self, events: Iterable[Event]) -> Model:
        """Add them all."""
        for event in events:
            self.count(event)
        return self

    def series(self) -> dict[tuple[Node, Node], dict[tuple[str, str], dict[int, int]]]:
        """By pk and node, by interval and metric: the sum of every bucket that has one."""
        found: dict[tuple[Node, Node], dict[tuple[str, str], dict[int, int]]] = {}
        for (pk, node, metric, name, start), amount in self.counted.items():
            found.setdefault((pk, node), {}).setdefault((name, metric), {})[start] = amount
        return found


def check(whale: Whale, model: Model, *, at_most: int) -> int:
    """Ask the whale for the series of a model, bucket by bucket; how many buckets were compared."""
    asked = model.series()
    compared = 0
    step = max(1, len(asked) // at_most)
    for (pk, node), columns in list(asked.items())[::step]:
        metrics = sorted({metric for _, metric in columns})
        for name, period in (('1m', '1m:1d'), ('1h', '1h:31d'), ('1d', '1d:1y')):
            (answer,) = whale.plotpoints(list(pk), list(node), metrics, period, points='ms').values()
            for metric in metrics:
                got = {ms // 1_000: amount for ms, amount in answer[metric] if amount}
                expected = {start: amount for start, amount in columns[name, metric].items() if amount}
                same(got, expected, f'{metric} of {pk} {node} by {name}')
                compared += len(expected)
    assert compared
    return compared


def same(got: object, expected: object, what: str) -> None:
    """Raise unless two answers are equal: a fast wrong answer is none."""
    if got != expected:
        raise ArithmeticError(f'{what}: {got!r:.200} is not {expected!r:.200}')


def increments(events: Sequence[Event], kept: Kept, now: int, *, batch: int = 10_000) -> Iterator[tuple[bytes, int]]:
    """RAW's commands: every increment of every event, added up nowhere, to the very hashes that the package writes."""
    numbers: dict[str, dict[str, int]] = {}
    slots = {at: kept.slots(at, now) for at in {event.at for event in events}}
    out: list[bytes] = []
    for event in events:
        for pk in event.prefixes:
            for node in event.nodes:
                shard, group, child = series(pk, node)
                of_group = numbers.setdefault(group, {})
                number = of_group.setdefault(child, len(of_group))
                for slot in slots[event.at]:
                    field = number * slot.length + slot.offset
                    for metric, amount in event.amounts.items():
                        key = counters_key(shard, slot.name, group, escape(metric))
                        out.append(command('HINCRBY', key, field, amount))
        if len(out) >= batch:
            yield b''.join(out), len(out)
            out = []
    if out:
        yield b''.join(out), len(out)


def old_layout(model: Model, *, batch: int = 10_000) -> Iterator[tuple[bytes, int]]:
    """OLD: a hash for each series and interval, whose fields are dates written out."""
    out: list[bytes] = []
    dates: dict[int, str] = {}
    for (pk, node, metric, name, start), amount in model.counted.items():
        if start not in dates:
            dates[start] = datetime.fromtimestamp(start, UTC).strftime('%Y-%m-%d %H:%M:%S')
        key = f'hailwhale||{json.dumps(pk)}||{json.dumps(node or OVERALL)}||{name}||{metric}'
        out.append(command('HINCRBY', key, dates[start], amount))
        if len(out) >= batch:
            yield b''.join(out), len(out)
            out = []
    yield b''.join(out), len(out)


def columns_of(
    hashes: Sequence[tuple[Sequence[bytes], int, dict[int, int]]], names: dict[int, str], width: int
) -> dict[str, list[int]]:
    """The shortest decoding of whole amounts: each hash comes with its chunk length and the place of each offset."""
    found: dict[int, list[int]] = {}
    for fields, length, places in hashes:
        for field, value in zip(map(int, fields[::2]), map(int, fields[1::2]), strict=True):
            child, offset = divmod(field, length)
            if offset in places:
                if child not in found:
                    found[child] = [0] * width
                found[child][places[offset]] = value
    return {names[child]: column for child, column in found.items()}
