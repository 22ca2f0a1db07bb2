"""The commands of the buffer: what they print, and how they end."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stderr
from typing import Any

import pytest

from hailwhale.cli import buffering
from hailwhale.cli.buffering import newer
from hailwhale.draining import Drained
from hailwhale.hail import Hail
from hailwhale.settings import Settings
from hailwhale.storage import Arrival, shard_of
from hailwhale.whale import Whale
from tests.cli.conftest import Run
from tests.consoles import ROOT
from tests.engines import until


@pytest.fixture
def hail(embedded_url: str) -> Hail:
    return Hail(Whale(settings=Settings.load({}, url=embedded_url)))


def started(url: str, *argv: str) -> subprocess.Popen[str]:
    """A command in a process of its own."""
    command = [sys.executable, '-m', 'hailwhale', '--url', url, *argv]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# -- drain -----------------------------------------------------------------------------------------------------------


def test_a_drain_counts_what_waits_and_tells_how_many(run: Run, hail: Hail) -> None:
    hail.push_many([['signup', 'UK']] * 3)
    code, out, _ = run('drain')
    assert code == 0
    assert out.startswith('drained 3 events in ')
    assert (hail.whale.total('signup'), hail.waiting()) == (3, 0)


def test_a_limit_leaves_the_others_where_they_are(run: Run, hail: Hail) -> None:
    hail.push_many([['a'], ['a'], ['a']])
    assert run('drain', '--limit', '2')[1].startswith('drained 2 events in ')
    assert hail.waiting() == 1


def test_what_cannot_be_counted_is_told_of(run: Run, hail: Hail) -> None:
    hail.push({shard_of(('a',)): [Arrival(b'rubbish')]})
    assert run('drain')[1].endswith(', 1 put aside\n')


def test_progress_is_shown_where_it_is_asked_for(run: Run, hail: Hail) -> None:
    hail.push_many([['a'], ['a']])
    _, _, told = run('drain', '--progress')
    assert told.startswith('2 events, ')
    assert told.endswith('/s, 0 wait\n')


class Terminal(io.StringIO):
    """What is written to it is kept, and it says that it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_one_line_of_a_terminal_and_goes_away() -> None:
    now = [0.0]
    with redirect_stderr(Terminal()) as terminal:
        progress = buffering._Progress(always=False, clock=lambda: now[0])
        progress.show(Drained(10, 1, 2.0, 20))
        progress.show(Drained(11, 1, 2.0, 19))
        now[0] = 1.0
        progress.show(Drained(12, 2, 2.0, 0))
        progress.clear()
    line = '10 events, 5/s, 20 wait, 4 s behind'
    assert terminal.getvalue() == f'\r{line}\r{"12 events, 6/s, 0 wait".ljust(len(line))}\r{" " * len(line)}\r'
    assert progress.dead == 2


def test_without_a_terminal_nothing_is_shown_unless_it_is_asked_for() -> None:
    with redirect_stderr(io.StringIO()) as told:
        progress = buffering._Progress(always=False)
        progress.show(Drained(10, 0, 2.0, 20))
        progress.clear()
    assert told.getvalue() == ''


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_drain_that_goes_on_counts_what_comes_and_ends_well_when_it_is_told(
    hail: Hail, embedded_url: str, number: signal.Signals
) -> None:
    hail.count('a')
    with started(embedded_url, 'drain', '--forever') as drain:
        until(lambda: hail.whale.total('a') == 1, 'the first is counted')
        hail.count('a')
        until(lambda: hail.whale.total('a') == 2, 'the second is counted')
        drain.send_signal(number)
        out, _ = drain.communicate(timeout=20)
    assert (drain.returncode, out[:17]) == (0, 'drained 2 events ')


# -- dead ------------------------------------------------------------------------------------------------------------


def test_events_that_were_put_aside_are_shown_with_their_reason(run: Run, hail: Hail) -> None:
    assert run('dead') == (0, 'none\n', '')
    hail.push({shard_of(('a',)): [Arrival(b'rubbish\x1b[2J')]})
    hail.drain()
    out = run('dead')[1]
    assert 'not a waiting event' in out
    assert '\x1b' not in out
    (one,) = map(json.loads, run('dead', '--json')[1].splitlines())
    assert set(one) >= {'event', 'reason', 'at'}
    assert run('dead', '--again') == (0, 'put back 1 events\n', '')
    assert run('dead', '--json') == (0, '', '')
    assert hail.waiting() == 1


def test_an_event_without_a_time_has_none() -> None:
    assert buffering._time(None) == '-'
    assert buffering._time(1_700_000_000_000) == '2023-11-14 22:13:20'


# -- tail ------------------------------------------------------------------------------------------------------------


def test_the_last_events_are_shown_in_the_order_in_which_they_came(run: Run, hail: Hail) -> None:
    for country in ('UK', 'US', 'DE'):
        hail.count(['shop', 42], {'country': country}, {'price': 2.5}, uid='ann')
    hail.count('other')
    lines = run('tail', 'shop', '-n', '2', '--no-follow')[1].splitlines()
    assert [line.split('  ', 1)[1] for line in lines] == [
        'shop/42  price=2.5 hits=1  {"country": "US"}',
        'shop/42  price=2.5 hits=1  {"country": "DE"}',
    ]
    events: list[dict[str, Any]] = [
        json.loads(line) for line in run('tail', '--uid', 'ann', '--no-follow', '--json')[1].splitlines()
    ]
    assert [event['dimensions'] for event in events] == [{'country': country} for country in ('UK', 'US', 'DE')]


def test_new_events_are_shown_as_they_come(hail: Hail, embedded_url: str) -> None:
    hail.count('old')
    with started(embedded_url, 'tail') as tail:
        assert tail.stdout
        assert 'old  ' in tail.stdout.readline()
        hail.count('new')
        assert 'new  ' in tail.stdout.readline()
        tail.terminate()
        assert tail.communicate(timeout=20) == ('', '')
    assert tail.returncode == 0


@pytest.mark.parametrize(
    ('before', 'now', 'fresh'),
    [
        ([], [], []),
        ([], [2, 1], [2, 1]),
        ([1], [2, 1], [2]),
        ([3, 2, 1], [5, 4, 3], [5, 4]),
        ([3, 2, 1], [6, 5, 4], [6, 5, 4]),
        ([1], [1, 1], [1]),
        ([2, 1], [], []),
    ],
)
def test_what_is_new_in_a_log_is_what_stands_before_what_was_there(
    before: list[int], now: list[int], fresh: list[int]
) -> None:
    assert newer(before, now) == fresh


def test_signals_do_again_what_they_did_once_it_is_over() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with buffering._stopped_by_signals() as stopping:
        assert isinstance(stopping, threading.Event)
        os.kill(os.getpid(), signal.SIGTERM)
        until(stopping.is_set, 'the signal has come')
    assert signal.getsignal(signal.SIGTERM) is before
