"""The whale server in this process, on the bundled engine: every path, every way to be wrong."""

from __future__ import annotations

import html
import json
import logging
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from hailwhale.access import Access, Graph, Keys
from hailwhale.servers.static import PUBLIC, Static
from hailwhale.servers.web import Answer, Application, Route
from hailwhale.servers.whale_server import whale_routes
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.servers.client import Client
from tests.servers.hails import Served

#: Sunday, 22 November 2037, 18:41:40 UTC.  Ahead of the engine's own clock, which drops what has expired.
NOW = 2_142_528_100
HOUR = 2_142_525_600_000

READS = ('/totals', '/plotpoints', '/rank', '/subdimensions', '/pks')
CHANGES = ('/update_count_to', '/reset')
PATHS = (*READS, '/count_now', *CHANGES, '/')


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=lambda: NOW) as whale:
        yield whale


@pytest.fixture
def client(whale: Whale) -> Client:
    return serving(whale, max_body='2000')


def serving(whale: Whale, **overrides: object) -> Client:
    settings = Settings.load({}, **overrides)
    return Client(Application(whale_routes(whale), cors=settings.cors, max_body=settings.max_body))


def q(value: object) -> str:
    """A value as it stands in an address line."""
    return quote(json.dumps(value), safe='')


# -- counting and asking ---------------------------------------------------------------------------------------------


def test_the_address_lines_of_the_documents_count_and_answer(client: Client) -> None:
    for query in (
        'dimensions=services&metrics={"dollars": 200}',
        'dimensions=advertising&metrics={"dollars": -2000}',
        'dimensions={"sales": $product_id}&metric={"dollars": 500}',
        'metric={"spent": .50}',
    ):
        reply = client.get(f'/count_now?{query}')
        assert (reply.status, reply.body) == (200, b'OK')
        assert reply.headers['Content-Type'] == 'text/plain; charset=utf-8'
        assert reply.headers['Cache-Control'] == 'no-store'
    totals = client.get("/totals?metrics=['dollars', 'spent', 'hits']&period=today").json
    assert totals == {'today': {'_': {'dollars': -1300, 'spent': 0.5, 'hits': 4}}}
    by_dimension = client.get(
        '/totals?dimensions=[[sales, $product_id], services, _]&metrics=dollars&periods=today'
    ).json
    assert by_dimension == {
        'today': {'["sales", "$product_id"]': {'dollars': 500}, 'services': {'dollars': 200}, '_': {'dollars': -1300}}
    }


def test_counting_by_post_says_whether_the_event_was_new(client: Client) -> None:
    event = {
        'pk': ['Product', 42],
        'dimensions': {'country': 'US'},
        'metrics': {'revenue': 5.25},
        'id': 'order-1',
        'at': NOW,
    }
    assert client.post('/count_now', event).json == {'counted': True}
    assert client.post('/count_now', event).json == {'counted': False}
    assert client.get('/count_now?pk=Product&id=order-1').body == b'OK'
    asked = {'pk': 'Product', 'metrics': ['hits', 'revenue/hits'], 'periods': ['today', 'hour']}
    expected = {'_': {'hits': 1, 'revenue/hits': 5.25}}
    assert client.post('/totals', asked).json == {'today': expected, 'hour': expected}


def test_a_form_counts_as_an_address_line_does(client: Client) -> None:
    media = 'application/x-www-form-urlencoded'
    assert client.post('/count_now', b'pk=a&metrics={b: 2}', CONTENT_TYPE=media).json == {'counted': True}
    assert client.get('/totals?pk=a&metric=b&period=hour').json == {'hour': {'_': {'b': 2}}}


def test_a_level_is_set_not_added(client: Client) -> None:
    assert client.post('/update_count_to', {'pk': 'club', 'metrics': {'members': 7}}).json == {'counted': True}
    assert client.post('/update_count_to', {'pk': 'club', 'metrics': {'members': 5}}).json == {'counted': True}
    assert client.get('/totals?pk=club&metric=members:last&period=hour').json == {'hour': {'_': {'members:last': 5}}}


def test_plotpoints_are_pairs_of_milliseconds_and_numbers(client: Client, whale: Whale) -> None:
    whale.count_now('a', {'x': 'y'}, {'b': 1.5}, at=NOW - 3600)
    reply = client.get('/plotpoints?pk=a&metrics=b&period=1h:2h')
    assert reply.json == {'_': {'b': [[HOUR - 3_600_000, 1.5], [HOUR, 0]]}}
    assert reply.headers['Content-Type'] == 'application/json'


def test_plotpoints_take_every_option(client: Client, whale: Whale) -> None:
    for name, times in (('x', 3), ('y', 2), ('z', 1)):
        whale.count_now('a', name, {'b': times})
    query = 'pk=a&metrics=b&period=1h:2h&depth=1&sort=-b&limit=2&descending=true&totals=1&tz=UTC'
    found = client.get(f'/plotpoints?{query}').json
    assert list(found) == ['_', 'x', 'y']
    assert found['x'] == {'b': {'points': [[HOUR, 3], [HOUR - 3_600_000, 0]], 'total': 3}}
    body = {
        'pk': 'a', 'metrics': ['b'], 'period': '1h:2h', 'depth': 1, 'sort': '-b', 'limit': 2, 'descending': True,
        'totals': True, 'tz': 'UTC',
    }  # fmt: skip
    assert client.post('/plotpoints', body).json == found


def test_plotpoints_are_a_mapping_where_that_is_asked_for(client: Client, whale: Whale) -> None:
    whale.count_now('a')
    points = {str(HOUR - 3_600_000): 0, str(HOUR): 1}
    query = '/plotpoints?pk=a&period=1h:2h&points=dict'
    assert client.get(query).json == {'_': {'hits': points}}
    assert client.get(query + '&totals=1').json == {'_': {'hits': {'points': points, 'total': 1}}}


@pytest.mark.parametrize('path', ['/totals', '/plotpoints'])
def test_a_metric_that_is_named_like_a_constant_is_read_in_quotes(client: Client, whale: Whale, path: str) -> None:
    whale.count_now('work', metrics={'hours': 8, 'hits': 2})
    asked = f'{path}?pk=work&period=today&totals=1' if path == '/plotpoints' else f'{path}?pk=work&period=today'
    assert '"\\"hours\\"/hits":' in client.get(f'{asked}&metrics="hours"/hits').body.decode()
    assert client.get(f'{asked}&metrics="hours"').body == client.get(f'{asked}&metrics=hours').body
    assert client.get(f'{asked}&metrics=["hours').status == 400


def test_a_ranking_has_rows_of_all_columns(client: Client, whale: Whale) -> None:
    whale.count_now('a', {'c': 'x'}, {'b': 3})
    whale.count_now('a', {'c': 'y'}, {'b': 1})
    rows = client.get("/rank?pk=a&metrics=['b']&dimension=c&period=day&depth=1&important=0.5&tz=UTC").json['rows']
    columns = {'dimension', 'score', 'value', 'count', 'difference', 'effect', 'important'}
    assert all(set(row) == columns for row in rows)
    assert [(row['dimension'], row['value'], row['important']) for row in rows] == [
        (['c'], 4, True), (['c', 'x'], 3, True), (['c', 'y'], 1, False),
    ]  # fmt: skip
    assert client.post('/rank', {'pk': 'a', 'metric': 'b', 'dimension': 'c', 'limit': 1}).json['rows'][1]['value'] == 3


def test_subdimensions_go_one_level_down_or_all_the_way(client: Client, whale: Whale) -> None:
    whale.count_now('a', {'geo': {'UK': 'London'}, 'device': 'mobile'})
    assert client.get('/subdimensions?pk=a').json == {'subdimensions': [['device'], ['geo']]}
    assert client.get('/subdimensions?pk=a&dimension=geo').json == {'subdimensions': [['geo', 'UK']]}
    below = [['geo', 'UK'], ['geo', 'UK', 'London']]
    assert client.get('/subdimensions?pk=a&dimensions=[geo]&recursive=1').json == {'subdimensions': below}


def test_pks_are_listed_level_by_level(client: Client, whale: Whale) -> None:
    assert client.get('/pks').json == {'pks': []}
    whale.count_now(['Product', 42], metrics={'sales': 1})
    whale.count_now('signup')
    assert client.get('/pks?under=[]').json == {
        'pks': [
            {'pk': ['Product'], 'metrics': ['hits', 'sales'], 'children': 1},
            {'pk': ['signup'], 'metrics': ['hits'], 'children': 0},
        ]
    }
    below = {'pks': [{'pk': ['Product', '42'], 'metrics': ['hits', 'sales'], 'children': 0}]}
    assert client.get('/pks?under=["Product"]').json == client.post('/pks', {'under': 'Product'}).json == below


def test_a_reset_clears_what_it_names_and_nothing_else(client: Client, whale: Whale) -> None:
    whale.count_now('a', 'x')
    whale.count_now('b')
    assert client.post('/reset', {'pk': 'a'}).json == {'reset': 2}
    assert whale.total('a') == 0
    assert whale.total('b') == 1


def test_a_reset_that_names_no_pk_clears_nothing(client: Client, whale: Whale) -> None:
    whale.count_now()
    assert client.post('/reset', {}).error['message'].startswith('nothing to clear is named')
    assert whale.total() == 1
    assert client.post('/reset', {'pk': '_'}).json == {'reset': 1}


# -- numbers and names -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('amount', ['0.1', '1234567.890123', '-0.000001', '99999999999.999999', '999999999999999'])
def test_numbers_come_back_with_all_their_digits(client: Client, amount: str) -> None:
    client.get(f'/count_now?pk=a&metrics={{b: {amount}}}')
    found = client.get('/totals?pk=a&metrics=b&period=hour').json['hour']['_']['b']
    assert found == float(amount)
    assert repr(found) in (amount, repr(float(amount)))


def test_a_ratio_comes_back_as_the_float_that_it_is(client: Client, whale: Whale) -> None:
    whale.count_now('a', metrics={'b': 1, 'c': 3})
    assert client.get('/totals?pk=a&metrics=b/c&period=hour').json['hour']['_']['b/c'] == 1 / 3


NAMES = [
    "O'Brien",
    '<script>alert(1)</script>',
    '"><img src=x onerror=alert(1)>',
    "'; DROP TABLE hits; --",
    '</body>',
    'a||b',
    'a/b:c{d}e%f',
    '\r\nSet-Cookie: a=b',
    '\u2028\u2029\x00',
    '日本 größe 🐳',
    '_',
    '["a"]',
    'NaN',
    '*',
    '../../etc/passwd',
]


@pytest.mark.parametrize('name', NAMES)
def test_a_name_comes_back_as_it_went_in_and_never_as_html(client: Client, name: str) -> None:
    event = {'pk': ['names', name], 'dimensions': {name: {name: name}}}
    assert client.post('/count_now', event).json == {'counted': True}
    assert client.get(f'/count_now?pk={q(["names", name])}&dimensions={q({name: {name: name}})}').body == b'OK'
    assert client.get('/pks?under=names').json['pks'][0]['pk'] == ['names', name]
    reply = client.get(f'/subdimensions?pk={q(["names", name])}&recursive=1')
    assert reply.json == {'subdimensions': [[name], [name] * 2, [name] * 3]}
    ((first, *_),) = [client.get(f'/rank?pk={q(["names", name])}').json['rows']]
    assert first['count'] == 2
    for found in (reply, client.get(f'/totals?pk={q(["names", name])}&dimensions={q([[name, name]])}&period=hour')):
        assert found.status == 200
        assert found.headers['Content-Type'] == 'application/json'
        assert found.headers['X-Content-Type-Options'] == 'nosniff'


# '_' gets around caches.
@pytest.mark.parametrize('name', [name for name in NAMES if '/' not in name and name != '_'])
@pytest.mark.parametrize('path', ['/{}', '/totals?period={}', '/totals?{}=1', '/static/{}', '/rank?depth={}'])
def test_an_error_quotes_names_in_json_alone(client: Client, path: str, name: str) -> None:
    reply = client.get(path.format(quote(name, safe='') if '?' in path else name))
    assert reply.status in (400, 404)
    assert reply.headers['Content-Type'] == 'application/json'
    assert reply.error['message']
    assert reply.body.isascii()
    assert not any(header.startswith('Set-') for header in reply.headers)


def test_a_formula_of_a_name_without_utf8_is_refused_not_failed_at(client: Client) -> None:
    for field in ('pk', 'metrics', 'dimensions', 'tz', 'periods'):
        assert client('POST', '/totals', b'{"%s": "\\ud800"}' % field.encode()).status == 400


# -- refusals --------------------------------------------------------------------------------------------------------

MANY = {str(i): 1 for i in range(200)}
BAD: list[tuple[str, str, str, object, int, str, str, str | None]] = [
    # name, method, path, body, status, code, message fragment, field
    ('typo', 'GET', '/totals?metrc=hits', None, 400, 'invalid_input', "'metrc' (there are pk, dimensions, ", 'metrc'),
    ('of another path', 'GET', '/count_now?depth=1', None, 400, 'invalid_input', 'no such parameter', 'depth'),
    ('twice', 'GET', '/totals?pk=a&pk=b', None, 400, 'invalid_input', 'pk is given twice', 'pk'),
    ('both spellings', 'GET', '/totals?metric=a&metrics=b', None, 400, 'invalid_input', 'given twice', 'metrics'),
    ('unclosed', 'GET', '/count_now?pk=[a', None, 400, 'invalid_text', 'cannot read', 'pk'),
    ('pk of nothing', 'GET', '/count_now?pk=[]', None, 400, 'invalid_path', 'at least one name', 'pk'),
    ('pk as mapping', 'GET', '/count_now?pk={a: b}', None, 400, 'invalid_path', '', 'pk'),
    ('long name', 'GET', '/count_now?pk=' + 'a' * 600, None, 413, 'limit_exceeded', '512', 'pk'),
    ('deep path', 'POST', '/count_now', {'pk': ['a'] * 17}, 413, 'limit_exceeded', '16', 'pk'),
    ('nodes', 'POST', '/count_now', {'dimensions': MANY}, 413, 'limit_exceeded', '256', 'dimensions'),
    ('amount', 'GET', '/count_now?metrics={a: much}', None, 400, 'invalid_amount', "'much'", 'metrics'),
    ('seven digits', 'GET', '/count_now?metrics={a: 0.1234567}', None, 400, 'invalid_amount', '', 'metrics'),
    ('huge amount', 'GET', '/count_now?metrics={a: 1e300}', None, 400, 'invalid_amount', '', 'metrics'),
    ('metric name', 'GET', '/count_now?metrics={a/b: 1}', None, 400, 'invalid_metric', 'a/b', 'metrics'),
    ('time', 'GET', '/count_now?at=yesterday', None, 400, 'invalid_time', "not a time: 'yesterday'", 'at'),
    ('milliseconds', 'GET', '/count_now?at=2142528100000', None, 400, 'invalid_time', 'milliseconds', 'at'),
    ('too late', 'GET', '/count_now?at=2020-01-01', None, 400, 'invalid_time', '', 'at'),
    ('id', 'POST', '/count_now', {'id': 7}, 400, 'invalid_input', 'not a text: 7', 'id'),
    ('long id', 'GET', '/count_now?id=' + 'a' * 300, None, 400, 'invalid_input', '256', 'id'),
    ('id without utf8', 'POST', '/count_now', {'id': '\ud800'}, 400, 'invalid_input', 'surrogate', 'id'),
    ('no level', 'POST', '/update_count_to', {'pk': 'a'}, 400, 'invalid_input', 'not levels to set', 'metrics'),
    ('level with id', 'POST', '/update_count_to', {'pk': 'a', 'id': '7'}, 400, 'invalid_input', 'no such', 'id'),
    ('level by get', 'GET', '/update_count_to?pk=a', None, 405, 'method_not_allowed', 'it takes POST, OPTIONS', None),
    ('period', 'GET', '/totals?period=1x', None, 400, 'invalid_period', "'1x'", 'period'),
    ('zone', 'GET', '/totals?tz=Mars/Olympus', None, 400, 'invalid_zone', 'Mars/Olympus', 'tz'),
    ('formula', 'GET', '/totals?metrics=a/b/c', None, 400, 'invalid_formula', 'a/b/c', 'metrics'),
    ('metrics as mapping of lists', 'POST', '/totals', {'metrics': [['a']]}, 400, 'invalid_input', '', 'metrics'),
    ('depth', 'GET', '/plotpoints?depth=17', None, 413, 'limit_exceeded', '16', 'depth'),
    ('depth below', 'GET', '/plotpoints?depth=-1', None, 400, 'invalid_input', '-1', 'depth'),
    ('limit', 'GET', '/plotpoints?limit=few', None, 400, 'invalid_input', "not a whole number: 'few'", 'limit'),
    ('sort', 'GET', '/plotpoints?sort=a/b/c', None, 400, 'invalid_formula', 'a/b/c', None),
    ('points', 'GET', '/plotpoints?points=list', None, 400, 'invalid_input', 'not one of ms, dict', 'points'),
    ('flag', 'GET', '/plotpoints?descending=down', None, 400, 'invalid_input', 'neither yes nor no', 'descending'),
    ('buckets', 'GET', '/plotpoints?period=1s:30d', None, 413, 'limit_exceeded', '', None),
    ('important', 'GET', '/rank?important=11', None, 400, 'invalid_input', 'not a share', 'important'),
    ('rows', 'GET', '/rank?limit=-1', None, 400, 'invalid_input', 'not a number of rows: -1', 'limit'),
    ('no metric', 'POST', '/reset', {'pk': 'a', 'metrics': []}, 400, 'invalid_input', 'no metric to clear', 'metrics'),
    ('two dimensions', 'GET', '/rank?dimension=[[a],[b]]', None, 400, 'invalid_input', 'more than one dimension', None),
    ('finer than kept', 'GET', '/totals?period=1s:1h', None, 422, 'unanswerable', '', None),
    ('reset by get', 'GET', '/reset?pk=a', None, 405, 'method_not_allowed', 'it takes POST, OPTIONS', None),
    ('head of a counter', 'HEAD', '/count_now', None, 405, 'method_not_allowed', '', None),
    ('put', 'PUT', '/totals', None, 405, 'method_not_allowed', "'PUT' (it takes GET, HEAD, POST, OPTIONS)", None),
    ('post to the page', 'POST', '/', {}, 405, 'method_not_allowed', 'GET, HEAD', None),
    ('unknown path', 'GET', '/total', None, 404, 'not_found', "no such path: '/total' (there are /count_now, ", None),
    ('two slashes', 'GET', '/totals//', None, 404, 'not_found', "'/totals//'", None),
    ('bytes in a path', 'GET', '/größe', None, 404, 'not_found', "'/größe'", None),
    ('no file', 'GET', '/static/nope.js', None, 404, 'not_found', "no such file: 'nope.js'", None),
    ('up from the files', 'GET', '/static/..', None, 404, 'not_found', "no such file: '..'", None),
    ('code as a file', 'GET', '/static/../whale.py', None, 404, 'not_found', 'no such path', None),
    ('not json', 'POST', '/totals', b"{'pk': 'a'}", 400, 'invalid_text', 'not JSON', None),
    ('a list', 'POST', '/count_now', [{'pk': 'a'}], 400, 'invalid_text', 'not a JSON object', None),
    ('large body', 'POST', '/count_now', b' ' * 2_001, 413, 'limit_exceeded', 'more than 2000 bytes', None),
]  # fmt: skip


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'status', 'code', 'fragment', 'field'),
    [row[1:] for row in BAD],
    ids=[row[0] for row in BAD],
)
def test_a_bad_request_is_refused_with_its_reason(
    client: Client, method: str, path: str, body: object, status: int, code: str, fragment: str, field: str | None
) -> None:
    reply = client.post(path, body) if body is not None else client(method, path)
    assert reply.status == status
    assert reply.headers['Cache-Control'] == 'no-store'
    if method != 'HEAD':
        assert reply.error['code'] == code
        assert fragment in reply.error['message']
        assert reply.error['field'] == field or (field is None and reply.error['field'] is not None)


def test_a_refused_request_counts_nothing(client: Client, whale: Whale) -> None:
    for _, method, path, body, *_ in BAD:
        if body is not None:
            client.post(path, body)
        else:
            client(method, path)
    assert whale.pks() == []


def test_an_engine_that_is_away_is_told_with_when_to_ask_again(caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.load({}, url='redis://127.0.0.1:1/0', timeout='0.01')
    with Whale(settings=settings) as whale:
        client = serving(whale)
        for path in ('/count_now?pk=a', '/totals'):
            reply = client.get(path)
            assert (reply.status, reply.error['code']) == (503, 'storage_unavailable')
            assert reply.headers['Retry-After'] == '2'
    # A moment later it is not told again: it would be with every request.
    assert [record.levelname for record in caplog.records] == ['WARNING']
    assert "GET '/count_now': " in caplog.text


def test_an_engine_that_says_no_is_told_too(client: Client, whale: Whale) -> None:
    whale.count_now('a')
    for key in keys(whale):
        if whale.storage.engine.ask(0, 'TYPE', key) == b'hash':
            whale.storage.engine.ask(0, 'DEL', key)
            whale.storage.engine.ask(0, 'SET', key, 'something else')
    reply = client.get('/count_now?pk=a')
    assert (reply.status, reply.error['code']) == (503, 'storage_refused')
    assert 'Retry-After' not in reply.headers


def keys(whale: Whale) -> list[bytes]:
    reply = whale.storage.engine.ask(0, 'SCAN', 0, 'COUNT', 10_000)
    assert isinstance(reply, list)
    assert isinstance(reply[1], list)
    return [key for key in reply[1] if isinstance(key, bytes)]


def test_an_unexpected_failure_is_logged_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: object) -> Answer:
        raise RuntimeError('the secret')

    client = Client(Application([Route('/fail', fail)], cors=(), max_body=0))
    reply = client.get('/fail')
    assert (reply.status, reply.error['code']) == (500, 'internal')
    assert b'secret' not in reply.body
    assert b'Traceback' not in reply.body
    assert "GET '/fail' failed" in caplog.text
    assert 'RuntimeError: the secret' in caplog.text
    assert reply.errors == ''
    assert [record.levelno for record in caplog.records] == [logging.ERROR]


# -- paths and methods -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize('path', PATHS)
def test_a_slash_at_the_end_of_a_path_changes_nothing(client: Client, path: str) -> None:
    method = 'POST' if path in CHANGES else 'GET'
    body = {'/update_count_to': b'{"pk": "a", "metrics": {"b": 1}}', '/reset': b'{"pk": "a"}'}.get(path, b'')
    first, again = client(method, path, body), client(method, f'{path.rstrip("/")}/', body)
    assert first.status == again.status == 200
    assert first.body == again.body


@pytest.mark.parametrize('path', [*READS, '/'])
def test_head_answers_what_get_does_without_the_body(client: Client, path: str) -> None:
    asked, looked = client.get(path), client('HEAD', path)
    assert asked.body
    assert looked.body == b''
    assert (looked.status, looked.headers) == (asked.status, asked.headers)
    assert looked.headers['Content-Length'] == str(len(asked.body))


@pytest.mark.parametrize('path', READS)
def test_reads_answer_the_same_to_get_and_post(client: Client, whale: Whale, path: str) -> None:
    whale.count_now('a', 'x')
    name = 'under' if path == '/pks' else 'pk'
    reply = client.post(path, {name: 'a'})
    assert reply.body == client.get(f'{path}?{name}=a').body
    assert reply.headers['Cache-Control'] == 'no-store'
    assert 'ETag' not in reply.headers


@pytest.mark.parametrize(
    ('path', 'allowed'),
    [
        ('/totals', 'GET, HEAD, POST, OPTIONS'),
        ('/count_now/', 'GET, POST, OPTIONS'),
        ('/reset', 'POST, OPTIONS'),
        ('/update_count_to', 'POST, OPTIONS'),
        ('/static/page.js', 'GET, HEAD, OPTIONS'),
    ],
)
def test_every_path_tells_which_methods_it_takes(client: Client, path: str, allowed: str) -> None:
    options, wrong = client('OPTIONS', path), client('DELETE', path)
    assert (options.status, options.body, wrong.status) == (204, b'', 405)
    assert options.headers['Allow'] == wrong.headers['Allow'] == allowed
    assert not any(name.startswith('Access-Control') for name in options.headers)


# -- caches ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('path', READS)
def test_a_reader_who_has_the_answer_is_told_so_without_it(client: Client, whale: Whale, path: str) -> None:
    first = client.get(path)
    assert first.headers['Cache-Control'] == 'private, max-age=1'
    etag = first.headers['ETag']
    for known in (etag, f'W/{etag}', f'"other", {etag}', '*'):
        again = client.get(path, HTTP_IF_NONE_MATCH=known)
        assert (again.status, again.body) == (304, b'')
        assert again.headers['ETag'] == etag
        assert 'Content-Type' not in again.headers
    assert client.get(path, HTTP_IF_NONE_MATCH='"other"').status == 200
    whale.count_now(dimensions='x')
    changed = client.get(path, HTTP_IF_NONE_MATCH=etag)
    assert changed.status == 200
    assert changed.headers['ETag'] != etag


# -- pages of other sites --------------------------------------------------------------------------------------------

FRIEND = 'https://friend.example'
FOE = 'https://foe.example'


def test_without_the_setting_no_other_page_may_ask(client: Client) -> None:
    reply = client.get('/totals', HTTP_ORIGIN=FRIEND)
    assert reply.status == 200
    assert not any(name.startswith('Access-Control') or name == 'Vary' for name in reply.headers)


def test_pages_of_listed_origins_may_ask_and_no_others(whale: Whale) -> None:
    client = serving(whale, cors=FRIEND)
    friend = client.get('/totals', HTTP_ORIGIN=FRIEND.title())
    assert friend.headers['Access-Control-Allow-Origin'] == FRIEND.title()
    assert friend.headers['Access-Control-Expose-Headers'] == 'ETag, Retry-After, X-HailWhale-Error'
    foe, nobody = client.get('/totals', HTTP_ORIGIN=FOE), client.get('/totals')
    assert 'Access-Control-Allow-Origin' not in {**foe.headers, **nobody.headers}
    assert {reply.headers['Vary'] for reply in (friend, foe, nobody)} == {'Origin'}
    refused = client.get('/totals?no=1', HTTP_ORIGIN=FRIEND)
    assert refused.headers['Access-Control-Allow-Origin'] == FRIEND


def test_a_star_lets_every_page_ask(whale: Whale) -> None:
    reply = serving(whale, cors='*').get('/totals', HTTP_ORIGIN=FOE)
    assert reply.headers['Access-Control-Allow-Origin'] == '*'
    assert 'Vary' not in reply.headers


def test_a_browser_that_asks_first_is_told_what_it_may_send(whale: Whale) -> None:
    client = serving(whale, cors=FRIEND)
    friend = client('OPTIONS', '/count_now', HTTP_ORIGIN=FRIEND, HTTP_ACCESS_CONTROL_REQUEST_METHOD='POST')
    assert friend.headers['Access-Control-Allow-Methods'] == 'GET, POST, OPTIONS'
    allowed = 'Authorization, Content-Encoding, Content-Type, If-None-Match, Last-Event-ID'
    assert friend.headers['Access-Control-Allow-Headers'] == allowed
    assert friend.headers['Access-Control-Max-Age'] == '600'
    foe = client('OPTIONS', '/count_now', HTTP_ORIGIN=FOE, HTTP_ACCESS_CONTROL_REQUEST_METHOD='POST')
    assert foe.status == 204
    assert not any(name.startswith('Access-Control') for name in foe.headers)


def test_a_page_of_another_site_cannot_clear_anything(whale: Whale) -> None:
    whale.count_now('a')
    client = serving(whale, cors=FRIEND)
    for origin in (FOE, 'null', 'http://localhost:9999', ''):
        reply = client.post('/reset', b'pk=a', CONTENT_TYPE='application/x-www-form-urlencoded', HTTP_ORIGIN=origin)
        assert (reply.status, reply.error['code']) == (403, 'foreign_origin')
    assert whale.total('a') == 1
    assert client.post('/reset', {'pk': 'a'}, HTTP_ORIGIN='http://LOCALHOST:8085').json == {'reset': 1}
    whale.count_now('a')
    assert client.post('/reset', {'pk': 'a'}, HTTP_ORIGIN=FRIEND).json == {'reset': 1}
    level = {'pk': 'a', 'metrics': {'b': 1}}
    assert client.post('/update_count_to', level, HTTP_ORIGIN=FOE).error['code'] == 'foreign_origin'
    assert client.post('/update_count_to', level, HTTP_ORIGIN=FRIEND).status == 200


# -- the page --------------------------------------------------------------------------------------------------------


def test_the_page_comes_with_a_strict_policy_and_is_asked_for_each_time(client: Client) -> None:
    reply = client.get('/?pk=anything')
    assert reply.status == 200
    assert reply.headers['Content-Type'] == 'text/html; charset=utf-8'
    assert reply.headers['Content-Security-Policy'].startswith("default-src 'self';")
    assert 'unsafe' not in reply.headers['Content-Security-Policy']
    assert reply.headers['Cache-Control'] == 'no-cache'
    assert client.get('/', HTTP_IF_NONE_MATCH=reply.headers['ETag']).status == 304


def test_every_file_of_the_page_is_served_under_a_type_that_browsers_take(client: Client) -> None:
    for entry in (files('hailwhale') / 'static').iterdir():
        reply = client.get(f'/static/{entry.name}?v=1')
        assert reply.body == entry.read_bytes()
        assert reply.headers['Content-Type'] != 'application/octet-stream'
        assert reply.headers['X-Content-Type-Options'] == 'nosniff'
    assert client.get('/static/page.js').headers['Content-Type'] == 'text/javascript; charset=utf-8'


def test_only_what_is_made_for_pages_of_others_is_for_them(client: Client) -> None:
    for entry in (files('hailwhale') / 'static').iterdir():
        reply = client.get(f'/static/{entry.name}', HTTP_ORIGIN='https://shop.example')
        names = ('Access-Control-Allow-Origin', 'Cross-Origin-Resource-Policy')
        found = [reply.headers.get(name) for name in names]
        assert found == (['*', 'cross-origin'] if entry.name in PUBLIC else [None, None])
    for name in ('count.js', 'count.mjs'):
        reply = client.get(f'/static/{name}')
        assert reply.headers['Content-Type'] == 'text/javascript; charset=utf-8'
        again = client.get(f'/static/{name}', HTTP_IF_NONE_MATCH=reply.headers['ETag'])
        assert (again.status, again.headers['Access-Control-Allow-Origin']) == (304, '*')


@pytest.mark.parametrize('name', NAMES)
def test_nothing_of_a_request_is_written_into_the_page(client: Client, name: str) -> None:
    reply = client.get(f'/?pk={quote(name)}')
    assert reply.body == client.get('/').body
    assert html.escape(name).encode() not in reply.body or name in ('_', '*', '</body>')


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Makes an importable package with an empty folder for a page."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(name: str) -> Path:
        (tmp_path / name / 'page' / 'below').mkdir(parents=True)
        (tmp_path / name / '__init__.py').touch()
        return tmp_path / name / 'page'

    return make


def test_a_page_that_is_not_built_says_how_to_build_it(package: Callable[[str], Path]) -> None:
    package('unbuilt')
    for folder in ('page', 'nowhere'):
        static = Static('unbuilt', folder)
        reply = Client(Application([Route('/', static.page)], cors=(), max_body=0)).get('/')
        assert reply.status == 404
        assert 'run make page' in reply.error['message']


def test_a_file_of_an_unknown_type_is_only_bytes_and_folders_are_not_looked_into(
    package: Callable[[str], Path],
) -> None:
    page = package('odd')
    (page / 'odd.xyz').write_bytes(b'\x00')
    (page / 'below' / 'secret.txt').write_text('no')
    static = Static('odd', 'page')
    client = Client(Application([Route('/static/<name>', static.file)], cors=(), max_body=0))
    assert client.get('/static/odd.xyz').headers['Content-Type'] == 'application/octet-stream'
    for path in ('/static/below', '/static/secret.txt', '/static/below/secret.txt', '/static/'):
        assert client.get(path).status == 404


# -- keys for one graph ----------------------------------------------------------------------------------------------


def test_the_key_of_a_graph_answers_what_the_widget_asks_for_it_and_nothing_else(whale: Whale) -> None:
    whale.count_now('Shop', 'tea', {'dollars': 5})
    made = Keys(whale.storage, whale.clock).create_graph(Graph.of('Shop', metrics='dollars/hits', period='1h:24h'))
    access = Access(whale.storage, whale.clock, open=False, local=False)
    client = Served(whale, access).client
    asked = f'pk=Shop&period=1h:24h&key={made.text}'
    children = 'metrics=["dollars/hits","hits","dollars"]&depth=1&sort=-hits&limit=25'
    assert set(client.get(f'/plotpoints?{asked}&{children}').json) == {'_', 'tea'}
    assert (
        client.post(
            '/plotpoints',
            {'pk': 'Shop', 'metric': 'dollars', 'period': '1h:24h'},
            HTTP_AUTHORIZATION=f'Bearer {made.text}',
        ).status
        == 200
    )
    refused = [
        *('/plotpoints?metrics=cost', '/plotpoints?metric=dollars&depth=2&limit=9', '/plotpoints?dimensions=tea'),
        *('/plotpoints?sort=cost', '/stream?metrics=cost', '/totals?metric=dollars', '/rank?metric=dollars&depth=1'),
        *('/subdimensions', '/spy', '/results', '/decide?options=[a]', '/count_now', '/count', '/count.gif'),
    ]
    bare = [f'/pks?under=Shop&key={made.text}', f'/metrics?key={made.text}']
    for path in [*(f'{path}{"&" if "?" in path else "?"}{asked}' for path in refused), *bare]:
        reply = client.get(path)
        assert reply.status == 403, path
        if reply.headers['Content-Type'] == 'application/json':
            assert 'shows one graph, ' in reply.error['message'], path
    for path in ('/reset', '/update_count_to', '/flush_hail'):
        assert client.post(path, {'pk': 'Shop'}, HTTP_AUTHORIZATION=f'Bearer {made.text}').status == 403
    assert client.get(f'/plotpoints?pk=Other&metric=dollars&period=1h:24h&key={made.text}').status == 403
    access.close()


def test_a_key_lists_the_pks_that_it_is_for_and_those_that_lead_there(whale: Whale) -> None:
    for pk in (['Shop', 'a', 'x'], ['Shop', 'a', 'y'], ['Shop', 'b'], ['Blog'], ['Shopping']):
        whale.count_now(pk=pk)
    keys, access = Keys(whale.storage, whale.clock), Access(whale.storage, whale.clock, open=False, local=False)
    client = Served(whale, access).client

    def listed(pks: list[str], under: object = None) -> Any:
        key = by_pks[tuple(pks)]
        reply = client.post('/pks', {'under': under} if under else {}, HTTP_AUTHORIZATION=f'Bearer {key}')
        if reply.status != 200:
            return reply.status, reply.error['field'], reply.error['message'].partition(' is for ')[2]
        return [('/'.join(entry['pk']), len(entry['metrics']), entry['children']) for entry in reply.json['pks']]

    some = ['Shop/*'], ['Shop/a'], ['Shop/a/x', 'Blog', 'Blog'], ['*'], ['New/*'], ['Shop/b', 'Shop/*']
    by_pks = {tuple(pks): keys.create('read', pks=pks).text for pks in some}
    assert listed(['*']) == [('Blog', 1, 0), ('Shop', 1, 2), ('Shopping', 1, 0)]
    assert listed(['Shop/*']) == listed(['Shop/b', 'Shop/*']) == [('Shop', 1, 2)]
    assert listed(['Shop/*'], 'Shop') == [('Shop/a', 1, 2), ('Shop/b', 1, 0)]
    assert listed(['New/*']) == listed(['New/*'], 'New') == []
    assert listed(['Shop/a']) == [('Shop/a', 1, 0)]
    assert listed(['Shop/a'], 'Shop') == [('Shop/a', 1, 0)]
    assert listed(['Shop/a/x', 'Blog', 'Blog']) == [('Blog', 1, 0), ('Shop/a/x', 1, 0)]
    # What leads there tells its name, which the key has, and nothing else.
    assert listed(['Shop/a/x', 'Blog', 'Blog'], 'Shop') == [('Shop/a', 0, 1)]
    assert listed(['Shop/a/x', 'Blog', 'Blog'], ['Shop', 'a']) == [('Shop/a/x', 1, 0)]
    assert listed(['Shop/a'], ['Shop', 'a']) == []
    nothing = 'Shop/a, and for nothing below pk \'["Shop", "b"]\' (use another key)'
    assert listed(['Shop/a'], ['Shop', 'b']) == (403, 'pk', nothing)
    assert listed(['Shop/*'], 'Blog')[0] == 403
    access.close()


def test_annotations_are_made_and_seen_and_taken_away(client: Client) -> None:
    assert client.post('/annotate', {'text': 'release', 'at': NOW - 5}).json == {'annotated': True}
    assert client.post('/annotate', {'text': '<b>mailing</b>', 'pk': ['Shop', 1]}).json == {'annotated': True}
    assert client.post('/annotate', {'text': '<b>mailing</b>', 'pk': ['Shop', 1]}).json == {'annotated': False}
    reply = client.get('/annotations?pk=[Shop, 1]')
    assert reply.headers['Content-Type'] == 'application/json'
    assert reply.json == {
        'annotations': [
            {'pk': [], 'at': (NOW - 5) * 1_000, 'text': 'release'},
            {'pk': ['Shop', '1'], 'at': NOW * 1_000, 'text': '<b>mailing</b>'},
        ]
    }
    assert client.get(f'/annotations?pk=[Shop, 1]&until={NOW - 5}').json['annotations'][0]['text'] == 'release'
    assert client.get(f'/annotations?pk=[Shop, 1]&since={NOW}').json['annotations'][0]['pk'] == ['Shop', '1']
    assert client.post('/annotate', {'text': 'release', 'remove': True}).json == {'removed': 1}
    assert client.get('/annotations').json == {'annotations': []}
    assert client.post('/annotate', {}).error['field'] == 'text'
    assert client.get('/annotate?text=a').status == 405
    assert client.post('/annotate', {'text': 'a'}, HTTP_ORIGIN='https://evil.example').status == 403


def test_who_administers_annotates_and_who_reads_sees_it(whale: Whale) -> None:
    keys = Keys(whale.storage, whale.clock)
    graphs = [Graph.of('Shop', annotations=shown) for shown in (False, True)]
    blind, seeing = (keys.create_graph(graph).text for graph in graphs)
    admin, part, write, read = (
        keys.create(scope, pks=[pk]).text
        for scope, pk in [('admin', '*'), ('admin', 'Shop'), ('write', '*'), ('read', 'Shop')]
    )
    access = Access(whale.storage, whale.clock, open=False, local=False)
    client = Served(whale, access).client

    def annotated(key: str, **more: object) -> int:
        return client.post('/annotate', {'text': 'a', **more}, HTTP_AUTHORIZATION=f'Bearer {key}').status

    assert [annotated(key, pk='Shop') for key in (admin, part, write, read, seeing)] == [200, 200, 403, 403, 403]
    # What is shown on all graphs is for whoever administers all pks.
    assert [annotated(key) for key in (admin, part)] == [200, 403]
    seen = [client.get(f'/annotations?pk=Shop&key={key}').status for key in (admin, read, write, blind, seeing)]
    assert seen == [200, 200, 403, 403, 200]
    assert client.get(f'/annotations?pk=Other&key={seeing}').status == 403
    access.close()
