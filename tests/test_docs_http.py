"""What the pages say of HTTP, compared with a server that is asked over real sockets."""

import http.client
import json
import re
import shlex
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import docutils.core
import docutils.nodes
import pytest
from prometheus_client.parser import text_string_to_metric_families

from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.consoles import ROOT, Command, commands, curl, serving
from tests.servers.hails import Served

README = ROOT / 'README.rst'
PAGE = ROOT / 'docs' / 'http.rst'


class Row(NamedTuple):
    """A line of the table of paths."""

    path: str
    methods: set[str]
    key: str
    arguments: list[str]


def rows() -> list[Row]:
    document = docutils.core.publish_doctree(PAGE.read_text('utf-8'))
    table = next(iter(document.findall(docutils.nodes.table)))
    cells = [
        [entry.astext() for entry in row.findall(docutils.nodes.entry)] for row in table.findall(docutils.nodes.row)
    ]
    return [Row(path, set(methods.split()), key, arguments.split()) for path, methods, key, arguments, _ in cells[1:]]


@pytest.fixture(scope='module')
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(['serve', '--port', '0'], tmp_path_factory.mktemp('home')) as address:
        yield address


def asked(address: str, method: str, path: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        connection.request(method, path)
        reply = connection.getresponse()
        return reply.status, reply.headers, reply.read()


def message(address: str, method: str, path: str) -> str:
    return str(json.loads(asked(address, method, path)[2])['error']['message'])


# -- the table of paths ----------------------------------------------------------------------------------------------


def test_the_table_has_every_path_and_no_other(address: str) -> None:
    found = re.search(r'there are (.*)\)', message(address, 'GET', '/nowhere'))
    assert found
    # What the page loads is no interface.
    assert [row.path for row in rows()] == [path for path in found[1].split(', ') if not path.startswith('/static/')]


@pytest.mark.parametrize('row', rows(), ids=lambda row: row.path)
def test_a_path_takes_the_methods_that_the_table_says(address: str, row: Row) -> None:
    status, headers, _ = asked(address, 'OPTIONS', row.path)
    assert status == 204
    assert set(headers['Allow'].split(', ')) - {'HEAD', 'OPTIONS'} == row.methods


def test_a_path_needs_the_key_that_the_table_says() -> None:
    with Whale(settings=Settings.load({})) as whale:
        routes = [route for route in Served(whale).routes if not route.path.startswith('/static/')]
    assert [(row.path, row.key) for row in rows()] == [(route.path, route.scope or 'none') for route in routes]


@pytest.mark.parametrize(
    'row', [row for row in rows() if row.arguments not in (['none'], ['any'])], ids=lambda row: row.path
)
def test_a_path_takes_the_arguments_that_the_table_says(address: str, row: Row) -> None:
    path = row.path
    if path.endswith('.gif'):
        # Whose errors are images.
        path = path.removesuffix('.gif')
        assert row.arguments == next(other.arguments for other in rows() if other.path == path)
    said = message(address, 'POST' if 'POST' in row.methods else 'GET', f'{path}?nonsense=1')
    assert said == f"no such parameter: 'nonsense' (there are {', '.join(row.arguments)})"


@pytest.mark.parametrize('row', [row for row in rows() if row.arguments == ['any']], ids=lambda row: row.path)
def test_a_path_of_sealed_events_takes_any_arguments(address: str, row: Row) -> None:
    status, headers, _ = asked(address, 'GET', f'{row.path}?pixel=A&nonsense=1'.replace('<token>', 'A'))
    assert (status, headers['X-HailWhale-Error']) == (403, 'token_refused')


def test_the_table_of_metrics_has_each_of_them(embedded_url: str) -> None:
    document = docutils.core.publish_doctree(PAGE.read_text('utf-8'))
    *_, table = document.findall(docutils.nodes.table)
    named = {entry.astext().removesuffix('_total') for entry in table.findall(docutils.nodes.literal)}
    with Whale(embedded_url, settings=Settings.load({})) as whale:
        served = Served(whale)
        found = {family.name for family in text_string_to_metric_families(served.client.get('/metrics').body.decode())}
    assert found <= named
    assert {name for name in named if name.startswith('hailwhale_')} == found


# -- examples --------------------------------------------------------------------------------------------------------


def test_the_examples_of_the_page_answer_what_it_shows(address: str) -> None:
    examples = commands(PAGE)
    assert len(examples) > 10
    check(examples, address)


def test_the_server_of_the_readme_answers_what_the_readme_shows(tmp_path: Path) -> None:
    (serve,) = [found.text for found in commands(README) if found.text.startswith('hailwhale serve ')]
    examples = [found for found in commands(README) if found.text.startswith('curl ')]
    assert len(examples) == 5
    # Another port: the one of the page may be in use.
    with serving(shlex.split(serve.replace('8085', '0'))[1:], tmp_path) as address:
        check(examples, address)


def check(examples: list[Command], address: str) -> None:
    for example in examples:
        answer = curl(example.text, address)
        assert example.shown, f'the page does not show what it answers: {example.text}'
        assert example.prints(answer), f'{example.text}\n{answer}'
