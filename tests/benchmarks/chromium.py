"""A browser as readers have it: Chromium, by playwright."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser

STATIC = Path(__file__).resolve().parent.parent.parent / 'hailwhale' / 'static'


def is_there(target: str) -> bool:
    """Whether it is installed, and what it shows is built; where not, say what is missing."""
    missing = [
        what
        for what, there in (
            ('playwright (pip install playwright)', find_spec('playwright')),
            ('chromium (apt-get install chromium)', _program()),
            ('the page (make page)', (STATIC / 'hailwhale.js').is_file()),
        )
        if not there
    ]
    if missing:
        print(f'{target} is left out: it needs {", ".join(missing)}', file=sys.stderr)
    return not missing


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser without windows."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=_program(), args=['--no-sandbox', '--disable-gpu'])
        yield found
        found.close()


def _program() -> str | None:
    return shutil.which('chromium') or shutil.which('google-chrome')
