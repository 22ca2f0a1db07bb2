"""Reading: single series and whole groups against the obvious model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.intervals import DAY
from hailwhale.metrics import Micros
from hailwhale.paths import Path, prefixes
from hailwhale.storage import SHARDS, GroupRead, SeriesRead, Slot, Storage, chunks, group, keys, pk_group, series
from tests.engines import Server
from tests.storage.stores import KEEP, NOW, ONE, Happening, at_once, clearing, commit, event

NAMES = st.sampled_from(['a', 'b', '', '/', '}', ':', 'ü %'])
NODES = st.lists(NAMES, max_size=2).map(lambda names: tuple(tuple(names[:end]) for end in range(len(names) + 1)))
HAPPENINGS = st.lists(
    st.builds(
        Happening,
        st.lists(NAMES, max_size=1).map(lambda rest: ('p', *rest)),
        NODES,
        st.dictionaries(st.sampled_from(['hits', 'a:b']), st.sampled_from([ONE, -ONE, 1, -999_999, 2**62]), min_size=1),
        st.integers(NOW - 40 * DAY, NOW),
    ),
    max_size=8,
)
METRICS = ('hits', 'a:b', 'never')


def slots_between(kind: int, since: int, until: int) -> list[Slot]:
    """Every slot of one kept interval between two moments."""
    slots = KEEP[kind]
    return [slots.at(start) for start in slots.interval.buckets(since, until)]


def model(happened: Sequence[Happening], pk: Path, node: Path, slots: Sequence[Slot]) -> dict[str, list[Micros]]:
    """By metric, one amount a slot, as a slow and obvious sum has it."""
    columns = {name: [0] * len(slots) for name in METRICS}
    places = {(slot.name, slot.offset): place for place, slot in enumerate(slots)}
    for one in happened:
        if node in one.nodes and pk in prefixes(one.pk):
            for slot in one.slots:
                place = places.get((slot.name, slot.offset))
                if place is not None:
                    for name, micros in one.amounts.items():
                        columns[name][place] += micros
    return columns


def is_something(columns: Mapping[str, Sequence[Micros]]) -> bool:
    return any(any(column) for column in columns.values())


WINDOWS = [(0, NOW - 7_200, NOW + 60), (1, NOW - 40 * DAY, NOW + 3_600), (2, NOW - 90 * DAY, NOW + DAY)]


class TestSeries:
    @given(happened=HAPPENINGS)
    @settings(max_examples=20)
    def test_every_series_reads_what_the_model_says(
        self, server: Server, lasting_store: Storage, happened: list[Happening]
    ) -> None:
        server.empty()
        if happened:
            assert lasting_store.commit(commit(happened), now=NOW)
        asked = {(pk, node) for one in happened for pk in prefixes(one.pk) for node in one.nodes}
        asked |= {(('p',), ('never',)), (('q',), ())}
        questions = [(pk, node, slots_between(*window)) for pk, node in sorted(asked) for window in WINDOWS]
        reads = [SeriesRead(series(pk, node), chunks(slots), METRICS) for pk, node, slots in questions]
        assert lasting_store.read_series(reads) == [model(happened, *question) for question in questions]

    def test_amounts_beyond_what_floats_hold_are_exact(self, store: Storage) -> None:
        one = Happening(amounts={'dollars': (2**62 + 1) * ONE + 1})
        store.count(event(one), now=NOW)
        question = SeriesRead(series(one.pk, ()), chunks(one.slots), ('dollars',))
        assert store.read_series([question]) == [{'dollars': [(2**62 + 1) * ONE + 1] * 3}]

    def test_slots_of_one_chunk_are_asked_together_and_answered_in_order(self, store: Storage) -> None:
        for hour in (0, 3, 30):
            store.count(event(Happening(at=NOW + hour * 3_600)), now=NOW)
        slots = [KEEP[1].at(NOW + hour * 3_600) for hour in (0, 1, 3, 24, 30)]
        asked = chunks(slots)
        assert [chunk.offsets for chunk in asked] == [(0, 1, 3), (0, 6)]
        (found,) = store.read_series([SeriesRead(series(('signup',), ()), asked, ('hits',))])
        assert found == {'hits': [ONE, 0, ONE, 0, ONE]}

    @pytest.mark.parametrize('amounts', [1, 7, 2_000])
    def test_however_many_are_asked_by_one_call_the_answers_are_the_same(
        self, store: Storage, monkeypatch: pytest.MonkeyPatch, amounts: int
    ) -> None:
        monkeypatch.setattr('hailwhale.storage.reads._AMOUNTS', amounts)
        happened = [Happening(('shop', f'{n}'), amounts={'hits': n * ONE, 'dollars': -n}) for n in range(1, 9)]
        for one in happened:
            store.count(event(one), now=NOW)
        wide, narrow = chunks(happened[0].slots), chunks(happened[0].slots[1:2])
        asked = [(one, *of) for of in [(wide, ('hits',)), (narrow, METRICS), (wide, METRICS)] for one in happened]
        reads = [SeriesRead(series(one.pk, ()), of_chunks, metrics) for one, of_chunks, metrics in asked]
        assert store.read_series(reads) == [
            {metric: [one.amounts.get(metric, 0)] * len(of_chunks) for metric in metrics}
            for one, of_chunks, metrics in asked
        ]

    def test_questions_for_nothing_have_empty_answers(self, store: Storage) -> None:
        one = Happening(('shop', 'tea'))
        store.count(event(one), now=NOW)
        where = series(one.pk, ())
        assert store.read_series([SeriesRead(where, (), ('hits',))] * 2) == [{'hits': []}] * 2
        assert store.read_series([SeriesRead(where, chunks(one.slots), ())] * 2) == [{}] * 2

    def test_no_questions_have_no_answers(self, lasting_store: Storage) -> None:
        assert lasting_store.read_series([]) == []
        assert lasting_store.read_groups([]) == []

    def test_questions_for_all_shards_are_answered_in_their_order(self, store: Storage) -> None:
        happened = [Happening((str(number),), amounts={'hits': number * ONE}) for number in range(1, 200)]
        for one in happened:
            store.count(event(one), now=NOW)
        assert {one.shard for one in happened} == set(range(SHARDS))
        asked = chunks(happened[0].slots[:1])
        found = store.read_series([SeriesRead(series(one.pk, ()), asked, ('hits',)) for one in happened])
        assert found == [{'hits': [number * ONE]} for number in range(1, 200)]
        groups = store.read_groups([GroupRead(one.shard, pk_group(()), asked, ('hits',)) for one in happened])
        for one, children in zip(happened, groups, strict=True):
            assert children[one.pk[0]] == {'hits': [one.amounts['hits']]}


class TestGroups:
    @given(happened=HAPPENINGS)
    @settings(max_examples=10)
    def test_every_group_reads_what_the_model_says(
        self, server: Server, lasting_store: Storage, happened: list[Happening]
    ) -> None:
        server.empty()
        if happened:
            assert lasting_store.commit(commit(happened), now=NOW)
        pks = sorted({pk for one in happened for pk in prefixes(one.pk)} | {('never',)})
        parents = sorted({node for one in happened for node in one.nodes} | {('never',)})
        for window in WINDOWS:
            slots = slots_between(*window)
            asked = [(pk, parent) for pk in pks for parent in parents]
            reads = [GroupRead(Happening().shard, group(pk, parent), chunks(slots), METRICS) for pk, parent in asked]
            reads = [replaced._replace(shard=Happening(('p',)).shard) for replaced in reads]
            for (pk, parent), found in zip(asked, lasting_store.read_groups(reads), strict=True):
                names = {node[-1] for one in happened for node in one.nodes if node[:-1] == parent and node}
                wanted = {name: model(happened, pk, (*parent, name), slots) for name in names}
                something = {name: columns for name, columns in wanted.items() if is_something(columns)}
                assert {name: columns for name, columns in found.items() if is_something(columns)} == something
            summed = lasting_store.read_groups([read._replace(summed=True) for read in reads])
            for found, sums in zip(lasting_store.read_groups(reads), summed, strict=True):
                assert sums == {
                    name: {metric: [sum(column)] for metric, column in columns.items()}
                    for name, columns in found.items()
                }

    def test_what_was_fetched_is_told_without_the_engine(self, server: Server, store: Storage) -> None:
        one = Happening(('shop', 'tea'))
        store.count(event(one), now=NOW)
        read = GroupRead(one.shard, pk_group(('shop',)), chunks(one.slots[:1]), ('hits',))
        (tell,) = store.fetch_groups([read])
        server.empty()
        assert tell() == {'tea': {'hits': [ONE]}}

    def test_pks_below_a_pk_are_read_like_any_group(self, store: Storage) -> None:
        for name in ('tea', '', 'a/b'):
            store.count(event(Happening(('shop', name))), now=NOW)
        asked = chunks(Happening().slots[2:])
        read = GroupRead(Happening(('shop',)).shard, pk_group(('shop',)), asked, ('hits',))
        assert store.read_groups([read]) == [{name: {'hits': [ONE]} for name in ('tea', '', 'a/b')}]

    def test_a_thousand_children_are_read_at_once(self, store: Storage) -> None:
        nodes: list[Path] = [(str(number),) for number in range(1_000)]
        store.commit(
            commit([Happening(nodes=(node,), amounts={'hits': (i + 1) * ONE}) for i, node in enumerate(nodes)]), now=NOW
        )
        one = Happening()
        (found,) = store.read_groups([GroupRead(one.shard, group(one.pk, ()), chunks(one.slots), ('hits',))])
        assert found == {str(number): {'hits': [(number + 1) * ONE] * 3} for number in range(1_000)}

    def test_only_the_buckets_asked_for_are_answered(self, store: Storage) -> None:
        half = {'hits': ONE + ONE // 2}
        for hour in range(4):
            store.count(event(Happening(nodes=(('a',), (str(hour),)), amounts=half, at=NOW + hour * 3_600)), now=NOW)
        slots = [KEEP[1].at(NOW + hour * 3_600) for hour in (1, 2)]
        one = Happening()
        read = GroupRead(one.shard, group(one.pk, ()), chunks(slots), ('hits',))
        amount = half['hits']
        assert store.read_groups([read, read._replace(summed=True)]) == [
            {'a': {'hits': [amount, amount]}, '1': {'hits': [amount, 0]}, '2': {'hits': [0, amount]}},
            {'a': {'hits': [2 * amount]}, '1': {'hits': [amount]}, '2': {'hits': [amount]}},
        ]

    def test_a_child_has_its_own_number_in_every_era(self, store: Storage) -> None:
        early = [Happening(nodes=((name,),), at=NOW - 40 * DAY) for name in 'abc']
        late = [Happening(nodes=((name,),), amounts={'hits': 2 * ONE}) for name in 'cba']
        for one in early + late:
            store.count(event(one), now=NOW)
        slots = [KEEP[2].at(at) for at in (NOW - 40 * DAY, NOW)]
        assert slots[0].era != slots[1].era
        read = GroupRead(late[0].shard, group(late[0].pk, ()), chunks(slots), ('hits',))
        assert store.read_groups([read]) == [{name: {'hits': [ONE, 2 * ONE]} for name in 'abc'}]

    def test_a_counter_whose_name_is_gone_is_left_out(self, store: Storage) -> None:
        one = Happening(nodes=(('a',), ('b',)))
        store.count(event(one), now=NOW)
        store.engine.ask(one.shard, 'HDEL', keys.names_key(one.shard, one.slots[0].era, group(one.pk, ())), 'a')
        read = GroupRead(one.shard, group(one.pk, ()), chunks(one.slots[:1]), ('hits',))
        assert store.read_groups([read]) == [{'b': {'hits': [ONE]}}]
        assert store.read_series([SeriesRead(series(one.pk, ('a',)), chunks(one.slots[:1]), ('hits',))]) == [
            {'hits': [0]}
        ]

    def test_reading_while_others_reset_gives_whole_children_or_none(self, store: Storage) -> None:
        one = Happening(nodes=((), ('a',), ('b',)))
        read = GroupRead(one.shard, group(one.pk, ()), chunks(one.slots[:1]), ('hits',))

        def work(number: int) -> None:
            for _ in range(60):
                if number == 0:
                    store.count(event(one), now=NOW)
                    store.reset(clearing(one.pk))
                else:
                    (found,) = store.read_groups([read])
                    assert set(found) <= {'a', 'b'}
                    assert all(columns == {'hits': [ONE]} for columns in found.values())

        at_once(3, work)
        assert store.read_groups([read]) == [{}]


class TestNames:
    def test_the_children_of_a_group_over_all_eras(self, store: Storage) -> None:
        for at, name in ((NOW - 40 * DAY, 'old'), (NOW, ''), (NOW, 'a/b')):
            store.count(event(Happening(nodes=((name,),), at=at)), now=NOW)
        one = Happening()
        eras = sorted({slot.era for at in (NOW - 40 * DAY, NOW) for slot in replace(one, at=at).slots})
        assert store.children(one.shard, group(one.pk, ()), eras) == {'old', '', 'a/b'}
        assert store.children(one.shard, group(one.pk, ()), eras[-1:]) == {'', 'a/b'}
        assert store.children(one.shard, group(one.pk, ('a/b',)), eras) == set()
        assert store.children(one.shard, group(one.pk, ()), []) == set()

    @pytest.mark.parametrize('names', [[], ['one'], [str(number) for number in range(300)]])
    def test_the_pks_of_the_whole_store(self, store: Storage, names: list[str]) -> None:
        for name in names:
            store.count(event(Happening((name,))), now=NOW)
        eras = {slot.era for slot in Happening().slots}
        assert store.top_children(pk_group(()), eras) == set(names)

    def test_the_metrics_of_a_pk_are_named_as_they_were_counted(self, store: Storage) -> None:
        one = Happening(amounts={'a:b': ONE, 'ü %': ONE})
        store.commit(commit([one]), now=NOW)
        assert store.metric_names(one.shard, 'signup', {slot.era for slot in one.slots}) == {'a:b', 'ü %'}
