"""Counting one, many, and again: what the whale's own tests leave open."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from hailwhale import InvalidDimensions, LimitExceeded, StorageConflict, Whale
from hailwhale.settings import Settings
from hailwhale.storage import Columns, SeriesRead
from hailwhale.tally import Subject
from tests.clocks import NOW


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=lambda: NOW) as whale:
        yield whale


def test_giving_up_after_all_attempts_says_so_and_counts_nothing(whale: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr('hailwhale.counter._ATTEMPTS', 0)
    with pytest.raises(StorageConflict, match='the same ids'):
        whale.count_many([{'pk': 'p', 'id': 'x'}])
    with pytest.raises(StorageConflict, match='counted by others'):
        whale.update_count_to('p', metrics={'stock': 1})
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


def test_a_level_is_set_again_where_somebody_counted_in_between(whale: Whale, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, read = whale.storage, whale.storage.read_series
    meddled: list[int] = []

    def reading(questions: Sequence[SeriesRead]) -> list[Columns]:
        answer = read(questions)
        if not meddled:
            meddled.append(1)
            whale.count_now('p', metrics={'stock': 5})
        return answer

    monkeypatch.setattr(storage, 'read_series', reading)
    whale.update_count_to('p', metrics={'stock': 3})
    assert meddled
    assert whale.total('p', 'stock', period='today') == 3


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
