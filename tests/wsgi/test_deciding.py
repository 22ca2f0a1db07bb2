"""Decisions and results in a server of greenlets: the others go on meanwhile."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest

from hailwhale.errors import InvalidInput, Unanswerable
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from hailwhale.wsgi import assembly, deciding
from hailwhale.wsgi.threads import in_a_real_thread, in_the_loop
from tests.consoles import ROOT
from tests.fresh import unmeasured

#: Another greenlet has its turn every few milliseconds while a whale decides, and while it compares.
PROGRAM = """
from gevent import monkey
monkey.patch_all()
import json, sys, time
import gevent
from hailwhale.whale import Whale
from hailwhale.settings import Settings
from hailwhale.wsgi import assembly

def longest_pause(work):
    turns = [time.perf_counter()]
    def turn():
        while True:
            gevent.sleep(0.002)
            turns.append(time.perf_counter())
    greenlet = gevent.spawn(turn)
    gevent.sleep(0)
    began = time.perf_counter()
    work()
    took = time.perf_counter() - began
    greenlet.kill()
    return len([turn for turn in turns if turn > began]), took

with Whale(sys.argv[1], settings=Settings.load({}), deciding=assembly._DECIDING, results=assembly._RESULTS) as whale:
    for option in 'ab':
        whale.count_decided_now('Page', None, option, None, {'hits': 100})
    found = [
        longest_pause(lambda: whale.decide('Page', None, ['a', 'b'])),
        longest_pause(lambda: whale.results('Page', 'hits')),
    ]
print(json.dumps([found, sorted(name for name in sys.modules if name in ('numpy', 'scipy'))]))
"""


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(
        embedded_url, settings=Settings.load({}), deciding=assembly._DECIDING, results=assembly._RESULTS
    ) as whale:
        for option, bought in (('a', 4), ('b', 100)):
            whale.count_decided_now('Page', None, option, {'country': 'US'}, {'hits': 400, 'signups': bought})
        yield whale


def test_while_libraries_are_imported_for_the_first_decision_others_have_their_turns(embedded_url: str) -> None:
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM, embedded_url],
        cwd=ROOT,
        env=unmeasured(OPENBLAS_NUM_THREADS='1'),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found, imported = json.loads(done.stdout)
    assert imported == ['numpy', 'scipy']
    assert all(turns > 20 for turns, _ in found), found


def test_a_server_decides_and_compares_as_a_whale_does(whale: Whale, embedded_url: str) -> None:
    asked: dict[str, Any] = {'goals': ['signups'], 'by': 'country'}
    with Whale(embedded_url, settings=Settings.load({})) as plain:
        assert whale.results('Page', **asked) == plain.results('Page', **asked)
        assert whale.results('Page') == plain.results('Page')
        more = (['a', 'b'], 'signups/hits', {'country': 'US'})
        assert whale.decision('Page', None, *more, seed=3) == plain.decision('Page', None, *more, seed=3)
        visitors = [{'visitor': number, 'dimensions': {'country': 'US'}} for number in range(300)]
        many = [one.decide_many('Page', None, ['a', 'b'], visitors, 'signups/hits') for one in (whale, plain)]
        assert many[0] == many[1]


@pytest.mark.parametrize(
    ('asked', 'error'),
    [({'goals': 'a/b/c'}, InvalidInput), ({'alpha': 2}, InvalidInput), ({'period': '1m:3d'}, Unanswerable)],
)
def test_what_cannot_be_compared_is_refused_and_nothing_printed(
    whale: Whale, asked: dict[str, Any], error: type[Exception], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(error):
        whale.results('Page', **asked)
    gevent.sleep(0)
    assert capfd.readouterr() == ('', '')


def test_what_is_worked_out_is_so_in_a_real_thread_and_the_engine_is_asked_in_the_loop() -> None:
    hub, loop = gevent.get_hub(), threading.get_ident()

    def work() -> tuple[int, int]:
        return threading.get_ident(), in_the_loop(hub, threading.get_ident)

    for pool in (None, deciding._pool_of(hub)):
        thread, asked_in = in_a_real_thread(work, pool)
        assert thread != loop == asked_in
    assert deciding._pool_of(hub) is deciding._pool_of(hub)


def from_a_thread_in_the_loop(work: Callable[[], object]) -> object:
    hub = gevent.get_hub()
    return in_a_real_thread(lambda: in_the_loop(hub, work))


@pytest.mark.parametrize('run', [in_a_real_thread, from_a_thread_in_the_loop])
def test_what_a_thread_or_the_loop_meets_is_raised_where_it_was_asked_for(
    run: Callable[[Callable[[], object]], object], capfd: pytest.CaptureFixture[str]
) -> None:
    def work() -> None:
        raise KeyError('nothing there')

    with pytest.raises(KeyError, match='nothing there'):
        run(work)
    gevent.sleep(0)
    assert capfd.readouterr() == ('', '')
