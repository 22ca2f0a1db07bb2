"""Parents without room: their new children are counted as one, in every view alike, and nothing is lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as File

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.errors import StorageRefused
from hailwhale.intervals import DAY
from hailwhale.paths import Path, encode
from hailwhale.periods import Retention
from hailwhale.storage import Bounds, Slot, Slots, Storage, connect, keys, numbering, series, shard_of
from hailwhale.storage.keys import OTHER
from hailwhale.storage.numbering import Folding
from tests.engines import Server
from tests.storage.stores import KEEP, NOW, ONE, Happening, at_once, clearing, commit, counted, dump, event

#: Sixteen weeks share a table with the era in which they began: an event needs a number in two eras.
WEEKS = Slots(Retention.parse('1w:1y'))
ALL = [*KEEP, WEEKS]
ROOM = 2
#: Tops of one shard.
TOPS = [name for name in map(str, range(1_000)) if shard_of((name,)) == shard_of(('0',))][:4]
#: A bucket with its metric, a pk and a node, all encoded.
Place = tuple[object, str, str]
NAMES = st.sampled_from(['a', 'b', 'c', 'd', '', 'a/b', OTHER])


@dataclass(frozen=True)
class Wide(Happening):
    """An event that is counted by weeks too."""

    @property
    def slots(self) -> list[Slot]:
        return [slots.at(slots.interval.floor(self.at)) for slots in ALL]


def wide(top: str, pk: str, first: str, second: str, micros: int, at: int) -> Wide:
    """Every node of it but the last names a child."""
    return Wide((top, pk), ((), (first,), (first, second)), {'hits': ONE, 'dollars': micros}, at)


EVENTS = st.builds(
    wide,
    st.sampled_from(TOPS),
    NAMES,
    NAMES,
    NAMES,
    st.sampled_from([1, -ONE, 2_500_000]),
    st.sampled_from([NOW, NOW - 61, NOW - 3_700, NOW - 35 * DAY, NOW - 70 * DAY]),
)


@pytest.fixture(scope='module')
def narrow(server: Server) -> Iterator[Storage]:
    """Counters in which every parent has room for two children."""
    store = connect(server.url, home=File('unused'), bounds=Bounds(children=ROOM))
    yield store
    store.close()


def apply(store: Storage, parts: Sequence[tuple[bool, Sequence[Happening]]]) -> None:
    """Count some events one by one, others in one commit."""
    for singly, happened in parts:
        if singly:
            for one in happened:
                assert store.count(event(one), now=NOW)
        else:
            assert store.commit(commit(happened), now=NOW)


def sums(server: Server) -> tuple[dict[Place, int], dict[Place, int]]:
    """By bucket, metric, pk and node, all encoded: what was counted there, and what at its children.

    The children of a pk, among them those of the top, stand under the node '/'.
    """
    own: Counter[Place] = Counter()
    below: Counter[Place] = Counter()
    for (slot, group, child, metric, offset), micros in counted(server, keep=ALL).items():
        bucket = (slot, offset, metric)
        pk, _, parent = group.partition(':')
        below[bucket, pk, parent] += micros
        if parent == '/':
            own[bucket, f'{pk}/{child}' if pk else child, ''] += micros
        else:
            own[bucket, pk, f'{parent}/{child}' if parent else child] += micros
    return own, below


def expected_below(server: Server, happened: Sequence[Wide]) -> dict[Place, int]:
    """What the children of every node must sum to: all below the top, and elsewhere what the node itself counted."""
    wanted: Counter[Place] = Counter()
    for one in happened:
        for slot in one.slots:
            for metric, micros in one.amounts.items():
                wanted[(slot.name, slot.offset, metric), '', '/'] += micros
    for (bucket, pk, node), micros in sums(server)[0].items():
        if '/' not in node:
            wanted[bucket, pk, node] += micros
        if not node and '/' not in pk:
            wanted[bucket, pk, '/'] += micros
    return wanted


def tables(server: Server) -> dict[str, set[bytes]]:
    return {key: set(entry.value) - {b''} for key, entry in dump(server).items() if ':n:' in key}


def but_for_0(amounts: dict[Place, int]) -> dict[Place, int]:
    return {place: micros for place, micros in amounts.items() if micros}


class TestEveryView:
    @given(parts=st.lists(st.tuples(st.booleans(), st.lists(EVENTS, min_size=1, max_size=8)), max_size=4))
    @settings(max_examples=25)
    def test_children_and_other_sum_to_their_parents_and_nothing_is_lost(
        self, server: Server, narrow: Storage, parts: list[tuple[bool, list[Wide]]]
    ) -> None:
        server.empty()
        apply(narrow, parts)
        happened = [one for _, some in parts for one in some]
        assert but_for_0(sums(server)[1]) == but_for_0(expected_below(server, happened))

    @given(parts=st.lists(st.tuples(st.booleans(), st.lists(EVENTS, min_size=1, max_size=8)), max_size=4))
    @settings(max_examples=15)
    def test_no_parent_has_more_children_than_it_has_room_for_and_one(
        self, server: Server, narrow: Storage, parts: list[tuple[bool, list[Wide]]]
    ) -> None:
        server.empty()
        apply(narrow, parts)
        found = tables(server)
        for key, names in found.items():
            assert len(names - {OTHER.encode()}) <= ROOM, key
            # A table that names nothing would be one for something below a name that was not kept.
            _, tag, _, era, pk, parent = key.split(':')
            for end, name in enumerate(pk.split('/') if pk else ()):
                above = '/'.join(pk.split('/')[:end])
                assert name.encode() in found[f'hw:{tag}:n:{era}:{above}:/'], key
            for end, name in enumerate(parent.split('/') if parent.strip('/') else ()):
                above = '/'.join(parent.split('/')[:end])
                assert name.encode() in found[f'hw:{tag}:n:{era}:{pk}:{above}'], key
        known = {(key.split(':')[4], name) for key, names in found.items() for name in names if key[-1] == '/'}
        for key in dump(server):
            if ':m:' in key:
                above, _, name = key.split(':')[4].rpartition('/')
                assert (above, name.encode()) in known, key

    @given(happened=st.lists(EVENTS, min_size=1, max_size=10))
    @settings(max_examples=15)
    def test_an_event_folds_alike_by_itself_and_in_a_commit(
        self, server: Server, narrow: Storage, happened: list[Wide]
    ) -> None:
        server.empty()
        apply(narrow, [(True, happened)])
        singly = counted(server, keep=ALL), {key for key in dump(server) if ':n:' in key or ':m:' in key}
        server.empty()
        apply(narrow, [(False, [one]) for one in happened])
        assert (counted(server, keep=ALL), {key for key in dump(server) if ':n:' in key or ':m:' in key}) == singly

    @pytest.mark.parametrize('batch', [5_000, 3])
    def test_threads_that_count_among_each_other_agree(
        self, server: Server, narrow: Storage, monkeypatch: pytest.MonkeyPatch, batch: int
    ) -> None:
        monkeypatch.setattr(numbering, '_NAMES_AT_ONCE', batch)
        server.empty()
        happened = [
            [
                wide(
                    TOPS[turn % 3], f'{number}{turn % 5}', f'{turn % 4}', f'{turn % 7}', 500_000, NOW - turn * 40 * DAY
                )
                for turn in range(8)
            ]
            for number in range(4)
        ]
        at_once(
            4, lambda number: apply(narrow, [(number % 2 == 0, happened[number][:4]), (True, happened[number][4:])])
        )
        everything = [one for some in happened for one in some]
        assert but_for_0(sums(server)[1]) == but_for_0(expected_below(server, everything))
        assert all(len(names) <= ROOM + 1 for names in tables(server).values())


class TestOther:
    """What is kept, and what becomes other."""

    @pytest.fixture
    def empty(self, server: Server, narrow: Storage) -> Storage:
        server.empty()
        return narrow

    @pytest.mark.parametrize('singly', [True, False])
    def test_what_was_there_before_goes_on_being_itself(self, server: Server, empty: Storage, singly: bool) -> None:
        happened = [Happening(('p',), ((), (name,), (name, 'x'))) for name in 'abcadb']
        for one in happened:
            apply(empty, [(singly, [one])])
        found = {
            (group, child): micros // ONE
            for (slot, group, child, _, _), micros in counted(server).items()
            if slot.startswith('1d')
        }
        assert found == {
            (':/', 'p'): 6,
            ('p:', 'a'): 2,
            ('p:', 'b'): 2,
            ('p:', OTHER): 2,
            ('p:a', 'x'): 2,
            ('p:b', 'x'): 2,
            (f'p:{OTHER}', 'x'): 2,
        }

    @pytest.mark.parametrize('singly', [True, False])
    def test_a_longer_pk_without_room_takes_its_nodes_and_metrics_with_it(
        self, server: Server, empty: Storage, singly: bool
    ) -> None:
        for name in 'abc':
            apply(empty, [(singly, [Happening(('p', name, 'q'), ((), ('geo',)), {f'm{name}': ONE})])])
        groups = {group for _, group, _, _, _ in counted(server)}
        assert f'p/{OTHER}/q:' in groups
        assert not any('p/c' in key for key in dump(server))
        eras = [slot.era for slot in Happening().slots]
        assert empty.metric_names(shard_of(('p',)), f'p/{OTHER}', eras) == {'mc'}
        assert empty.metric_names(shard_of(('p',)), f'p/{OTHER}/q', eras) == {'mc'}

    @pytest.mark.parametrize('singly', [True, False])
    def test_two_children_of_one_event_that_become_other_are_added_both(
        self, server: Server, empty: Storage, singly: bool
    ) -> None:
        tags = [('t', name) for name in 'abcd']
        apply(empty, [(singly, [Happening(('p',), ((), ('t',), *tags))])])
        children = {child: micros for (slot, group, child, _, _), micros in counted(server).items() if group == 'p:t'}
        assert sum(children.values()) == 4 * ONE
        assert children[OTHER] == 2 * ONE

    def test_a_name_that_was_cleared_makes_room_for_another(self, server: Server, empty: Storage) -> None:
        for name in 'abc':
            apply(empty, [(True, [Happening(('p',), ((), (name,)))])])
        empty.reset(clearing(('p',), ('a',)))
        empty.reset(clearing(('p',), (OTHER,)))
        apply(empty, [(True, [Happening(('p',), ((), ('c',)))])])
        assert {child for _, group, child, _, _ in counted(server) if group == 'p:'} == {'b', 'c'}

    def test_a_full_day_of_ids_refuses_another_and_counts_nothing(self, server: Server) -> None:
        server.empty()
        store = connect(server.url, home=File('unused'), bounds=Bounds(ids=2))
        one = Happening(id='1')
        assert store.count(event(one), now=NOW)
        assert store.count(event(replace(one, id='2')), now=NOW)
        before = dump(server)
        with pytest.raises(StorageRefused, match=r'2 ids of today already.*HAILWHALE_MAX_IDS'):
            store.count(event(replace(one, id='3')), now=NOW)
        assert dump(server) == before
        assert not store.count(event(one), now=NOW)
        assert store.count(event(replace(one, id=None)), now=NOW)
        assert store.count(event(replace(one, id='3')), now=NOW + DAY)
        store.close()


class TestFolding:
    @given(
        pk=st.lists(NAMES, min_size=1, max_size=3).map(tuple),
        node=st.lists(NAMES, max_size=3).map(tuple),
        places=st.sets(st.tuples(st.booleans(), st.integers(0, 2)), max_size=4),
    )
    def test_every_name_without_room_becomes_other_wherever_it_stands(
        self, pk: Path, node: Path, places: set[tuple[bool, int]]
    ) -> None:
        refused = set()
        new_pk, new_node = list(pk), list(node)
        for is_pk, end in places:
            if is_pk and end < len(pk):
                refused.add(series(pk[: end + 1], ())[1:])
                new_pk[end] = OTHER
            elif not is_pk and end < len(node):
                refused.add(series(pk, node[: end + 1])[1:])
                new_node[end] = OTHER
        folding = Folding(refused)
        wanted = series(tuple(new_pk), tuple(new_node))
        own = series(pk, node)
        assert (folding.group(own.group), folding.child(own.group, own.child)) == wanted[1:]
        assert folding.pk(encode(pk)) == encode(tuple(new_pk))
        assert folding.group(keys.pk_group(pk)) == keys.pk_group(tuple(new_pk))

    def test_a_name_that_begins_alike_stays(self) -> None:
        folding = Folding({('p:geo', 'X'), ('p:/', 'a')})
        assert folding.group('p:geo/X/y') == f'p:geo/{OTHER}/y'
        assert folding.group('p:geo/XY') == 'p:geo/XY'
        assert folding.group('q:geo/X') == 'q:geo/X'
        assert folding.group('p/ab:geo/X') == 'p/ab:geo/X'
        assert folding.group('p/a/b:/') == f'p/{OTHER}/b:/'
