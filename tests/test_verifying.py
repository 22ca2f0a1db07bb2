"""Verifying: nothing is found where all is well, whoever counts meanwhile; what is damaged is found, and named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from redis import Redis

from hailwhale import StorageUnavailable, Whale
from hailwhale.settings import Settings
from hailwhale.storage import audits, keys, shard_of
from hailwhale.verifying import Verified, verify
from tests.clocks import NOW
from tests.engines import Server

SHARD = shard_of(('shop',))
DAY, HOUR, MINUTE = (
    f'1{unit} {moment}+00:00'
    for unit, moment in (('d', '2037-11-22T00:00:00'), ('h', '2037-11-22T18:00:00'), ('m', '2037-11-22T18:41:00'))
)


@pytest.fixture
def whale(url: str) -> Iterator[Whale]:
    settings = Settings.load({}, keep='1m:1d 1h:31d 1d:1y 1w:2y', zones='Asia/Kolkata')
    with Whale(url, settings=settings, clock=lambda: NOW) as whale:
        whale.count_now(['shop', 'tea'], {'geo': {'UK': 'York'}}, {'dollars': '2.5'})
        whale.count_now('shop', ['geo', 'UK'], at=NOW - 86_400)
        whale.count_many([('p', {'d': f'{number}'}, {'n': -number}, NOW - 3_600 * number) for number in range(5)])
        yield whale


def node_of(server: Server, key: str) -> Redis:
    return next(node for node in server.nodes if key.encode() in set(node.scan_iter(count=1_000)))


def key_of(whale: Whale, interval: str, group: str, metric: str = 'hits') -> tuple[str, int]:
    """The hash in which the bucket of now is counted, and the field of number 0 in it."""
    slot = next(slot for slot in whale.kept.slots(NOW, NOW) if slot.name.startswith(f'{interval}:'))
    return keys.counters_key(
        shard_of((group.partition(':')[0].partition('/')[0] or 'shop',)), slot.name, group, metric
    ), slot.offset


def table_of(whale: Whale, group: str) -> str:
    era = whale.kept.slots(NOW, NOW)[0].era
    return keys.names_key(SHARD, era, group)


def found(whale: Whale, pk: object = None) -> list[str]:
    return sorted({str(finding) for finding in verify(whale, pk)})


def of_utc(lines: list[str]) -> list[str]:
    """Without what is said of the days in Kolkata too."""
    return [line for line in lines if 'Kolkata' not in line]


@pytest.fixture(params=[50_000, 12])
def fields(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read as a whole, and in slices."""
    monkeypatch.setattr(audits, 'FIELDS', request.param)


@pytest.mark.usefixtures('fields')
class TestSums:
    def test_nothing_is_found_where_all_is_well(self, whale: Whale) -> None:
        done = Verified()
        assert list(verify(whale, done=done)) == []
        assert done.findings == 0
        assert done.keys > 50
        assert done.sums > 100

    @pytest.mark.parametrize(
        ('interval', 'amount', 'wanted'),
        [
            ('1m', 3, [f'{HOUR}: 1, but 4 in its 60 buckets of 1m']),
            (
                '1h',
                -3,
                [
                    f'{DAY}: 1, but -2 in its 24 buckets of 1h',
                    f'{HOUR}: -2, but 1 in its 60 buckets of 1m',
                ],
            ),
        ],
    )
    def test_a_counter_that_was_changed_by_hand_is_found_and_named(
        self, server: Server, whale: Whale, interval: str, amount: int, wanted: list[str]
    ) -> None:
        key, field = key_of(whale, interval, 'shop/tea:geo')
        node_of(server, key).hincrby(key, str(field), amount)
        assert of_utc(found(whale)) == [f'sum: [\'shop\', \'tea\'] ["geo", "UK"] hits {line}' for line in wanted]

    def test_millionths_are_compared_exactly(self, server: Server, whale: Whale) -> None:
        key, field = key_of(whale, '1m', 'shop:/', 'dollars')
        node_of(server, key).hincrby(key, str(-1 - field), 1)
        (line,) = of_utc(found(whale))
        assert line == f"sum: ['shop', 'tea'] _ dollars {HOUR}: 2.5, but 2.500001 in its 60 buckets of 1m"

    @pytest.mark.parametrize('interval', ['1m', '1h', '1d'])
    def test_counters_that_were_lost_are_found(self, server: Server, whale: Whale, interval: str) -> None:
        key, _ = key_of(whale, interval, 'shop/tea:geo/UK')
        node_of(server, key).delete(key)
        lines = found(whale)
        assert lines
        assert all(line.startswith('sum: [\'shop\', \'tea\'] ["geo", "UK", "York"] hits ') for line in lines)

    def test_only_the_tree_that_is_asked_for_is_looked_at(self, server: Server, whale: Whale) -> None:
        key, field = key_of(whale, '1m', 'shop/tea:geo')
        node_of(server, key).hincrby(key, str(field), 1)
        assert found(whale, 'p') == found(whale, ['shop', 'te']) == found(whale, ['shop', 'tea', 'x']) == []
        for pk in ('shop', ['shop', 'tea']):
            assert len(of_utc(found(whale, pk))) == 1

    def test_levels_do_not_sum_over_time_and_are_left_out(self, whale: Whale) -> None:
        for minutes in range(3):
            whale.update_count_to(['shop', 'tea'], ['stock', 'red'], {'pieces': minutes}, at=NOW - 60 * minutes)
            whale.count_now(['shop', 'tea'], ['stock', 'red'], {'pieces': 1})
        assert found(whale) == []


@pytest.mark.parametrize('fields', [50_000, 300])
def test_nothing_is_found_while_others_count(whale: Whale, monkeypatch: pytest.MonkeyPatch, fields: int) -> None:
    monkeypatch.setattr(audits, 'FIELDS', fields)
    ended = threading.Event()

    def count(number: int) -> None:
        turn = 0
        while not ended.is_set():
            turn += 1
            at = NOW - 600 * (turn % 3)
            if number:
                whale.count_now(['shop', f'{turn % 2}'], ['geo', f'{turn % 3}'], {'dollars': '0.75'}, at=at)
            else:
                whale.count_many([(['shop', f'{n % 2}'], f'{turn % 3}', {'dollars': -n}, at) for n in range(20)])

    writers = [threading.Thread(target=count, args=(number,)) for number in range(2)]
    for writer in writers:
        writer.start()
    try:
        assert found(whale) == []
    finally:
        ended.set()
        for writer in writers:
            writer.join()
    assert found(whale) == []


class TestStructure:
    def test_a_number_that_two_names_have_is_found(self, server: Server, whale: Whale) -> None:
        table = table_of(whale, 'shop/tea:')
        node_of(server, table).hset(table, 'other', '0')
        assert f"number: ['shop', 'tea'] _ {table}: 0 belongs to geo and other" in [
            line.replace('_  ', '_ ') for line in found(whale)
        ]

    def test_a_number_that_would_be_given_again_is_found(self, server: Server, whale: Whale) -> None:
        table = table_of(whale, 'shop/tea:')
        node_of(server, table).hset(table, '', '0')
        assert any(line.endswith('0 is in use, and 0 would be the next') for line in found(whale))

    def test_a_counter_without_a_name_is_found(self, server: Server, whale: Whale) -> None:
        key, field = key_of(whale, '1d', 'shop/tea:geo')
        length = whale.kept.slots(NOW, NOW)[-1].length
        node_of(server, key).hset(key, str(-1 - (7 * 32 + field)), '1')
        assert length
        assert found(whale) == [f"name: ['shop', 'tea'] geo hits {key}: no name has the number 7"]

    def test_in_hashes_that_are_too_large_to_read_whole_names_are_not_looked_for(
        self, server: Server, whale: Whale, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        key, field = key_of(whale, '1d', 'shop/tea:geo')
        node_of(server, key).hset(key, str(-1 - (7 * 32 + field)), '1')
        monkeypatch.setattr(audits, 'FIELDS', 2)
        assert found(whale) == []

    def test_counters_of_an_interval_that_nobody_counts_any_more_are_left_alone(
        self, server: Server, whale: Whale
    ) -> None:
        key, field = key_of(whale, '1d', 'shop/tea:geo')
        node = node_of(server, key)
        strange = key.replace(':1d:', ':5m:')
        node.hset(strange, str(field), '1')
        node.expireat(strange, NOW + 86_400)
        assert found(whale) == []

    @pytest.mark.parametrize('kind', ['table', 'metrics', 'counters'])
    def test_a_key_that_never_ends_is_found(self, server: Server, whale: Whale, kind: str) -> None:
        by_kind: dict[str, Callable[[], str]] = {
            'table': lambda: table_of(whale, 'shop/tea:geo'),
            'metrics': lambda: keys.metrics_key(SHARD, whale.kept.slots(NOW, NOW)[0].era, 'shop/tea'),
            'counters': lambda: key_of(whale, '1h', 'shop/tea:geo')[0],
        }
        key = by_kind[kind]()
        node_of(server, key).persist(key)
        (line,) = found(whale)
        assert line.startswith("expiry: ['shop', 'tea'] ")
        assert line.endswith(f'{key}: never ends')


def test_progress_is_told_on_the_way(whale: Whale) -> None:
    told: list[int] = []
    list(verify(whale, progress=lambda done: told.append(done.keys)))
    assert told == sorted(told)
    assert told[-1] > 50


def test_a_shard_that_has_moved_is_told_of(cluster_url: str) -> None:
    with Whale(settings=Settings.load({}, url=cluster_url, timeout=0.1), clock=lambda: NOW) as whale:
        whale.count_now('shop')
        elsewhere = keys.hits_key((SHARD + 1) % 64)
        with pytest.raises(StorageUnavailable, match='MOVED'):
            audits.read_whole(whale.storage.engine, SHARD, [elsewhere])
