"""The console blocks of the documentation: their commands, what a page says they print, and what they do print."""

from __future__ import annotations

import doctest
import getopt
import http.client
import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.fresh import unmeasured

ROOT = Path(__file__).resolve().parent.parent
#: Where the pages say that the server listens.
ADDRESS = 'localhost:8085'
BLOCK = re.compile(r'^\.\. code-block:: console\n\n((?:    .*\n|\n)+)', re.MULTILINE)
_FORM = 'application/x-www-form-urlencoded'


class Command(NamedTuple):
    """A command on one line, and what the page shows below it; ``...`` there stands for anything."""

    text: str
    shown: str

    def prints(self, printed: str) -> bool:
        """Whether that is what the page shows."""
        return doctest.OutputChecker().check_output(self.shown, printed, doctest.ELLIPSIS)


def commands(page: Path) -> list[Command]:
    """The commands of a page's console blocks, in order: what stands behind a ``$``."""
    blocks = [textwrap.dedent(block) for block in BLOCK.findall(page.read_text('utf-8'))]
    found = []
    for text in re.split(r'^\$ ', '\n'.join(block.replace('\\\n', ' ') for block in blocks), flags=re.MULTILINE)[1:]:
        command, _, shown = text.partition('\n')
        found.append(Command(command, shown.strip('\n') + '\n' if shown.strip() else ''))
    return found


def environ(home: Path) -> dict[str, str]:
    """As a newcomer has it: no settings, the embedded engine in an empty directory."""
    ours = {name: value for name, value in unmeasured().items() if not name.startswith('HAILWHALE_')}
    return {**ours, 'PYTHONPATH': os.fspath(ROOT), 'PYTHONUTF8': '1', 'HAILWHALE_HOME': os.fspath(home)}


def run(command: str, directory: Path) -> str:
    """All that a shell prints for a command in a directory; ``hailwhale`` is the one of this checkout."""
    program = f'hailwhale() {{ {shlex.quote(sys.executable)} -m hailwhale "$@"; }}\n{command}'
    done = subprocess.run(
        ['/bin/sh', '-c', program],
        cwd=directory,
        env=environ(directory / 'home'),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding='utf-8',
        check=True,
        timeout=120,
    )
    return done.stdout


@contextmanager
def serving(arguments: Sequence[str], home: Path) -> Iterator[str]:
    """Host and port of a server with these arguments, which ends well at the end."""
    command = [sys.executable, '-m', 'hailwhale', *arguments]
    with subprocess.Popen(command, env=environ(home), stdout=subprocess.PIPE, encoding='utf-8') as process:
        try:
            assert process.stdout is not None
            said, _, url = process.stdout.readline().strip().rpartition(' ')
            assert said == 'HailWhale at'
            yield urlsplit(url).netloc
        finally:
            process.terminate()
    assert process.returncode == 0


def curl(command: str, address: str) -> str:
    """What a server answers to a ``curl`` of the pages, sent over a socket to another address; with ``-N``, first."""
    options, [url] = getopt.gnu_getopt(shlex.split(command)[1:], 'gNX:H:d:')
    given = dict(options)
    headers = dict(value.split(': ', 1) for name, value in options if name == '-H')
    if '-d' in given:
        headers.setdefault('Content-Type', _FORM)
    assert url.startswith(ADDRESS + '/')
    with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
        method = given.get('-X', 'POST' if '-d' in given else 'GET')
        connection.request(method, url.removeprefix(ADDRESS), given.get('-d'), headers)
        reply = connection.getresponse()
        if '-N' in given:
            return first_event(reply)
        return reply.read().decode() + '\n'


def first_event(reply: http.client.HTTPResponse) -> str:
    """What a stream says up to the data of its first event."""
    lines = [reply.readline()]
    while not lines[-1].startswith(b'data:'):
        lines.append(reply.readline())
    return b''.join(lines).decode()
