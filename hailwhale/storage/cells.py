"""Sums that wait to be committed, and the commands that add them.

One event touches every node above it in every kept bucket with every one of its metrics.  To add so many cells
quickly, all metrics of a cell travel in one Python integer, each in a *lane* of its own, so that one addition covers
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from hailwhale.metrics import Micros, split
from hailwhale.paths import escape
from hailwhale.storage.keys import Series, Slot, counters_key
from hailwhale.storage.wire import pack

#: A lane holds 10**28 of the largest amounts before it could run over into the next.
LANE = 192
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
    """Commands made of parts that are encoded once: a prefix for each hash, a suffix for each amount."""

    def __init__(self, shard: int, lanes: Lanes) -> None:
        self._shard = shard
        self._lanes = lanes
        self._prefixes: dict[tuple[str, str], list[bytes]] = {}
        self._expiries: dict[tuple[str, str], int] = {}
        self._suffixes: dict[Micros, tuple[bytes | None, bytes | None]] = {0: (None, None)}

    def commands(self, cells: Mapping[Slot, Mapping[Series, int]], numbers: Numbers) -> tuple[list[bytes], list[bytes]]:
        """HINCRBY for every amount that is not 0; and EXPIREAT for every hash that they may touch."""
        out: list[bytes] = []
        for slot, of_slot in cells.items():
            for (_, group, child), packed in of_slot.items():
                place = (slot.name, group)
                prefixes = self._prefixes.get(place) or self._prefix(place)
                self._expiries[place] = slot.expires
                field = numbers[slot.era, group][child] * slot.length + slot.offset
                self._cell(out, prefixes, field, packed)
        return out, [
            pack('EXPIREAT', counters_key(self._shard, name, group, metric), expires)
            for (name, group), expires in self._expiries.items()
            for metric in self._lanes.keys
        ]

    def _cell(self, out: list[bytes], prefixes: Sequence[bytes], field: int, packed: int) -> None:
        text = b'%d' % field
        bulk = b'$%d\r\n%b' % (len(text), text)
        suffixes = self._suffixes
        for prefix, micros in zip(prefixes, self._lanes.unpack(packed), strict=True):
            whole, rest = suffixes.get(micros) or self._suffix(micros)
            if whole is not None:
                out.append(prefix + bulk + whole)
            if rest is not None:
                below = b'%d' % (-1 - field)
                out.append(b'%b$%d\r\n%b%b' % (prefix, len(below), below, rest))

    def _suffix(self, micros: Micros) -> tuple[bytes | None, bytes | None]:
        whole, rest = split(micros)
        suffix = (_amount(whole) if whole else None, _amount(rest) if rest else None)
        if len(self._suffixes) < 100_000:
            self._suffixes[micros] = suffix
        return suffix

    def _prefix(self, place: tuple[str, str]) -> list[bytes]:
        prefixes = self._prefixes[place] = []
        for metric in self._lanes.keys:
            key = counters_key(self._shard, *place, metric).encode()
            prefixes.append(b'*4\r\n$7\r\nHINCRBY\r\n$%d\r\n%b\r\n' % (len(key), key))
        return prefixes


def _amount(amount: int) -> bytes:
    text = b'%d' % amount
    return b'\r\n$%d\r\n%b\r\n' % (len(text), text)
