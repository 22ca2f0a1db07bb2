"""Sums that wait to be committed, and the commands that add them.

One event touches every node above it in every kept bucket with every one of its metrics.  To add so many cells
quickly, all metrics of a cell travel in one Python integer, each in a *lane* of its own, so that one addition covers
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from struct import Struct

from hailwhale.metrics import Micros, split
from hailwhale.paths import escape
from hailwhale.storage.keys import Series, Slot, counters_key
from hailwhale.storage.scripts import digest
from hailwhale.storage.wire import pack

#: A lane holds 10**28 of the largest amounts before it could run over into the next.
LANE = 192
#: From so many counters of one hash on, one call of a script costs the engine less than an increment for each.
MANY = 4
_LANE_BYTES = LANE // 8
_MASK = (1 << LANE) - 1
_HALF = 1 << (LANE - 1)
_FULL = 1 << LANE

Cells = dict[Slot, dict[Series, int]]
Numbers = Mapping[tuple[int, str], Mapping[str, int]]


class Lanes:
    """Which lane belongs to which metric.

    >>> lanes = Lanes()
    >>> both = lanes.pack({'hits': 1_000_000, 'dollars': -250_000}) + lanes.pack({'dollars': 50_000})
    >>> lanes.unpack(both)
    [1000000, -200000]
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.keys: list[str] = []  #: the names as keys spell them
        self._shifts: dict[str, int] = {}

    def pack(self, amounts: Mapping[str, Micros]) -> int:
        """All amounts of one event in one integer."""
        packed = 0
        for name, micros in amounts.items():
            packed += micros << self.shift(name)
        return packed

    def shift(self, name: str) -> int:
        """By how many bits the lane of a metric is shifted."""
        shift = self._shifts.get(name)
        if shift is None:
            shift = self._shifts[name] = LANE * len(self.names)
            self.names.append(name)
            self.keys.append(escape(name))
        return shift

    @property
    def bias(self) -> int:
        """What makes every lane positive when it is added: half a lane, in each."""
        return sum(_HALF << LANE * lane for lane in range(len(self.names)))

    def unpack(self, packed: int) -> list[Micros]:
        """The amount in every lane; 0 where a metric was not given."""
        amounts = []
        for _ in self.names:
            low = packed & _MASK
            if low >= _HALF:
                low -= _FULL
            amounts.append(low)
            packed = (packed - low) >> LANE
        return amounts


def tables(cells: Mapping[Slot, Iterable[Series]]) -> dict[tuple[int, str], set[str]]:
    """The tables of numbers that the cells need, as (era, group), and the names to look up in each."""
    needed: defaultdict[tuple[int, str], set[str]] = defaultdict(set)
    for slot, of_slot in cells.items():
        era = slot.era
        for _, group, child in of_slot:
            needed[era, group].add(child)
    return needed


class Encoder:
    """Commands made of parts that are encoded once: a bulk for each field, another for each amount."""

    def __init__(self, shard: int, lanes: Lanes) -> None:
        self._shard = shard
        self._lanes = lanes
        self._hashes: dict[tuple[str, str], list[list[bytes]]] = {}
        self._expiries: dict[tuple[str, str], int] = {}
        self._amounts: dict[bytes, tuple[bytes | None, bytes | None]] = {}

    def commands(self, cells: Mapping[Slot, Mapping[Series, int]], numbers: Numbers) -> tuple[list[bytes], list[bytes]]:
        """What adds every amount that is not 0, and what ends the hashes for which adding does not.

        A hash with few of them gets a HINCRBY for each, one with more a single call of the script ``add``.
        """
        for slot, of_slot in cells.items():
            self._encode(slot, of_slot, numbers)
        increments: list[bytes] = []
        expiries: list[bytes] = []
        for place, columns in self._hashes.items():
            for metric, pairs in zip(self._lanes.keys, columns, strict=True):
                key, expires = counters_key(self._shard, *place, metric).encode(), self._expiries[place]
                if len(pairs) >= MANY:
                    increments.append(_script_call(key, expires, pairs))
                elif pairs:
                    prefix = b'*4\r\n$7\r\nHINCRBY\r\n$%d\r\n%b\r\n' % (len(key), key)
                    increments += [prefix + pair for pair in pairs]
                    expiries.append(pack('EXPIREAT', key, expires))
        return increments, expiries

    def _encode(self, slot: Slot, cells: Mapping[Series, int], numbers: Numbers) -> None:
        # A million times in an import: lanes are cut as bytes, all at once, and looked up as they are.
        biased, size = self._lanes.bias, _LANE_BYTES * len(self._lanes.names)
        cut, known = Struct(f'{_LANE_BYTES}s' * len(self._lanes.names)).unpack, self._amounts
        groups: dict[str, tuple[list[list[bytes]], Mapping[str, int]]] = {}
        for (_, group, child), packed in cells.items():
            columns, table = groups.get(group) or groups.setdefault(group, self._group(slot, group, numbers))
            field = table[child] * slot.length + slot.offset
            text = b'%d' % field
            bulk = b'$%d\r\n%b' % (len(text), text)
            for pairs, lane in zip(columns, cut((packed + biased).to_bytes(size, 'little')), strict=True):
                whole, rest = known.get(lane) or self._amount(lane)
                if whole is not None:
                    pairs.append(bulk + whole)
                if rest is not None:
                    below = b'%d' % (-1 - field)
                    pairs.append(b'$%d\r\n%b%b' % (len(below), below, rest))

    def _group(self, slot: Slot, group: str, numbers: Numbers) -> tuple[list[list[bytes]], Mapping[str, int]]:
        """What all cells of a group in a slot share: the hashes of its metrics, and the children's numbers."""
        place = (slot.name, group)
        self._expiries[place] = slot.expires
        hashes = self._hashes.get(place)
        if hashes is None:
            hashes = self._hashes[place] = [[] for _ in self._lanes.names]
        return hashes, numbers[slot.era, group]

    def _amount(self, lane: bytes) -> tuple[bytes | None, bytes | None]:
        whole, rest = split(int.from_bytes(lane, 'little') - _HALF)
        parts = (_bulk(whole) if whole else None, _bulk(rest) if rest else None)
        if len(self._amounts) < 100_000:
            self._amounts[lane] = parts
        return parts


def _script_call(key: bytes, expires: int, pairs: Sequence[bytes]) -> bytes:
    end = b'%d' % expires
    head = b'*%d\r\n$7\r\nEVALSHA\r\n$40\r\n%b\r\n$1\r\n1\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n'
    return head % (5 + 2 * len(pairs), digest('add'), len(key), key, len(end), end) + b''.join(pairs)


def negated(increment: bytes) -> bytes:
    """The command that undoes one of `Encoder.commands`."""
    parts = increment.split(b'\r\n')[2::2]
    first = 2 if parts[0] == b'HINCRBY' else 5
    return pack(*parts[:first], *(-int(part) if i % 2 else part for i, part in enumerate(parts[first:])))


def _bulk(amount: int) -> bytes:
    text = b'%d' % amount
    return b'\r\n$%d\r\n%b\r\n' % (len(text), text)
