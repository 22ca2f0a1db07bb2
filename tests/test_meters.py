"""What a process notes of itself, and how long events wait."""

from __future__ import annotations

import pytest

from hailwhale.errors import BacklogFull, InvalidAmount, TokenRefused
from hailwhale.meters import Histogram, Lags, Meters, reason_of


def test_a_value_counts_under_every_bound_that_it_does_not_pass() -> None:
    histogram = Histogram((1, 5))
    for value in (0, 1, 1.5, 5, 5.1, 100):
        histogram.observe(value)
    assert histogram.cumulated() == [2, 4, 6]
    assert histogram.total == pytest.approx(112.6)


def test_each_reason_has_a_name_of_its_own() -> None:
    meters = Meters()
    for error in (BacklogFull('a'), BacklogFull('b'), InvalidAmount('c'), TokenRefused('forged'), KeyError('d')):
        meters.refuse(error)
    meters.refuse(TokenRefused('expired'), 3)
    assert meters.refused == {
        'backlog_full': 2, 'invalid_amount': 1, 'token_forged': 1, 'token_expired': 3, 'internal': 1,
    }  # fmt: skip
    assert reason_of(TokenRefused('bounds')) == 'token_bounds'


def test_a_push_is_measured_whether_it_ends_well_or_not() -> None:
    meters = Meters()
    push = meters.measured(lambda arrivals: 2 // len(arrivals))
    assert push({1: ['a', 'b'], 2: ['c']}) == 1
    with pytest.raises(ZeroDivisionError):
        push({})
    assert meters.push_sizes.total == 3
    assert meters.push_sizes.cumulated()[-1] == meters.push_seconds.cumulated()[-1] == 2


class Store:
    """Lists of waiting events that remember when each was pushed: what `Lags` has to find out without that."""

    def __init__(self, shards: int = 2) -> None:
        self.lists: list[list[float]] = [[] for _ in range(shards)]
        self.taken = [0] * shards
        self.lags = Lags()
        self.now = 0.0

    def push(self, shard: int, count: int = 1) -> None:
        self.lists[shard] += [self.now] * count

    def take(self, shard: int, count: int) -> None:
        del self.lists[shard][:count]
        self.taken[shard] += count

    def wait(self, seconds: int) -> None:
        """Time goes by, and somebody looks every second."""
        for _ in range(seconds):
            self.now += 1
            self.look()

    def look(self) -> None:
        self.lags.look(self.now, self.taken, [len(waiting) for waiting in self.lists])

    def lag(self) -> float:
        return max((self.now - waiting[0] for waiting in self.lists if waiting), default=0.0)


def test_nothing_lags_before_anybody_has_looked_and_while_nothing_waits() -> None:
    store = Store()
    assert store.lags.seconds() == store.lags.speed() == 0
    store.wait(100)
    assert store.lags.seconds() == store.lags.speed() == 0


def test_the_lag_is_how_long_the_oldest_event_has_waited() -> None:
    store = Store()
    store.wait(3)
    store.push(0)
    store.wait(10)
    store.push(1, 5)
    store.wait(10)
    assert store.lags.seconds() == store.lag() == 20
    store.take(0, 1)
    store.look()
    assert store.lags.seconds() == store.lag() == 10
    store.take(1, 4)
    store.push(1)
    store.wait(5)
    assert store.lags.seconds() == store.lag() == 15
    store.take(1, 1)
    store.look()
    assert store.lags.seconds() == store.lag() == 5
    store.take(1, 1)
    store.look()
    assert store.lags.seconds() == store.lag() == 0


def test_what_had_waited_before_a_start_lags_since_the_start() -> None:
    store = Store()
    store.push(0, 10)
    store.wait(5)
    assert (store.lags.seconds(), store.lag()) == (4, 5)


def test_a_lag_is_told_as_too_long_but_never_as_too_short() -> None:
    store = Store()
    store.look()
    for seconds in (0.4, 3.7, 11.2, 0.1, 60.0):
        store.push(0)
        store.now += seconds
        store.look()
        # What fell between two looks is dated by the first; the longest time between two is 11.2 s here.
        assert 0 <= store.lags.seconds() - store.lag() <= 11.2 + 1
        store.push(1, 3)
        store.take(0, 1)
        store.look()


def test_looks_of_long_ago_thin_out_but_a_long_lag_is_still_told() -> None:
    store = Store()
    store.wait(10)
    store.push(0)
    store.wait(20_000)
    assert len(store.lags._looks) <= 512
    assert store.lag() == 20_000
    assert 20_000 <= store.lags.seconds() <= 20_010
    store.push(0)
    store.take(0, 1)
    store.wait(1_000)
    assert 1_000 <= store.lags.seconds() <= 1_050


def test_looks_that_come_all_at_once_do_not_push_out_the_old_ones() -> None:
    store = Store()
    store.push(0)
    store.wait(100)
    for _ in range(5_000):
        store.now += 0.0001
        store.look()
    assert len(store.lags._looks) <= 110
    assert store.lags.seconds() == pytest.approx(99.5)


def test_the_speed_is_that_of_the_last_ten_seconds() -> None:
    store = Store()
    store.push(0, 10_000)
    store.look()
    for count in (100, 100, 100):
        store.take(0, count)
        store.wait(1)
    assert store.lags.speed() == 100
    for _ in range(20):
        store.take(0, 7)
        store.wait(1)
    assert store.lags.speed() == 7
    store.wait(20)
    assert store.lags.speed() == 0


def test_a_clock_that_was_put_back_gives_no_speed() -> None:
    store = Store()
    store.look()
    store.take(0, 5)
    store.now -= 3
    store.look()
    assert store.lags.speed() == 0
