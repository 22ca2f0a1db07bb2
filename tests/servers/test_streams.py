"""Streams in this process, through the standard library's validator: what is told, to whom, and what it costs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from io import StringIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import pytest

from hailwhale.access import Access, Keys
from hailwhale.errors import TooManyStreams
from hailwhale.servers import streams
from hailwhale.servers.streams import Streams
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import NOW, Clock
from tests.engines import Process, free_ports, redis_binary, until
from tests.events import Event, events, merged
from tests.servers.client import environ
from tests.servers.hails import Served

HOURS = '/stream?pk=a&period=1h:2h'
#: The buckets of that.
FIRST, LAST = 2_142_522_000_000, 2_142_525_600_000


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, 'EVERY', 0.01)
    monkeypatch.setattr(streams, 'QUIET', 0.2)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def whale(embedded_url: str, clock: Clock) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}, max_streams='3'), clock=clock) as whale:
        yield whale


@pytest.fixture
def served(whale: Whale) -> Iterator[Served]:
    served = Served(whale)
    yield served
    served.streams.close()
    until(lambda: not watchers(), 'nobody looks')


class Watched:
    """What one stream tells."""

    def __init__(self, served: Served, path: str, **more: Any) -> None:
        self.errors = StringIO()
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Any:
            started.append((status, headers))

        given = environ('GET', path, **more) | {'wsgi.errors': self.errors}
        self._body: Any = validator(served.app)(given, start_response)
        self._pieces = iter(self._body)
        ((status, headers),) = started
        self.status, self.headers = int(status[:3]), dict(headers)
        self.text = b''

    def __enter__(self) -> Watched:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._body.close()

    @property
    def told(self) -> list[Event]:
        return events(self.text)

    def next(self) -> bytes:
        piece: bytes = next(self._pieces)
        self.text += piece
        return piece

    def wait(self, count: int) -> list[Event]:
        """The events, once there are so many."""
        until(lambda: len(self.told) >= count or not self.next(), f'{count} events')
        return self.told

    def says_nothing(self) -> bool:
        return self.next() == b': \n\n'

    def is_over(self) -> bool:
        """Whether there are no more pieces, after those that are there."""
        return not list(self._pieces)


def points(first: int, last: int) -> list[list[int]]:
    return [[FIRST, first], [LAST, last]]


# -- what is told ----------------------------------------------------------------------------------------------------


def test_a_stream_begins_with_the_answer_of_plotpoints_and_goes_on_with_what_changes(served: Served) -> None:
    whale = served.whale
    whale.count_now('a', 'UK', at=NOW - 3_600)
    path = HOURS + '&dimensions=[[UK],_]&metrics=[hits,price/hits]'
    with Watched(served, path) as watched:
        assert watched.status == 200
        assert watched.next().startswith(b'retry: 2000\n\nid: ')
        assert watched.told[0][:2] == ('all', served.client.get(path.replace('/stream', '/plotpoints')).json)
        whale.count_now('a', 'US', {'price': 3})
        assert watched.wait(2)[1][:2] == ('points', {'_': {'hits': [[LAST, 1]], 'price/hits': [[LAST, 3]]}})
        whale.count_now('a', 'UK', {'price': 1}, at=NOW - 3_600)
        told = watched.wait(3)
        assert told[2].data['UK'] == {'hits': [[FIRST, 2]], 'price/hits': [[FIRST, 0.5]]}
        assert merged(told) == served.client.get(path.replace('/stream', '/plotpoints')).json
        assert [int(event.id) for event in told] == sorted({int(event.id) for event in told})


def test_a_stream_has_the_headers_that_keep_proxies_and_browsers_from_keeping_it(whale: Whale) -> None:
    whale.settings = Settings.load({}, cors='https://shop.example')
    served = Served(whale)
    with Watched(served, HOURS, HTTP_ORIGIN='https://shop.example') as watched:
        assert watched.headers == {
            'Content-Type': 'text/event-stream; charset=utf-8',
            'Cache-Control': 'no-store',
            'X-Accel-Buffering': 'no',
            'X-Content-Type-Options': 'nosniff',
            'Referrer-Policy': 'no-referrer',
            'Vary': 'Origin',
            'Access-Control-Allow-Origin': 'https://shop.example',
            'Access-Control-Expose-Headers': 'ETag, Retry-After, X-HailWhale-Error',
        }
    served.streams.close()


def test_all_is_told_again_when_time_brings_another_bucket_or_dimensions_change(served: Served, clock: Clock) -> None:
    whale = served.whale
    whale.count_now('a', 'UK')
    with Watched(served, HOURS + '&depth=1&sort=-hits') as watched:
        assert list(watched.wait(1)[0].data) == ['_', 'UK']
        whale.count_now('a', 'US')
        assert watched.wait(2)[1][:2] == (
            'all',
            {'_': {'hits': points(0, 2)}, 'UK': {'hits': points(0, 1)}, 'US': {'hits': points(0, 1)}},
        )
        whale.count_now('a', 'US')
        told = watched.wait(3)[2]
        assert (told.kind, list(told.data)) == ('all', ['_', 'US', 'UK'])
        clock.now += 3_600
        told = watched.wait(4)[3]
        assert told.kind == 'all'
        assert told.data['_'] == {'hits': [[LAST, 3], [LAST + 3_600_000, 0]]}


def test_a_stream_without_news_says_so_now_and_then(served: Served) -> None:
    with Watched(served, HOURS) as watched:
        watched.wait(1)
        assert watched.says_nothing()
        assert watched.says_nothing()
        assert len(watched.told) == 1


def test_who_comes_back_is_told_all_or_nothing_where_nothing_has_changed(served: Served) -> None:
    with Watched(served, HOURS) as watched:
        known = watched.wait(1)[0].id
    with Watched(served, HOURS, HTTP_LAST_EVENT_ID=known) as watched:
        assert watched.next() == b'retry: 2000\n\n'
        assert watched.says_nothing()
        served.whale.count_now('a')
        assert watched.wait(1)[0][:2] == ('points', {'_': {'hits': [[LAST, 1]]}})
    for last_id in (known, 'nonsense', ''):
        with Watched(served, HOURS, HTTP_LAST_EVENT_ID=last_id) as watched:
            assert watched.wait(1)[0][:2] == ('all', {'_': {'hits': points(0, 1)}})


def test_who_takes_nothing_is_told_the_newest_only(served: Served) -> None:
    with Watched(served, HOURS) as slow, Watched(served, HOURS) as quick:
        slow.wait(1)
        for count in range(1, 6):
            served.whale.count_now('a')
            quick.wait(count + 1)
        assert events(slow.next())[0][:2] == ('points', {'_': {'hits': [[LAST, 5]]}})
        assert slow.says_nothing()


# -- what it costs ---------------------------------------------------------------------------------------------------


def watchers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == streams.THREAD]


def test_one_looks_for_all_who_ask_the_same_and_nobody_when_nobody_watches(served: Served) -> None:
    with Watched(served, HOURS) as one, Watched(served, HOURS) as two:
        one.wait(1)
        two.wait(1)
        (watcher,) = watchers()
        with Watched(served, HOURS + '&depth=1'):
            assert len(watchers()) == 2
            assert served.meters.streams == 3
        until(lambda: watchers() == [watcher], 'the other one looks no more')
        one.close()
        assert watchers() == [watcher]
        served.whale.count_now('a')
        two.wait(2)
    until(lambda: not watchers(), 'nobody looks')
    assert served.meters.streams == 0
    assert served.meters.streamed == {'all': 2, 'points': 1}


def test_a_stream_that_is_closed_twice_is_closed_once(served: Served) -> None:
    pieces = served.streams.open({'pk': 'a'})
    pieces.close()
    pieces.close()
    assert served.meters.streams == 0


def test_more_streams_than_may_be_open_are_refused_and_say_when_to_come_again(served: Served) -> None:
    with ExitStack() as stack:
        first, *_ = [stack.enter_context(Watched(served, HOURS)) for _ in range(3)]
        reply = served.client.get(HOURS)
        assert (reply.status, reply.error['code'], reply.headers['Retry-After']) == (503, 'too_many_streams', '2')
        assert 'HAILWHALE_MAX_STREAMS' in reply.error['message']
        first.close()
        with Watched(served, HOURS) as watched:
            assert watched.wait(1)


def test_none_are_opened_where_none_may(whale: Whale) -> None:
    with pytest.raises(TooManyStreams, match='0 streams are open, and 0 may'):
        Streams(whale, most=0).open({})


def test_a_look_that_takes_long_is_followed_by_as_long_a_pause(whale: Whale) -> None:
    took = 0.05
    looks: list[float] = []

    class Slow(Whale):
        """Answers, but not at once."""

        def plotpoints(self, *_: object, **__: object) -> Any:
            looks.append(time.perf_counter())
            threading.Event().wait(took)
            return {'_': {'hits': [[0, len(looks)]]}}

    with Slow(settings=whale.settings) as slow, closing(Streams(slow)) as found, closing(found.open({})) as pieces:
        while len(looks) < 4:
            next(pieces)
    gaps = [later - earlier for earlier, later in pairwise(looks)]
    assert min(gaps) >= 2 * took


# -- what is wrong ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('query', 'status', 'code'),
    [
        ('period=1x', 400, 'invalid_period'),
        ('points=dict', 400, 'invalid_input'),
        ('depth=17', 413, 'limit_exceeded'),
        ('period=1m:3d', 422, 'unanswerable'),
    ],
)
def test_what_is_wrong_with_a_question_is_answered_as_for_plotpoints(
    served: Served, query: str, status: int, code: str
) -> None:
    for _ in range(2):
        reply = served.client.get(f'/stream?pk=a&{query}')
        assert (reply.status, reply.error['code']) == (status, code)
    assert served.meters.streams == 0


@pytest.mark.parametrize('method', ['HEAD', 'POST', 'PUT'])
def test_a_stream_is_for_get_alone(served: Served, method: str) -> None:
    reply = served.client(method, HOURS)
    assert (reply.status, reply.headers['Allow']) == (405, 'GET, OPTIONS')


def test_a_question_that_cannot_be_answered_any_more_ends_its_stream(served: Served, clock: Clock) -> None:
    with Watched(served, '/stream?pk=a&period=2037-11-22:2037-11-22') as watched:
        watched.wait(1)
        clock.now += 500 * 86_400
        told = watched.wait(2)[1]
        assert (told.kind, told.data['error']['code']) == ('problem', 'unanswerable')
        assert watched.is_over()
        # Nobody joins those who are told no more.
        assert served.client.get('/stream?pk=a&period=2037-11-22:2037-11-22').status == 422


def test_a_failure_of_ours_is_logged_and_told_without_what_it_was(
    whale: Whale, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(Whale):
        """Fails at the second look."""

        looks = 0

        def plotpoints(self, *arguments: Any, **more: Any) -> Any:
            self.looks += 1
            if self.looks > 1:
                raise RuntimeError('as asked')
            return super().plotpoints(*arguments, **more)

    with Failing(whale.url, settings=whale.settings, clock=whale.clock) as failing:
        served = Served(failing)
        with Watched(served, HOURS) as watched:
            told = watched.wait(2)[1]
            assert (told.kind, told.data['error']['code']) == ('problem', 'internal')
            assert watched.is_over()
        served.streams.close()
    assert 'RuntimeError: as asked' in caplog.text
    assert 'as asked' not in watched.text.decode()


def test_an_engine_that_goes_away_is_told_once_and_the_stream_goes_on_when_it_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    (port,) = free_ports(1)
    with Process(redis_binary(), tmp_path, port, None, '--appendonly', 'yes', '--appendfsync', 'always') as engine:
        settings = Settings.load({}, url=f'redis://127.0.0.1:{port}/0', timeout='1')
        with Whale(settings=settings, clock=Clock()) as whale:
            served = Served(whale)
            whale.count_now('a')
            with Watched(served, HOURS) as watched:
                watched.wait(1)
                engine.kill()
                told = watched.wait(2)[1]
                assert (told.kind, told.data['error']['code']) == ('problem', 'storage_unavailable')
                assert watched.says_nothing()
                with Watched(served, HOURS, HTTP_LAST_EVENT_ID=told.id) as late:
                    assert late.wait(1)[0][:2] == told[:2]
                    engine.start()
                    assert late.wait(2)[1][:2] == ('all', {'_': {'hits': points(0, 1)}})
                assert watched.wait(3)[2] == late.told[1]
            served.streams.close()
    assert caplog.text.count('a stream: ') == 1
    assert served.meters.streamed == {'all': 3, 'problem': 2}


def test_who_opens_a_stream_while_the_engine_is_away_is_told_so_on_it() -> None:
    settings = Settings.load({}, url='redis://127.0.0.1:1/0', timeout='0.01')
    with Whale(settings=settings) as whale:
        served = Served(whale)
        with Watched(served, HOURS) as watched:
            assert watched.status == 200
            assert watched.wait(1)[0].kind == 'problem'
            assert watched.says_nothing()
        served.streams.close()


def test_who_is_interrupted_while_the_first_look_is_taken_gives_back_what_it_held(
    whale: Whale, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Streams(whale)

    def fail(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(streams.Watcher, 'knows', fail)
    with pytest.raises(KeyboardInterrupt):
        found.open({'pk': 'a'})
    assert found._meters.streams == 0
    until(lambda: not watchers(), 'nobody looks')


# -- the end ---------------------------------------------------------------------------------------------------------


def test_streams_that_are_closed_end_for_whoever_waits(served: Served) -> None:
    with Watched(served, HOURS) as watched:
        watched.wait(1)
        closing_them = threading.Thread(target=served.streams.close)
        closing_them.start()
        until(lambda: not watchers(), 'nobody looks')
        assert watched.is_over()
        closing_them.join()


def test_a_stream_that_is_ended_from_elsewhere_has_no_more_pieces(served: Served) -> None:
    with closing(served.streams.open({'pk': 'a'})) as pieces:
        assert next(pieces)
        threading.Thread(target=pieces.end).start()
        assert list(pieces) == []


# -- keys ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(whale: Whale, clock: Clock) -> Keys:
    return Keys(whale.storage, clock)


@pytest.fixture
def keyed(whale: Whale, clock: Clock) -> Iterator[Served]:
    served = Served(whale, Access(whale.storage, clock, open=False, local=False))
    yield served
    served.streams.close()


def bearer(text: str) -> dict[str, str]:
    return {'HTTP_AUTHORIZATION': f'Bearer {text}'}


def test_a_stream_needs_a_key_that_may_read_its_pk(keyed: Served, keys: Keys) -> None:
    texts = [keys.create('write'), keys.create('read', pks=['b'])]
    assert keyed.client.get(HOURS).status == 401
    assert [keyed.client.get(HOURS, **bearer(found[-1])).status for found in texts] == [403, 403]
    assert not watchers()


def test_keys_share_a_watcher_and_each_ends_with_its_own_streams_only(keyed: Served, keys: Keys, clock: Clock) -> None:
    one, two, three = keys.create('read'), keys.create('read', pks=['a']), keys.create('read', expires='60s')
    with ExitStack() as stack:
        watched = [stack.enter_context(Watched(keyed, HOURS, **bearer(text))) for text in (one[-1], two[-1])] + [
            stack.enter_context(Watched(keyed, f'{HOURS}&key={three[-1]}'))
        ]
        for each in watched:
            assert each.wait(1)
        assert len(watchers()) == 1
        keys.revoke(one.key.id)
        clock.now += 10
        assert watched[0].is_over()
        assert watched[1].says_nothing()
        assert watched[2].says_nothing()
        clock.now += 50
        assert watched[2].is_over()
        keyed.whale.count_now('a')
        assert watched[1].wait(2)


def test_a_stream_of_a_key_can_be_ended_from_elsewhere_too(keyed: Served, keys: Keys) -> None:
    asked = environ('GET', HOURS, b'', **bearer(keys.create('read')[-1]))
    pieces: Any = keyed.app(asked, lambda *_: bytes)
    with closing(pieces):
        assert next(pieces)
        pieces.end()
        assert list(pieces) == []


def test_a_stream_costs_one_of_the_rate_of_its_key(keyed: Served, keys: Keys) -> None:
    text = keys.create('read', rate='1/d')[-1]
    with Watched(keyed, HOURS, **bearer(text)) as watched:
        assert watched.wait(1)
        reply = keyed.client.get(HOURS, **bearer(text))
        assert (reply.status, reply.error['code']) == (429, 'too_many_requests')
        keyed.whale.count_now('a')
        assert watched.wait(2)
