"""Parts that are made where they are first used, and what is said when their libraries are not there."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from hailwhale import parts
from hailwhale.errors import MissingLibrary
from tests.fresh import unmeasured

ROOT = Path(__file__).resolve().parent.parent

WITHOUT = """
import sys


class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in ('numpy', 'scipy'):
            raise ModuleNotFoundError(f'No module named {name!r}', name=name)


sys.meta_path.insert(0, Blocker())
from hailwhale import MissingLibrary, Whale

with Whale(sys.argv[1]) as whale:
    whale.count_now('Product', metrics={'revenue': 5.25})
    print(whale.today('Product', 'revenue'))
    for call in (
        lambda: whale.decide('Page', 'color', ['red', 'blue']),
        lambda: whale.count_decided_now('Page', 'color', 'red'),
        lambda: whale.results('Page'),
    ):
        try:
            print(call())
        except MissingLibrary as missing:
            print(missing.code, missing.message)
    print(whale.pks())
"""


def test_without_the_extra_a_whale_counts_and_says_what_deciding_needs(redis_url: str) -> None:
    command = [sys.executable, '-c', WITHOUT, redis_url]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True)
    counted, decided, exposed, compared, pks = done.stdout.splitlines()
    assert (counted, exposed, pks) == ('5.25', 'True', "[['Page'], ['Product']]")
    for said, part in [(decided, 'deciding'), (compared, 'results')]:
        assert said.startswith(f'not_built {part} needs libraries that are not installed: ')
        assert "pip install 'hailwhale[decide]'" in said
        assert 'numpy' in said
    assert done.stderr == ''


def test_a_part_is_imported_when_it_is_asked_for_and_not_before() -> None:
    program = """
import sys
import hailwhale
hailwhale.parts.register('reader', 'mailbox:Mailbox')
print('mailbox' in sys.modules)
print(hailwhale.parts.maker('reader').__name__)
print('mailbox' in sys.modules, 'numpy' in sys.modules)
"""
    command = [sys.executable, '-c', program]
    done = subprocess.run(command, cwd=ROOT, env=unmeasured(), capture_output=True, text=True, check=True)
    assert done.stdout.split() == ['False', 'Mailbox', 'True', 'False']


def test_the_last_home_that_is_named_is_the_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, '_homes', {})
    parts.register('day', 'datetime:datetime')
    parts.register('day', 'datetime:date')
    assert parts.maker('day') is date


def test_a_part_whose_module_is_not_there_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, '_homes', {})
    parts.register('guessing', 'no_such_library:Guess')
    with pytest.raises(MissingLibrary, match=r'guessing needs libraries .*No module named .no_such_library'):
        parts.maker('guessing')
