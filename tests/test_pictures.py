"""The pictures of the documentation: each is made anew in a real browser, and shown by a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.palettes import Shot, size_of
from tests.pictures import IMAGES, PICTURES, SCALE, Picture, camera, count_what_is_shown
from tests.test_page import browser, demo

__all__ = ['browser', 'demo']

ROOT = IMAGES.parent.parent
PAGES = [ROOT / 'README.rst', *sorted(ROOT.glob('docs/**/*.rst'))]
LARGEST = 150_000
#: Of fewer colours nothing is made that has letters, which are smooth.
FEWEST_COLOURS = 60
MOST_GROUND = 0.97
#: A line is more pixels than the mark beside its name, in all four corners of which there is less.
LEAST_INK = 600
COLOUR = re.compile(r'--([\w-]+): (#[0-9a-f]{6});')
IMAGE = re.compile(r'^\.\. (?:image|figure):: (\S+)\n((?:    :.*\n)*)', re.MULTILINE)


@pytest.fixture(scope='module')
def complaints() -> list[str]:
    return []


@pytest.fixture(scope='module')
def take(demo: str, browser: Browser, complaints: list[str]) -> Iterator[Callable[[Picture], Shot]]:
    count_what_is_shown(demo)
    with camera(browser, demo, complaints.append) as take:
        yield take


def inks(picture: Picture) -> dict[str, str]:
    """The colours that a picture is drawn with."""
    sheet = (ROOT / 'js' / 'src' / f'{picture.scheme}.css').read_text('utf-8')
    colours = dict(COLOUR.findall(sheet))
    return {name: colours[name] for name in picture.inks}


def shown() -> dict[Path, list[dict[str, str]]]:
    """What the pages show of each picture: the options that it is shown with."""
    found: dict[Path, list[dict[str, str]]] = {}
    for page in PAGES:
        for name, options in IMAGE.findall(page.read_text('utf-8')):
            found.setdefault((page.parent / name).resolve(), []).append(dict(re.findall(r':(\w+): (.+)', options)))
    return found


@pytest.mark.parametrize('name', PICTURES)
def test_a_picture_is_made_of_what_it_shows(
    name: str, take: Callable[[Picture], Shot], complaints: list[str], tmp_path: Path
) -> None:
    picture = PICTURES[name]
    complaints.clear()
    shot = take(picture)
    (tmp_path / f'{name}.png').write_bytes(shot.png)
    assert complaints == []
    assert shot.size == (picture.width * SCALE, picture.height * SCALE) == size_of(shot.png)
    assert len(shot.png) <= LARGEST
    assert len(shot.colours) >= FEWEST_COLOURS
    assert max(shot.colours.values()) <= MOST_GROUND * shot.size[0] * shot.size[1]
    assert {ink: n for ink, code in inks(picture).items() if (n := shot.colours.get(code, 0)) < LEAST_INK} == {}


@pytest.mark.parametrize('name', PICTURES)
def test_a_picture_of_the_documentation_is_as_large_as_it_is_made(name: str) -> None:
    picture, kept = PICTURES[name], (IMAGES / f'{name}.png').read_bytes()
    assert size_of(kept) == (picture.width * SCALE, picture.height * SCALE), 'run: make pictures'
    assert len(kept) <= LARGEST


def test_the_pages_show_every_picture_and_no_other() -> None:
    made = {IMAGES / f'{name}.png' for name in PICTURES}
    assert set(shown()) == made == set(IMAGES.iterdir())


def test_every_picture_is_told_in_words_and_no_wider_than_it_is() -> None:
    for path, all_options in shown().items():
        for options in all_options:
            assert len(options['alt'].split()) >= 4, path
            assert int(options['width']) <= PICTURES[path.stem].width, path
