"""Rates: exact on every engine, together over all who ask, and honest about when to come again.

The engine's own clock counts; time passes here by making the keys of a rate as much older, which is all that it does.
"""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.access import Keys
from hailwhale.access.rates import Rate, Rates
from hailwhale.errors import InvalidInput, SettingsError, StorageRefused, StorageUnavailable, TooManyRequests
from hailwhale.storage import Storage, access
from hailwhale.storage.keys import rate_keys, shard_of
from tests.engines import Server

ID = 'abcd1234'
HOUR = 3_600_000


def pass_time(server: Server, ms: int) -> None:
    """Let milliseconds pass for whatever was taken of rates."""
    for node in server.nodes:
        for name in node.keys('hw:*:rate:*'):
            left = node.pttl(name) - ms
            if left > 0:
                node.pexpire(name, left)
            else:
                node.delete(name)


def taken(rates: Rates, rate: Rate, *costs: int) -> list[bool]:
    """Which of these costs get through, one after the other."""
    found = []
    for cost in costs:
        try:
            rates.spend(ID, rate, cost)
        except TooManyRequests:
            found.append(False)
        else:
            found.append(True)
    return found


@pytest.fixture
def rates(storage: Storage) -> Rates:
    return Rates(storage.engine)


# -- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('text', 'amount', 'seconds'),
    [
        ('100/s', 100, 1),
        ('6000/m', 6_000, 60),
        ('1000/10s', 1_000, 10),
        ('5/h', 5, 3_600),
        ('5/36h', 5, 129_600),
        ('999999999/31d', 999_999_999, 31 * 86_400),
    ],
)
def test_a_rate_is_read_and_written(text: str, amount: int, seconds: int) -> None:
    assert Rate.parse(text) == (amount, seconds)
    assert str(Rate.parse(text)) == text
    assert str(Rate.parse('60/60s')) == '60/m'


@pytest.mark.parametrize(
    'text', ['', '100', '/s', '0/s', '-1/s', '1.5/s', '1/0s', '1/w', '1/32d', '1 / s', '٣/s', '1e3/s']
)
def test_what_is_no_rate_is_refused_with_the_way_out(text: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(f'not a rate: {text!r} (try 100/s, 6000/m')) as caught:
        Rate.parse(text)
    assert caught.value.field == 'rate'


# -- counting --------------------------------------------------------------------------------------------------------


def test_exactly_the_amount_gets_through_however_many_ask_at_once(storage: Storage) -> None:
    rate = Rate(100, 3_600)
    both = [Rates(storage.engine), Rates(storage.engine)]  # as two processes have them
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda place: taken(both[place % 2], rate, *[1] * 20), range(8)))
    assert sum(map(sum, found)) == 100


def test_a_cost_gets_through_whole_or_not_at_all(rates: Rates) -> None:
    assert taken(rates, Rate(100, 3_600), 60, 41, 40, 1) == [True, False, True, False]


def test_what_was_taken_fades_as_the_next_window_goes_on(rates: Rates, server: Server) -> None:
    rate = Rate(100, 3_600)
    assert taken(rates, rate, 100, 1) == [True, False]
    pass_time(server, HOUR + 1_000)
    assert taken(rates, rate, 1) == [True]  # a moment of the window is over
    pass_time(server, HOUR // 4)
    assert taken(rates, rate, 25, 1) == [True, False]
    pass_time(server, HOUR // 4)
    assert taken(rates, rate, 25, 1) == [True, False]
    pass_time(server, 2 * HOUR)
    assert taken(rates, rate, 100, 1) == [True, False]


def test_each_key_has_a_rate_of_its_own_and_both_windows_in_one_slot(
    rates: Rates, storage: Storage, server: Server
) -> None:
    rate = Rate(1, 3_600)
    for name in ('aaaaaaaa', 'bbbbbbbb', 'cccccccc'):
        rates.spend(name, rate, 1)
        shard, before, current = rate_keys(name)
        assert shard == shard_of((name,))
        assert before.startswith(f'hw:{{{shard}}}:rate:')
        assert current.startswith(f'hw:{{{shard}}}:rate:')
    pass_time(server, HOUR + 1_000)
    rates.spend('aaaaaaaa', rate, 0)  # moves one window on
    found: list[tuple[Any, int]] = [(name, node.pttl(name)) for node in server.nodes for name in node.keys('*')]
    assert len(found) == 4
    assert all(name.startswith(b'hw:{') and b':rate:' in name and 0 < ends <= 2 * HOUR for name, ends in found)
    assert storage.backlog() == [0] * 64


# -- coming again ----------------------------------------------------------------------------------------------------


def test_it_gets_through_when_it_was_told_to_come_again_and_not_much_sooner(rates: Rates, server: Server) -> None:
    @given(
        amount=st.integers(1, 60),
        before=st.lists(st.tuples(st.integers(1, 30), st.integers(0, 3 * HOUR // 2)), max_size=4),
        cost=st.integers(1, 60),
    )
    @settings(max_examples=40)
    def ask(amount: int, before: list[tuple[int, int]], cost: int) -> None:
        server.empty()
        rate, cost = Rate(amount, 3_600), min(cost, amount)
        for one, pause in before:
            taken(rates, rate, min(one, amount))
            pass_time(server, pause)
        told = wait_of(rates, rate, cost)
        if told > 10:
            pass_time(server, (told - 10) * 1000)
            assert taken(rates, rate, cost) == [False]
            told = 10
        if told:
            pass_time(server, told * 1000)
            assert taken(rates, rate, cost) == [True]

    ask()


def wait_of(rates: Rates, rate: Rate, cost: int) -> int:
    """When whoever asks is told to come again; 0 when it got through."""
    if taken(rates, rate, cost) == [True]:
        return 0
    with pytest.raises(TooManyRequests) as caught:
        rates.spend(ID, rate, cost)
    assert 1 <= caught.value.retry_after <= 7_201
    assert f'(come again in {caught.value.retry_after} s)' in caught.value.message
    return caught.value.retry_after


def test_a_cost_beyond_the_amount_is_told_so(rates: Rates) -> None:
    with pytest.raises(
        TooManyRequests, match=r'101 at once is more than .* ever lets through, 100/s \(send 100'
    ) as caught:
        rates.spend(ID, Rate(100, 1), 101)
    assert caught.value.retry_after == 1
    assert taken(rates, Rate(100, 3_600), 100) == [True]


def test_an_empty_window_waits_for_no_more_than_a_moment() -> None:
    assert Rate(10, 60).wait(10, 0, 0, 0, 0) == 0.001
    assert Rate(10, 60).wait(1, 10, 10, 0, 0) == 0.001


def test_a_window_that_is_over_and_that_nobody_has_moved_on_is_the_one_before() -> None:
    # Of 10 taken, half a window ago when it ended, 5 still count: one in 6 s each.
    assert Rate(10, 60).wait(5, 0, 0, 10, 30_000) == 0.001
    assert Rate(10, 60).wait(7, 0, 0, 10, 30_000) == 6.001


# -- when it cannot be told ------------------------------------------------------------------------------------------


def test_with_the_engine_away_nothing_gets_through(away: Storage) -> None:
    with pytest.raises(StorageUnavailable):
        Rates(away.engine).spend(ID, Rate(100, 1), 1)


def test_without_the_library_nothing_gets_through(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, 'hailwhale.access.windows', raising=False)
    monkeypatch.setitem(sys.modules, 'limits', None)
    with pytest.raises(SettingsError, match=re.escape("pip install 'hailwhale[rates]'")):
        Rates(storage.engine).spend(ID, Rate(100, 1), 1)


def test_an_engine_that_forgot_the_script_is_taught_it_again(rates: Rates, server: Server) -> None:
    rate = Rate(2, 3_600)
    for _ in range(2):
        rates.spend(ID, rate, 1)
        for node in server.nodes:
            node.script_flush()
    assert taken(rates, rate, 1) == [False]


def test_a_foreign_key_in_the_way_is_an_error_of_ours(rates: Rates, storage: Storage) -> None:
    shard, _, current = rate_keys(ID)
    storage.engine.ask(shard, 'RPUSH', current, 'x')
    with pytest.raises(StorageRefused, match='WRONGTYPE'):
        rates.spend(ID, Rate(5, 60), 1)


def test_a_window_that_nobody_used_holds_nothing(storage: Storage) -> None:
    assert access.window(storage.engine, 'nobody') == (0, 0, 0, 0)


def test_a_key_with_a_rate_can_be_made(keys: Keys) -> None:
    assert keys.create('write', rate='100/s').key.rate == Rate(100, 1)
