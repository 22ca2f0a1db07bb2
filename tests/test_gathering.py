"""Events that arrive together share a push, and each hears what became of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from hailwhale import gathering
from hailwhale.errors import BacklogFull, StorageError, StorageUnavailable
from hailwhale.gathering import Gathering, Outcome
from tests.engines import until

PATIENCE = 20.0


class Pushes:
    """What was pushed, by push; each waits for leave where ``held``."""

    def __init__(self) -> None:
        self.done: list[dict[int, list[Any]]] = []
        self.begun = 0
        self.leave = threading.Event()
        self.leave.set()
        self.failing: dict[int, BaseException] = {}

    def __call__(self, arrivals: Mapping[int, Sequence[Any]]) -> dict[int, list[bool] | StorageError]:
        self.begun += 1
        assert self.leave.wait(PATIENCE)
        if error := self.failing.get(-1):
            raise error
        self.done.append({shard: list(each) for shard, each in arrivals.items()})
        return {shard: self.outcome(shard, each) for shard, each in arrivals.items()}

    def outcome(self, shard: int, arrivals: Sequence[Any]) -> list[bool] | StorageError:
        error = self.failing.get(shard)
        return error if isinstance(error, StorageError) else [arrival != 'used up' for arrival in arrivals]


@pytest.fixture
def pushes() -> Pushes:
    return Pushes()


def gathering_of(pushes: Pushes) -> Any:
    return Gathering(pushes)


@contextmanager
def threads(*works: Any) -> Iterator[None]:
    running = [threading.Thread(target=work) for work in works]
    for each in running:
        each.start()
    yield
    for each in running:
        each.join(PATIENCE)
        assert not each.is_alive()


def test_each_event_is_pushed_once_to_its_shard_and_answered_in_order(pushes: Pushes) -> None:
    assert gathering_of(pushes).push([(1, 'a'), (2, 'used up'), (1, 'b')]) == [True, False, True]
    assert pushes.done == [{1: ['a', 'b'], 2: ['used up']}]


def test_nothing_is_not_pushed(pushes: Pushes) -> None:
    assert gathering_of(pushes).push([]) == []
    gathering_of(pushes).work()
    assert pushes.begun == 0


def test_who_arrives_during_a_push_shares_the_next_one(pushes: Pushes) -> None:
    pushes.leave.clear()
    together = gathering_of(pushes)
    outcomes: dict[int, list[Outcome]] = {}

    def push(number: int) -> None:
        outcomes[number] = together.push([(0, number)])

    with threads(lambda: push(0)):
        until(lambda: pushes.begun == 1, 'the first push has begun')
        with threads(*(lambda number=number: push(number) for number in range(1, 20))):
            until(lambda: len(together._pending) == 19, 'nineteen wait')
            pushes.leave.set()
    assert pushes.done[0] == {0: [0]}
    assert sorted(pushes.done[1][0]) == list(range(1, 20))
    assert len(pushes.done) == 2
    assert outcomes == {number: [True] for number in range(20)}


def test_who_submits_does_not_wait_and_is_told(pushes: Pushes) -> None:
    together = gathering_of(pushes)
    told: list[Outcome] = []
    together.submit(3, 'a', told.append)
    together.submit(4, 'used up', told.append)
    assert (told, pushes.begun) == ([], 0)
    together.work()
    assert told == [True, False]
    assert pushes.done == [{3: ['a'], 4: ['used up']}]


def test_what_is_submitted_while_others_are_told_is_pushed_too(pushes: Pushes) -> None:
    together = gathering_of(pushes)
    told: list[Outcome] = []
    together.submit(0, 'a', lambda _: together.submit(0, 'b', told.append))
    together.work()
    assert pushes.done == [{0: ['a']}, {0: ['b']}]
    assert told == [True]


def test_a_push_holds_no_more_than_so_many_events_but_for_those_that_came_as_one(
    pushes: Pushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, 'MOST', 2)
    together = gathering_of(pushes)
    told: list[Outcome] = []
    for name in 'abc':
        together.submit(0, name, told.append)
    together.work()
    assert pushes.done == [{0: ['a', 'b']}, {0: ['c']}]
    assert together.push([(0, 'd'), (0, 'e'), (0, 'f')]) == told == [True] * 3
    assert len(pushes.done) == 3


def test_a_shard_that_is_full_does_not_concern_the_others(pushes: Pushes) -> None:
    full = pushes.failing[1] = BacklogFull('full')
    assert gathering_of(pushes).push([(0, 'a'), (1, 'b'), (1, 'c'), (2, 'd')]) == [True, full, full, True]


def test_an_engine_that_is_away_is_told_to_all_and_the_next_push_is_tried(pushes: Pushes) -> None:
    away = pushes.failing[-1] = StorageUnavailable('away')
    together = gathering_of(pushes)
    assert together.push([(0, 'a'), (1, 'b')]) == [away, away]
    pushes.failing.clear()
    assert together.push([(0, 'a')]) == [True]


def test_a_failure_of_ours_is_logged_and_no_event_counts_as_kept(
    pushes: Pushes, caplog: pytest.LogCaptureFixture
) -> None:
    pushes.failing[-1] = ZeroDivisionError('as set')
    (outcome,) = gathering_of(pushes).push([(0, 'a')])
    assert isinstance(outcome, StorageError)
    assert 'as set' not in outcome.message
    assert 'ZeroDivisionError: as set' in caplog.text


def test_whoever_is_cut_off_in_a_push_leaves_nobody_waiting(pushes: Pushes) -> None:
    together = gathering_of(pushes)
    told: list[Outcome] = []
    pushes.failing[-1] = KeyboardInterrupt()
    together.submit(0, 'a', told.append)
    with pytest.raises(KeyboardInterrupt):
        together.push([(0, 'b')])
    assert [str(outcome) for outcome in told] == ['the push was cut off: nobody knows whether the event was kept']
    pushes.failing.clear()
    assert together.push([(0, 'c')]) == [True]
    assert pushes.done == [{0: ['c']}]


def test_an_answer_that_fails_does_not_keep_the_others_from_theirs(
    pushes: Pushes, caplog: pytest.LogCaptureFixture
) -> None:
    together = gathering_of(pushes)
    told: list[Outcome] = []
    together.submit(0, 'a', lambda _: told.__getitem__(7))
    together.submit(0, 'b', told.append)
    together.work()
    assert told == [True]
    assert 'IndexError' in caplog.text
