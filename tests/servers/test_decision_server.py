"""/decide and /count_decision in this process, on the bundled engine."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from hailwhale.access import Access
from hailwhale.access.keys import Keys
from hailwhale.choices import CostWarning
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import Clock
from tests.servers.client import Client
from tests.servers.hails import Served

BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)'


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        yield whale


@pytest.fixture
def client(whale: Whale) -> Client:
    """Of 400 visitors to each variation in the US, a quarter buys after b, and one in a hundred after a and c."""
    for option, bought in (('a', 4), ('b', 100), ('c', 4)):
        whale.count_decided_now('Page', None, option, {'country': 'US'}, {'hits': 400, 'earned': 0})
        for _ in range(bought):
            whale.count_decided_now('Page', None, option, {'country': 'US'}, {'earned': 25})
    return Served(whale).client


def test_the_calls_of_the_documents_decide_and_count(whale: Whale) -> None:
    client = Served(whale).client
    where = 'pk=PageVariation&dimensions={"country": "US"}'
    first = client.get(f"/decide?{where}&options=['a', 'b', 'c']&goal=min&by_metric=spent/earned").json
    assert first['weights'] == dict.fromkeys('abc', 1 / 3)
    for option, earned in (('a', 1), ('b', 25)):
        for _ in range(60):
            assert client.get(f'/count_decision?{where}&option={option}').body == b'OK'
            assert client.get(f'/count_decision?{where}&option={option}&metric={{"spent": .50}}').body == b'OK'
        for _ in range(30):
            assert client.get(f'/count_decision?{where}&option={option}&metric={{"earned": {earned}}}').body == b'OK'
    best = client.get(f"/decide?{where}&options=['a', 'b']&goal=min&by_metric=spent/earned").json
    assert best['weights']['b'] > 0.9
    assert whale.total(['PageVariation', 'b'], 'hits', period='day') == 60
    assert whale.total(['PageVariation', 'b'], 'spent', period='day') == 30


def test_a_decision_tells_its_option_its_chance_and_those_of_all(client: Client) -> None:
    reply = client.get('/decide?pk=Page&options=[a,b,c]&by_metric=earned/hits&dimensions={country: US}')
    found = reply.json
    assert (reply.status, reply.headers['Content-Type']) == (200, 'application/json')
    assert 'no-store' in reply.headers['Cache-Control']
    assert set(found) == {'option', 'propensity', 'weights', 'by', 'sticky'}
    assert found['propensity'] == found['weights'][found['option']]
    assert math.isclose(sum(found['weights'].values()), 1, abs_tol=1e-9)
    assert found['weights']['b'] > 0.95
    assert (found['by'], found['sticky']) == ('policy', False)


def test_reasons_tell_what_is_known_of_each_option(client: Client) -> None:
    found = client.get(
        '/decide?pk=Page&options=[a,b,new]&by_metric=earned/hits&dimensions={country: US}&explain=1'
    ).json
    assert found['paths'] == ['_', '["country", "US"]']
    b, *_ = found['reasons']
    assert (b['option'], b['exposure'], b['reward']) == ('b', 400, 2500)
    assert b['interval'][0] < b['mean'] < b['interval'][1]
    assert math.isclose(b['mean'], 6.25, rel_tol=0.1)
    assert {reason['option']: reason['weight'] for reason in found['reasons']} == found['weights']
    new = next(reason for reason in found['reasons'] if reason['option'] == 'new')
    assert (new['exposure'], new['reward']) == (0, 0)


def test_a_post_asks_the_same_as_an_address_line(client: Client) -> None:
    asked = {
        'pk': 'Page',
        'options': ['a', 'b', 'c'],
        'by_metric': 'earned/hits',
        'dimensions': {'country': 'US'},
        'seed': 7,
        'explain': True,
    }
    line = '/decide?pk=Page&options=[a,b,c]&by_metric=earned/hits&dimensions={country: US}&seed=7&explain=1'
    assert client.post('/decide', asked).json == client.get(line).json
    assert client('HEAD', line).body == b''


def test_a_seed_gives_the_same_decision_again_and_a_visitor_keeps_an_option(client: Client) -> None:
    where = '/decide?pk=Page&options=[a,b,c]&by_metric=value/hits&dimensions={country: DE}'
    seeded = [client.get(f'{where}&seed={seed}').json for seed in range(30)]
    assert [client.get(f'{where}&seed={seed}').json for seed in range(30)] == seeded
    assert {found['option'] for found in seeded} == {'a', 'b', 'c'}
    kept = [client.get(f'{where}&visitor=v{number}').json for number in range(30)]
    assert [client.get(f'{where}&visitor=v{number}').json for number in range(30)] == kept
    assert {found['option'] for found in kept} == {'a', 'b', 'c'}
    assert all(found['sticky'] for found in kept)


def test_the_holdout_is_left_to_chance_and_counted_apart(client: Client, whale: Whale) -> None:
    where = 'pk=Page&by_metric=earned/hits&holdout=.5'
    found = [client.get(f'/decide?{where}&options=[a,b]&visitor=v{number}').json for number in range(60)]
    apart = [number for number, one in enumerate(found) if one['by'] == 'holdout']
    assert 10 < len(apart) < 50
    assert all(found[number]['weights'] == {'a': 0.5, 'b': 0.5} for number in apart)
    for number in range(60):
        option = found[number]['option']
        client.get(f'/count_decision?pk=Page&option={option}&visitor=v{number}&holdout=.5')
    counted = sum(whale.total(['Page', option], 'hits', '__holdout__', period='day') for option in 'ab')
    assert counted == len(apart)


def test_many_visitors_are_decided_for_at_once(client: Client) -> None:
    visitors = [{'country': 'US'}, {'visitor': 'anna', 'dimensions': {'country': 'US'}}, None, {'visitor': 'anna'}]
    body = {'pk': 'Page', 'options': ['a', 'b', 'c'], 'by_metric': 'earned/hits', 'visitors': visitors}
    found = client.post('/decide', body).json['decisions']
    assert [one['sticky'] for one in found] == [False, True, False, True]
    alone = client.get('/decide?pk=Page&options=[a,b,c]&by_metric=earned/hits&dimensions={country: US}&visitor=anna')
    assert found[1] == alone.json
    explained = client.post('/decide', body | {'explain': True, 'holdout': 0}).json['decisions']
    assert all(len(one['reasons']) == 3 for one in explained)


def test_who_calls_itself_a_bot_gets_any_option_and_is_not_counted(client: Client, whale: Whale) -> None:
    asked = '/decide?pk=Page&options=[a,b]&by_metric=earned/hits&dimensions={country: US}'
    found = client.get(asked, HTTP_USER_AGENT=CRAWLER).json
    assert (found['by'], found['weights']) == ('bot', {'a': 0.5, 'b': 0.5})
    assert client.get(asked, HTTP_USER_AGENT=BROWSER).json['by'] == 'policy'
    # A server that asks for its visitors may be called whatever it likes, and may know better than their names.
    assert client.get(f'{asked}&bot=0', HTTP_USER_AGENT=CRAWLER).json['by'] == 'policy'
    assert client.get(f'{asked}&bot=1', HTTP_USER_AGENT=BROWSER).json['by'] == 'bot'
    count = '/count_decision?pk=Page&option=new'
    assert client.get(count, HTTP_USER_AGENT=CRAWLER).body == b'OK'
    assert client.post('/count_decision', {'pk': 'Page', 'option': 'new', 'bot': True}).json == {'counted': False}
    assert whale.total(['Page', 'new'], 'hits', period='day') == 0
    assert client.get(f'{count}&bot=0', HTTP_USER_AGENT=CRAWLER).body == b'OK'
    assert client.post('/count_decision', {'pk': 'Page', 'option': 'new'}).json == {'counted': True}
    assert whale.total(['Page', 'new'], 'hits', period='day') == 2


def test_an_id_is_counted_once(client: Client, whale: Whale) -> None:
    body = {'pk': ['Shop', 'Page'], 'option': 'a', 'id': 'order-1', 'metrics': {'earned': 2.5}}
    assert [client.post('/count_decision', body).json['counted'] for _ in range(2)] == [True, False]
    assert client.post('/count_decision', {'pk': 'Shop', 'decision': 'Page', 'option': 'a'}).json == {'counted': True}
    assert whale.total(['Shop', 'Page', 'a'], 'earned', period='day') == 2.5
    assert whale.total(['Shop', 'Page', 'a'], 'hits', period='day') == 1


def test_a_cost_that_is_to_be_large_is_answered_with_a_warning(client: Client) -> None:
    with pytest.warns(CostWarning):
        found = client.get('/decide?pk=Page&options=[a,b]&by_metric=spent/earned').json
    assert "goal='min'" in found['warning']


@pytest.mark.parametrize(
    ('path', 'status', 'field'),
    [
        ('/decide?pk=Page', 400, 'options'),
        ('/decide?options=[a,b]', 400, 'pk'),
        ('/decide?pk=Page&options=a', 400, 'options'),
        ('/decide?pk=Page&options=[]', 400, 'options'),
        ('/decide?pk=Page&options=[a,a]', 400, 'options'),
        (f'/decide?pk=Page&options={quote(json.dumps([f"o{n}" for n in range(1_001)]))}', 413, 'options'),
        ('/decide?pk=Page&options=[a,b]&by_metric=a/b/c', 400, 'by_metric'),
        ('/decide?pk=Page&options=[a,b]&by_metric=earned:last', 400, 'by_metric'),
        ('/decide?pk=Page&options=[a,b]&by_metric=[a,b]', 400, 'by_metric'),
        ('/decide?pk=Page&options=[a,[b,c]]', 400, 'options'),
        ('/decide?pk=Page&options=[a,[]]', 400, 'options'),
        ('/decide?pk=Page&options=[a,{}]', 400, 'options'),
        ('/decide?pk=Page&decision=[]&options=[a,b]', 400, 'decision'),
        ('/decide?pk=[]&options=[a,b]', 400, 'pk'),
        (f'/decide?pk=Page&options=[a,b]&seed={"9" * 30}', 400, 'seed'),
        ('/decide?pk=Page&options=[a,b]&visitors=[{visitor: x, country: US}]', 400, 'visitors'),
        ('/decide?pk=Page&options=[a,b]&visitors=[{visitor: x, bot: 3}]', 400, 'visitors'),
        ('/decide?pk=Page&options=[a,b]&goal=most', 400, 'goal'),
        ('/decide?pk=Page&options=[a,b]&holdout=2', 400, 'holdout'),
        ('/decide?pk=Page&options=[a,b]&holdout=.1', 400, 'visitor'),
        ('/decide?pk=Page&options=[a,b]&seed=x', 400, 'seed'),
        ('/decide?pk=Page&options=[a,b]&explain=maybe', 400, 'explain'),
        ('/decide?pk=Page&options=[a,b]&dimensions={__context__: x}', 400, 'dimensions'),
        ('/decide?pk=Page&options=[a,b]&period=1m:3d', 422, 'period'),
        ('/decide?pk=Page&options=[a,b]&colour=red', 400, 'colour'),
        ('/decide?pk=Page&options=[a,b]&visitors=[x]&seed=1', 400, 'seed'),
        ('/decide?pk=Page&options=[a,b]&visitors=x', 400, 'visitors'),
        ('/count_decision?pk=Page', 400, 'option'),
        ('/count_decision?option=a', 400, 'pk'),
        ('/count_decision?pk=Page&option=a&metrics={earned*earned: 5}', 400, 'metrics'),
        ('/count_decision?pk=Page&option=a&metrics={earned: much}', 400, 'metrics'),
        ('/count_decision?pk=Page&option=a&metrics={earned: 1e9}', 400, 'metrics'),
        ('/count_decision?pk=Page&option=[a,b]', 400, 'option'),
        ('/count_decision?pk=Page&option=[]', 400, 'option'),
        ('/count_decision?pk=Page&decision={}&option=a', 400, 'decision'),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(client: Client, path: str, status: int, field: str) -> None:
    reply = client.get(path)
    assert (reply.status, reply.error['field']) == (status, field), reply.error


def test_a_number_with_too_many_digits_is_told_how_many_there_may_be(client: Client) -> None:
    said = client.get(f'/decide?pk=Page&options=[a,b]&seed={"9" * 30}').error['message']
    assert 'from -999,999,999,999,999,999 to 999,999,999,999,999,999' in said
    for seed in (10**18 - 1, 1 - 10**18):
        found = client.get(f'/decide?pk=Page&options=[a,b]&seed={seed}').json
        assert (found['seed'], found['sticky']) == (seed, False)


@pytest.mark.parametrize('visitor', [True, 1.5, ['x'], None, {}])
def test_a_visitor_in_json_is_a_text_or_a_whole_number(client: Client, visitor: object) -> None:
    asked = {'pk': 'Page', 'options': ['a', 'b', 'c'], 'visitor': visitor}
    reply = client.post('/decide', asked)
    if visitor is None:
        assert reply.json['sticky'] is False
    else:
        assert (reply.status, reply.error['field']) == (400, 'visitor')
        assert 'neither a text nor a whole number' in reply.error['message']


def test_a_visitor_is_the_same_by_number_and_by_digits_in_every_spelling(client: Client, whale: Whale) -> None:
    asked = {'pk': 'Page', 'options': ['a', 'b', 'c'], 'holdout': 0.5}
    for visitor in range(20):
        found = [client.post('/decide', asked | {'visitor': one}).json for one in (visitor, str(visitor))]
        found.append(client.get(f'/decide?pk=Page&options=[a,b,c]&holdout=.5&visitor={visitor}').json)
        assert found == [found[0]] * 3
        more = {'visitor': visitor, 'holdout': 0.5}
        assert client.post('/count_decision', {'pk': 'Page', 'option': 'new', **more}).json == {'counted': True}
    assert 0 < whale.total(['Page', 'new'], 'hits', '__holdout__', period='day') < 20


def test_half_a_character_is_no_visitor(client: Client) -> None:
    for path, more in (('/decide', {'options': ['a', 'b']}), ('/count_decision', {'option': 'a', 'holdout': 0.1})):
        reply = client.post(path, {'pk': 'Page', 'visitor': 'an\ud800na', **more})
        assert (reply.status, reply.error['field']) == (400, 'visitor')
        assert 'half a surrogate pair' in reply.error['message']


def test_as_many_visitors_as_may_be_are_decided_for_in_one_body_and_no_more(client: Client) -> None:
    visitors: list[object] = [
        {'visitor': f'v{number}', 'dimensions': {'country': 'US' if number % 2 else 'UK', 'device': 'phone'}}
        for number in range(10_000)
    ]
    body = {'pk': 'Page', 'options': ['a', 'b', 'c'], 'by_metric': 'earned/hits', 'visitors': visitors}
    found = client.post('/decide', body).json['decisions']
    assert len(found) == 10_000
    assert found[7] == client.post('/decide', body | {'visitors': visitors[7:8]}).json['decisions'][0]
    for many, message in [
        ([*visitors, None], '10,001 visitors, more than 10,000'),
        ([[1] * 160_000], 'more than 160000 values'),
    ]:
        reply = client.post('/decide', body | {'visitors': many})
        assert (reply.status, reply.error['field']) == (413, 'visitors')
        assert message in reply.error['message']


def test_of_many_visitors_each_may_be_a_bot_whoever_sends_them(client: Client) -> None:
    visitors = [{'visitor': 'anna'}, {'visitor': 'anna', 'bot': True}, {'dimensions': {}, 'seed': 3}]
    body = {'pk': 'Page', 'options': ['a', 'b', 'c'], 'by_metric': 'earned/hits', 'visitors': visitors}
    anna, bot, seeded = client.post('/decide', body, HTTP_USER_AGENT=CRAWLER).json['decisions']
    assert [one['by'] for one in (anna, bot, seeded)] == ['policy', 'bot', 'policy']
    assert (seeded['seed'], seeded['sticky']) == (3, False)


def test_a_metric_that_was_never_counted_is_told(client: Client) -> None:
    found = client.get('/decide?pk=Page&options=[a,b]').json
    assert found['warning'] == "nothing was counted of 'value'; there are earned (give the formula)"


def test_what_is_refused_counts_nothing(client: Client, whale: Whale) -> None:
    assert client.get('/count_decision?pk=Page&option=fresh&metrics={earned: 1e9, hits: 5}').status == 400
    assert whale.total(['Page', 'fresh'], 'hits', period='day') == 0


def test_deciding_needs_a_key_that_reads_and_counting_one_that_writes(whale: Whale) -> None:
    keys = Keys(whale.storage, Clock())
    texts = {scope: keys.create(scope, pks=['Page/*']).text for scope in ('read', 'write')}
    client = Served(whale, Access(whale.storage, Clock(), open=False, local=False)).client

    def asked(path: str, scope: str) -> int:
        return client.get(path, HTTP_AUTHORIZATION=f'Bearer {texts[scope]}').status

    decide, count = '/decide?pk=Page&options=[a,b]', '/count_decision?pk=Page&option=a'
    assert (asked(decide, 'read'), asked(decide, 'write')) == (200, 403)
    assert (asked(count, 'read'), asked(count, 'write')) == (403, 200)
    assert (client.get(decide).status, client.get(count).status) == (401, 401)
    assert asked('/decide?pk=Other&options=[a,b]', 'read') == 403


def test_without_its_libraries_deciding_says_what_to_install_and_counting_goes_on(
    whale: Whale, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Served(whale).client
    monkeypatch.setitem(sys.modules, 'hailwhale.decisions.deciding', None)
    reply = client.get('/decide?pk=Page&options=[a,b]')
    assert (reply.status, reply.error['code']) == (501, 'not_built')
    assert "pip install 'hailwhale[decide]'" in reply.error['message']
    assert client.get('/count_decision?pk=Page&option=a').body == b'OK'


def test_without_an_engine_nothing_is_decided_and_nothing_called_counted() -> None:
    with Whale('redis://127.0.0.1:1', settings=Settings.load({}, timeout=0.2)) as away:
        client = Served(away).client
        for path in ('/decide?pk=Page&options=[a,b]', '/count_decision?pk=Page&option=a'):
            reply = client.get(path)
            assert (reply.status, 'Retry-After' in reply.headers) == (503, True)
