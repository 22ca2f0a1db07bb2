"""Figures as a table in the terminal, and as the results on the performance page."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks.measure import HEADINGS, Bench, Figure

PAGE = Path(__file__).resolve().parent.parent.parent / 'docs' / 'performance.rst'
#: What stands above this line is written by hand, what stands below by `write`.
MARKER = '.. What follows is written by ``make bench``'


def machine() -> list[str]:
    """What the figures were measured on."""
    memory = os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30
    load = os.getloadavg()[2]
    with Bench().engine() as engine:
        server = engine.socket.info('server')
    name = 'Valkey' if 'valkey_version' in server else 'Redis'
    version = server.get('valkey_version') or server['redis_version']
    return [
        f'{datetime.now(UTC):%Y-%m-%d}: {_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()}',
        f'Python {platform.python_version()}, {name} {version} on a unix socket, load average {load:.1f} (15 min)',
    ]


def _processor() -> str:
    try:
        lines = Path('/proc/cpuinfo').read_text(encoding='utf-8').splitlines()
    except OSError:
        lines = []
    models = [line.partition(':')[2].strip() for line in lines if line.startswith('model name')]
    return models[0] if models else platform.processor() or platform.machine()


def table(figures: Sequence[Figure]) -> list[str]:
    """Lines for people to read, columns aligned."""
    rows = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ['  '.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return [lines[0], '  '.join('-' * width for width in widths), *lines[1:]]


def rendered(machine: Sequence[str], figures: Sequence[Figure]) -> str:
    """The results as the page has them."""
    lines = [
        '',
        'Results',
        '-------',
        '',
        *(f'| {line}' for line in machine),
        '',
        '.. list-table::',
        '   :header-rows: 1',
        '',
    ]
    for row in [HEADINGS, *(figure.cells() for figure in figures)]:
        lines += [f'   {"*" if i == 0 else " "} - {cell}'.rstrip() for i, cell in enumerate(row)]
    return '\n'.join(lines) + '\n'


def write(machine: Sequence[str], figures: Sequence[Figure], page: Path = PAGE) -> None:
    """Replace the results on the page; what is written by hand stays."""
    text = page.read_text(encoding='utf-8')
    above = text.partition(MARKER)[0].rstrip('\n')
    page.write_text(f'{above}\n\n{MARKER}\n{rendered(machine, figures)}', encoding='utf-8')
