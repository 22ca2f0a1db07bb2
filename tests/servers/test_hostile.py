"""Hostile names and parameters over HTTP: they are counted and told as they are, or refused with a reason.

Nothing that anybody sends makes the server fail, ends a header, or comes back as HTML or a script.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, urlencode, urlsplit
from xml.etree import ElementTree

import pytest

from hailwhale import HailWhale, Pixel
from hailwhale.paths import parse_path_name
from hailwhale.settings import Settings
from tests.hostile import ALL, GROUPS, IDS, NAMES, UNSAYABLE
from tests.test_graphs import serving

#: The names of all headers that this server sends.
HEADERS = frozenset(
    {
        *('access-control-allow-origin', 'access-control-expose-headers', 'allow', 'cache-control', 'connection'),
        *('content-length', 'content-security-policy', 'content-type', 'cross-origin-resource-policy', 'date', 'etag'),
        *('referrer-policy', 'transfer-encoding', 'vary', 'x-accel-buffering', 'x-content-type-options'),
        *('x-hailwhale-error', 'www-authenticate', 'set-cookie', 'retry-after'),
    }
)
JSON, TEXT, GIF = 'application/json', 'text/plain; charset=utf-8', 'image/gif'
HTML, SCRIPT = 'text/html; charset=utf-8', 'text/javascript; charset=utf-8'
#: What each path answers by GET where it is no JSON.
TYPES = {
    '/': HTML,
    '/embed': HTML,
    '/count': TEXT,
    '/count_now': TEXT,
    '/count_decision': TEXT,
    '/count.gif': GIF,
    '/pixel/abc.gif': GIF,
    '/tracker': GIF,
    '/graph.js': SCRIPT,
    '/table_graph.js': SCRIPT,
}
#: The parameters of each path; those in capitals are given whatever is asked.
GIVEN: dict[str, tuple[str, ...]] = {
    '/': ('pk',),
    '/annotate': ('TEXT', 'text', 'pk', 'at', 'remove'),
    '/annotations': ('pk', 'since', 'until'),
    '/boards': ('callback',),
    '/count': ('pk', 'dimensions', 'metrics', 'at', 'id', 'uid'),
    '/count.gif': ('pk', 'dimensions', 'metrics', 'at', 'id'),
    '/count_decision': ('PK', 'OPTION', 'pk', 'decision', 'option', 'dimensions', 'metrics', 'visitor', 'holdout'),
    '/count_now': ('pk', 'dimensions', 'metrics', 'at', 'id'),
    '/decide': (
        *('PK', 'OPTIONS', 'pk', 'decision', 'options', 'dimensions', 'by_metric', 'period', 'goal', 'visitor', 'seed'),
        *('holdout', 'explain', 'visitors', 'bot'),
    ),
    '/embed': ('pk', 'metric', 'title', 'theme', 'host', 'key'),
    '/graph.js': ('callback', 'pk', 'title'),
    '/oembed': ('URL', 'url', 'format', 'maxwidth', 'maxheight', 'dnt'),
    '/pixel/abc.gif': ('payload', 'uid'),
    '/pks': ('under',),
    '/plotpoints': (
        *('pk', 'dimensions', 'metrics', 'period', 'depth', 'sort', 'limit', 'tz', 'points', 'descending', 'totals'),
        'callback',
    ),
    '/rank': ('pk', 'metric', 'dimension', 'period', 'depth', 'important', 'limit', 'tz'),
    '/reset': ('DIMENSIONS', 'pk', 'dimensions', 'metrics'),
    '/results': (
        *('pk', 'goals', 'control', 'variants', 'split', 'by', 'limit', 'period', 'tz', 'kind', 'goal', 'exposures'),
        *('weights', 'allocation', 'alpha', 'power', 'lift', 'correction'),
    ),
    '/spy': ('pk', 'uid', 'limit'),
    '/subdimensions': ('pk', 'dimensions', 'recursive'),
    '/table_graph.js': ('callback',),
    '/totals': ('pk', 'dimensions', 'metrics', 'periods', 'tz', 'callback'),
    '/tracker': ('pixel', 'uid'),
    '/update_count_to': ('PK', 'pk', 'dimensions', 'metrics', 'at'),
}
ALWAYS = {'pk': 'probed', 'option': 'a', 'options': '["a", "b"]', 'text': 'said', 'dimensions': '"gone"', 'url': 'URL'}
CHANGES = ('/annotate', '/reset', '/update_count_to')


class Reply(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Asker:
    """Asks over one connection."""

    def __init__(self, address: str) -> None:
        self.host = urlsplit(address).netloc
        self._connection = http.client.HTTPConnection(self.host, timeout=60)

    def __call__(
        self, method: str, path: str, body: bytes | None = None, headers: Iterable[tuple[str, bytes]] = ()
    ) -> Reply:
        names = {name for name, _ in headers}
        self._connection.putrequest(method, path, skip_host='Host' in names)
        for name, value in headers:
            self._connection.putheader(name, value)
        if body is not None:
            self._connection.putheader('Content-Length', str(len(body)))
        self._connection.endheaders(body)
        answer = self._connection.getresponse()
        reply = Reply(answer.status, {}, answer.read())
        for name, told in answer.getheaders():
            assert name.lower() not in reply.headers
            reply.headers[name.lower()] = told
        return reply

    def get(self, path: str, **given: object) -> Reply:
        """Ask with texts as they are, and anything else as JSON."""
        return self('GET', f'{path}?{spelled(given)}')

    def post(self, path: str, given: object) -> Reply:
        """Send JSON; half a surrogate pair in it is an escape."""
        return self('POST', path, json.dumps(given).encode(), [('Content-Type', b'application/json')])

    def told(self, path: str, **given: object) -> Any:
        """What is answered with success."""
        reply = self.post(path, given)
        assert reply.status == 200, reply
        return reply.json

    def close(self) -> None:
        self._connection.close()


def spelled(given: Mapping[str, object]) -> str:
    texts = {name: text if isinstance(text, str) else json.dumps(text) for name, text in given.items()}
    return urlencode({name: text.encode('utf-8', 'surrogatepass') for name, text in texts.items()})


@pytest.fixture(scope='module')
def boards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp('boards')


@pytest.fixture(scope='module')
def address(tmp_path_factory: pytest.TempPathFactory, boards: Path) -> Iterator[str]:
    home = tmp_path_factory.mktemp('hostile')
    with serving(home, HAILWHALE_URL=f'embedded://{home}', HAILWHALE_BOARDS=str(boards)) as address:
        yield address


@pytest.fixture
def ask(address: str) -> Iterator[Asker]:
    with closing(Asker(address)) as asker:
        yield asker


def checked(reply: Reply, *, kind: str | None = None) -> Reply:
    """An answer that is a success, or an error that says why; in the type that it has to be of."""
    assert 200 <= reply.status < 500 or reply.status == 501, reply
    assert set(reply.headers) <= HEADERS, reply.headers
    assert reply.headers['x-content-type-options'] == 'nosniff'
    if reply.status in (204, 304):
        return reply
    found = reply.headers['content-type']
    if found == JSON and reply.status >= 400:
        assert set(reply.json) == {'error'}
        assert len(reply.json['error']['message']) < 1_500
        assert reply.json['error']['message'].isprintable()
    elif kind is not None:
        assert found == kind, reply
    return reply


class Page(HTMLParser):
    """The elements of a page, with their attributes, and its title."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, tuple[str, ...]]] = []
        self.values: list[str | None] = []
        self.title = ''
        self.feed(page.decode())
        self.close()
        self.title = self.title.rstrip('\n')

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, tuple(name for name, _ in attrs)))
        self.values += [value for _, value in attrs]

    def handle_data(self, data: str) -> None:
        if self.elements and self.elements[-1][0] == 'title':
            self.title += data


# -- the corpus ------------------------------------------------------------------------------------------------------


def test_every_text_is_another_and_every_group_says_why_it_is_here() -> None:
    assert len(set(ALL)) == len(ALL) >= 150
    assert len(set(IDS)) == len(NAMES)
    for group in (*GROUPS, UNSAYABLE):
        assert group.reason.endswith('.')
        assert group.texts


# -- names -----------------------------------------------------------------------------------------------------------


def test_every_name_is_counted_and_told_as_it_is(ask: Asker) -> None:
    """As a name of a pk, of a dimension and below one, each a number of times of its own."""
    events = [
        {'pk': ['named', name], 'dimensions': {name: {name: 'x'}}, 'metrics': {'hits': 1, 'times': times}}
        for times, name in enumerate(NAMES, 1)
    ]
    counted = ask.post('/count', events)
    assert (counted.status, counted.json['refused']) == (200, 0)
    ask.told('/flush_hail')
    assert {tuple(each['pk']) for each in ask.told('/pks', under=['named'])['pks']} == {
        ('named', name) for name in NAMES
    }
    below = {tuple(path) for path in ask.told('/subdimensions', pk='named', recursive=True)['subdimensions']}
    assert below == {path for name in NAMES for path in ((name,), (name, name), (name, name, 'x'))}
    nodes = [[name, name] for name in NAMES]
    asked = {'pk': 'named', 'dimensions': nodes, 'metrics': ['times'], 'periods': ['day']}
    totals = ask.told('/totals', **asked)['day']
    assert {parse_path_name(name): found['times'] for name, found in totals.items()} == {
        (name, name): times for times, name in enumerate(NAMES, 1)
    }
    points = ask.told('/plotpoints', pk='named', metrics=['times'], period='1h:24h', depth=1, limit=1_000)
    expected: dict[tuple[str, ...], int] = {(name,): times for times, name in enumerate(NAMES, 1)}
    expected[()] = sum(range(len(NAMES) + 1))
    assert {parse_path_name(name): sum(n for _, n in found['times']) for name, found in points.items()} == expected
    ranked = ask.told('/rank', pk='named', metric='times', period='day', depth=1, limit=1_000)['rows']
    assert [row['dimension'] for row in ranked if row['dimension'] != '_'] == [[name] for name in reversed(NAMES)]


def test_every_name_is_asked_for_in_an_address_too(ask: Asker) -> None:
    for times, name in enumerate(NAMES, 1):
        counted = {'pk': ['addressed', name], 'dimensions': [name, name], 'metrics': {'times': times}}
        assert ask.get('/count_now', **counted).body == b'OK'
    for times, name in enumerate(NAMES, 1):
        given = {'pk': ['addressed', name], 'dimensions': [[name, name]], 'metrics': ['times'], 'periods': 'day'}
        (found,) = checked(ask.get('/totals', **given), kind=JSON).json['day'].items()
        assert (parse_path_name(found[0]), found[1]) == ((name, name), {'times': times})


def test_a_metric_has_every_name_that_a_formula_can_hold(ask: Asker) -> None:
    """All others are refused, and told why."""
    held = []
    for times, name in enumerate(NAMES, 1):
        reply = checked(ask.post('/count_now', {'pk': 'metered', 'metrics': {name: times, 'others': 1}}))
        if reply.status == 200:
            held.append((name, times))
            formula = f'"{name}"/others'
            found = ask.told('/totals', pk='metered', metrics=[name, formula], periods=['day'])['day']['_']
            assert found[name] == times, name
            assert found[formula] == pytest.approx(times / len(held)), name
        else:
            assert (reply.status in (400, 413), reply.json['error']['field']) == (True, 'metrics')
            assert re.search(r'[/:"]|^[-+\d.e]+$|^\s|\s$|^_count$', name) or len(name.encode()) > 128, name
    assert {'__proto__', 'constructor', '[1]', 'true', 'null', '*', "redis.call('FLUSHALL')"} <= {
        name for name, _ in held
    }
    known = next(each for each in ask.told('/pks')['pks'] if each['pk'] == ['metered'])
    assert {name for name, _ in held} <= set(known['metrics'])


def test_what_no_name_can_hold_is_refused_everywhere(ask: Asker) -> None:
    for text in UNSAYABLE.texts:
        for path, given in (
            ('/count', {'pk': text}),
            ('/count', {'pk': 'a', 'dimensions': {text: 'b'}}),
            ('/count', {'pk': 'a', 'dimensions': ['b', text]}),
            ('/count', {'pk': 'a', 'metrics': {text: 1}}),
            ('/count_now', {'pk': ['a', text]}),
            ('/count_now', {'pk': 'a', 'metrics': [text]}),
            ('/totals', {'pk': text}),
            ('/totals', {'pk': 'a', 'metrics': [text]}),
            ('/plotpoints', {'pk': 'a', 'dimensions': [text]}),
            ('/rank', {'pk': 'a', 'metric': text}),
            ('/pks', {'under': [text]}),
            ('/decide', {'pk': 'a', 'options': ['b', text]}),
            ('/count_decision', {'pk': 'a', 'option': text}),
            ('/results', {'pk': ['a', text]}),
            ('/spy', {'pk': text}),
            ('/reset', {'pk': text}),
        ):
            reply = checked(ask.post(path, given), kind=JSON)
            assert reply.status in (400, 413), (path, given, reply)
            assert reply.json['error']['field'] in {*given, 'metrics'}, (path, reply)


def test_options_and_versions_have_every_name(ask: Asker) -> None:
    names = list(NAMES)
    for place in range(0, len(names), 40):
        options = names[place : place + 40]
        for times, option in enumerate(options, 1):
            given = {'pk': 'chosen', 'decision': str(place), 'option': option, 'metrics': {'hits': 50, 'sales': times}}
            assert ask.post('/count_decision', {**given, 'bot': False}).json == {'counted': True}
        asked = {'pk': 'chosen', 'decision': str(place), 'options': options, 'by_metric': 'sales/hits', 'bot': False}
        decided = ask.told('/decide', **asked, explain=True)
        assert set(decided['weights']) == set(options)
        assert {each['option']: each['reward'] for each in decided['reasons']} == {
            option: times for times, option in enumerate(options, 1)
        }
        (goal,) = ask.told('/results', pk=['chosen', str(place)], goals=['sales'])['overall']['goals']
        assert {each['name'] for each in goal['variants']} == set(options)


def test_the_spy_tells_events_as_they_came(ask: Asker) -> None:
    sent = [{'pk': ['spied', name], 'dimensions': {name: name}, 'id': f'{place}'} for place, name in enumerate(NAMES)]
    assert ask.post('/count', sent).json['refused'] == 0
    seen = {each['id']: each for each in ask.told('/spy', pk='spied', limit=1_000)['events']}
    assert len(seen) == len(sent)
    for event in sent:
        assert seen[event['id']]['pk'] == event['pk']
        (name,) = event['dimensions']
        assert seen[event['id']]['dimensions'] in ({name: name}, {name: {name: None}})


def test_an_annotation_says_any_text_that_can_be_printed(ask: Asker) -> None:
    said = set()
    for text in ALL:
        reply = checked(ask.post('/annotate', {'text': text, 'pk': 'noted'}), kind=JSON)
        if reply.status == 200:
            said.add(text.strip())
        else:
            assert reply.json['error']['field'] == 'text'
            assert not text.strip().isprintable() or not 0 < len(text.strip()) <= 200
    found = ask.get('/annotations', pk='noted').json['annotations']
    assert {each['text'] for each in found} == said
    assert len(said) > 120


def test_a_stream_tells_every_name_within_its_lines(ask: Asker, address: str) -> None:
    for name in NAMES:
        assert ask.get('/count_now', pk=['streamed'], dimensions=[name]).body == b'OK'
    there = urlsplit(address)
    query = spelled({'pk': ['streamed'], 'metrics': ['hits'], 'period': '1h:2h', 'depth': 1, 'limit': 1_000})
    with socket.create_connection((there.hostname, there.port), timeout=30) as connection:
        connection.sendall(f'GET /stream?{query} HTTP/1.0\r\nHost: {there.netloc}\r\n\r\n'.encode())
        heard = connection.makefile('rb')

        def line() -> bytes:
            found = heard.readline()
            assert found, 'the stream has ended'
            return found

        head = list(iter(line, b'\r\n'))
        assert b'Content-Type: text/event-stream; charset=utf-8\r\n' in head
        assert b'X-Content-Type-Options: nosniff\r\n' in head
        lines: list[bytes] = []
        while not lines or lines[-1] != b'\n' or not any(one.startswith(b'data: ') for one in lines):
            lines.append(line())
    assert all(re.match(rb'(?:event|data|id|retry): [^\r\n]*\n$|:.*\n$|\n$', one) for one in lines)
    (data,) = [json.loads(one[6:]) for one in lines if one.startswith(b'data: ')]
    assert {parse_path_name(name) for name in data} == {(), *((name,) for name in NAMES)}


# -- parameters ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize('path', GIVEN)
def test_every_parameter_takes_every_text_or_says_why_not(ask: Asker, path: str) -> None:
    always = {name.lower(): ALWAYS[name.lower()] for name in GIVEN[path] if name.isupper()}
    always = {name: text.replace('URL', f'http://{ask.host}/embed?pk=a') for name, text in always.items()}
    kind = JSON if path in CHANGES else TYPES.get(path, JSON)
    for place, name in enumerate(name for name in GIVEN[path] if name.islower()):
        for number, text in enumerate(ALL):
            # Every second one as it is, and the others as JSON; for the next parameter the other way round.
            query = spelled({**always, name: text if (place + number) % 2 else [text]})
            if len(query) > 8_000:
                continue
            reply = checked(ask('POST' if path in CHANGES else 'GET', f'{path}?{query}'), kind=kind)
            if reply.headers['content-type'] in (HTML, SCRIPT) and '<' in text:
                assert text.encode('utf-8', 'replace') not in reply.body


@pytest.mark.parametrize('path', ['/totals?pk=a', '/plotpoints?pk=a', '/pks', '/boards', '/annotations?pk=a'])
def test_no_answer_is_wrapped_into_a_call(ask: Asker, path: str) -> None:
    plain = ask('GET', path)
    for name in NAMES[::6]:
        reply = checked(ask('GET', f'{path}{"&" if "?" in path else "?"}callback={quote(name)}'), kind=JSON)
        assert (reply.status, type(reply.json)) == (200, dict)
        assert set(reply.json) == set(plain.json)


def test_every_text_is_the_name_of_no_path_or_file(ask: Asker) -> None:
    for text in ALL:
        named = quote(text.encode('utf-8', 'surrogatepass'), safe='')
        for path in ('/', '/static/', '/boards/', '/static/../', '/boards/..%2f'):
            if len(named) < 4_000:
                reply = checked(ask('GET', f'{path}{named}'), kind=HTML)
                # '.' is a blank step to some, and here no name.
                assert reply.status == 404, (path, text)


# -- headers ---------------------------------------------------------------------------------------------------------

SAID = ('Origin', 'Referer', 'Host', 'Cookie', 'User-Agent', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'If-None-Match')
PATHS = ('/totals?pk=a', '/embed?pk=a', '/oembed?url=x', '/count.gif?pk=a', '/tracker?pixel=x', '/graph.js')


@pytest.mark.parametrize('path', PATHS)
def test_no_header_of_a_request_makes_one_of_the_answer_or_any_of_a_page(ask: Asker, path: str) -> None:
    usual = Page(ask('GET', path).body).elements if path.startswith('/embed') else []
    for place, name in enumerate(SAID):
        for text in NAMES[place % 2 :: 2]:
            value = re.sub('[\r\n\0]+', ' ', text).encode()
            reply = checked(ask('GET', path, headers=[(name, value)]))
            if 'set-cookie' in reply.headers:
                assert re.fullmatch(
                    r'uid=[\w.-]+; Max-Age=\d+; Path=/; HttpOnly; SameSite=Lax', reply.headers['set-cookie']
                )
            assert 'access-control-allow-origin' not in reply.headers or path == '/graph.js'
            if path.startswith('/embed') and reply.status == 200:
                page = Page(reply.body)
                # Who has no name for us is told nothing of /oembed.
                assert [each for each in usual if each[0] != 'link'] == [
                    each for each in page.elements if each[0] != 'link'
                ]
                assert {element for element, _ in page.elements} == {element for element, _ in usual}


@pytest.mark.parametrize(
    'host', ['[1]', '[::::]', '[1.2.3.4]', '[::1]', '[::ffff:1.2.3.4]:80', 'a:99999', '..', '[::1']
)
def test_any_host_that_is_none_is_told_nothing(ask: Asker, host: str) -> None:
    for path in ('/embed?pk=a', '/embed', '/oembed?url=x', '/totals?pk=a'):
        checked(ask('GET', path, headers=[('Host', host.encode())]))


@pytest.mark.parametrize(
    'raw',
    [
        b'GET /totals?pk=<script>alert(1)</script> HTTP/1.1\r\nHost: a\r\n\r\n',
        b'GET /<script>alert(1)</script> HTTP/1.1\r\nHost: a\r\n\r\n',
        b'GET /totals?pk=\x00\x01\xff HTTP/1.1\r\nHost: a\r\n\r\n',
        b'GET /totals?pk=a\rX-Hostile:1 HTTP/1.1\r\nHost: a\r\n\r\n',
        b'<SCRIPT> / HTTP/1.1\r\nHost: a\r\n\r\n',
        b'GET / HTTP/1.1\r\nHost: a\r\n<script>: 1\r\n\r\n',
        b'GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n',
        b'GET / HTTP/<b>\r\n\r\n',
        b'*1\r\n$8\r\nFLUSHALL\r\n\r\n',
        b'GET javascript:alert(1) HTTP/1.1\r\nHost: a\r\n\r\n',
        b'GET //evil.example/%2e%2e HTTP/1.1\r\nHost: a\r\n\r\n',
        b'POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: <script>\r\n\r\n',
        b'POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: <script>\r\n\r\n',
        b'POST /count HTTP/1.1\r\nHost: a\r\nContent-Type: <script>\r\nContent-Length: 2\r\n\r\n{}',
        b'POST /count HTTP/1.1\r\nHost: a\r\nContent-Encoding: <script>\r\nContent-Length: 2\r\n\r\n{}',
    ],
)
def test_what_is_hardly_http_is_answered_in_plain_json(address: str, raw: bytes) -> None:
    there = urlsplit(address)
    with socket.create_connection((there.hostname, there.port), timeout=30) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        answer = b''.join(iter(lambda: connection.recv(65_536), b''))
    head, _, body = answer.partition(b'\r\n\r\n')
    assert re.match(rb'HTTP/1\.1 (200|4\d\d) ', head), answer
    names = [line.partition(b':')[0].decode().lower() for line in head.split(b'\r\n')[1:]]
    assert set(names) <= HEADERS
    assert b'X-Content-Type-Options: nosniff' in head
    assert (b'Content-Type: application/json' in head) == (not body.startswith(b'<!doctype html>'))
    assert b'<!doctype' in body or json.loads(body)


# -- pages -----------------------------------------------------------------------------------------------------------


def as_html(text: str) -> str:
    """A title as the page has it: what XML has no character for is replaced, and it is cut."""
    return re.sub('[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]', '\N{REPLACEMENT CHARACTER}', text)[:200]


@pytest.mark.parametrize('name', ['title', 'pk', 'metric', 'theme', 'key', 'hostile'])
def test_the_page_of_a_graph_has_no_element_more_whatever_its_address_says(ask: Asker, name: str) -> None:
    usual = Page(ask('GET', '/embed?pk=shop').body).elements
    for text in NAMES:
        reply = checked(ask.get('/embed', **{'pk': 'shop', 'metric': 'hits', name: text}), kind=HTML)
        page = Page(reply.body)
        assert page.elements == usual
        assert not [value for value in page.values if value and re.match(r'\s*(javascript|data|vbscript):', value)]
        whole = {'title': text, 'pk': f'hits – {text}', 'metric': f'{text} – shop'}.get(name, 'hits – shop')
        assert page.title == as_html(whole).rstrip('\n')
        assert "script-src 'unsafe" not in reply.headers['content-security-policy']
        assert 'unsafe' not in reply.headers['content-security-policy']


def test_how_to_frame_a_graph_is_told_in_one_element_whatever_its_address_says(ask: Asker) -> None:
    for text in NAMES:
        if len(quote(text)) > 1_000:
            continue
        query = spelled({'pk': text, 'title': text, 'metric': text})
        for url in (f'http://{ask.host}/embed?{query}', f'http://{ask.host}/{quote(text)}/embed?{query}#{quote(text)}'):
            reply = checked(ask.get('/oembed', url=url), kind=JSON)
            assert reply.status == 200, (text, reply)
            page = Page(reply.json['html'].encode())
            assert page.elements == [('iframe', ('src', 'width', 'height', 'title', 'frameborder', 'loading'))]
            src = str(page.values[0])
            assert re.fullmatch(rf'http://{ask.host}/[!#$%&+,./0-9:;=?A-Z_a-z~*()@-]*', src)
            assert dict(parse_qsl(urlsplit(src).query, keep_blank_values=True))['pk'] == text
            assert reply.json['title'] == as_html(text)
            xml = checked(ask.get('/oembed', url=url, format='xml'), kind='text/xml; charset=utf-8')
            same = {each.tag: each.text or '' for each in ElementTree.fromstring(xml.body)}
            # A reader of XML takes every line end for the same.
            assert same['title'] == re.sub('\r\n?', '\n', as_html(text))


def test_what_is_no_address_of_a_graph_is_never_told_as_one(ask: Asker) -> None:
    for text in ALL:
        if len(text) < 2_000:
            reply = checked(ask.get('/oembed', url=text), kind=JSON)
            assert (reply.status, reply.json['error']['field']) in ((404, 'url'), (400, 'url'))


# -- boards and pixels -----------------------------------------------------------------------------------------------


def test_boards_are_listed_and_told_by_their_names_and_titles(ask: Asker, boards: Path) -> None:
    written = {}
    for place, text in enumerate(NAMES):
        fits = not {'/', '\0'} & set(text) and len(text.encode()) < 200
        name = text if fits else f'board {place}'
        written[name] = {'title': text.strip() or 'blank', 'graphs': [{'pk': text, 'title': text}]}
        (boards / f'{name}.board.json').write_text(json.dumps(written[name]))
    listed = ask('GET', '/boards').json['boards']
    assert {each['name']: each['title'] for each in listed} == {name: board['title'] for name, board in written.items()}
    for name, board in written.items():
        assert checked(ask('GET', f'/boards/{quote(name, safe="")}'), kind=JSON).json == board


def test_a_pixel_counts_any_free_name_and_tells_none(tmp_path: Path) -> None:
    with HailWhale(settings=Settings.load({}, url=f'embedded://{tmp_path}')) as sealer:
        tokens = {
            name: sealer.seal(
                Pixel(['sealed', name], {'kind': name}, {'sales': 1}, vary={'sales': (0, 9)}, free=['source'])
            )
            for name in NAMES
            if len(name.encode()) < 200
        }
        with serving(tmp_path, HAILWHALE_URL=f'embedded://{tmp_path}') as there, closing(Asker(there)) as asker:
            for name, token in tokens.items():
                free = name if len(name.encode()) <= 64 else 'short'
                given = {'source': free, 'sales': '2', name if name not in ('sales', 'source') else 'x': name}
                reply = checked(asker.get(f'/pixel/{token}.gif', **given), kind=GIF)
                assert (reply.status, reply.headers.get('x-hailwhale-error')) == (200, None), name
                assert checked(asker.get('/tracker', **{**given, 'pixel': token}), kind=GIF).status == 200
            asker.told('/flush_hail')
            for name in tokens:
                free = name if len(name.encode()) <= 64 else 'short'
                asked = {'pk': ['sealed', name], 'dimensions': [['kind', name], ['source', free]], 'metrics': ['sales']}
                found = asker.told('/totals', **asked, periods=['day'])['day']
                assert {parse_path_name(node): each['sales'] for node, each in found.items()} == {
                    ('kind', name): 4,
                    ('source', free): 4,
                }
            for name in NAMES:
                refused = checked(asker.get('/tracker', pixel=tokens['toString'], uid=name), kind=GIF)
                assert (refused.status, 'set-cookie' in refused.headers) == (400, False)
