"""Figures as a table in the terminal, and as the results on the performance page."""

from __future__ import annotations

import os
import platform
import re
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


def rendered(machine: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
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
    for row in [HEADINGS, *rows]:
        lines += [f'   {"*" if i == 0 else " "} - {cell}'.rstrip() for i, cell in enumerate(row)]
    return '\n'.join(lines) + '\n'


def write(machine: Sequence[str], figures: Sequence[Figure], page: Path = PAGE) -> None:
    """Put results on the page; those of targets that were not measured stay, as does what is written by hand."""
    above, _, before = page.read_text(encoding='utf-8').partition(MARKER)
    rows = [figure.cells() for figure in figures]
    measured = dict.fromkeys(row[0] for row in rows)
    kept = [row for row in _rows(before) if row[0] not in measured]
    if kept:
        those = f'{", ".join(measured)}: '
        old = [line for line in re.findall(r'^\| (.*)', before, re.M) if not line.startswith(those)]
        machine = [*old, f'{those}{"; ".join(machine)}']
    text = rendered(machine, sorted([*kept, *rows], key=_place))
    page.write_text(f'{above.rstrip(chr(10))}\n\n{MARKER}\n{text}', encoding='utf-8')


def _rows(results: str) -> list[list[str]]:
    """The rows of results that are on the page."""
    table = results.partition('   * - ')[2].split('\n   * - ')
    return [[cell.strip() for cell in row.strip().split('\n     -')] for row in table[1:]]


def _place(row: Sequence[str]) -> tuple[bool, int]:
    """In the order of targets by their numbers; those without one come last."""
    number = row[0].removeprefix('T')
    return (False, int(number)) if number.isdigit() else (True, 0)
