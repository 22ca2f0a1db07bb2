"""Keys: injective, of one slot a shard, and gone when their counters are."""

from __future__ import annotations

import re
from pathlib import Path as File

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from redis.crc import key_slot

from hailwhale.intervals import DAY
from hailwhale.paths import Path, escape
from hailwhale.periods import Retention
from hailwhale.storage import keys
from hailwhale.storage.keys import SHARDS, Slots, group, pk_group, series, shard_of

AWKWARD = ['||', '/', '}', '{0}', '{', '%', '%2F', ':', '', '_', 'a:b', 'a/b', '-1', '0', 'n', '\r\n', '🐳']
NAMES = st.sampled_from(AWKWARD) | st.text(st.characters(codec='utf-8'), max_size=8)
PKS = st.lists(NAMES, min_size=1, max_size=3).map(tuple)
NODES = st.lists(NAMES, max_size=3).map(tuple)
ZONES = ['UTC', 'America/Chicago', 'Asia/Kathmandu', 'Australia/Lord_Howe', 'America/Santiago', 'Pacific/Apia']
INTERVALS = ['1s', '5m', '1h', '2h', '6h', '1d', '3d', '1w', '2w', '1mo', '5mo', '1y']
RETENTIONS = st.builds(
    Retention.parse, st.sampled_from([f'{interval}:400d' for interval in INTERVALS]), st.sampled_from(ZONES)
) | st.builds(Retention.parse, st.sampled_from(['1h:2mo', '1d:2mo', '1d:6mo', '1mo:2y']), st.sampled_from(ZONES))
#: Moments of this century, those of clock changes and of the day that Samoa left out among them.
MOMENTS = st.integers(0, 4_000_000_000) | st.sampled_from([1_772_956_800, 1_325_239_200, 1_775_314_800])


def all_keys(shard: int, pk: Path, node: Path, metric: str) -> list[str]:
    """One key of every kind that a shard holds."""
    lies = series(pk, node)
    slot = Slots(Retention.parse('1h:31d')).at(3_600)
    return [
        keys.epoch_key(shard),
        keys.names_key(shard, 7, lies.group),
        keys.metrics_key(shard, 7, lies.group.split(':')[0]),
        keys.counters_key(shard, slot.name, lies.group, metric),
        *keys.ids_keys(shard, 7 * DAY),
        keys.hits_key(shard),
        keys.dead_key(shard),
        keys.sequence_key(shard),
        keys.position_key(shard, pk[-1]),
        keys.spied_pk_key(shard, pk[0]),
        keys.spied_uid_key(shard, pk[-1]),
        keys.uses_key(shard, pk[-1]),
    ]


class TestOneSlot:
    @given(st.integers(0, SHARDS - 1), PKS, NODES)
    def test_every_key_of_a_shard_is_in_the_slot_of_its_number(self, shard: int, pk: Path, node: Path) -> None:
        found = all_keys(shard, pk, node, 'hits')
        assert {key_slot(key.encode()) for key in found} == {key_slot(b'%d' % shard)}
        assert all(key.startswith(keys.tag(shard)) for key in found)

    def test_the_store_is_in_the_slot_of_shard_0(self) -> None:
        assert key_slot(keys.STORE.encode()) == key_slot(b'0')

    def test_the_keys_of_every_kind_differ(self) -> None:
        found = all_keys(0, ('a',), ('b',), 'hits')
        assert len(set(found)) == len(found)

    @given(PKS, PKS)
    def test_a_pk_and_all_below_it_share_a_shard(self, pk: Path, more: Path) -> None:
        assert shard_of(pk) == shard_of((*pk, *more)) < SHARDS

    def test_pks_spread_over_all_shards(self) -> None:
        assert {shard_of((str(number),)) for number in range(1_000)} == set(range(SHARDS))

    def test_the_map_in_the_docstring_names_every_kind_of_key(self) -> None:
        assert keys.__doc__ is not None
        kinds = re.compile(r'hw:\{+\w+\}+:([a-z:]*)')
        drawn = {kinds.match(line.strip()) for line in keys.__doc__.splitlines() if line.startswith('    hw:')}
        code = File(keys.__file__).read_text('utf-8').partition('from __future__')[2]
        assert {kind[1] for kind in drawn if kind} == set(kinds.findall(code))


class TestInjective:
    @given(PKS, NODES, PKS, NODES)
    @example(('a',), ('b', 'c'), ('a', 'b'), ('c',))
    @example(('a',), (), ('a', ''), ())
    @example(('a/b',), ('c',), ('a', 'b'), ('c',))
    @example(('a', 'b'), (), ('a',), ('b',))
    def test_two_series_never_share_a_group_and_a_child(self, pk: Path, node: Path, pk2: Path, node2: Path) -> None:
        assert (series(pk, node) == series(pk2, node2)) == ((pk, node) == (pk2, node2))

    @given(PKS, NODES)
    def test_the_pks_below_a_pk_are_in_no_group_of_dimensions(self, pk: Path, node: Path) -> None:
        assert pk_group(pk) != group(pk, node)

    @given(st.tuples(PKS, NODES, NAMES), st.tuples(PKS, NODES, NAMES))
    def test_counters_of_two_metrics_or_groups_never_share_a_key(
        self, one: tuple[Path, Path, str], other: tuple[Path, Path, str]
    ) -> None:
        found = [keys.counters_key(0, '1h:7', group(pk, node), escape(metric)) for pk, node, metric in (one, other)]
        assert (found[0] == found[1]) == (one == other)

    @given(PKS, NODES)
    def test_no_child_is_the_field_of_the_next_number(self, pk: Path, node: Path) -> None:
        assert series(pk, node).child

    @given(NAMES, NAMES)
    def test_two_readers_never_share_a_position(self, one: str, other: str) -> None:
        assert (keys.position_key(0, one) == keys.position_key(0, other)) == (one == other)


class TestSlots:
    @given(RETENTIONS, MOMENTS)
    @example(Retention.parse('2h:31d', 'America/Chicago'), 1_772_949_600)
    @example(Retention.parse('1h:31d', 'Australia/Lord_Howe'), 1_775_314_800)
    def test_neighbouring_buckets_never_share_a_field(self, kept: Retention, at: int) -> None:
        slots, start = Slots(kept), kept.interval.floor(at)
        found = []
        for _ in range(40):
            slot = slots.at(start)
            found.append((slot.name, slot.offset))
            assert 0 <= slot.offset < slot.length
            start = kept.interval.next(start)
        assert len(set(found)) == len(found)

    @given(RETENTIONS, MOMENTS)
    @example(Retention.parse('1mo:2y'), 2_000_000)
    @example(Retention.parse('1d:400d', 'America/Santiago'), 1_650_000_000)
    def test_a_key_ends_with_the_last_bucket_of_its_chunk(self, kept: Retention, at: int) -> None:
        slots, start = Slots(kept), kept.interval.floor(at)
        slot = slots.at(start)
        last = start
        while slots.at(kept.interval.next(last)).name == slot.name:
            last = kept.interval.next(last)
        assert slot.expires == kept.expires(last)
        assert slots.at(last) == slot._replace(offset=slots.at(last).offset)

    @given(RETENTIONS, MOMENTS)
    @example(Retention.parse('1h:2mo'), 1_700_000_000)
    def test_names_outlive_the_counters_that_need_them(self, kept: Retention, at: int) -> None:
        slots = Slots(kept)
        slot = slots.at(kept.interval.floor(at))
        assert keys.era_expires(slot.era, slots.longest) >= slot.expires

    def test_names_are_forgotten_soon_after_their_last_counter(self) -> None:
        slots = Slots(Retention.parse('1d:1y'))
        slot = slots.at(0)
        assert keys.era_expires(slot.era, slots.longest) - slot.expires < 2 * keys.ERA_DAYS * DAY

    @pytest.mark.parametrize(
        ('interval', 'length'),
        [('1s', 120), ('1m', 120), ('1h', 24), ('1d', 32), ('1w', 16), ('1mo', 12), ('1y', 8)],
    )
    def test_a_chunk_holds(self, interval: str, length: int) -> None:
        assert Slots(Retention.parse(f'{interval}:20y')).length == length

    def test_a_slot_is_computed_once(self) -> None:
        slots = Slots(Retention.parse('1m:1d'))
        assert slots.at(60) is slots.at(60)
        assert slots.at(60).name == '1m:0'
        assert slots.at(7_200) == ('1m:1', 0, 120, 14_400 + DAY, 0)

    def test_slots_of_ages_ago_are_not_remembered_for_ever(self) -> None:
        slots = Slots(Retention.parse('1m:1d'))
        first = slots.at(0)
        for minute in range(20_002):
            slots.at(60 * minute)
        assert slots.at(0) == first
        assert slots.at(0) is not first

    @given(RETENTIONS, MOMENTS, st.integers(0, 40 * DAY))
    def test_the_chunks_between_two_moments_hold_every_bucket_between_them(
        self, kept: Retention, at: int, seconds: int
    ) -> None:
        slots = Slots(kept)
        known = {f'{slots.name}:{chunk}': era for chunk, era in slots.chunks(at, at + seconds)}
        for moment in range(at, at + seconds, max(seconds // 50, 1)):
            slot = slots.at(kept.interval.floor(moment))
            assert known[slot.name] == slot.era

    def test_days_of_two_zones_lie_apart(self) -> None:
        utc, local = (Slots(Retention.parse('1d:1y', zone)) for zone in ('UTC', 'Asia/Tokyo'))
        assert utc.at(0).name != local.at(local.interval.floor(0)).name
        assert '/' not in local.name


class TestIds:
    def test_ids_are_looked_for_in_the_sets_of_the_days_on_which_they_may_have_come(self) -> None:
        sets = keys.ids_keys(3, 10 * DAY + 5)
        assert sets == ('hw:{3}:ids:10', 'hw:{3}:ids:11', 'hw:{3}:ids:9', 'hw:{3}:ids:8')
        assert keys.ids_expire(10 * DAY) == keys.ids_expire(11 * DAY - 1) == 13 * DAY

    @given(st.integers(0, 4 * DAY), st.integers(0, 4 * DAY), st.integers(1, 4 * DAY))
    def test_an_id_is_found_as_long_as_it_is_kept(self, at: int, later: int, kept: int) -> None:
        mine = keys.ids_keys(0, at, kept)[0]
        assert (mine in keys.ids_keys(0, at + later, kept)) >= (later <= kept)
        assert keys.ids_expire(at, kept) > at + kept

    @given(NAMES, NAMES)
    def test_an_id_of_any_length_takes_16_bytes_and_two_never_the_same(self, one: str, other: str) -> None:
        assert (keys.id_digest(one) == keys.id_digest(other)) == (one == other)
        assert len(keys.id_digest(one)) == len(keys.id_digest(1_000 * one)) == 16


@given(st.integers(0, SHARDS - 1), NAMES)
def test_a_key_names_its_shard(shard: int, name: str) -> None:
    assert keys.shard_within(keys.spied_uid_key(shard, name)) == shard


@given(NAMES, NAMES)
def test_spy_logs_and_sealed_pixels_of_two_names_are_apart(one: str, other: str) -> None:
    for key in (keys.spied_pk_key, keys.spied_uid_key, keys.uses_key):
        assert (key(0, one) == key(0, other)) == (one == other)


@given(PKS, PKS)
def test_annotations_lie_in_the_shard_of_their_pk_each_pk_apart(one: Path, other: Path) -> None:
    shard, key = keys.notes_key(one)
    assert (shard, keys.shard_within(key)) == (shard_of(one), shard_of(one))
    assert (keys.notes_key(one) == keys.notes_key(other)) == (one == other)
    assert keys.notes_key(()) == (0, 'hw:{0}:notes:')
    assert key != 'hw:{0}:notes:'
