"""Counting one, many, and again: what the whale's own tests leave open."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import pytest

from hailwhale import CounterFull, InvalidDimensions, LimitExceeded, StorageConflict, Whale
from hailwhale.settings import Settings
from hailwhale.storage import SeriesRead, chunks
from hailwhale.storage import series as series_of
from hailwhale.tally import Subject
from tests.clocks import NOW
from tests.storage.stores import at_once


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=lambda: NOW) as whale:
        yield whale


def test_giving_up_after_all_attempts_says_so_and_counts_nothing(whale: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.counter._ATTEMPTS', 0)
    with pytest.raises(StorageConflict, match='the same ids'):
        whale.count_many([{'pk': 'p', 'id': 'x'}])
    assert whale.pks() == []


def test_branches_that_end_apart_have_no_common_level(whale: Whale) -> None:
    subject = Subject(('p',), ((), ('a',), ('b',)))
    with pytest.raises(InvalidDimensions, match=r"\['a'\] and \['b'\]"):
        whale.counter.set_level(subject, NOW, {'stock': 1}, now=NOW)


def test_slices_are_committed_one_after_the_other(whale: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.counter.SLICE', 3)
    result = whale.count_many([('p', f'{i}') if i != 4 else ('p', 'x', {'bad': 'y'}) for i in range(10)])
    assert (result.counted, [refusal.index for refusal in result.refused]) == (9, [4])
    assert whale.total('p', period='today') == 9


def test_names_of_pks_and_metrics_are_listed_in_order(whale: Whale) -> None:
    whale.count_many([(['b', 2], None, ['z', 'y']), (['b', 1], None, {'x': 1}), ('a',)])
    assert whale.pks() == [['a'], ['b']]
    assert whale.pks('b') == [['b', '1'], ['b', '2']]
    assert whale.metric_names('b') == ['hits', 'x', 'y', 'z']
    assert whale.metric_names(['b', 1]) == ['hits', 'x']
    assert whale.metric_names('a') == ['hits']
    whale.count_many([('a', None, {'hits': 0, 'n': 1}), ('a', None, {'hits': 0, 'n': -1})])
    assert whale.metric_names('a') == ['hits']


def test_ids_that_somebody_counts_in_between_are_not_counted_again(
    whale: Whale, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between looking an id up and committing its event, another process counts it."""
    storage, fresh = whale.storage, whale.storage.fresh

    def meddled(shard: int, ids: list[str], *, now: int) -> list[bool]:
        known = fresh(shard, ids, now=now)
        whale.count_now('p', id='x')
        return known

    monkeypatch.setattr(storage, 'fresh', meddled)
    result = whale.count_many([{'pk': 'p', 'id': 'x'}, {'pk': 'p', 'id': 'y'}])
    assert (result.counted, result.repeated) == (1, 1)
    assert whale.total('p', period='today') == 2


def test_levels_among_busy_siblings_are_set_at_once_and_children_sum_to_their_parents(whale: Whale) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            if number < 3:
                whale.update_count_to(['p', 'q'], {'stock': f'{number}'}, {'pieces': f'{turn}.{number}5'})
            else:
                whale.count_now(['p', 'q'], {'stock': f'{number}'}, {'pieces': 1})

    at_once(6, work)
    found = {number: whale.total(['p', 'q'], 'pieces', ['stock', f'{number}'], 'today') for number in range(6)}
    assert found == {0: 19.05, 1: 19.15, 2: 19.25, 3: 20, 4: 20, 5: 20}
    for pk in ('p', ['p', 'q']):
        assert whale.total(pk, 'pieces', 'stock', 'today') == whale.total(pk, 'pieces', period='today') == 117.45


def test_levels_of_any_size_are_set_exactly(whale: Whale) -> None:
    most = 10**15 - 1
    levels: list[int | str] = [1, 0, -1, '0.000001', '-0.000001', most, -most, f'{most - 1}.999999']
    levels += [f'{1 - most}.999999', '-12.5', 7]
    levels += [9_999_999_999, 10_000_000_000, 10_000_000_001, '-9999999999.5', 3]
    for level in levels:
        whale.update_count_to('p', 'a', {'m': level})
        whale.count_now('p', 'a', {'m': '0.75'})
        whale.update_count_to('p', 'b', {'m': level})
        for dimension, times in (('a', 1), ('b', 1), (None, 2)):
            (read,) = whale.storage.read_series(
                [
                    SeriesRead(
                        series_of(('p',), (dimension,) if dimension else ()), chunks(whale.kept.slots(NOW, NOW)), ('m',)
                    )
                ]
            )
            exact = int(Decimal(level) * 10**6)
            extra = 0 if dimension == 'b' else 750_000
            assert read == {'m': [exact * times + extra] * 3}, (level, dimension)


def test_a_level_beside_a_full_counter_is_refused_and_leaves_all_as_it_was(whale: Whale) -> None:
    most = 10**15 - 1
    times, rest = divmod(2**63 - 1, most)
    whale.count_many([*[('p', 'a', {'m': most})] * times, ('p', 'a', {'m': rest})])
    whale.count_now('p', 'b', {'n': 2})
    whale.update_count_to('p', 'b', {'n': '1.5'})
    before = [whale.plotpoints('p', dimension, ['m', 'n'], '1h:1d') for dimension in ('_', 'a', 'b')]
    with pytest.raises(CounterFull):
        whale.update_count_to('p', 'b', {'n': 5, 'm': most})
    assert before == [whale.plotpoints('p', dimension, ['m', 'n'], '1h:1d') for dimension in ('_', 'a', 'b')]
    whale.update_count_to('p', 'a', {'m': 5})
    assert whale.total('p', 'm', period='today') == 5


def test_one_event_may_not_hold_up_all_others(whale: Whale) -> None:
    wide = {'d': {f'{number}': None for number in range(200)}}
    names = [f'm{number}' for number in range(60)]
    with pytest.raises(LimitExceeded, match='24644 counters in each interval for one event, more than 4096: 2 levels'):
        whale.count_now(['p', 'q'], wide, names)
    long = ['x' * 200] * 16
    with pytest.raises(LimitExceeded, match='3497920 bytes of names'):
        whale.count_now(long, long, ['a'])
    assert whale.count_now(long[:4], long[:4], ['a'])
    assert whale.count_now('p', wide, names[:15])
    refused = whale.count_many([('p', wide, names), ('p', long), (long, long)]).refused
    assert [refusal.index for refusal in refused] == [0, 2]


def test_a_metric_that_sums_to_nothing_is_cleared_with_its_pk(whale: Whale) -> None:
    whale.count_many([('z', 'a', {'m': 5}), ('z', 'b', {'m': -5})])
    assert whale.metric_names('z') == ['hits', 'm']
    whale.reset('z')
    whale.count_many([('z', 'new', {'hits': 1}), ('z', 'newer', {'hits': 1})])
    assert whale.total('z', 'm', 'new', 'today') == whale.total('z', 'm', 'newer', 'today') == 0


def test_clearing_a_branch_leaves_the_others(whale: Whale) -> None:
    whale.count_many([('p', {'geo': {'UK': 'York', 'US': 'Boston'}, 'device': 'x'})] * 4)
    whale.reset('p', {'geo': 'UK'})
    assert whale.total('p', dimension=['geo', 'UK'], period='today') == 0
    assert whale.total('p', dimension=['geo', 'US'], period='today') == 4
    assert whale.get_subdimensions('p', 'geo') == [['geo', 'US']]
    whale.reset('p', [['device'], '_'])
    assert whale.pks() == []


def test_an_id_is_known_to_a_clock_that_is_a_little_behind(embedded_url: str) -> None:
    midnight = NOW - NOW % 86_400 + 86_400
    ahead = Whale(embedded_url, settings=Settings.load({}), clock=lambda: midnight + 1)
    behind = Whale(embedded_url, settings=Settings.load({}), clock=lambda: midnight - 2)
    with ahead, behind:
        assert ahead.count_now('p', id='x')
        assert not behind.count_now('p', id='x')
        assert behind.count_many([{'pk': 'p', 'id': 'x'}]).repeated == 1
