"""The examples of the README and the documentation do what they show."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / 'README.rst').read_text('utf-8')
MAKEFILE = (ROOT / 'Makefile').read_text('utf-8')


def run_examples(page: Path, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a page's examples as a newcomer would: a fresh process, an empty home, the embedded engine."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith('HAILWHALE_')}
    command = [sys.executable, '-W', 'error', '-m', 'doctest', '-v', str(page)]
    environ = {**ours, 'HAILWHALE_HOME': str(home)}
    return subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False, timeout=120)


@pytest.mark.parametrize('name', ['README.rst', 'docs/counting.rst', 'docs/decisions.rst', 'docs/experiments.rst'])
def test_the_examples_answer_what_the_page_says(name: str, tmp_path: Path) -> None:
    done = run_examples(ROOT / name, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    written = (ROOT / name).read_text('utf-8').count('>>> ')
    assert f'{written} tests in 1 item' in done.stdout
    assert written > 5


@pytest.mark.parametrize('target', sorted(set(re.findall(r'\$ make (\w+)', README))))
def test_every_make_command_of_the_readme_exists(target: str) -> None:
    assert re.search(rf'^{target}:', MAKEFILE, re.MULTILINE)


def test_the_readme_has_its_two_commands() -> None:
    assert set(re.findall(r'\$ make (\w+)', README)) == {'run', 'test'}


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / '.ci' / 'run'
    assert re.search(r'^make test ', script.read_text('utf-8'), re.MULTILINE)
    assert os.access(script, os.X_OK)
