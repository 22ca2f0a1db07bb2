"""Every target holds for its corpus, and for what is made of it by chance; `make fuzz` looks for more.

That needs no atheris: where it is not built, the same is tried here.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engines import Server
from tests.fresh import unmeasured
from tests.fuzzing import requests
from tests.fuzzing.__main__ import main, options_of
from tests.fuzzing.parsers import TARGETS
from tests.fuzzing.requests import Arena, plain_requests
from tests.fuzzing.seeds import NAMES, TOKENS, mutated, seeds

#: Those that need no engine, and those that do.
ALONE = {**TARGETS, 'plain_requests': plain_requests}
ENGINED = ('express', 'requests')
#: Seconds after which an input counts as one that never ends.
PATIENCE = 20

MADE = st.randoms(use_true_random=False)
CHECKED = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@contextmanager
def in_time() -> Iterator[None]:
    """What does not end is ended, and fails."""

    def stop(*_: object) -> None:
        raise TimeoutError(f'not within {PATIENCE} s')

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope='module')
def arena(redis_server: Server) -> Iterator[Arena]:
    with requests.arena(redis_server) as found:
        yield found


def test_every_target_has_a_corpus_and_every_corpus_a_target() -> None:
    assert sorted([*ALONE, *ENGINED]) == sorted(NAMES)


@pytest.mark.parametrize('name', ALONE)
def test_a_parser_holds_for_its_corpus(name: str) -> None:
    for data in (b'', *seeds(name), *TOKENS):
        with in_time():
            ALONE[name](data)


@pytest.mark.parametrize('name', ALONE)
@given(dice=MADE)
@CHECKED
def test_a_parser_holds_for_what_chance_makes_of_its_corpus(name: str, dice: Random) -> None:
    with in_time():
        ALONE[name](mutated(dice, name))


@pytest.mark.parametrize('name', ENGINED)
def test_the_application_holds_for_its_corpus(arena: Arena, name: str) -> None:
    for data in (b'', *seeds(name), *TOKENS):
        with in_time():
            requests.targets(arena)[name](data)


@pytest.mark.parametrize('name', ENGINED)
@given(dice=MADE)
@CHECKED
def test_the_application_holds_for_what_chance_makes_of_its_corpus(arena: Arena, name: str, dice: Random) -> None:
    with in_time():
        requests.targets(arena)[name](mutated(dice, name))


@given(data=st.binary(max_size=200))
@CHECKED
def test_the_application_holds_for_noise(arena: Arena, data: bytes) -> None:
    with in_time():
        arena.requests(b'\x00' + data + b'\r\n\r\n')


# -- the search ------------------------------------------------------------------------------------------------------


def test_a_search_at_random_ends_with_its_time() -> None:
    command = [sys.executable, '-m', 'tests.fuzzing.search', 'lines', '0.1']
    assert subprocess.run(command, env=unmeasured(), check=False).returncode == 0


def test_the_guide_is_told_of_the_corpus_and_of_words(tmp_path: Path) -> None:
    corpus, *options = options_of('lines', 7, tmp_path / 'kept', tmp_path)
    assert {path.read_bytes() for path in Path(corpus).iterdir()} == set(seeds('lines'))
    assert '-max_total_time=7' in options
    words = (tmp_path / 'words').read_text().splitlines()
    assert '"\\x0d\\x0a\\x0d\\x0a"' in words
    assert len(words) <= len(TOKENS)


def test_only_targets_that_there_are_can_be_searched(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(['--only', 'such_as_is_not'])
    assert 'invalid choice' in capsys.readouterr().err
