"""Servers, put together: what is taken is counted, whoever fails and whenever it ends."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from hailwhale.access import Keys
from hailwhale.errors import SettingsError
from hailwhale.hail import Hail
from hailwhale.settings import Settings
from hailwhale.storage import connect
from hailwhale.whale import Whale
from hailwhale.wsgi import assembly
from hailwhale.wsgi.assembly import Drainer, Part, assembled
from tests.engines import until
from tests.servers.client import Client
from tests.wsgi.test_wsgi import Serve, processes


@pytest.fixture
def serve() -> Iterator[Serve]:
    with processes() as start:
        yield start


def test_what_is_taken_is_counted_by_the_same_process(serve: Serve, redis_url: str) -> None:
    served = serve(kind='whale', settings={'url': redis_url, 'port': '0'})
    for _ in range(3):
        assert served.get('/count?pk=a') == b'OK'
    until(lambda: served.get('/totals?pk=a&period=hour') == b'{"hour":{"_":{"hits":3}}}', 'they are counted')
    assert json.loads(served.get('/readyz')) == {'status': 'ready'}
    assert served.end() == ('ended 0', '')


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(found) for found in Path(f'/proc/{pid}/task/{pid}/children').read_text().split()]


def holders() -> set[int]:
    """The processes that have locked a whole file."""
    lines = [line.split() for line in Path('/proc/locks').read_text().splitlines()]
    return {int(line[4]) for line in lines if line[1] == 'FLOCK'}


def test_when_the_worker_that_drains_is_killed_another_one_drains(serve: Serve, redis_url: str) -> None:
    with Whale(redis_url) as whale:
        served = serve(kind='whale', settings={'url': redis_url, 'port': '0'}, workers=2)
        until(lambda: len(holders() & set(children(served.process.pid))) == 1, 'one of them drains')
        (draining,) = holders() & set(children(served.process.pid))
        os.kill(draining, signal.SIGKILL)
        Hail(whale).count('a')
        until(lambda: Hail(whale).waiting() == 0, 'the other one drains')
        assert whale.total('a', period='hour') == 1
        assert served.end()[0] == 'ended 1'


@pytest.mark.parametrize('workers', [1, 2])
def test_what_waits_at_the_end_is_counted_before_it(serve: Serve, redis_url: str, workers: int) -> None:
    with Whale(redis_url) as whale:
        served = serve(kind='whale', settings={'url': redis_url, 'port': '0'}, workers=workers)
        for _ in range(50):
            assert served.get('/count?pk=a') == b'OK'
        assert served.end() == ('ended 0', '')
        assert Hail(whale).waiting() == 0
        assert whale.totals('a', period='hour') == {'hour': {'_': {'hits': 50}}}


@pytest.mark.parametrize(
    ('parts', 'paths'),
    [
        (('hail',), {'/count': 200, '/totals': 404, '/metrics': 200, '/readyz': 200, '/count_now': 404}),
        (('whale',), {'/count': 404, '/totals': 200, '/metrics': 200, '/readyz': 200, '/count_now': 200}),
    ],
)
def test_each_part_answers_at_its_own_paths(redis_url: str, parts: tuple[Part, ...], paths: dict[str, int]) -> None:
    with assembled(Settings.load({}, url=redis_url), parts) as app:
        client = Client(app)
        assert {path: client.get(f'{path}?pk=a' if 'count' in path else path).status for path in paths} == paths


@pytest.mark.parametrize('host', ['0.0.0.0', '::'])
def test_beyond_loopback_it_starts_only_with_keys_or_when_told_so(redis_url: str, host: str, tmp_path: Path) -> None:
    settings = Settings.load({}, url=redis_url, host=host)
    with pytest.raises(SettingsError, match='hailwhale key create'), assembled(settings, ['hail']):
        pass
    with assembled(settings, ['hail'], open=True) as app:
        assert Client(app).get('/count?pk=a').status == 200
    with closing(connect(redis_url, home=tmp_path)) as storage:
        Keys(storage, time.time).create('write')
    with assembled(settings, ['hail']) as app:
        assert Client(app).get('/count?pk=a').status == 401


def test_beyond_loopback_nobody_is_let_in_while_the_keys_cannot_be_read(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load({}, url='redis://127.0.0.1:1/0', timeout='0.01', host='0.0.0.0')
    with assembled(settings, ['hail']) as app:
        assert Client(app).get('/count?pk=a').status == 503
    assert 'nobody is let in until the keys can be read' in caplog.text


class Failing(Hail):
    """Fails once, and then drains."""

    failed = 0

    def drain(self, *arguments: object, **options: object) -> int:
        if not self.failed:
            self.failed += 1
            raise RuntimeError('as asked')
        return super().drain(*arguments, **options)  # type: ignore[arg-type]


def test_a_drainer_that_fails_says_so_and_begins_again(
    redis_url: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(assembly, '_AGAIN_AFTER', 0.0)
    with Whale(redis_url) as whale:
        hail = Failing(whale)
        hail.count('a')
        with Drainer(hail) as drainer:
            assert drainer.is_alive()
            gevent.sleep(0)
        assert not drainer.is_alive()
        assert whale.totals('a', period='hour') == {'hour': {'_': {'hits': 1}}}
    assert 'RuntimeError: as asked' in caplog.text


def test_a_drainer_that_is_left_without_an_engine_says_that_events_wait(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load({}, url='redis://127.0.0.1:1/0', timeout='0.01')
    with Whale(settings=settings) as whale, Drainer(Hail(whale)):
        pass
    assert 'some events wait for the next drainer' in caplog.text
