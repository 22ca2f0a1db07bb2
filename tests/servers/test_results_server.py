"""/results in this process, on the bundled engine."""

from __future__ import annotations

import html
import json
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from hailwhale.access import Access
from hailwhale.access.keys import Keys
from hailwhale.experiments.results import results
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import Clock
from tests.servers.client import Client
from tests.servers.hails import Served


@pytest.fixture
def whale(embedded_url: str) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        yield whale


@pytest.fixture
def client(whale: Whale) -> Client:
    for variant, country, hits, sales in (('a', 'US', 900, 30), ('b', 'US', 910, 90), ('a', 'DE', 800, 30)):
        whale.count_now(['split', variant], {'country': country}, {'hits': hits, 'sales': sales})
    whale.count_now(['split', 'b'], {'country': 'DE'}, {'hits': 790, 'sales': 28})
    return Served(whale).client


def test_an_address_line_and_json_ask_the_same_and_are_answered_as_in_python(client: Client, whale: Whale) -> None:
    asked = client.get(
        '/results?pk=split&goals=sales&control=b&by=country&weights={a: 1, b: 1}&lift=.1&alpha=.1&power=.9'
    )
    expected = results(whale, 'split', 'sales', control='b', by='country', lift=0.1, alpha=0.1, power=0.9).as_dict()
    assert asked.status == 200
    assert asked.headers['Content-Type'] == 'application/json'
    assert asked.json == json.loads(json.dumps(expected))
    body = {'pk': 'split', 'goals': ['sales'], 'control': 'b', 'by': 'country', 'lift': 0.1, 'alpha': 0.1, 'power': 0.9}
    assert client.post('/results', body).json == asked.json
    assert asked.json['overall']['goals'][0]['variants'][1]['headline']['winner'] == 'b'
    assert [segment['path'] for segment in asked.json['segments']] == [['country', 'US'], ['country', 'DE']]


def test_every_parameter_reaches_the_question(client: Client) -> None:
    found = client.get(
        '/results?pk=split&goals=sales&kind=binomial&goal=min&variants=[b,a]&dimensions=[country,US]&limit=3&periods=day'
        '&tz=UTC&exposures=hits&allocation=adaptive&correction=bonferroni'
    ).json
    assert (found['variants'], found['control'], found['period']) == (['b', 'a'], 'b', 'day')
    assert (found['allocation'], found['correction'], found['overall']['path']) == (
        'adaptive',
        'bonferroni',
        ['country', 'US'],
    )
    (goal,) = found['overall']['goals']
    assert (goal['better'], [one['total'] for one in goal['variants']]) == ('lower', [90, 30])
    whale_found = client.get('/results?pk=other&split=country').json
    assert [one['what'] for one in whale_found['missing']['not_enough_data']] == ['variants', 'goals']


def test_names_are_json_and_never_part_of_a_page(client: Client, whale: Whale) -> None:
    evil = '</script><script>alert(1)</script>'
    for name in (evil, 'x' * 512):
        whale.count_now(['evil', name], None, {'hits': 100, 'sales': 30})
    reply = client.get('/results?pk=evil')
    assert reply.json['variants'] == [evil, 'x' * 512]
    assert reply.headers['Content-Type'] == 'application/json'
    assert reply.headers['X-Content-Type-Options'] == 'nosniff'
    assert html.escape(evil) not in reply.body.decode()
    refused = client.get(f'/results?pk=evil&goals=sales&control={quote("<b>")}')
    assert (refused.status, refused.error['field']) == (400, 'control')


@pytest.mark.parametrize(
    ('query', 'status', 'code', 'field'),
    [
        ('goals=[]', 400, 'invalid_input', 'goals'),
        ('goals=sales:last', 400, 'invalid_input', 'goals'),
        ('goals=/', 400, 'invalid_formula', 'goals'),
        ('goals=sales&kind=median', 400, 'invalid_input', 'kind'),
        ('goals=sales&control=z', 400, 'invalid_input', 'control'),
        ('goals=sales&alpha=2', 400, 'invalid_input', 'alpha'),
        ('goals=sales&alpha=0', 400, 'invalid_input', 'alpha'),
        ('goals=sales&lift=much', 400, 'invalid_input', 'lift'),
        ('goals=sales&correction=guess', 400, 'invalid_input', 'correction'),
        ('goals=sales&weights=[1]', 400, 'invalid_input', 'weights'),
        ('goals=sales&period=1m:3d', 422, 'unanswerable', 'period'),
        ('goals=sales&nonsense=1', 400, 'invalid_input', 'nonsense'),
        (f'goals={quote(json.dumps([str(number) + "x" for number in range(21)]))}', 413, 'limit_exceeded', 'goals'),
    ],
)
def test_what_cannot_be_answered_has_the_shape_of_all_errors(
    client: Client, query: str, status: int, code: str, field: str
) -> None:
    reply = client.get(f'/results?pk=split&{query}')
    assert (reply.status, reply.error['code'], reply.error['field']) == (status, code, field)


def test_a_goal_that_cannot_be_compared_does_not_stop_the_others(client: Client, whale: Whale) -> None:
    whale.count_now(['split', 'a'], None, {'hits': 0, 'earned': 5_000})
    earned, sales = client.get('/results?pk=split&goals=[earned, sales]').json['overall']['goals']
    assert earned['refusal']['why'].startswith("'a' has 5,000 earned of 1,700 hits, so these are no conversions")
    assert sales['refusal'] is None


def test_a_key_needs_the_scope_and_all_below_the_pk(whale: Whale) -> None:
    keys = Keys(whale.storage, Clock())
    made = [
        (keys.create(scope, pks=[pattern]).text, status)
        for scope, pattern, status in (('write', '*', 403), ('read', 'split/*', 200), ('read', 'split', 403))
    ]
    with_keys = Served(whale, Access(whale.storage, Clock(), open=False, local=False)).client
    assert with_keys.get('/results?pk=split').status == 401
    for text, status in made:
        assert with_keys.get('/results?pk=split', HTTP_AUTHORIZATION=f'Bearer {text}').status == status


def test_without_its_libraries_the_path_says_what_to_install(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, 'hailwhale.experiments.results', None)
    reply = client.get('/results?pk=split')
    assert (reply.status, reply.error['code']) == (501, 'not_built')
    assert "pip install 'hailwhale[decide]'" in reply.error['message']
