"""Boards that the server shows: files of a directory, never written.

::

    /boards         GET    {"boards": [{"name", "title"}, ...]}
    /boards/NAME    GET    the board of NAME.board.json

A board is ``{"title": text, "graphs": [options of a graph, ...]}``; the page checks the options.
"""

from __future__ import annotations

import json as strict
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from hailwhale.servers.params import NotFound, Parameters, shown
from hailwhale.servers.web import FOR_A_SECOND, JSON, Answer, Request, Route, json

_log = logging.getLogger(__name__)

ENDING = '.board.json'
#: Bytes of a board, and boards that are looked at, at the most.
MOST_BYTES, MOST_BOARDS = 256 * 1024, 500


class Board(NamedTuple):
    """A board as its file has it."""

    name: str
    title: str
    text: str


class Boards:
    """The boards of a directory; None has none.  What is no board is passed over, and the log says so."""

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory

    def list(self) -> list[Board]:
        """All boards, by their names."""
        return [board for path in sorted(self._files()) if (board := _read(path))]

    def named(self, name: str) -> Board:
        """One board.  Raises `NotFound`."""
        # Compared with what is there, never joined to a path: '..' is no board's name.
        for path in self._files():
            if path.name == f'{name}{ENDING}' and (board := _read(path)):
                return board
        raise NotFound(f'no such board: {shown(name)} (/boards lists them)')

    def _files(self) -> Iterator[Path]:
        if self._directory is None:
            return
        try:
            found = [path for path in self._directory.iterdir() if path.name.endswith(ENDING)]
            inside = self._directory.resolve()
        except OSError as error:
            _log.warning('no boards can be shown: %s', error)
            return
        # A link may lead to another file of the directory, as where one is mounted, and nowhere else.
        yield from (path for path in sorted(found)[:MOST_BOARDS] if path.resolve().is_relative_to(inside))


def _read(path: Path) -> Board | None:
    try:
        with path.open('rb') as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ValueError(f'it has more than {MOST_BYTES} bytes')
        text = raw.decode('utf-8-sig')
        return Board(path.name.removesuffix(ENDING), _title(strict.loads(text, parse_constant=_refuse)), text)
    except (OSError, ValueError, RecursionError) as error:
        _log.warning('%s is no board: %s', path, error)
        return None


def _title(value: Any) -> str:
    if not isinstance(value, dict) or not isinstance(value.get('graphs'), list):
        raise ValueError('a board is {"title", "graphs"}')
    title = value.get('title')
    if not isinstance(title, str) or not title.strip():
        raise ValueError('its title is no text')
    return title.strip()


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f'{constant} is not JSON')


def boards_routes(directory: Path | None) -> tuple[Route, ...]:
    """The routes of boards.  They name pks, so that a key has to be for all of them."""
    boards = Boards(directory)

    def titles(request: Request) -> Answer:
        request.grant.check(())
        return json(
            {'boards': [{'name': name, 'title': title} for name, title, _ in boards.list()]}, cache=FOR_A_SECOND
        )

    def one(request: Request) -> Answer:
        request.grant.check(())
        return Answer(boards.named(request.named['name']).text.encode(), JSON, FOR_A_SECOND)

    return (
        Route('/boards', titles, Parameters(), scope='read'),
        Route('/boards/<name>', one, Parameters(), scope='read'),
    )
