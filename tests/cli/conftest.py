"""A command, run in this process on the embedded engine."""

import os
from collections.abc import Callable

import pytest

from hailwhale import cli

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(embedded_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process: its exit code, what it printed, and what it told beside that."""
    for name in [name for name in os.environ if name.startswith('HAILWHALE_')]:
        monkeypatch.delenv(name)
    monkeypatch.setenv('HAILWHALE_URL', embedded_url)
    monkeypatch.setenv('COLUMNS', '80')

    def run_one(*argv: str) -> tuple[int, str, str]:
        try:
            code = cli.main(argv)
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run_one
