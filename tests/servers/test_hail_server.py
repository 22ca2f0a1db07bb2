"""The hail server in this process, on the bundled engine: events by every way, each kept or refused by itself."""

from __future__ import annotations

import gzip
import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hailwhale.access import Access, Keys
from hailwhale.pixels import Pixel, seal
from hailwhale.servers.web import GIF
from hailwhale.settings import Settings
from hailwhale.storage import shard_of
from hailwhale.uids import cookie_value, uid_of
from hailwhale.whale import Whale
from tests.clocks import NOW, Clock
from tests.servers.client import Client, Reply
from tests.servers.hails import Served

MINUTE = NOW // 60 * 60
LINES = 'application/x-ndjson'
PAGE = 'https://shop.example'


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def whale(embedded_url: str, clock: Clock) -> Iterator[Whale]:
    with open_whale(embedded_url, clock) as whale:
        yield whale


@pytest.fixture
def served(whale: Whale) -> Served:
    return Served(whale)


@pytest.fixture
def client(served: Served) -> Client:
    return served.client


def open_whale(url: str, clock: Clock, **overrides: object) -> Whale:
    return Whale(url, settings=Settings.load({}, **overrides), clock=clock)


def lines(*events: object) -> bytes:
    return b'\n'.join(event if isinstance(event, bytes) else json.dumps(event).encode() for event in events)


# -- one event -------------------------------------------------------------------------------------------------------


def test_a_get_is_answered_ok_when_the_event_is_kept(served: Served) -> None:
    reply = served.client.get(
        "/count?pk=['Product', 42]&dimensions={geo: {UK: London}}&metrics={price: .50}&id=order-1"
    )
    assert (reply.status, reply.body) == (200, b'OK')
    assert reply.headers == {
        'Cache-Control': 'no-store',
        'X-Content-Type-Options': 'nosniff',
        'Referrer-Policy': 'no-referrer',
        'Content-Type': 'text/plain; charset=utf-8',
        'Content-Length': '2',
    }
    assert served.waiting() == [f'{MINUTE}\tProduct/42\tgeo geo/UK geo/UK/London\tprice 500000 hits 1000000\torder-1']


def test_a_get_counts_what_count_now_counts(served: Served, whale: Whale) -> None:
    query = (
        "pk=['Product', 42]&dimensions={geo: {UK: London}, device: 'mobile'}&metrics={price: .50}&at=2037-11-22 18:00"
    )
    served.client.get(f'/count?{query}')
    served.hail.drain()
    served.client.get(f'/count_now?{query.replace("Product", "Direct")}')
    asked: dict[str, Any] = {'dimensions': [['geo', 'UK'], ['device', 'mobile'], '_'], 'metrics': ['price', 'hits']}
    assert whale.totals(['Product', 42], **asked) == whale.totals(['Direct', 42], **asked)
    assert whale.total(['Product', 42]) == 1


def test_an_image_counts_as_well(served: Served) -> None:
    reply = served.client.get('/count.gif?pk=a')
    assert (reply.status, reply.body) == (200, GIF)
    assert reply.headers['Content-Type'] == 'image/gif'
    assert reply.headers['Cache-Control'] == 'no-store'
    assert reply.headers['Cross-Origin-Resource-Policy'] == 'cross-origin'
    assert len(served.waiting()) == 1


def test_the_image_is_one_of_forty_three_bytes() -> None:
    assert len(GIF) == 43
    assert GIF.startswith(b'GIF89a\x01\x00\x01\x00')
    assert GIF.endswith(b';')


@pytest.mark.parametrize('path', ['/count', '/count.gif', '/pixel/a.gif', '/tracker'])
def test_who_sends_head_wants_to_look_and_counts_nothing(served: Served, path: str) -> None:
    reply = served.client('HEAD', f'{path}?pk=a')
    assert (reply.status, reply.body) == (405, b'')
    assert reply.headers['Allow'].startswith('GET, ')
    assert served.waiting() == []


@pytest.mark.parametrize(
    ('body', 'media'),
    [
        (b'{"pk": ["a", 1], "metric": {"b": 2}, "dimension": "c"}', 'application/json'),
        (b'{"pk": ["a", 1], "metrics": {"b": 2}, "dimensions": ["c"]}', 'text/plain;charset=UTF-8'),
        (b"pk=['a', 1]&metrics={b: 2}&dimensions=c", 'application/x-www-form-urlencoded'),
        (gzip.compress(b'{"pk": ["a", "1"], "metrics": {"b": 2.0}, "dimensions": {"c": null}}', mtime=0), ''),
    ],
)
def test_one_event_by_post_is_kept(served: Served, body: bytes, media: str) -> None:
    coding = 'gzip' if body.startswith(b'\x1f\x8b') else ''
    reply = served.client.post('/count', body, CONTENT_TYPE=media, HTTP_CONTENT_ENCODING=coding)
    assert (reply.status, reply.json) == (200, {'kept': True})
    assert served.waiting() == [f'{MINUTE}\ta/1\tc\tb 2000000 hits 1000000']


def test_an_event_without_anything_is_one_of_the_pk_without_a_name(served: Served) -> None:
    assert served.client.get('/count').body == b'OK'
    assert served.client.post('/count', {}).json == {'kept': True}
    assert served.waiting() == [f'{MINUTE}\t_\t\thits 1000000'] * 2


REFUSED: list[tuple[str, int, str]] = [
    ('pk=[]', 400, 'invalid_path'),
    ('pk=' + 'a' * 600, 413, 'limit_exceeded'),
    ('metrics={a: much}', 400, 'invalid_amount'),
    ('at=2020-01-01', 400, 'invalid_time'),
    ('nonsense=1', 400, 'invalid_input'),
    ('uid=' + 'a' * 300, 400, 'invalid_input'),
]


@pytest.mark.parametrize(('query', 'status', 'code'), REFUSED)
def test_what_cannot_be_counted_is_refused_at_once(served: Served, query: str, status: int, code: str) -> None:
    reply = served.client.get(f'/count?{query}')
    assert (reply.status, reply.error['code']) == (status, code)
    picture = served.client.get(f'/count.gif?{query}')
    assert (picture.status, picture.body, picture.headers['X-HailWhale-Error']) == (status, GIF, code)
    assert picture.headers['Content-Type'] == 'image/gif'
    assert picture.headers['Cache-Control'] == 'no-store'
    assert served.waiting() == []
    assert served.meters.refused == {code: 2}
    assert served.meters.taken == {}


# -- several events --------------------------------------------------------------------------------------------------

GOOD: list[dict[str, Any]] = [
    {'pk': ['a', number], 'metrics': {'b': number}, 'at': NOW - 60 * (number % 3)} for number in range(5)
]


@pytest.mark.parametrize(
    ('body', 'media'),
    [
        (json.dumps(GOOD).encode(), 'application/json'),
        (b'\xef\xbb\xbf ' + json.dumps(GOOD, indent=2).encode() + b'\r\n', 'text/plain'),
        (lines(*GOOD), LINES),
        (lines(*GOOD), 'application/ndjson; charset=utf-8'),
        (b'\r\n\n' + b'\r\n \r\n'.join(lines(event) for event in GOOD) + b'\n\n', 'application/jsonl'),
    ],
)
def test_a_batch_is_kept_as_its_events_would_be_one_by_one(served: Served, body: bytes, media: str) -> None:
    for event in GOOD:
        served.hail.count(**event)
    alone = served.waiting()
    served.hail.drain()
    reply = served.client.post('/count', body, CONTENT_TYPE=media)
    assert (reply.status, reply.json) == (200, {'kept': 5, 'refused': 0, 'results': ['OK'] * 5})
    assert served.waiting() == alone
    packed = served.client.post('/count', gzip.compress(body), CONTENT_TYPE=media, HTTP_CONTENT_ENCODING='gzip')
    assert packed.json == reply.json
    assert len(served.waiting()) == 10
    assert served.meters.taken == {'post': 10}


@pytest.mark.parametrize(
    ('body', 'media'), [(b'[]', 'application/json'), (b' [ ]\n', ''), (b'\n\n', LINES), (b'', LINES)]
)
def test_a_batch_of_nothing_is_kept_whole(client: Client, body: bytes, media: str) -> None:
    reply = client.post('/count', body, CONTENT_TYPE=media)
    assert (reply.status, reply.json) == (200, {'kept': 0, 'refused': 0, 'results': []})


#: Events as JSON, each with the code it is refused with; '' for those that are kept.
MIXED: list[tuple[bytes, str]] = [
    (b'{"pk": "good"}', ''),
    (b'{"pk": []}', 'invalid_path'),
    (b'{"pk": {"a": 1}}', 'invalid_path'),
    (b'{"pk": "%s"}' % (b'a' * 600), 'limit_exceeded'),
    (b'{"pk": %s}' % json.dumps(['a'] * 17).encode(), 'limit_exceeded'),
    (b'{"dimensions": %s}' % json.dumps({str(i): 1 for i in range(300)}).encode(), 'limit_exceeded'),
    (b'{"dimensions": [["a"], ["b"]]}', 'invalid_dimensions'),
    (b'{"dimensions": %s}' % (b'{"a":' * 20 + b'1' + b'}' * 20), 'limit_exceeded'),
    (b'{"dimensions": %s}' % json.dumps(['a'] * 5_000).encode(), 'limit_exceeded'),
    (b'{"metrics": {"a/b": 1}}', 'invalid_metric'),
    (b'{"metrics": {"a": "much"}}', 'invalid_amount'),
    (b'{"metrics": {"a": 0.1234567}}', 'invalid_amount'),
    (b'{"metrics": {"a": 1000000000000000}}', 'invalid_amount'),
    (b'{"metrics": {"a": true}}', 'invalid_amount'),
    (b'{"metrics": {"a": [1]}}', 'invalid_amount'),
    (b'{"metrics": %s}' % json.dumps({f'm{i}': 1 for i in range(70)}).encode(), 'limit_exceeded'),
    (b'{"metrics": 5}', 'invalid_metric'),
    (b'{"at": "yesterday"}', 'invalid_time'),
    (b'{"at": true}', 'invalid_time'),
    (b'{"at": 2142528100000}', 'invalid_time'),
    (b'{"at": 1000000000}', 'invalid_time'),
    (b'{"at": [1]}', 'invalid_time'),
    (b'{"id": 7}', 'invalid_input'),
    (b'{"id": ""}', 'invalid_input'),
    (b'{"id": "%s"}' % (b'a' * 300), 'invalid_input'),
    (b'{"id": "\\ud800"}', 'invalid_input'),
    (b'{"uid": 7}', 'invalid_input'),
    (b'{"pk": "\\ud800"}', 'invalid_path'),
    (b'{"metric": "a", "metrics": "b"}', 'invalid_input'),
    (b'{"nonsense": 1}', 'invalid_input'),
    (b'["a", "b"]', 'invalid_input'),
    (b'"a"', 'invalid_input'),
    (b'null', 'invalid_input'),
    (b'{"pk": "a", "at": null, "id": null, "uid": null, "metrics": null, "dimensions": null}', ''),
    (b'{"pk": "a", "at": "2037-11-22T18:41:00Z", "id": "\xc3\xa9", "uid": "visitor", "metric": ["b"]}', ''),
    (b'{"metrics": {"a": 0.5, "b": -2, "hits": 0}}', ''),
    (b'{"metrics": {}}', ''),
    (b'{"pk": true, "dimensions": {"price": 1.50}}', ''),
    (b'{"pk": 1.50, "id": "a\\tb"}', ''),
]


@pytest.mark.parametrize('several', [b'[%s]', b'%s'])
def test_an_event_is_refused_by_itself_and_never_the_batch(served: Served, several: bytes) -> None:
    body = several % (b', ' if several == b'[%s]' else b'\n').join(event for event, _ in MIXED)
    reply = served.client.post('/count', body, CONTENT_TYPE='application/json' if b'[' in several else LINES)
    assert reply.status == 200
    results = reply.json['results']
    assert ['' if result == 'OK' else result['error']['code'] for result in results] == [code for _, code in MIXED]
    assert all(set(result) == {'error'} for result in results if result != 'OK')
    kept = sum(not code for _, code in MIXED)
    assert (reply.json['kept'], reply.json['refused']) == (kept, len(MIXED) - kept)
    assert len(served.waiting()) == kept
    assert served.meters.taken == {'post': kept}
    assert sum(served.meters.refused.values()) == len(MIXED) - kept


@pytest.mark.parametrize(('event', 'code'), MIXED, ids=range(len(MIXED)))
def test_an_event_in_a_batch_fares_as_it_does_alone(served: Served, event: bytes, code: str) -> None:
    # Twice, since the second time what they have in common is remembered.
    for _ in range(2):
        batch = served.client.post('/count', b'[%s]' % event)
        assert batch.json['results'] == ['OK'] or batch.json['results'][0]['error']['code'] == code
    if event.startswith(b'['):
        return
    alone = served.client.post('/count', event)
    assert alone.json == ({'kept': True} if not code else batch.json['results'][0])
    assert alone.status == batch.status
    texts = served.waiting()
    assert len(texts) == (0 if code else 3)
    assert len(set(texts)) <= 1
    if not code:
        given = json.loads(event)
        given = {{'metric': 'metrics'}.get(name, name): item for name, item in given.items()}
        if given.get('pk') != 1.5 and 'dimensions' not in given:
            assert served.hail.read(**given)[1].text.decode() == texts[0]


def test_equal_names_that_are_not_the_same_are_told_apart(served: Served) -> None:
    events = [{'pk': pk, 'dimensions': pk} for pk in (1, True, '1', 'True', 'true', None)]
    reply = served.client.post('/count', [*events, *events])
    assert reply.json['kept'] == 12
    found = sorted({tuple(text.split('\t')[1:3]) for text in served.waiting()})
    assert found == [('1', '1'), ('True', 'True'), ('_', ''), ('true', 'true')]


@pytest.mark.parametrize(
    ('line', 'code'),
    [
        (b'{"pk": "a"', 'invalid_text'),
        (b"{'pk': 'a'}", 'invalid_text'),
        (b'{"pk": "\xff"}', 'invalid_text'),
        (b'{"pk": NaN}', 'invalid_text'),
        (b'{"pk": 1e999}', 'limit_exceeded'),
        (b'{"pk": %s}' % (b'1' * 700), 'limit_exceeded'),
        (b'{"pk": %s}' % (b'[' * 20_000), 'limit_exceeded'),
        (b'{"pk": "a"} {"pk": "b"}', 'invalid_text'),
    ],
)
def test_a_malformed_line_is_refused_by_itself(served: Served, line: bytes, code: str) -> None:
    reply = served.client.post('/count', lines({'pk': 'a'}, line, {'pk': 'b'}), CONTENT_TYPE=LINES)
    assert reply.status == 200
    first, second, third = reply.json['results']
    assert (first, second['error']['code'], third) == ('OK', code, 'OK')
    assert len(served.waiting()) == 2


@pytest.mark.parametrize(
    ('body', 'status', 'code'),
    [
        (b'[{"pk": "a"}', 400, 'invalid_text'),
        (b'[{"pk": "a"},]', 400, 'invalid_text'),
        (b'[{"pk": "a"} {"pk": "b"}]', 400, 'invalid_text'),
        (b'[{"pk": "a"}] x', 400, 'invalid_text'),
        (b'[{"pk": "a"}, {"pk"}]', 400, 'invalid_text'),
        (b'[{"pk": "a"}, {"pk": "\xff"}]', 400, 'invalid_text'),
        (b'[{"pk": "a"}, {"pk": 1e999}]', 413, 'limit_exceeded'),
        (b'[{"pk": "a"}, ' + b'[' * 20_000, 413, 'limit_exceeded'),
        (b'', 400, 'invalid_text'),
        (b'{"pk": "a"', 400, 'invalid_text'),
        (b'7', 400, 'invalid_input'),
        (b'[' + b'{},' * 20 + b'{}]', 413, 'limit_exceeded'),
    ],
)
def test_a_body_that_is_not_json_is_refused_whole(
    embedded_url: str, clock: Clock, body: bytes, status: int, code: str
) -> None:
    with open_whale(embedded_url, clock, max_batch='20') as whale:
        served = Served(whale)
        reply = served.client.post('/count', body)
        assert (reply.status, reply.error['code']) == (status, code)
        assert served.waiting() == []
        assert served.meters.refused == {code: 1}


def test_a_batch_has_as_many_events_as_the_setting_allows(embedded_url: str, clock: Clock) -> None:
    with open_whale(embedded_url, clock, max_batch='20') as whale:
        served = Served(whale)
        for media, body in (('application/json', b'[' + b','.join([b'{}'] * 20) + b']'), (LINES, b'{}\n\n' * 20)):
            assert served.client.post('/count', body, CONTENT_TYPE=media).json['kept'] == 20
        for media, body in (('application/json', b'[' + b','.join([b'{}'] * 21) + b']'), (LINES, b'{}\n' * 21)):
            reply = served.client.post('/count', body, CONTENT_TYPE=media)
            assert (reply.status, reply.error['code']) == (413, 'limit_exceeded')
            assert 'more than 20 events at once' in reply.error['message']
            assert 'HAILWHALE_MAX_BATCH' in reply.error['message']
        assert len(served.waiting()) == 40


def test_the_settings_limit_each_event_of_a_batch(embedded_url: str, clock: Clock) -> None:
    with open_whale(embedded_url, clock, max_name='5', max_depth='2', max_nodes='3', max_metrics='2') as whale:
        events = [
            {'pk': 'aaaaaa'}, {'pk': ['a', 'b', 'c']}, {'dimensions': 'aaaaaa'}, {'dimensions': {'a': {'b': 'c'}}},
            {'dimensions': {'a': 1, 'b': 2, 'c': 3}}, {'metrics': ['a', 'b', 'c']},
            {'metrics': {'a': 1, 'b': 2, 'c': 3}},
        ]  # fmt: skip
        reply = Served(whale).client.post('/count', events)
        assert reply.status == 413
        assert [result['error']['code'] for result in reply.json['results']] == ['limit_exceeded'] * 7


def test_an_event_of_too_many_counters_is_refused_in_a_batch_too(served: Served) -> None:
    deep = {'pk': ['p'] * 16, 'dimensions': {str(i): 1 for i in range(127)}, 'metrics': ['a', 'b']}
    reply = served.client.post('/count', [deep, {'pk': 'a'}])
    assert reply.json['kept'] == 1
    assert 'counters in each interval' in reply.json['results'][0]['error']['message']


def test_a_batch_of_which_nothing_is_kept_answers_as_its_first_event(client: Client) -> None:
    reply = client.post('/count', [{'pk': 'a' * 600}, {'pk': []}])
    assert reply.status == 413
    assert (reply.json['kept'], reply.json['refused']) == (0, 2)
    assert client.post('/count', [{'pk': []}, {'pk': 'a' * 600}]).status == 400


def test_bodies_have_limits(embedded_url: str, clock: Clock) -> None:
    with open_whale(embedded_url, clock, max_body='2000', max_inflated='5000') as whale:
        served = Served(whale)
        event = b'{"pk": "a"}' + b' ' * 1_000
        assert served.client.post('/count', b'[' + event + b']').json['kept'] == 1
        reply = served.client.post('/count', b'[' + event + b',' + event + b']')
        assert (reply.status, reply.error['code']) == (413, 'limit_exceeded')
        packed = gzip.compress(b'[' + b','.join([event] * 4) + b']')
        assert served.client.post('/count', packed, HTTP_CONTENT_ENCODING='gzip').json['kept'] == 4
        packed = gzip.compress(b'[' + b','.join([event] * 5) + b']')
        reply = served.client.post('/count', packed, HTTP_CONTENT_ENCODING='gzip')
        assert (reply.status, reply.error['code']) == (413, 'limit_exceeded')
        assert 'HAILWHALE_MAX_INFLATED' in reply.error['message']


def test_a_body_of_another_type_or_coding_is_refused(client: Client) -> None:
    assert client.post('/count', b'{}', CONTENT_TYPE='text/csv').status == 415
    reply = client.post('/count', b'{}', HTTP_CONTENT_ENCODING='br')
    assert (reply.status, reply.headers['Accept-Encoding']) == (415, 'gzip')


def test_the_address_of_a_batch_holds_no_event(client: Client) -> None:
    reply = client.post('/count?pk=a', [{}])
    assert (reply.status, reply.error['field']) == (400, 'pk')
    assert 'put it into the event' in reply.error['message']
    assert client.post('/count?key=hw_a_b&_=7', [{}]).status == 200


def test_many_events_are_kept_in_their_order(served: Served) -> None:
    events = [{'pk': ['a', number % 7], 'metrics': {'b': number}} for number in range(2_500)]
    assert served.client.post('/count', events).json == {'kept': 2_500, 'refused': 0, 'results': ['OK'] * 2_500}
    amounts = [int(text.split('\t')[3].split(' ')[1]) for text in served.waiting()]
    assert amounts == [number * 10**6 for number in range(2_500)]
    assert served.meters.push_sizes.cumulated()[-1] == 3


def test_names_that_come_once_do_not_fill_the_memory(served: Served) -> None:
    for round in range(3):
        events = [
            {'pk': ['a', f'{round}-{number}'], 'dimensions': f'{round}-{number}', 'metrics': {f'{round}x{number}': 1}}
            for number in range(5_000)
        ]
        assert served.client.post('/count', events).json['kept'] == 5_000
    long = {'pk': ['a' * 500], 'dimensions': 'b' * 500}
    assert served.client.post('/count', [long]).json['kept'] == 1
    # What is remembered is bounded.
    taker: Any = next(route for route in served.app._router.match({'PATH_INFO': '/count', 'REQUEST_METHOD': 'ANY'}))
    writer = taker.answer.__self__._taker._writer
    assert 0 < len(writer.pks) <= 8_192
    assert 0 < len(writer.nodes) <= 8_192
    assert 0 < len(writer._names) <= 8_192
    assert max(map(len, writer.pks)) <= 256


# -- when the engine does not keep them ------------------------------------------------------------------------------


def full(url: str, clock: Clock) -> Whale:
    return open_whale(url, clock, max_backlog='2')


def test_what_a_full_shard_refuses_is_told_event_by_event(embedded_url: str, clock: Clock) -> None:
    other = next(name for name in map(str, range(100)) if shard_of((name,)) != shard_of(('a',)))
    with full(embedded_url, clock) as whale:
        served = Served(whale)
        reply = served.client.post('/count', [{'pk': 'a'}, {'pk': 'a'}, {'pk': other}, {'pk': 'a'}])
        codes = [result if result == 'OK' else result['error']['code'] for result in reply.json['results']]
        assert (reply.status, codes) == (200, ['backlog_full', 'backlog_full', 'OK', 'backlog_full'])
        assert served.client.post('/count', [{'pk': 'a'}, {'pk': 'a'}]).json['kept'] == 2
        for body in ([{'pk': 'a'}, {'pk': []}], {'pk': 'a'}):
            reply = served.client.post('/count', body)
            assert (reply.status, reply.headers['Retry-After']) == (503, '2')
        reply = served.client.get('/count?pk=a')
        assert (reply.status, reply.error['code'], reply.headers['Retry-After']) == (503, 'backlog_full', '2')
        picture = served.client.get('/count.gif?pk=a')
        assert (picture.status, picture.body, picture.headers['X-HailWhale-Error']) == (503, GIF, 'backlog_full')
        assert picture.headers['Retry-After'] == '2'
        assert served.meters.refused == {'backlog_full': 7, 'invalid_path': 1}


def test_an_engine_that_is_away_keeps_nothing_and_says_so(caplog: pytest.LogCaptureFixture, clock: Clock) -> None:
    settings = Settings.load({}, url='redis://127.0.0.1:1/0', timeout='0.01', max_batch='5000')
    with Whale(settings=settings, clock=clock) as whale:
        served = Served(whale)
        for reply in (
            served.client.get('/count?pk=a'),
            served.client.post('/count', {'pk': 'a'}),
            served.client.post('/count', [{'pk': 'a'}] * 2),
            served.client.post('/count', [{'pk': 'a'}] * 2_500),
        ):
            assert (reply.status, reply.headers['Retry-After']) == (503, '2')
            assert 'storage_unavailable' in reply.body.decode()
        assert reply.json['refused'] == len(reply.json['results']) == 2_500
        # The rest of a batch is not tried: all have the very same error.
        assert len({result['error']['message'] for result in reply.json['results']}) == 1
    assert served.meters.taken == {}
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_an_engine_that_says_no_is_told_event_by_event(
    caplog: pytest.LogCaptureFixture, redis_url: str, clock: Clock
) -> None:
    with open_whale(redis_url, clock) as whale:
        served = Served(whale)
        assert served.client.post('/count', [{'pk': 'a'}]).json['kept'] == 1
        whale.storage.engine.ask(0, 'CONFIG', 'SET', 'maxmemory', '1')
        try:
            reply = served.client.post('/count', [{'pk': 'a'}] * 2_500)
        finally:
            whale.storage.engine.ask(0, 'CONFIG', 'SET', 'maxmemory', '0')
    assert reply.status == 503
    assert (reply.json['kept'], reply.json['refused']) == (0, 2_500)
    assert {result['error']['code'] for result in reply.json['results']} == {'storage_refused'}
    assert '2500 events of a batch were not kept: ' in caplog.text


# -- sealed pixels ---------------------------------------------------------------------------------------------------


def sealed(served: Served, clock: Clock, pixel: Pixel) -> str:
    return seal(served.keyrings.current(), pixel, now=clock())


def test_a_pixel_counts_what_is_sealed_in_it(served: Served, clock: Clock) -> None:
    token = sealed(served, clock, Pixel(['mail', 42], {'kind': 'welcome'}, {'opened': 1}))
    reply = served.client.get(f'/pixel/{token}.gif?utm_source=mail')
    assert (reply.status, reply.body) == (200, GIF)
    assert reply.headers['Cache-Control'] == 'no-store'
    assert 'Set-Cookie' not in reply.headers
    assert served.waiting() == [f'{MINUTE}\tmail/42\tkind kind/welcome\topened 1000000 hits 1000000']
    assert served.meters.taken == {'pixel': 1}


def test_an_address_gives_what_the_pixel_leaves_room_for(served: Served, clock: Clock) -> None:
    token = sealed(served, clock, Pixel('shop', vary={'price': (0, 100)}, free=['page']))
    assert served.client.get(f'/pixel/{token}.gif?price=9.99&page=home&page=other&%FF=1').status == 200
    assert served.waiting() == [f'{MINUTE}\tshop\tpage page/home\tprice 9990000 hits 1000000']


def test_a_beacon_counts_a_pixel_by_its_address_whatever_its_body_holds(served: Served, clock: Clock) -> None:
    token = sealed(served, clock, Pixel('shop', vary={'price': (0, 100)}, free=['page'], origins=[PAGE]))
    for body in (b'', b'price=5', b'{"price": 5}'):
        reply = served.client.post(f'/pixel/{token}.gif?price=9.99&page=home', body, HTTP_ORIGIN=PAGE, CONTENT_TYPE='')
        assert (reply.status, reply.body) == (200, GIF)
        assert reply.headers['Access-Control-Allow-Origin'] == '*'
        assert reply.headers['Cache-Control'] == 'no-store'
    assert served.waiting() == [f'{MINUTE}\tshop\tpage page/home\tprice 9990000 hits 1000000'] * 3
    assert served.client.post(f'/pixel/{token}.gif', b'', HTTP_ORIGIN=f'{PAGE}.evil.example').status == 403


REASONS = ['forged', 'foreign', 'expired', 'used_up', 'bounds', 'origin']


@pytest.mark.parametrize('path', ['/pixel/{}.gif?price={}', '/tracker?pixel={}&price={}'])
@pytest.mark.parametrize('reason', REASONS)
def test_a_token_that_does_not_hold_gets_one_refusal_and_a_counter_of_its_own(
    served: Served, clock: Clock, reason: str, path: str
) -> None:
    origins = [PAGE] if reason == 'origin' else []
    token = sealed(served, clock, Pixel('a', vary={'price': (0, 1)}, expires='1h', uses=1, origins=origins))
    price = '1'
    if reason == 'forged':
        token = token[:-4] + ('AAAA' if token[-4:] != 'AAAA' else 'BBBB')
    elif reason == 'foreign':
        token = 'f' + token[1:]
    elif reason == 'expired':
        clock.now += 3_600
    elif reason == 'used_up':
        assert served.client.get(path.format(token, price)).status == 200
    elif reason == 'bounds':
        price = '2'
    reply = served.client.get(path.format(token, price))
    assert (reply.status, reply.body) == (403, GIF)
    assert reply.headers['X-HailWhale-Error'] == 'token_refused'
    assert 'Set-Cookie' not in reply.headers
    assert served.meters.refused == {f'token_{reason}': 1}
    assert len(served.waiting()) == (reason == 'used_up')


def test_a_pixel_counts_on_its_pages_alone(served: Served, clock: Clock) -> None:
    token = sealed(served, clock, Pixel('a', origins=[PAGE]))
    for headers in ({'HTTP_ORIGIN': PAGE}, {'HTTP_REFERER': f'{PAGE}/cart?a=b'}):
        assert served.client.get(f'/pixel/{token}.gif', **headers).status == 200
    for headers in (
        {},
        {'HTTP_REFERER': f'{PAGE}.evil.example/'},
        {'HTTP_ORIGIN': 'null', 'HTTP_REFERER': 'about:blank'},
    ):
        assert served.client.get(f'/pixel/{token}.gif', **headers).status == 403
    assert len(served.waiting()) == 2


def cookie(reply: Reply) -> str:
    return reply.headers['Set-Cookie'].removeprefix('uid=').partition(';')[0]


def test_a_tracker_gives_its_visitor_a_signed_cookie_for_a_year(served: Served, clock: Clock) -> None:
    token = sealed(served, clock, Pixel('a'))
    reply = served.client.get(f'/tracker?pixel={token}')
    assert (reply.status, reply.body) == (200, GIF)
    value, *flags = reply.headers['Set-Cookie'].removeprefix('uid=').split('; ')
    assert flags == ['Max-Age=31536000', 'Path=/', 'HttpOnly', 'SameSite=Lax']
    assert uid_of(served.keyrings.current(), value) is not None
    again = served.client.get(f'/tracker?pixel={token}', HTTP_COOKIE=f'a=b; uid={value};c')
    assert cookie(again) == value
    assert len(served.waiting()) == 2


@pytest.mark.parametrize(
    'headers',
    [{'wsgi.url_scheme': 'https'}, {'HTTP_X_FORWARDED_PROTO': 'HTTPS'}, {'HTTP_X_FORWARDED_PROTO': 'https, http'}],
)
def test_a_cookie_that_was_given_over_https_is_not_sent_over_less(
    served: Served, clock: Clock, headers: dict[str, str]
) -> None:
    token = sealed(served, clock, Pixel('a'))
    assert served.client.get(f'/tracker?pixel={token}', **headers).headers['Set-Cookie'].endswith('; Secure')


def test_a_visitor_can_be_made_anew_and_named_but_not_picked(served: Served, clock: Clock) -> None:
    token, keyring = sealed(served, clock, Pixel('a')), served.keyrings.current()
    first = cookie(served.client.get(f'/tracker?pixel={token}'))
    for known in ('', f'uid={first}', 'uid=forged', 'uid='):
        reply = served.client.get(f'/tracker?pixel={token}&uid=_new', HTTP_COOKIE=known)
        assert cookie(reply) not in ('', first)
    assert cookie(served.client.get(f'/tracker?pixel={token}', HTTP_COOKIE='uid=forged')) != 'forged'
    named = cookie_value(keyring, uid_of(keyring, first) or '')
    assert cookie(served.client.get(f'/tracker?pixel={token}&uid={named}')) == first
    for picked in ('somebody', uid_of(keyring, first)):
        reply = served.client.get(f'/tracker?pixel={token}&uid={picked}')
        assert (reply.status, reply.headers['X-HailWhale-Error']) == (400, 'invalid_input')


@pytest.mark.parametrize('asks', [{'HTTP_SEC_GPC': '1'}, {'HTTP_DNT': '1'}])
def test_who_asks_not_to_be_followed_is_counted_without_a_cookie(
    served: Served, clock: Clock, asks: dict[str, str]
) -> None:
    token = sealed(served, clock, Pixel('a'))
    named = cookie(served.client.get(f'/tracker?pixel={token}'))
    uid = uid_of(served.keyrings.current(), named)
    for path in (f'/pixel/{token}.gif', f'/tracker?pixel={token}', f'/tracker?pixel={token}&uid=_new'):
        reply = served.client.get(path, HTTP_COOKIE=f'uid={named}', **asks)
        assert (reply.status, reply.body) == (200, GIF)
        assert 'Set-Cookie' not in reply.headers
    assert (len(served.waiting()), len(spied(served.client, f'uid={uid}'))) == (4, 1)
    # Whom the address names, the page has named; and other values ask for nothing.
    served.client.get(f'/tracker?pixel={token}&uid={named}', **asks)
    served.client.get(f'/pixel/{token}.gif', HTTP_COOKIE=f'uid={named}', **dict.fromkeys(asks, '0'))
    assert len(spied(served.client, f'uid={uid}')) == 3


def test_a_tracker_needs_its_pixel(client: Client) -> None:
    for query in ('', '?pixel='):
        reply = client.get(f'/tracker{query}')
        assert (reply.status, reply.body, reply.headers['X-HailWhale-Error']) == (400, GIF, 'invalid_input')


# -- looking at what came --------------------------------------------------------------------------------------------


def spied(client: Client, query: str = '') -> list[Any]:
    reply = client.get(f'/spy?{query}')
    assert (reply.status, reply.headers['Cache-Control']) == (200, 'no-store')
    assert list(reply.json) == ['events']
    return list(reply.json['events'])


def test_what_came_is_shown_with_all_that_was_said_the_newest_first(served: Served, clock: Clock) -> None:
    client = served.client
    client.get("/count?pk=['Shop', 1]&dimensions={geo: UK}&metrics={price: 2.50}&id=first")
    clock.now += 1
    client.post('/count', [{'pk': ['Shop', 2]}, {'pk': 'Other'}])
    first, *_ = spied(client, 'pk=Shop&limit=5')[::-1]
    assert (first['pk'], first['metrics'], first['id']) == (['Shop', '1'], {'price': 2.5, 'hits': 1}, 'first')
    assert first['at'] == NOW * 1_000
    assert [event['pk'] for event in spied(client, 'pk=Shop')] == [['Shop', '2'], ['Shop', '1']]
    assert [event['pk'] for event in spied(client, "pk=['Shop', 1]")] == [['Shop', '1']]
    assert len(spied(client, 'pk=Shop&limit=1')) == 1
    assert client.post('/spy', {'pk': 'Other'}).json['events'][0]['pk'] == ['Other']


def test_what_a_visitor_did_is_shown_by_the_name_that_the_cookie_signs(served: Served, clock: Clock) -> None:
    token, keyring = sealed(served, clock, Pixel('mail')), served.keyrings.current()
    reply = served.client.get(f'/tracker?pixel={token}')
    served.client.get(f'/pixel/{token}.gif', HTTP_COOKIE=f'uid={cookie(reply)}')
    served.client.get(f'/pixel/{token}.gif', HTTP_COOKIE='uid=forged')
    uid = uid_of(keyring, cookie(reply))
    assert len(spied(served.client, f'uid={uid}')) == 2
    assert len(spied(served.client, f'uid={uid}&pk=mail')) == 2
    assert len(spied(served.client, 'pk=mail')) == 3
    served.client.get('/count?pk=mail&uid=somebody')
    assert len(spied(served.client, 'uid=somebody')) == 1


@pytest.mark.parametrize('limit', ['0', '-1', '10001', 'all'])
def test_so_many_events_are_not_shown(client: Client, limit: str) -> None:
    reply = client.get(f'/spy?pk=a&limit={limit}')
    assert (reply.status, reply.error['field']) == (400, 'limit')


def test_what_waits_is_drained_when_that_is_asked_for(served: Served, whale: Whale) -> None:
    served.client.post('/count', [{'pk': 'a'}] * 5 + [{'pk': 'b'}])
    assert whale.total('a') == 0
    reply = served.client.post('/flush_hail', b'')
    assert (reply.status, reply.json) == (200, {'drained': 6})
    assert (whale.total('a'), whale.total('b')) == (5, 1)
    assert served.client.post('/flush_hail', {}).json == {'drained': 0}
    assert served.client.get('/flush_hail').status == 405
    assert served.client.post('/flush_hail', {'pk': 'a'}).status == 400


# -- keys ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def keys(whale: Whale, clock: Clock) -> Keys:
    return Keys(whale.storage, clock)


def keyed(whale: Whale, clock: Clock) -> Served:
    return Served(whale, Access(whale.storage, clock, open=False, local=False))


def test_a_batch_is_checked_event_by_event(whale: Whale, clock: Clock, keys: Keys) -> None:
    text = keys.create('write', pks=['Shop/*']).text
    served = keyed(whale, clock)
    bearer = {'HTTP_AUTHORIZATION': f'Bearer {text}'}
    events = [{'pk': ['Shop', 1]}, {'pk': 'Other'}, {'pk': 'Shop', 'uid': 'a'}, {'pk': 'Other', 'uid': 'a'}, {}]
    for _ in range(2):
        reply = served.client.post('/count', events, **bearer)
        codes = [result if result == 'OK' else result['error']['code'] for result in reply.json['results']]
        assert codes == ['OK', 'forbidden', 'OK', 'forbidden', 'forbidden']
    reply = served.client.post('/count', {'pk': 'Other'}, **bearer)
    assert (reply.status, reply.error['code'], reply.error['field']) == (403, 'forbidden', 'pk')
    assert served.client.get('/count?pk=Shop', **bearer).body == b'OK'
    assert served.client.get('/count?pk=Other', **bearer).status == 403
    assert (
        served.client.post('/count', b'pk=Other', CONTENT_TYPE='application/x-www-form-urlencoded', **bearer).status
        == 403
    )
    assert served.client.post('/count', [{'pk': 'Other'}], **bearer).status == 403


def test_every_event_of_a_batch_is_paid_for(whale: Whale, clock: Clock, keys: Keys) -> None:
    text = keys.create('write', rate='10/d').text
    served = keyed(whale, clock)
    bearer = {'HTTP_AUTHORIZATION': f'Bearer {text}'}
    assert served.client.post('/count', [{}] * 8, **bearer).json['kept'] == 8
    assert served.client.post('/count', [], **bearer).status == 200
    reply = served.client.post('/count', [{}] * 2, **bearer)
    assert (reply.status, reply.error['code']) == (429, 'too_many_requests')
    assert int(reply.headers['Retry-After']) >= 1
    # What is refused costs nothing.
    assert served.client.post('/count', [{}], **bearer).status == 200
    assert len(served.waiting()) == 9
    assert served.meters.refused == {'too_many_requests': 1}


def test_a_key_sees_what_came_for_its_pks_alone(whale: Whale, clock: Clock, keys: Keys) -> None:
    narrow, wide = keys.create('read', pks=['Shop/*']).text, keys.create('read').text
    served = keyed(whale, clock)
    for pk in (['Shop', 1], ['Other']):
        served.hail.count(pk, uid='visitor')
    exact = keys.create('read', pks=['Shop']).text
    assert served.client.get('/spy?pk=Shop', HTTP_AUTHORIZATION=f'Bearer {exact}').status == 403
    for query, counts in (('pk=Shop', (1, 1)), ('pk=Other', (None, 1)), ('uid=visitor', (None, 2)), ('', (None, None))):
        for text, count in zip((narrow, wide), counts, strict=True):
            reply = served.client.get(f'/spy?{query}', HTTP_AUTHORIZATION=f'Bearer {text}')
            if query or text == narrow:
                assert reply.status == (403 if count is None else 200)
            assert count is None or len(reply.json['events']) == count


def test_a_pixel_needs_no_key(whale: Whale, clock: Clock, keys: Keys) -> None:
    keys.create('admin')
    served = keyed(whale, clock)
    token = sealed(served, clock, Pixel('a'))
    assert served.client.get(f'/pixel/{token}.gif').status == 200
    assert served.client.get(f'/tracker?pixel={token}', HTTP_SEC_FETCH_SITE='cross-site').status == 200
    assert served.client.get('/count').status == 401
    picture = served.client.get('/count.gif')
    assert (picture.status, picture.body, picture.headers['X-HailWhale-Error']) == (401, GIF, 'unauthorized')


FORM = 'application/x-www-form-urlencoded;charset=UTF-8'
BEACONS: list[tuple[bytes, str]] = [
    (b'{"pk": ["Shop", 42], "dimensions": {"page": "/<script>"}, "id": "a-1"}', 'text/plain;charset=UTF-8'),
    (b'id=a-1&pk=%5B%22Shop%22%2C42%5D&dimensions=%7B%22page%22%3A%22%2F%3Cscript%3E%22%7D&metrics=null', FORM),
]


@pytest.mark.parametrize(('body', 'media'), BEACONS)
def test_what_a_beacon_brings_is_kept_for_pages_and_pks_of_its_key(
    whale: Whale, clock: Clock, keys: Keys, body: bytes, media: str
) -> None:
    text = keys.create('write', pks=['Shop/*'], origins=[PAGE]).text
    served = keyed(whale, clock)

    def sent(body: bytes, origin: str) -> Reply:
        return served.client.post(f'/count?key={text}', body, CONTENT_TYPE=media, HTTP_ORIGIN=origin)

    reply = sent(body, PAGE)
    assert (reply.status, reply.json) == (200, {'kept': True})
    assert reply.headers['Access-Control-Allow-Origin'] == PAGE
    kept = [f'{MINUTE}\tShop/42\tpage page/%2F<script>\thits 1000000\ta-1']
    assert served.waiting() == kept
    for refused in (sent(body, 'https://foe.example'), sent(body, 'null'), sent(body.replace(b'Shop', b'Shoq'), PAGE)):
        assert (refused.status, refused.error['code']) == (403, 'forbidden')
    large = sent(body + b' ' * whale.settings.max_body, PAGE)
    assert (large.status, large.error['code']) == (413, 'limit_exceeded')
    assert served.waiting() == kept


def test_who_has_no_key_does_not_get_a_body_read(whale: Whale, clock: Clock, keys: Keys) -> None:
    keys.create('admin')

    class Unread(io.BytesIO):
        def read(self, _: int | None = -1) -> bytes:
            raise AssertionError('the body was read')

    reply = keyed(whale, clock).client.post('/count', b'[]', **{'wsgi.input': Unread()})
    assert reply.status == 401


# -- anything at all -------------------------------------------------------------------------------------------------

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers(-(10**18), 10**18) | NUMBERS | st.text(max_size=8)
VALUES = st.recursive(
    SCALARS, lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3)
)
NAMES = st.sampled_from(['pk', 'dimensions', 'metrics', 'at', 'id', 'uid', 'dimension', 'metric', 'nonsense'])


def test_whatever_is_sent_is_kept_or_refused_and_nothing_fails(served: Served) -> None:
    @given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4) | VALUES, max_size=4))
    def send(events: list[object]) -> None:
        body = json.dumps(events).encode()
        alike = served.client.post('/count', body)
        lined = served.client.post('/count', lines(*events), CONTENT_TYPE=LINES)
        assert alike.status == lined.status < 500
        assert alike.json == lined.json
        assert len(alike.json['results']) == len(events)
        for event, result in zip(events, alike.json['results'], strict=True):
            if isinstance(event, dict):
                alone = served.client.post('/count', event)
                assert alone.status < 500
                assert alone.json == ({'kept': True} if result == 'OK' else result)

    send()


@pytest.mark.parametrize('media', ['application/json', LINES, 'application/x-www-form-urlencoded'])
@pytest.mark.parametrize('coding', ['', 'gzip'])
def test_no_bytes_make_it_fail(served: Served, media: str, coding: str) -> None:
    @given(st.binary(max_size=200) | st.text('{}[]",:\\u0e19.-+ apk=&%', max_size=60).map(str.encode))
    def send(body: bytes) -> None:
        for sent in (body, gzip.compress(body)):
            assert served.client.post('/count', sent, CONTENT_TYPE=media, HTTP_CONTENT_ENCODING=coding).status < 500

    send()


def test_no_address_makes_it_fail(served: Served) -> None:
    @given(st.sampled_from(['/count', '/count.gif', '/tracker', '/pixel/A.gif', '/spy']), st.text(max_size=40))
    def ask(path: str, query: str) -> None:
        for text in (query, f'pk={query}', f'pixel={query}&uid={query}', f'metrics={query}&key={query}'):
            assert served.client.get(f'{path}?{text.replace("#", "")}').status < 500

    ask()
