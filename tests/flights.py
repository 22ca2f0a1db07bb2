"""The flights of the demo, counted once for all tests that show them."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh import unmeasured

ROOT = Path(__file__).resolve().parent.parent


def counted_flights(factory: pytest.TempPathFactory) -> Path:
    """A directory of one's own in which the demo has counted the flights, and ended."""
    # What processes that share the tests have in common lies above what each has.
    shared = factory.getbasetemp()
    shared = shared.parent if shared.name.startswith('popen-') else shared
    with (shared / 'flights.lock').open('w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        counted = shared / 'flights'
        if not counted.exists():
            begun = shared / 'flights-begun'
            shutil.rmtree(begun, ignore_errors=True)
            command = [sys.executable, '-m', 'hailwhale', 'demo', '--no-serve', '--home', str(begun)]
            subprocess.run(command, cwd=ROOT, env=unmeasured(), check=True)
            begun.rename(counted)
    own = factory.mktemp('flights') / 'home'
    shutil.copytree(counted, own)
    return own
