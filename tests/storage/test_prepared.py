"""Prepared questions: what plain commands answer is what the script does, however counters changed in between."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.errors import StorageRefused
from hailwhale.metrics import Micros
from hailwhale.storage import (
    Chunk,
    PreparedSeries,
    SeriesRead,
    Storage,
    chunks,
    connect,
    keys,
    pk_group,
    prepared,
    series,
)
from hailwhale.storage.keys import Series
from hailwhale.storage.wire import Wire
from tests.engines import Server
from tests.storage.stores import KEEP, NOW, ONE, Happening, clearing, event

CHILDREN = st.sampled_from(['tea', 'milk', 'a/b }:', 'never'])
METRICS = ('hits', 'a:b', 'none')
NO_HOME = Path('/nowhere')
COUNTED = st.builds(
    Happening,
    CHILDREN.map(lambda child: ('shop', child)),
    amounts=st.dictionaries(st.sampled_from(METRICS[:2]), st.sampled_from([ONE, -ONE, 1, -999_999, 2**61]), min_size=1),
    at=st.integers(NOW - 3 * 3_600, NOW),
)


def ways(kind: int) -> tuple[Chunk, ...]:
    """Some buckets of one kept interval: of more than one chunk, and of more than one era."""
    slots = KEEP[kind]
    return chunks(slots.at(start) for start in slots.interval.buckets(NOW - 3 * 3_600, NOW + 60))


def told(store: Storage, of_chunks: tuple[Chunk, ...], children: Sequence[str]) -> list[list[Micros]]:
    """What the script answers for the same."""
    reads = [
        SeriesRead(Series(SHARD, pk_group(('shop',)), series(('shop', child), ()).child), of_chunks, METRICS)
        for child in children
    ]
    return [[sum(columns[metric]) for metric in METRICS] for columns in store.read_series(reads)]


SHARD = Happening(('shop',)).shard


def prepared_series(store: Storage, of_chunks: Sequence[Chunk], count: int) -> PreparedSeries:
    return store.prepare_series(SHARD, [pk_group(('shop',))] * count, of_chunks, METRICS)


def encoded(children: Sequence[str]) -> list[str]:
    return [series(('shop', child), ()).child for child in children]


@pytest.fixture
def redis_one(redis_url: str) -> Iterator[Storage]:
    """A store on the server that the test may look into."""
    with closing(connect(redis_url, home=NO_HOME)) as store:
        yield store


class TestAnswers:
    @settings(max_examples=20)
    @given(st.lists(st.tuples(COUNTED, st.lists(CHILDREN, min_size=1, max_size=3)), min_size=1, max_size=8))
    def test_the_script_answers_the_same(
        self, lasting_store: Storage, steps: list[tuple[Happening, list[str]]]
    ) -> None:
        store = lasting_store
        store.reset(clearing(('shop',)))
        every = [
            (ways(kind), {count: prepared_series(store, ways(kind), count) for count in (1, 2, 3)})
            for kind in (0, 1, 2)
        ]
        for one, children in steps:
            store.count(event(one), now=NOW)
            for of_chunks, asks in every:
                for _ in range(2):
                    assert asks[len(children)](encoded(children)) == told(store, of_chunks, children)

    def test_a_child_is_found_once_it_is_counted_and_lost_when_it_is_cleared(self, store: Storage) -> None:
        ask = prepared_series(store, ways(1), 1)
        (tea,) = encoded(['tea'])
        assert [ask([tea]), ask([tea])] == [[[0, 0, 0]]] * 2
        for name in ('milk', 'tea'):
            store.count(event(Happening(('shop', name))), now=NOW)
        assert [ask([tea]), ask([tea])] == [[[ONE, 0, 0]]] * 2
        store.reset(clearing(('shop',)))
        assert [ask([tea]), ask([tea])] == [[[0, 0, 0]]] * 2
        store.count(event(Happening(('shop', 'tea'), amounts={'hits': 7})), now=NOW)
        assert [ask([tea]), ask([tea])] == [[[7, 0, 0]]] * 2

    def test_a_number_that_went_to_another_child_is_not_read_as_that_of_the_first(
        self, redis_server: Server, redis_one: Storage
    ) -> None:
        store, (node,) = redis_one, redis_server.nodes
        store.count(event(Happening(('shop', 'tea'))), now=NOW)
        ask = prepared_series(store, ways(1), 1)
        tea, milk = encoded(['tea', 'milk'])
        assert ask([tea]) == [[ONE, 0, 0]]
        for era in {of.era for of in ways(1)}:
            table = keys.names_key(SHARD, era, pk_group(('shop',)))
            number = node.hget(table, tea)
            if number is not None:
                node.hset(table, mapping={milk: number, tea: int(number) + 1})
        assert [ask([tea]), ask([milk]), ask([milk])] == [[[0, 0, 0]], [[ONE, 0, 0]], [[ONE, 0, 0]]]

    def test_plain_commands_answer_from_the_second_time_on(
        self, redis_server: Server, redis_one: Storage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        store, (node,) = redis_one, redis_server.nodes
        store.count(event(Happening(('shop', 'tea'))), now=NOW)
        ask = prepared_series(store, ways(1), 2)

        def calls() -> dict[str, int]:
            node.config_resetstat()
            assert ask(encoded(['tea', 'tea'])) == [[ONE, 0, 0]] * 2
            found: dict[str, dict[str, int]] = node.info('commandstats')
            return {name: of['calls'] for name, of in found.items()}

        assert calls()['cmdstat_evalsha'] == 1
        # Their answers are told apart at once, and not line by line.
        monkeypatch.setattr(Wire, '_values', lambda *_: pytest.fail('line by line'))
        assert 'cmdstat_evalsha' not in calls()

    @pytest.mark.parametrize(('limit', 'most', 'remembered'), [('_REMEMBERED', 2, 2), ('_BYTES', 10, 1)])
    def test_what_is_remembered_is_bounded(
        self, store: Storage, monkeypatch: pytest.MonkeyPatch, limit: str, most: int, remembered: int
    ) -> None:
        monkeypatch.setattr(prepared, limit, most)
        ask = prepared_series(store, ways(1), 1)
        store.count(event(Happening(('shop', 'tea'))), now=NOW)
        for child in encoded(['tea', 'milk', 'never', 'tea', 'milk']):
            assert ask([child])[0][0] == (ONE if child == 'tea' else 0)
            assert len(ask._known) <= remembered

    def test_an_error_of_one_command_is_raised_and_the_connection_serves_on(
        self, redis_server: Server, redis_one: Storage
    ) -> None:
        store, (node,) = redis_one, redis_server.nodes
        store.count(event(Happening(('shop', 'tea'))), now=NOW)
        ask = prepared_series(store, ways(1), 1)
        assert ask(encoded(['tea'])) == [[ONE, 0, 0]]
        broken = [keys.counters_key(SHARD, of.name, pk_group(('shop',)), 'none') for of in ways(1)]
        for key in broken:
            node.set(key, 'of another program')
        with pytest.raises(StorageRefused, match='WRONGTYPE'):
            ask(encoded(['tea']))
        node.delete(*broken)
        assert ask(encoded(['tea'])) == [[ONE, 0, 0]]


class TestQuestions:
    def test_a_child_of_each_group_is_wanted(self, store: Storage) -> None:
        ask = prepared_series(store, ways(1), 3)
        for children in (['tea'] * 2, ['tea'] * 4):
            with pytest.raises(ValueError, match='3 groups'):
                ask(children)

    @pytest.mark.parametrize('of_chunks', [(), ways(1)])
    def test_nothing_asked_is_nothing_answered(self, store: Storage, of_chunks: tuple[Chunk, ...]) -> None:
        more: list[Any] = [store.prepare_series(SHARD, [pk_group(('shop',))], of_chunks, ())]
        if not of_chunks:
            more.append(prepared_series(store, (), 1))
        for ask, answer in zip(more, ([[]], [[0, 0, 0]]), strict=False):
            assert [ask(['tea']), ask(['tea'])] == [answer, answer]
