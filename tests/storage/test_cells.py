"""Sums in lanes, and the commands that add them."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from hailwhale.metrics import MAX_AMOUNT, Micros
from hailwhale.storage.cells import MANY, Encoder, Lanes, negated, tables
from hailwhale.storage.keys import Series, Slot
from hailwhale.storage.scripts import digest
from tests.storage.stores import ONE

METRICS = st.sampled_from(['hits', 'dollars', 'a b', 'ü', 'visits'])
MICROS = st.integers(-MAX_AMOUNT * ONE + 1, MAX_AMOUNT * ONE - 1) | st.integers(-3, 3) | st.sampled_from([ONE, -ONE])
AMOUNTS = st.dictionaries(METRICS, MICROS, max_size=5)
SLOT = Slot('1h:7', 3, 24, 900_000, 5)
LATER = Slot('1h:8', 0, 24, 990_000, 6)


def read(command: bytes) -> list[str]:
    """The parts of a command, whose lengths must be right."""
    lines = command.split(b'\r\n')
    assert lines.pop() == b''
    assert lines[0] == b'*%d' % ((len(lines) - 1) // 2)
    assert lines[1::2] == [b'$%d' % len(part) for part in lines[2::2]]
    return [part.decode() for part in lines[2::2]]


def increments(
    lanes: Lanes, cells: dict[Slot, dict[Series, int]]
) -> tuple[dict[tuple[str, int], int], list[list[str]]]:
    """What the commands for children a = 0, b = 1 add, by key and field; and the other commands."""
    numbers = {(slot.era, group): {'a': 0, 'b': 1} for slot, of_slot in cells.items() for _, group, _ in of_slot}
    commands, others = Encoder(9, lanes).commands(cells, numbers)
    found: dict[tuple[str, int], int] = {}
    ends = list(map(read, others))
    for name, *parts in map(read, commands):
        if name == 'HINCRBY':
            (key, *pairs) = parts
        else:
            sha, count, key, expires, *pairs = parts
            assert (name, sha, count) == ('EVALSHA', digest('add').decode(), '1')
            assert len(pairs) >= 2 * MANY
            ends.append(['EXPIREAT', key, expires])
        for field, amount in zip(pairs[::2], pairs[1::2], strict=True):
            assert (key, int(field)) not in found, 'one increment a counter'
            found[key, int(field)] = int(amount)
    return found, ends


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

    @given(MICROS, st.integers(1, 10**28))
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
    def test_a_whole_amount_is_one_field_and_a_fraction_a_second_one(self) -> None:
        lanes = Lanes()
        cells = {
            SLOT: {
                Series(9, 'p:', 'a'): lanes.pack({'hits': 2 * ONE, 'dollars': 9_990_000}),
                Series(9, 'p:', 'b'): lanes.pack({'dollars': -250_000}),
            }
        }
        found, _ = increments(lanes, cells)
        assert found == {
            ('hw:{9}:1h:7:p::hits', 3): 2,
            ('hw:{9}:1h:7:p::dollars', 3): 9,
            ('hw:{9}:1h:7:p::dollars', -4): 990_000,
            ('hw:{9}:1h:7:p::dollars', -28): -250_000,
        }

    def test_every_hash_ends_with_its_chunk(self) -> None:
        lanes = Lanes()
        one = lanes.pack({'hits': ONE, 'a b': ONE})
        _, others = increments(lanes, {SLOT: {Series(9, 'p:', 'a'): one}, LATER: {Series(9, 'p:', 'b'): one}})
        assert sorted(others) == [
            ['EXPIREAT', 'hw:{9}:1h:7:p::a%20b', '900000'],
            ['EXPIREAT', 'hw:{9}:1h:7:p::hits', '900000'],
            ['EXPIREAT', 'hw:{9}:1h:8:p::a%20b', '990000'],
            ['EXPIREAT', 'hw:{9}:1h:8:p::hits', '990000'],
        ]

    def test_what_sums_to_nothing_adds_nothing(self) -> None:
        lanes = Lanes()
        packed = lanes.pack({'hits': ONE}) + lanes.pack({'hits': -ONE})
        assert increments(lanes, {SLOT: {Series(9, 'p:', 'a'): packed}})[0] == {}

    @given(st.dictionaries(st.tuples(st.sampled_from([SLOT, LATER]), st.sampled_from('ab')), AMOUNTS, min_size=1))
    def test_the_increments_of_a_cell_are_its_amounts(self, cells: dict[tuple[Slot, str], dict[str, Micros]]) -> None:
        lanes = Lanes()
        packed: dict[Slot, dict[Series, int]] = {}
        for (slot, child), amounts in cells.items():
            packed.setdefault(slot, {})[Series(9, 'p:', child)] = lanes.pack(amounts)
        found, _ = increments(lanes, packed)
        for (slot, child), amounts in cells.items():
            field = 'ab'.index(child) * slot.length + slot.offset
            for name, key in zip(lanes.names, lanes.keys, strict=True):
                place = f'hw:{{9}}:{slot.name}:p::{key}'
                whole, rest = found.pop((place, field), 0), found.pop((place, -1 - field), 0)
                assert whole * ONE + rest == amounts.get(name, 0)
                assert abs(rest) < ONE
        assert found == {}

    def test_more_amounts_than_are_remembered_are_encoded_all_the_same(self) -> None:
        lanes = Lanes()
        wide = Slot('1h:7', 0, 1, 900_000, 5)
        cells = {wide: {Series(9, 'p:', str(number)): lanes.pack({'hits': number}) for number in range(1, 100_010)}}
        numbers = {(5, 'p:'): {str(number): number for number in range(1, 100_010)}}
        (command,), others = Encoder(9, lanes).commands(cells, numbers)
        assert read(command)[-2:] == [str(-1 - 100_009), '100009']
        assert len(read(command)) == 5 + 2 * 100_009
        assert others == []

    def test_few_counters_of_a_hash_are_added_to_one_by_one_and_many_at_once(self) -> None:
        for count, commands_wanted in ((MANY - 1, MANY - 1), (MANY, 1)):
            lanes = Lanes()
            cells = {SLOT: {Series(9, 'p:', str(number)): lanes.pack({'hits': ONE}) for number in range(count)}}
            numbers = {(5, 'p:'): {str(number): number for number in range(count)}}
            commands, others = Encoder(9, lanes).commands(cells, numbers)
            assert (len(commands), len(others)) == (commands_wanted, 1 if count < MANY else 0)
            undone = [read(negated(command)) for command in commands]
            assert all(line[-1] == '-1' for line in undone)
            assert read(negated(negated(commands[0]))) == read(commands[0])
