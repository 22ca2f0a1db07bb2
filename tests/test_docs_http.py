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

from tests.consoles import ROOT, Command, commands, curl, serving

README = ROOT / 'README.rst'
PAGE = ROOT / 'docs' / 'http.rst'


class Row(NamedTuple):
    """A line of the table of paths."""

    path: str
    methods: set[str]
    arguments: list[str]


def rows() -> list[Row]:
    document = docutils.core.publish_doctree(PAGE.read_text('utf-8'))
    table = next(iter(document.findall(docutils.nodes.table)))
    cells = [
        [entry.astext() for entry in row.findall(docutils.nodes.entry)] for row in table.findall(docutils.nodes.row)
    ]
    return [Row(path, set(methods.split()), arguments.split()) for path, methods, arguments, _ in cells[1:]]


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


@pytest.mark.parametrize('row', [row for row in rows() if row.arguments != ['none']], ids=lambda row: row.path)
def test_a_path_takes_the_arguments_that_the_table_says(address: str, row: Row) -> None:
    said = message(address, 'POST', f'{row.path}?nonsense=1')
    assert said == f"no such parameter: 'nonsense' (there are {', '.join(row.arguments)})"


# -- examples --------------------------------------------------------------------------------------------------------


def test_the_examples_of_the_page_answer_what_it_shows(address: str) -> None:
    examples = commands(PAGE)
    assert len(examples) > 10
    check(examples, address)


def test_the_server_of_the_readme_answers_what_the_readme_shows(tmp_path: Path) -> None:
    (serve,) = [found.text for found in commands(README) if found.text.startswith('hailwhale serve ')]
    examples = [found for found in commands(README) if found.text.startswith('curl ')]
    assert len(examples) == 3
    # Another port: the one of the page may be in use.
    with serving(shlex.split(serve.replace('8085', '0'))[1:], tmp_path) as address:
        check(examples, address)


def check(examples: list[Command], address: str) -> None:
    for example in examples:
        answer = curl(example.text, address)
        assert example.shown, f'the page does not show what it answers: {example.text}'
        assert example.prints(answer), f'{example.text}\n{answer}'
