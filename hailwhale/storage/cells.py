"""Sums that wait to be committed, and the commands that add them.

One event touches every node above it in every kept bucket with every one of its metrics.  To add so many cells
quickly, all metrics of a cell travel in one Python integer, each in a *lane* of its own, so that one addition covers
them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from struct import Struct
from typing import NamedTuple

from hailwhale.metrics import MICROS_PER_UNIT, Micros, split
from hailwhale.paths import escape
from hailwhale.storage.keys import Series, Slot, counters_key
from hailwhale.storage.scripts import digest
from hailwhale.storage.wire import pack

#: A lane holds 10**16 of the largest amounts before it could run over into the next.
LANE = 128
#: From so many counters of one hash on, the script costs the engine less than an increment for each.
MANY = 8
#: Counters that one call of the script adds to, or those of one group where they are more.
AT_ONCE = 2_000
#: In the script numbers are exact below this.
MOST = 2**52
_LANE_BYTES = LANE // 8
_MASK = (1 << LANE) - 1
_HALF = 1 << (LANE - 1)
_FULL = 1 << LANE
#: What the upper half of a biased lane reads as, where the amount is 0 or above; and all bits of the lower half.
_ABOVE = -(1 << 63)
_LOW = (1 << 64) - 1

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


class _Place(NamedTuple):
    """A group over a chunk: when it ends, and for each of its cells the field and the sum."""

    ends: int
    fields: list[int]
    sums: list[int]


class Encoder:
    """Commands that add: calls of a script, each for many counters, and increments of what the script has no range
    for."""

    def __init__(self, shard: int, lanes: Lanes) -> None:
        self._shard = shard
        self._lanes = lanes
        self._bias = lanes.bias

    def commands(self, cells: Mapping[Slot, Mapping[Series, int]], numbers: Numbers) -> tuple[list[bytes], list[bytes]]:
        """What adds every amount that is not 0, and what ends the hashes for which adding does not.

        The same cells with all sums below 0 instead of above get as many commands, each of which undoes one.
        """
        increments: list[bytes] = []
        expiries: list[bytes] = []
        call = _Call()
        for (name, group), place in self._places(cells, numbers).items():
            columns: list[tuple[bytes, Sequence[int]]] = []
            for metric, column in zip(self._lanes.keys, self._columns(place.sums), strict=True):
                key = counters_key(self._shard, name, group, metric).encode()
                if len(column) < MANY or max(column) >= MOST or min(column) <= -MOST:
                    if lines := _increments(key, place.fields, column):
                        increments += lines
                        expiries.append(pack('EXPIREAT', key, place.ends))
                elif any(column):
                    columns.append((key, column))
            if columns:
                call.add(place, columns)
                if call.counters >= AT_ONCE:
                    increments.append(call.command())
                    call = _Call()
        if call.counters:
            increments.append(call.command())
        return increments, expiries

    @staticmethod
    def _places(cells: Mapping[Slot, Mapping[Series, int]], numbers: Numbers) -> Mapping[tuple[str, str], _Place]:
        """By chunk and group the cells that lie there."""
        found: dict[tuple[str, str], _Place] = {}
        for slot, of_slot in cells.items():
            groups: dict[str, tuple[Mapping[str, int], list[int], list[int]]] = {}
            name, offset, length, ends, era = slot
            for (_, group, child), packed in of_slot.items():
                known = groups.get(group)
                if known is None:
                    place = found.setdefault((name, group), _Place(ends, [], []))
                    known = groups[group] = numbers[era, group], place.fields, place.sums
                table, fields, sums = known
                fields.append(table[child] * length + offset)
                sums.append(packed)
        return found

    def _columns(self, sums: Sequence[int]) -> Iterator[Sequence[int]]:
        """For each metric its lane of every sum."""
        # A million times in an import: lanes are cut as bytes, all at once.
        lanes, bias = len(self._lanes.names), self._bias
        size = _LANE_BYTES * lanes
        halves = Struct(f'<{2 * lanes * len(sums)}q').unpack(
            b''.join([(packed + bias).to_bytes(size, 'little') for packed in sums])
        )
        for lane in range(lanes):
            low, high = halves[2 * lane :: 2 * lanes], halves[2 * lane + 1 :: 2 * lanes]
            if min(low) >= 0 and max(high) == min(high) == _ABOVE:
                yield low
            else:
                yield [((more ^ _ABOVE) << 64) + (less & _LOW) for less, more in zip(low, high, strict=True)]


def _increments(key: bytes, fields: Sequence[int], column: Sequence[int]) -> list[bytes]:
    """A command for each counter; a fraction has its own."""
    lines = []
    for field, micros in zip(fields, column, strict=True):
        whole, rest = split(micros)
        if whole:
            lines.append(_increment(key, field, whole))
        if rest:
            lines.append(_increment(key, -1 - field, rest))
    return lines


def _increment(key: bytes, field: int, amount: int) -> bytes:
    name, value = b'%d' % field, b'%d' % amount
    return b'*4\r\n$7\r\nHINCRBY\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n' % (
        len(key),
        key,
        len(name),
        name,
        len(value),
        value,
    )


class _Call:
    """A call of `scripts/add.lua`."""

    def __init__(self) -> None:
        self.counters = 0
        self._keys: list[bytes] = []
        self._args: list[bytes | int] = []

    def add(self, place: _Place, columns: Sequence[tuple[bytes, Sequence[int]]]) -> None:
        """Add to one more group: to the hash of each of these metrics."""
        self._args += (place.ends, len(columns), _packed(place.fields))
        for key, column in columns:
            fields, amounts = _parts(place.fields, column)
            pairs = [0] * (2 * len(fields))
            pairs[::2], pairs[1::2] = fields, amounts
            self._keys.append(key)
            self._args += (b'' if fields is place.fields else _packed(fields), _packed(pairs))
            self.counters += len(fields)

    def command(self) -> bytes:
        """The call of the script."""
        return pack('EVALSHA', digest('add'), len(self._keys), *self._keys, *self._args)


def _parts(fields: list[int], column: Sequence[int]) -> tuple[list[int], list[int]]:
    """The fields that get something, and what; millionths apart from whole amounts."""
    if all(column) and not any(micros % MICROS_PER_UNIT for micros in column):
        return fields, [micros // MICROS_PER_UNIT for micros in column]
    found, amounts = [], []
    for field, micros in zip(fields, column, strict=True):
        for name, amount in zip((field, -1 - field), split(micros), strict=True):
            if amount:
                found.append(name)
                amounts.append(amount)
    return found, amounts


def _packed(integers: Sequence[int]) -> bytes:
    return Struct(f'<{len(integers)}q').pack(*integers)
