"""Sums in lanes, and the commands that add them."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.metrics import MAX_AMOUNT, Micros
from hailwhale.paths import escape
from hailwhale.storage import cells as module
from hailwhale.storage.cells import MANY, MOST, Encoder, Lanes, tables
from hailwhale.storage.keys import Series, Slot
from hailwhale.storage.scripts import digest
from tests.storage.stores import ONE

METRICS = st.sampled_from(['hits', 'dollars', 'a b', 'ü', 'visits'])
MICROS = st.integers(-MAX_AMOUNT * ONE + 1, MAX_AMOUNT * ONE - 1) | st.integers(-3, 3) | st.sampled_from([ONE, -ONE])
AMOUNTS = st.dictionaries(METRICS, MICROS, max_size=5)
#: Each has its place here as its number.
CHILDREN = 'abcdefghijkl'
SLOT = Slot('1h:7', 3, 24, 900_000, 5)
LATER = Slot('1h:8', 0, 24, 990_000, 6)


def read(command: bytes) -> list[str]:
    """The parts of a command, whose lengths must be right."""
    lines = command.split(b'\r\n')
    assert lines.pop() == b''
    assert lines[0] == b'*%d' % ((len(lines) - 1) // 2)
    assert lines[1::2] == [b'$%d' % len(part) for part in lines[2::2]]
    return [part.decode() for part in lines[2::2]]


def parts_of(command: bytes) -> list[bytes]:
    """The parts of a command, which may hold anything."""
    count, parts, at = int(command[1 : command.index(b'\r\n')]), [], command.index(b'\r\n') + 2
    while at < len(command):
        end = command.index(b'\r\n', at)
        size = int(command[at + 1 : end])
        parts.append(command[end + 2 : end + 2 + size])
        at = end + 4 + size
    assert len(parts) == count
    return parts


def integers(packed: bytes) -> list[int]:
    return [int.from_bytes(packed[at : at + 8], 'little', signed=True) for at in range(0, len(packed), 8)]


def increments(
    lanes: Lanes, cells: dict[Slot, dict[Series, int]], commands: list[bytes] | None = None
) -> tuple[dict[tuple[str, int], int], list[list[str]]]:
    """What the commands for children a = 0, b = 1, ... add, by key and field, in micros; and the other commands."""
    others: list[bytes] = []
    if commands is None:
        commands, others = Encoder(9, lanes).commands(cells, numbers_of(cells))
    found: dict[tuple[str, int], int] = {}
    ends = list(map(read, others))
    for name, *parts in map(parts_of, commands):
        if name == b'HINCRBY':
            key, field, amount = parts
            place = key.decode(), max(int(field), -1 - int(field))
            found[place] = found.get(place, 0) + int(amount) * (ONE if int(field) >= 0 else 1)
            continue
        sha, count, *rest = parts
        assert (name, sha) == (b'EVALSHA', digest('add'))
        keys, args = rest[: int(count)], rest[int(count) :]
        while keys:
            (expires, hashes, shared), args = args[:3], args[3:]
            for each in keys[: int(hashes)]:
                (own, pairs), args = args[:2], args[2:]
                ends.append(['EXPIREAT', each.decode(), expires.decode()])
                assert integers(own or shared) == integers(pairs)[::2]
                assert len(set(integers(own or shared))) == len(integers(own or shared)), 'each field once'
                for number, more in zip(integers(pairs)[::2], integers(pairs)[1::2], strict=True):
                    assert 0 < abs(more) < MOST
                    place = each.decode(), max(number, -1 - number)
                    found[place] = found.get(place, 0) + more * (ONE if number >= 0 else 1)
            keys = keys[int(hashes) :]
        assert args == []
    return found, ends


def numbers_of(cells: dict[Slot, dict[Series, int]]) -> dict[tuple[int, str], dict[str, int]]:
    return {
        (slot.era, group): {child: number for number, child in enumerate(CHILDREN)}
        for slot, of_slot in cells.items()
        for _, group, _ in of_slot
    }


class TestLanes:
    @given(st.lists(AMOUNTS, max_size=20))
    def test_a_sum_of_packed_amounts_is_the_packed_sum(self, events: list[dict[str, Micros]]) -> None:
        lanes = Lanes()
        packed = sum(map(lanes.pack, events))
        sums: Counter[str] = Counter()
        for event in events:
            for name, micros in event.items():
                sums[name] += micros
        assert dict(zip(lanes.names, lanes.unpack(packed), strict=True)) == {name: sums[name] for name in lanes.names}

    @given(MICROS, st.integers(1, 10**16))
    def test_many_of_the_largest_amounts_leave_the_next_lane_alone(self, micros: Micros, times: int) -> None:
        lanes = Lanes()
        packed = lanes.pack({'a': micros, 'b': -micros, 'c': 1}) * times
        assert lanes.unpack(packed) == [micros * times, -micros * times, times]

    def test_a_metric_keeps_its_lane_and_is_escaped_once(self) -> None:
        lanes = Lanes()
        lanes.pack({'a b': 1})
        lanes.pack({'hits': 1, 'a b': 1})
        assert (lanes.names, lanes.keys) == (['a b', 'hits'], ['a%20b', 'hits'])

    def test_no_metrics_are_no_amounts(self) -> None:
        assert Lanes().unpack(0) == []


class TestTables:
    def test_every_era_needs_the_names_of_its_own_groups(self) -> None:
        one, two, three = Series(9, 'p:', 'a'), Series(9, 'p:', 'b'), Series(9, 'q:x', 'a')
        assert tables({SLOT: [one, two], LATER: [one, three]}) == {
            (5, 'p:'): {'a', 'b'},
            (6, 'p:'): {'a'},
            (6, 'q:x'): {'a'},
        }


class TestEncoder:
    @pytest.mark.parametrize('count', [1, len(CHILDREN)])
    def test_every_hash_ends_with_its_chunk(self, count: int) -> None:
        lanes = Lanes()
        one = lanes.pack({'hits': ONE, 'a b': ONE})
        many = {Series(9, 'p:', child): one for child in CHILDREN[:count]}
        _, others = increments(lanes, {SLOT: many, LATER: many})
        assert sorted(others) == [
            ['EXPIREAT', 'hw:{9}:1h:7:p::a%20b', '900000'],
            ['EXPIREAT', 'hw:{9}:1h:7:p::hits', '900000'],
            ['EXPIREAT', 'hw:{9}:1h:8:p::a%20b', '990000'],
            ['EXPIREAT', 'hw:{9}:1h:8:p::hits', '990000'],
        ]

    @pytest.mark.parametrize('count', [1, len(CHILDREN)])
    def test_what_sums_to_nothing_adds_nothing(self, count: int) -> None:
        lanes = Lanes()
        packed = lanes.pack({'hits': ONE}) + lanes.pack({'hits': -ONE})
        cells = {SLOT: {Series(9, 'p:', child): packed for child in CHILDREN[:count]}}
        assert Encoder(9, lanes).commands(cells, numbers_of(cells)) == ([], [])

    @given(
        st.dictionaries(
            st.tuples(st.sampled_from([SLOT, LATER]), st.sampled_from(CHILDREN)), AMOUNTS, min_size=1, max_size=20
        )
    )
    def test_the_increments_of_a_cell_are_its_amounts(self, cells: dict[tuple[Slot, str], dict[str, Micros]]) -> None:
        lanes = Lanes()
        packed: dict[Slot, dict[Series, int]] = {}
        expected: dict[tuple[str, int], int] = {}
        for (slot, child), amounts in cells.items():
            packed.setdefault(slot, {})[Series(9, 'p:', child)] = lanes.pack(amounts)
            field = CHILDREN.index(child) * slot.length + slot.offset
            for name, micros in amounts.items():
                if micros:
                    expected[f'hw:{{9}}:{slot.name}:p::{escape(name)}', field] = micros
        assert increments(lanes, packed)[0] == expected

    @given(
        st.dictionaries(
            st.tuples(st.sampled_from([SLOT, LATER]), st.sampled_from(CHILDREN)), AMOUNTS, min_size=1, max_size=20
        )
    )
    def test_each_command_is_undone_by_that_of_the_sums_below_0(
        self, cells: dict[tuple[Slot, str], dict[str, Micros]]
    ) -> None:
        lanes = Lanes()
        packed: dict[Slot, dict[Series, int]] = {}
        for (slot, child), amounts in cells.items():
            packed.setdefault(slot, {})[Series(9, 'p:', child)] = lanes.pack(amounts)
        below = {slot: {place: -one for place, one in of_slot.items()} for slot, of_slot in packed.items()}
        encoder, numbers = Encoder(9, lanes), numbers_of(packed)
        there, back = encoder.commands(packed, numbers)[0], encoder.commands(below, numbers)[0]
        for one, other in zip(there, back, strict=True):
            undone = {place: -micros for place, micros in increments(lanes, packed, [other])[0].items()}
            assert increments(lanes, packed, [one])[0] == undone

    def test_few_counters_of_a_hash_are_added_to_one_by_one_and_many_at_once(self) -> None:
        for count, commands_wanted in ((MANY - 1, MANY - 1), (MANY, 1)):
            lanes = Lanes()
            cells = {SLOT: {Series(9, 'p:', child): lanes.pack({'hits': ONE}) for child in CHILDREN[:count]}}
            commands, others = Encoder(9, lanes).commands(cells, numbers_of(cells))
            assert (len(commands), len(others)) == (commands_wanted, 1 if count < MANY else 0)

    def test_one_call_of_the_script_is_not_for_too_many_counters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, 'AT_ONCE', 4)
        monkeypatch.setattr(module, 'MANY', 1)
        lanes = Lanes()
        one = lanes.pack({'hits': ONE, 'a': ONE})
        cells = {SLOT: {Series(9, f'p:{group}', child): one for group in 'xyz' for child in 'ab'}}
        commands, others = Encoder(9, lanes).commands(cells, numbers_of(cells))
        assert [parts_of(command)[2] for command in commands] == [b'2', b'2', b'2']
        assert others == []
        monkeypatch.setattr(module, 'AT_ONCE', 9)
        commands, _ = Encoder(9, lanes).commands(cells, numbers_of(cells))
        assert [parts_of(command)[2] for command in commands] == [b'6']
        assert len(increments(lanes, cells, commands)[0]) == 3 * 2 * 2

    def test_what_the_script_could_not_add_exactly_is_added_one_by_one(self) -> None:
        lanes = Lanes()
        cells = {SLOT: {Series(9, 'p:', child): lanes.pack({'a': ONE, 'b': MOST - 1}) for child in CHILDREN}}
        cells[SLOT][Series(9, 'p:', 'a')] = lanes.pack({'a': -MOST, 'b': 1})
        commands, others = Encoder(9, lanes).commands(cells, numbers_of(cells))
        assert [parts_of(command)[0] for command in commands] == [b'HINCRBY'] * (len(CHILDREN) + 1) + [b'EVALSHA']
        assert [read(other)[1] for other in others] == ['hw:{9}:1h:7:p::a']
