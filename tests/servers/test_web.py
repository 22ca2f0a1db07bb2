"""Who may come in, whose pages may read the answer, what is noted of it: what all servers share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import pytest

from hailwhale.access import Access, Keys
from hailwhale.errors import Forbidden, InvalidInput, TooManyRequests, Unauthorized
from hailwhale.meters import Meters
from hailwhale.servers.params import Parameters, value
from hailwhale.servers.web import GIF, Answer, Application, Request, Route, image, json, key_of
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import Clock
from tests.servers.client import Client, environ
from tests.servers.hails import Served

SHOP = 'https://shop.example'
FOE = 'https://foe.example'


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def whale(embedded_url: str, clock: Clock) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=clock) as whale:
        yield whale


@pytest.fixture
def keys(whale: Whale, clock: Clock) -> Keys:
    return Keys(whale.storage, clock)


@pytest.fixture
def serve(whale: Whale, clock: Clock) -> Callable[..., Client]:
    """Serves everything: with ``local``, to this machine where there are no keys; with ``open``, to everybody."""

    def serve(*, open: bool = False, local: bool = False) -> Client:
        return Served(whale, Access(whale.storage, clock, open=open, local=local)).client

    return serve


def bearer(text: str) -> dict[str, str]:
    return {'HTTP_AUTHORIZATION': f'Bearer {text}'}


# -- keys ------------------------------------------------------------------------------------------------------------

ROUTES = [
    ('GET', '/count?pk=a', 'write'), ('POST', '/count', 'write'), ('GET', '/count.gif?pk=a', 'write'),
    ('GET', '/count_now?pk=a', 'write'), ('POST', '/count_now', 'write'),
    ('GET', '/totals?pk=a', 'read'), ('POST', '/totals', 'read'), ('GET', '/plotpoints?pk=a', 'read'),
    ('GET', '/rank?pk=a', 'read'), ('GET', '/subdimensions?pk=a', 'read'), ('GET', '/pks?under=a', 'read'),
    ('GET', '/metrics', 'read'),
    ('POST', '/update_count_to', 'admin'), ('POST', '/reset', 'admin'), ('POST', '/flush_hail', 'admin'),
]  # fmt: skip
BODIES = {
    '/count': b'{"pk": "a"}',
    '/count_now': b'{"pk": "a"}',
    '/totals': b'{"pk": "a"}',
    '/update_count_to': b'{"pk": "a", "metrics": {"b": 1}}',
    '/reset': b'{"pk": "a"}',
}


@pytest.mark.parametrize(('method', 'path', 'scope'), ROUTES)
def test_each_path_needs_a_key_of_its_scope(
    serve: Callable[..., Client], keys: Keys, method: str, path: str, scope: str
) -> None:
    texts = {name: keys.create(name).text for name in ('read', 'write', 'admin')}
    client, body = serve(), BODIES.get(path.partition('?')[0], b'') if method == 'POST' else b''
    assert client(method, path, body).status == 401
    assert client(method, path, body, **bearer(texts['admin'])).status == 200
    for name in ('read', 'write'):
        reply = client(method, path, body, **bearer(texts[name]))
        assert reply.status == (200 if name == scope else 403)


@pytest.mark.parametrize('path', ['/', '/static/page.js', '/healthz', '/readyz'])
def test_the_page_and_what_watches_the_server_need_no_key(serve: Callable[..., Client], keys: Keys, path: str) -> None:
    keys.create('admin')
    assert serve().get(path).status == 200


def test_whoever_has_no_key_is_told_how_to_give_one(serve: Callable[..., Client], keys: Keys) -> None:
    keys.create('admin')
    reply = serve().get('/totals')
    assert (reply.status, reply.error['code'], reply.error['field']) == (401, 'unauthorized', 'key')
    assert reply.headers['WWW-Authenticate'] == 'Bearer realm="HailWhale"'
    assert reply.headers['Cache-Control'] == 'no-store'


def test_a_key_may_stand_in_the_address(serve: Callable[..., Client], keys: Keys) -> None:
    text = keys.create('write').text
    client = serve()
    assert client.get(f'/count?pk=a&key={text}').body == b'OK'
    assert client.post(f'/count?key={text}', [{'pk': 'a'}]).json['kept'] == 1
    assert client.get('/count?pk=a&key=hw_nobody').status == 401


@pytest.mark.parametrize(
    ('query', 'header', 'key'),
    [
        ('', '', None),
        ('key=a', '', 'a'),
        ('pk=x&key=a%2Bb', '', 'a+b'),
        ('key=a', 'Bearer b', 'b'),
        ('', 'bearer  b ', 'b'),
        ('key=a', 'Basic b', 'a'),
        ('key=', 'Bearer', None),
        ('mykey=a', '', None),
        ('key=a&key=b', '', 'a'),
        ('%FF=1&key=a', '', 'a'),
    ],
)
def test_a_key_is_found_where_it_is_given(query: str, header: str, key: str | None) -> None:
    assert key_of(environ('GET', f'/?{query}', HTTP_AUTHORIZATION=header)) == key


@pytest.mark.parametrize(
    ('method', 'path', 'body', 'allowed'),
    [
        ('GET', '/totals?pk=Shop', b'', True),
        ('GET', "/totals?pk=['Shop', 42]", b'', True),
        ('GET', '/totals?pk=Shopping', b'', False),
        ('GET', '/totals', b'', False),
        ('POST', '/totals', b'{"pk": ["Shop", 42]}', True),
        ('POST', '/totals', b'{"pk": ["Other", 42]}', False),
        ('POST', '/totals', b'{}', False),
        ('GET', '/pks?under=Shop', b'', True),
        ('GET', '/pks?under=Other', b'', False),
        ('GET', '/pks', b'', True),
        ('GET', '/pks?under=[]', b'', True),
        ('POST', '/reset', b'{"pk": "Shop"}', True),
        ('POST', '/reset', b'{"pk": "Other"}', False),
        ('POST', '/update_count_to', b'{"pk": "Other", "metrics": {"a": 1}}', False),
        ('GET', '/count_now?pk=Other', b'', False),
        ('GET', '/count?pk=Other', b'', False),
        ('GET', '/rank?pk=Other', b'', False),
        ('GET', '/subdimensions?pk=Other', b'', False),
        ('GET', '/plotpoints?pk=Other', b'', False),
        ('GET', '/metrics', b'', False),
        ('POST', '/flush_hail', b'', False),
    ],
)
def test_a_key_is_for_its_pks_alone(
    serve: Callable[..., Client], keys: Keys, method: str, path: str, body: bytes, allowed: bool
) -> None:
    text = keys.create('admin', pks=['Shop/*']).text
    reply = serve()(method, path, body, **bearer(text))
    assert reply.status == (200 if allowed else 403)
    if not allowed:
        assert (reply.error['code'], reply.error['field']) == ('forbidden', 'pk')


def test_every_request_takes_one_of_the_rate(serve: Callable[..., Client], keys: Keys) -> None:
    text = keys.create('read', rate='2/d').text
    client = serve()
    assert [client.get('/totals', **bearer(text)).status for _ in range(3)] == [200, 200, 429]
    reply = client.get('/totals', **bearer(text))
    assert reply.error['code'] == 'too_many_requests'
    assert int(reply.headers['Retry-After']) >= 1


def test_a_key_is_in_no_log_and_in_no_answer(
    serve: Callable[..., Client], keys: Keys, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = keys.create('write')
    secret = made.text.rpartition('_')[2]
    client = serve()
    for path in ('/count', '/totals', '/nowhere', '/count?nonsense=1&', '/count?pk=%FF&', '/count?pk=[&'):
        for query, headers in ((f'{"&" if "?" in path else "?"}key={made.text}', {}), ('', bearer(made.text))):
            reply = client.get(f'{path}{query}', **headers)
            assert secret not in f'{reply}{caplog.text}'
            assert reply.headers['Referrer-Policy'] == 'no-referrer'
    assert secret not in str(client.get(f'/totals?key={made.text[:-1]}x'))


def test_answers_for_one_key_are_not_kept_for_another(serve: Callable[..., Client]) -> None:
    assert serve(open=True).get('/totals').headers['Vary'] == 'Authorization'


# -- without keys ----------------------------------------------------------------------------------------------------


def test_without_keys_this_machine_is_let_in_and_pages_of_other_sites_are_not(serve: Callable[..., Client]) -> None:
    client = serve(local=True)
    assert client.get('/count?pk=a').status == 200
    assert client.post('/reset', {'pk': 'a'}, HTTP_ORIGIN='http://localhost:8085').status == 200
    assert client.get('/totals', HTTP_REFERER='http://localhost:8085/').status == 200
    for headers in (
        {'HTTP_ORIGIN': FOE},
        {'HTTP_ORIGIN': 'null'},
        {'HTTP_REFERER': f'{FOE}/page'},
        {'HTTP_SEC_FETCH_SITE': 'cross-site'},
        {'HTTP_SEC_FETCH_SITE': 'same-site'},
        {'HTTP_HOST': 'rebound.example:8085'},
    ):
        for path in ('/count?pk=a', '/totals'):
            reply = client.get(path, **headers)
            assert (reply.status, reply.error['code']) == (403, 'forbidden')
    assert client.get('/totals', HTTP_SEC_FETCH_SITE='none').status == 200
    assert client.get('/healthz', HTTP_HOST='rebound.example').status == 200


def test_an_open_server_asks_nobody_but_pages_of_other_sites_change_nothing(serve: Callable[..., Client]) -> None:
    client = serve(open=True)
    foreign = {'HTTP_ORIGIN': FOE, 'HTTP_HOST': 'count.example', 'HTTP_SEC_FETCH_SITE': 'cross-site'}
    assert client.get('/count?pk=a', **foreign).body == b'OK'
    assert client.get('/totals', **foreign).status == 200
    for path in ('/reset', '/update_count_to', '/flush_hail'):
        reply = client.post(path, BODIES.get(path, b''), **foreign)
        assert (reply.status, reply.error['code']) == (403, 'foreign_origin')


# -- publishable keys ------------------------------------------------------------------------------------------------


def test_the_pages_that_a_key_is_for_may_read_the_answer(serve: Callable[..., Client], keys: Keys) -> None:
    text = keys.create('write', origins=[SHOP]).text
    client = serve()
    reply = client.post('/count', {'pk': 'a'}, HTTP_ORIGIN=SHOP, **bearer(text))
    assert (reply.status, reply.headers['Access-Control-Allow-Origin'], reply.headers['Vary']) == (200, SHOP, 'Origin')
    refused = client.post('/count', {'pk': []}, HTTP_ORIGIN=SHOP, **bearer(text))
    assert (refused.status, refused.headers['Access-Control-Allow-Origin']) == (400, SHOP)
    picture = client.get(f'/count.gif?pk=a&key={text}', HTTP_REFERER=f'{SHOP}/cart')
    assert (picture.status, 'Access-Control-Allow-Origin' in picture.headers) == (200, False)


def test_other_pages_may_neither_use_the_key_nor_read_the_answer(serve: Callable[..., Client], keys: Keys) -> None:
    text = keys.create('write', origins=[SHOP]).text
    for headers in ({'HTTP_ORIGIN': FOE}, {'HTTP_ORIGIN': 'null'}, {}, {'HTTP_REFERER': FOE}):
        reply = serve().post('/count', {'pk': 'a'}, **headers, **bearer(text))
        assert (reply.status, reply.error['code'], reply.error['field']) == (403, 'forbidden', 'origin')
        assert 'Access-Control-Allow-Origin' not in reply.headers


def test_a_key_that_is_not_for_pages_lets_no_page_read(serve: Callable[..., Client], keys: Keys) -> None:
    text = keys.create('write').text
    reply = serve().post('/count', {'pk': 'a'}, HTTP_ORIGIN=SHOP, **bearer(text))
    assert reply.status == 200
    assert 'Access-Control-Allow-Origin' not in reply.headers


def test_a_browser_may_ask_first_whether_it_may_send_a_key(serve: Callable[..., Client], keys: Keys) -> None:
    keys.create('write', origins=[SHOP])
    client = serve()
    reply = client('OPTIONS', '/count', HTTP_ORIGIN=SHOP, HTTP_ACCESS_CONTROL_REQUEST_METHOD='POST')
    assert (reply.status, reply.body) == (204, b'')
    assert reply.headers['Access-Control-Allow-Origin'] == SHOP
    assert reply.headers['Vary'] == 'Origin'
    assert {'Authorization', 'Content-Type'} <= set(reply.headers['Access-Control-Allow-Headers'].split(', '))
    assert 'POST' in reply.headers['Access-Control-Allow-Methods']
    for path, headers in (('/count', {}), ('/', {'HTTP_ORIGIN': SHOP}), ('/healthz', {'HTTP_ORIGIN': SHOP})):
        reply = client('OPTIONS', path, **headers)
        assert not any(name.startswith('Access-Control') for name in reply.headers)


@pytest.mark.parametrize('tail', ['/\r\n b', '/\x0b', '/\xe9', '/ b'])
def test_an_origin_of_which_no_header_can_be_made_is_not_said_back(
    serve: Callable[..., Client], keys: Keys, tail: str
) -> None:
    text = keys.create('write', origins=[SHOP]).text
    for reply in (
        serve()('OPTIONS', '/count', HTTP_ORIGIN=SHOP + tail),
        serve().post('/count', {'pk': 'a'}, HTTP_ORIGIN=SHOP + tail, **bearer(text)),
    ):
        assert reply.status in (200, 204)
        assert 'Access-Control-Allow-Origin' not in reply.headers


@pytest.mark.parametrize('open', [True, False])
def test_a_browser_is_not_given_leave_where_no_keys_are_asked_for(serve: Callable[..., Client], open: bool) -> None:
    reply = serve(open=open, local=not open)('OPTIONS', '/count', HTTP_ORIGIN=SHOP)
    assert reply.status == 204
    assert not any(name.startswith('Access-Control') for name in reply.headers)


# -- routes ----------------------------------------------------------------------------------------------------------


class Sender:
    """Answers, or raises what it is given."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Answer:
        self.requests.append(request)
        if self.error:
            raise self.error
        return json({'answered': True})


def test_an_application_is_made_of_the_routes_that_it_is_given() -> None:
    one, other = Sender(), Sender()
    app = Application([Route('/one', one), Route('/one/<name>', other)], max_body=0)
    client = Client(app)
    assert app.paths == ('/one', '/one/<name>')
    assert client.get('/one').json == client.get('/one/b/').json == {'answered': True}
    assert [request.named for request in other.requests] == [{'name': 'b'}]


def test_without_access_everybody_may_do_everything() -> None:
    sender = Sender()
    app = Application([Route('/a', sender, Parameters(pk=value), scope='admin')], max_body=0)
    assert Client(app).get('/a?pk=b').status == 200
    sender.requests[0].grant.check(('any',))
    assert sender.requests[0].grant.key_id is None


@pytest.mark.parametrize(
    ('error', 'status', 'headers'),
    [
        (Unauthorized('no'), 401, {'WWW-Authenticate': 'Bearer realm="HailWhale"'}),
        (Forbidden('no'), 403, {}),
        (TooManyRequests('no', retry_after=3), 429, {'Retry-After': '3'}),
        (InvalidInput('no'), 400, {}),
        (RuntimeError('the secret'), 500, {}),
    ],
)
def test_an_image_request_gets_an_image_whatever_is_wrong(
    error: Exception, status: int, headers: dict[str, str]
) -> None:
    client = Client(Application([Route('/a.gif', Sender(error), image=True)], max_body=0))
    reply = client.get('/a.gif')
    assert (reply.status, reply.body) == (status, GIF)
    assert headers.items() <= reply.headers.items()
    assert reply.headers['X-HailWhale-Error'] == getattr(error, 'code', 'internal')
    assert 'secret' not in str(reply.headers)


def test_an_image_is_shown_on_pages_that_let_in_only_what_agrees() -> None:
    assert image().headers['Cross-Origin-Resource-Policy'] == 'cross-origin'


def test_what_is_answered_is_noted_by_path_and_not_by_address() -> None:
    meters = Meters()
    routes = [
        Route('/a/<name>', Sender()),
        Route('/b', Sender(InvalidInput('no')), takes=True),
        Route('/c', Sender(InvalidInput('no'))),
    ]
    client = Client(Application(routes, max_body=0, meters=meters))
    for path in ('/a/1', '/a/2', '/b', '/c', '/nowhere'):
        client.get(path)
    assert meters.answers == {('/a/<name>', 200): 2, ('/b', 400): 1, ('/c', 400): 1, ('none', 404): 1}
    assert meters.request_seconds['/a/<name>'].cumulated()[-1] == 2
    assert meters.refused == {'invalid_input': 1}
