"""Clearing: nothing is left of what was cleared, and all of the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path as File

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hailwhale.errors import StorageConflict, StorageRefused
from hailwhale.paths import Path
from hailwhale.storage import Storage, connect, keys, resets
from hailwhale.storage.redis import Engine
from hailwhale.storage.wire import pack
from tests.engines import Server
from tests.storage.stores import NOW, ONE, Happening, at_once, clearing, commit, counted, dump, event, expected

TREE = [
    Happening(('shop',), ((), ('geo',), ('geo', 'UK'), ('geo', 'UK', 'London'), ('geo', 'US')), {'hits': ONE}),
    Happening(('shop', 'tea'), ((), ('geo',), ('geo', 'UK')), {'hits': ONE, 'dollars': 2_500_000}),
    Happening(('shop', 'tea', 'green'), ((), ('geo',)), {'hits': ONE}, at=NOW - 40 * 86_400),
    Happening(('shop', 'coffee'), ((), ('geo',), ('geo', 'FR')), {'hits': 2 * ONE}),
    Happening(('shop/tea',), ((), ('geo',)), {'hits': ONE}),
]
TOWNS = ((), ('geo',), *[('geo', f'{number}') for number in range(12)])
#: A tree of 182 nodes.
WIDE = [Happening(('shop', f'{number}'), TOWNS) for number in range(12)]
NAMES = st.sampled_from(['a', 'b', ''])
NODES = st.lists(NAMES, max_size=2).map(lambda names: tuple(tuple(names[:end]) for end in range(len(names) + 1)))
HAPPENINGS = st.builds(
    Happening, st.lists(NAMES, max_size=2).map(lambda rest: ('p', *rest)), NODES, st.just({'hits': ONE, 'x': 1})
)


def fill(store: Storage, happened: Sequence[Happening] = TREE) -> None:
    for one in happened:
        assert store.count(event(one), now=NOW)


def is_below(pk: Path, node: Path, cleared_pk: Path, cleared_node: Path) -> bool:
    """Whether clearing one node clears another."""
    if not cleared_node:
        return pk[: len(cleared_pk)] == cleared_pk
    return pk == cleared_pk and node[: len(cleared_node)] == cleared_node


def remaining(happened: Sequence[Happening], pk: Path, node: Path, metrics: Sequence[str] = ()) -> dict[object, int]:
    """What the model keeps of the events when one node has been cleared."""
    kept: dict[object, int] = {}
    for one in happened:
        for end in range(1, len(one.pk) + 1):
            for each in one.nodes:
                gone = is_below(one.pk[:end], each, pk, node)
                amounts = {
                    name: micros
                    for name, micros in one.amounts.items()
                    if not gone or (metrics and name not in metrics)
                }
                alone = Happening(one.pk[:end], (each,), amounts, one.at)
                for place, micros in expected([alone]).items():
                    if place[1:3] == keys.series(one.pk[:end], each)[1:]:
                        kept[place] = kept.get(place, 0) + micros
    return kept


class TestReset:
    @pytest.fixture(autouse=True, params=['at once', 'in steps'])
    def large(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """The same with steps so small that every tree takes many."""
        monkeypatch.setattr(resets, 'PAUSE', 0)
        if request.param == 'in steps':
            # The last step holds what is left when nothing lies below the top.
            monkeypatch.setattr(resets, 'STEP', 20)

    @pytest.mark.parametrize(
        ('pk', 'node', 'nodes'),
        [
            (('shop', 'tea'), (), 5),
            (('shop',), (), 14),
            (('shop',), ('geo',), 5),
            (('shop',), ('geo', 'UK'), 2),
            (('shop', 'tea'), ('geo', 'UK'), 1),
            (('shop/tea',), (), 2),
        ],
    )
    def test_a_node_and_all_below_it_are_cleared_and_nothing_else(
        self, server: Server, store: Storage, pk: Path, node: Path, nodes: int
    ) -> None:
        fill(store)
        cleared = store.reset(clearing(pk, node, since=NOW - 40 * 86_400))
        assert counted(server) == remaining(TREE, pk, node)
        assert cleared == nodes

    def test_nothing_of_a_cleared_pk_is_left_behind(self, server: Server, store: Storage) -> None:
        fill(store)
        names = {key for key in dump(server) if not key.endswith(':epoch')}
        assert any('tea' in key for key in names)
        assert store.reset(clearing(('shop',), since=NOW - 40 * 86_400))
        assert store.reset(clearing(('shop/tea',), since=NOW - 40 * 86_400))
        for key, entry in dump(server).items():
            if not key.endswith(':epoch'):
                # Of the pks' own table only the number that the next name gets, so that none is given twice.
                assert set(entry.value) == {b''}, key
                assert ':n:' in key

    @pytest.mark.parametrize('node', [(), ('geo',), ('geo', 'UK')])
    @pytest.mark.parametrize('metrics', [['dollars'], ['hits'], ['hits', 'dollars'], ['never']])
    def test_only_some_metrics_are_cleared(
        self, server: Server, store: Storage, node: Path, metrics: list[str]
    ) -> None:
        fill(store)
        assert store.reset(clearing(('shop', 'tea'), node, metrics, since=NOW - 40 * 86_400))
        assert counted(server) == remaining(TREE, ('shop', 'tea'), node, metrics)
        eras = {slot.era for slot in TREE[1].slots}
        assert store.metric_names(TREE[1].shard, 'shop/tea', eras) == {'hits', 'dollars'}

    @given(happened=st.lists(HAPPENINGS, max_size=6), pk=st.lists(NAMES, max_size=2), node=st.lists(NAMES, max_size=2))
    @settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_node_of_any_tree_is_cleared_as_in_the_model(
        self, server: Server, lasting_store: Storage, happened: list[Happening], pk: list[str], node: list[str]
    ) -> None:
        server.empty()
        fill(lasting_store, happened)
        lasting_store.reset(clearing(('p', *pk), tuple(node)))
        assert counted(server) == remaining(happened, ('p', *pk), tuple(node))

    @pytest.mark.parametrize(
        ('pk', 'node'), [(('never',), ()), (('shop', 'never'), ()), (('shop',), ('never',)), (('shop',), ('geo', 'XX'))]
    )
    def test_clearing_what_was_never_counted_answers_0(
        self, server: Server, store: Storage, pk: Path, node: Path
    ) -> None:
        fill(store)
        before = dump(server)
        assert store.reset(clearing(pk, node)) == 0
        assert dump(server) == before

    def test_what_was_cleared_is_counted_from_nothing_again(self, server: Server, store: Storage) -> None:
        for _ in range(3):
            fill(store, TREE[:2])
            assert store.reset(clearing(('shop',)))
        fill(store, TREE[:2])
        assert counted(server) == expected(TREE[:2])
        assert store.commit(commit(TREE[:2]), now=NOW)
        assert counted(server) == expected(TREE[:2] * 2)

    def test_the_names_of_metrics_go_with_the_pk_and_come_back_with_it(self, store: Storage) -> None:
        fill(store)
        eras = {slot.era for slot in TREE[1].slots}
        store.reset(clearing(('shop', 'tea')))
        assert store.metric_names(TREE[1].shard, 'shop/tea', eras) == set()
        assert store.metric_names(TREE[1].shard, 'shop', eras) == {'hits', 'dollars'}
        fill(store, TREE[1:2])
        assert store.metric_names(TREE[1].shard, 'shop/tea', eras) == {'hits', 'dollars'}

    def test_a_reset_is_seen_by_commits_under_way(self, store: Storage) -> None:
        fill(store)
        epoch = keys.epoch_key(TREE[0].shard)
        assert store.engine.ask(TREE[0].shard, 'GET', epoch) is None
        store.reset(clearing(('shop',)))
        assert store.engine.ask(TREE[0].shard, 'GET', epoch) is not None


class TestOthers:
    """Somebody else counts while a tree is cleared."""

    @pytest.fixture
    def other(self, server: Server) -> Storage:
        return connect(server.url, home=File('unused'))

    @staticmethod
    def meddle(monkeypatch: pytest.MonkeyPatch, other: Storage, times: int) -> list[int]:
        """Count a new node whenever a reset has read the whole tree; how often that was, so far."""
        done: list[int] = []

        def packed(*args: bytes | str | int) -> bytes:
            if args[0] == 'MULTI' and len(done) < times:
                done.append(len(done))
                other.count(event(Happening(('shop',), (('new', str(len(done))),))), now=NOW)
            return pack(*args)

        monkeypatch.setattr(resets, 'pack', packed)
        return done

    def test_a_name_that_comes_up_meanwhile_is_cleared_too(
        self, server: Server, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(store, TREE[:2])
        other.count(event(Happening(('shop',), (('new',),))), now=NOW)
        done = self.meddle(monkeypatch, other, 2)
        assert store.reset(clearing(('shop',))) == 8 + 3
        assert len(done) == 2
        assert counted(server) == {}

    def test_a_tree_that_never_stops_growing_is_a_conflict(
        self, store: Storage, other: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(store, TREE[:1])
        other.count(event(Happening(('shop',), (('new',),))), now=NOW)
        self.meddle(monkeypatch, other, resets.ATTEMPTS)
        with pytest.raises(StorageConflict, match=r"\['shop'\] grew during all of 64 attempts"):
            store.reset(clearing(('shop',)))

    def test_resets_among_counting_threads_leave_every_view_alike(self, server: Server, store: Storage) -> None:
        one = Happening(('shop', 'tea'), ((), ('geo',), ('geo', 'UK')))

        def work(number: int) -> None:
            for _ in range(25):
                if number == 0:
                    store.reset(clearing(('shop',)))
                elif number == 1:
                    store.commit(commit([one]), now=NOW)
                else:
                    store.count(event(one), now=NOW)

        at_once(5, work)
        found = counted(server)
        assert len(set(found.values())) <= 1, 'all counters of the tree were cleared at the same moments'
        assert len(found) in (0, len(expected([one])))
        store.reset(clearing(('shop',)))
        assert counted(server) == {}


class TestSteps:
    """A large tree, which is not cleared in one step."""

    @pytest.fixture(autouse=True)
    def small_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(resets, 'STEP', 100)
        monkeypatch.setattr(resets, 'PAUSE', 0.001)

    def test_no_step_removes_more_than_it_may_and_the_deepest_go_first(
        self, server: Server, store: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert store.commit(commit(WIDE), now=NOW)
        sizes, groups = [], []

        def packed(*args: bytes | str | int) -> bytes:
            if args[0] == 'UNLINK':
                sizes.append(len(args) - 1)
                groups.extend([str(key).split(':', 4)[4] for key in args[1:] if ':n:' in str(key)])
            return pack(*args)

        monkeypatch.setattr(resets, 'pack', packed)
        assert store.reset(clearing(('shop',))) == 1 + 13 + 12 * (1 + 1 + 12)
        assert counted(server) == {}
        assert len(sizes) > 5
        assert max(sizes) <= 100
        assert groups.index('shop/3:geo') < groups.index('shop/3:') < groups.index('shop:/')

    def test_a_reset_that_was_interrupted_is_finished_by_repeating_it(
        self, server: Server, store: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        others = [Happening(('shop/3',)), Happening(('shop', 'x', 'y'))]
        assert store.commit(commit([*WIDE, others[1]]), now=NOW)
        assert store.commit(commit(others[:1]), now=NOW)
        left = [5]

        def packed(*args: bytes | str | int) -> bytes:
            if args[0] == 'UNLINK':
                left[0] -= 1
                if not left[0]:
                    raise KeyboardInterrupt
            return pack(*args)

        monkeypatch.setattr(resets, 'pack', packed)
        before = counted(server)
        with pytest.raises(KeyboardInterrupt):
            store.reset(clearing(('shop',)))
        assert 0 < len(counted(server)) < len(before)
        assert store.reset(clearing(('shop',)))
        assert counted(server) == expected(others[:1])

    def test_what_others_count_meanwhile_is_in_every_view_or_in_none(self, server: Server, store: Storage) -> None:
        """Each event of theirs has a day of its own, so that each of them can be seen to be whole."""

        def work(number: int) -> None:
            if number == 0:
                for _ in range(4):
                    store.commit(commit(WIDE), now=NOW)
                    store.reset(clearing(('shop',), since=NOW - 90 * 86_400))
            else:
                for day in range(number, 90, 4):
                    one = Happening(('shop', '3'), TOWNS[:4], at=NOW - day * 86_400)
                    if day % 2:
                        store.count(event(one), now=NOW)
                    else:
                        store.commit(commit([one]), now=NOW)

        at_once(4, work)
        found = counted(server)
        wholes = {
            day: expected([Happening(('shop', '3'), TOWNS[:4], at=NOW - day * 86_400)])
            for day in range(1, 90)
            if day % 4
        }
        for day, places in wholes.items():
            assert {found.pop(place, 0) for place in places} in ({0}, {ONE}), day
        assert found == {}

    def test_a_tree_that_somebody_else_has_cleared_meanwhile_is_cleared(
        self, server: Server, store: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert store.commit(commit(WIDE), now=NOW)
        below = resets._Clearing.below

        def late(clearing: resets._Clearing, engine: Engine) -> int:
            below(clearing, engine)
            return below(clearing, engine)

        monkeypatch.setattr(resets._Clearing, 'below', late)
        assert store.reset(clearing(('shop',))) == 1
        assert counted(server) == {}


class TestRefused:
    def test_an_engine_that_refuses_a_part_clears_nothing(
        self, server: Server, store: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fill(store)
        before = counted(server)
        monkeypatch.setattr(resets, 'pack', lambda *args: pack(*(args[:1] if args[0] == 'HDEL' else args)))
        with pytest.raises(StorageRefused, match='wrong number of arguments'):
            store.reset(clearing(('shop', 'tea')))
        monkeypatch.undo()
        assert counted(server) == before
        assert store.reset(clearing(('shop', 'tea'))) == 3
