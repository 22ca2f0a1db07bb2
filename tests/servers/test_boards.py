"""/boards in this process: what lies in a directory is shown, and nothing beside it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hailwhale.access import Access
from hailwhale.access.keys import Keys
from hailwhale.servers.boards import MOST_BOARDS, MOST_BYTES, Boards
from hailwhale.settings import Settings
from hailwhale.whale import Whale
from tests.clocks import Clock
from tests.servers.client import Client
from tests.servers.hails import Served

MORNING = {'title': 'Morning', 'graphs': [{'pk': 'shop', 'metric': 'dollars'}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / 'secret.board.json').write_text(json.dumps({'title': 'Secret', 'graphs': []}))
    folder = tmp_path / 'boards'
    folder.mkdir()
    return folder


@pytest.fixture
def whale(embedded_url: str, folder: Path) -> Iterator[Whale]:
    with Whale(embedded_url, settings=Settings.load({}, boards=folder), clock=Clock()) as whale:
        yield whale


@pytest.fixture
def client(whale: Whale) -> Client:
    return Served(whale).client


@pytest.fixture
def put(folder: Path) -> Callable[[str, object], Path]:
    """Puts a board into the directory; a text or bytes as they are."""

    def put(name: str, value: object) -> Path:
        path = folder / name
        text = value if isinstance(value, str | bytes) else json.dumps(value)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return put


def test_boards_are_listed_by_their_names_and_given_as_they_are(
    client: Client, put: Callable[[str, object], Path]
) -> None:
    put('morning.board.json', MORNING)
    put('Größe 2.board.json', '\N{ZERO WIDTH NO-BREAK SPACE}' + json.dumps({'title': ' Größe ', 'graphs': []}))
    put('notes.json', MORNING)
    reply = client.get('/boards')
    assert reply.json == {'boards': [{'name': 'Größe 2', 'title': 'Größe'}, {'name': 'morning', 'title': 'Morning'}]}
    assert reply.headers['Cache-Control'] == 'private, max-age=1'
    assert client.get('/boards/morning').json == MORNING
    assert client.get('/boards/Größe 2').json == {'title': ' Größe ', 'graphs': []}
    assert client('POST', '/boards', b'').status == 405
    assert client('POST', '/boards/morning', b'').status == 405
    assert client.get('/boards?pk=a').status == 400


def test_without_a_directory_there_are_no_boards(embedded_url: str) -> None:
    with Whale(embedded_url, settings=Settings.load({}), clock=Clock()) as whale:
        client = Served(whale).client
        assert client.get('/boards').json == {'boards': []}
        assert client.get('/boards/morning').status == 404


@pytest.mark.parametrize('name', ['../secret', '..', '.', '', '%2e%2e%2fsecret', 'secret', 'morning.board.json', '*'])
def test_no_name_leads_out_of_the_directory(
    folder: Path, put: Callable[[str, object], Path], client: Client, name: str
) -> None:
    put('morning.board.json', MORNING)
    (folder / 'away.board.json').symlink_to(folder.parent / 'secret.board.json')
    (folder / 'within.board.json').symlink_to('morning.board.json')
    assert [board.name for board in Boards(folder).list()] == ['morning', 'within']
    for asked in (name, 'away'):
        reply = client.get(f'/boards/{asked}')
        assert 'Secret' not in reply.body.decode()
        assert (reply.status, 'title' in reply.json) in {(404, False), (200, False)}
    assert client.get('/boards/away').error['message'] == "no such board: 'away' (/boards lists them)"


@pytest.mark.parametrize(
    ('value', 'why'),
    [
        ('{', 'Expecting'),
        (b'\xff\xfe', 'utf-8'),
        ('[' * 200_000, 'recursion'),
        ('{"title": "a", "graphs": [NaN]}', 'NaN is not JSON'),
        ([], 'a board is'),
        ({'title': 'a'}, 'a board is'),
        ({'title': 5, 'graphs': []}, 'its title is no text'),
        ({'title': ' ', 'graphs': []}, 'its title is no text'),
        ({'title': 'a' * MOST_BYTES, 'graphs': []}, f'more than {MOST_BYTES} bytes'),
    ],
)
def test_what_is_no_board_is_passed_over_and_told_in_the_log(
    put: Callable[[str, object], Path], client: Client, caplog: pytest.LogCaptureFixture, value: object, why: str
) -> None:
    caplog.set_level(logging.WARNING)
    path = put('bad.board.json', value)
    put('morning.board.json', MORNING)
    assert [board['name'] for board in client.get('/boards').json['boards']] == ['morning']
    assert f'{path} is no board: ' in caplog.text
    assert why in caplog.text
    assert client.get('/boards/bad').status == 404


def test_a_directory_that_cannot_be_read_has_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    assert Boards(tmp_path / 'nowhere').list() == []
    assert 'no boards can be shown: ' in caplog.text
    (tmp_path / 'folder.board.json').mkdir()
    assert Boards(tmp_path).list() == []
    assert 'folder.board.json is no board: ' in caplog.text


def test_so_many_boards_are_looked_at_and_no_more(folder: Path, put: Callable[[str, object], Path]) -> None:
    for number in range(MOST_BOARDS + 1):
        put(f'{number:04}.board.json', MORNING)
    names = [board.name for board in Boards(folder).list()]
    assert (len(names), names[-1]) == (MOST_BOARDS, f'{MOST_BOARDS - 1:04}')


def test_boards_need_a_key_that_may_read_and_is_for_all_pks(whale: Whale, put: Callable[[str, object], Path]) -> None:
    put('morning.board.json', MORNING)
    clock = Clock()
    keys = Keys(whale.storage, clock)
    texts = {
        'all': keys.create('read').text,
        'one': keys.create('read', pks=['shop']).text,
        'other': keys.create('write').text,
    }
    client = Served(whale, Access(whale.storage, clock, open=False, local=False)).client
    for path in ('/boards', '/boards/morning'):
        assert client.get(path).status == 401
        statuses = [client.get(path, HTTP_AUTHORIZATION=f'Bearer {text}').status for text in texts.values()]
        assert statuses == [200, 403, 403]
