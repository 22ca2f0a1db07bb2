"""``hailwhale import``: every row of a file."""

from __future__ import annotations

import gc
import re
import sys
import time
from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hailwhale.cli.options import COUNTING, clean, note, positive, value_of, whale_of
from hailwhale.cli.progress import Bar

if TYPE_CHECKING:
    from hailwhale.importing import BadRow, Import, Imported, Source
    from hailwhale.whale import Whale

_MOST_SHOWN = 20
_BARE_COLUMN = re.compile(r'\{[^{}"\':,]+\}')
_EPILOG = """\
{column} stands for the text of a column; {{ and }} are braces:

  hailwhale import flights.csv --pk '["flights", "{carrier}"]' --at '{time_hour}' \\
      --dimensions '{"route": {"{origin}": "{dest}"}, "hour": "{hour}"}' \\
      --metrics '{"flights": 1, "delay": "{dep_delay}", "miles": "{distance}"}'

Each row is counted exactly once: an import that was interrupted goes on where it stopped, and one that was finished
counts nothing when it is repeated. The content of the file with these options is its name, unless --name gives one
(a file that has grown since is then counted from where it ended). Names are remembered for 90 days.
A bad row is named with its line and left out.
"""


def import_options(parser: ArgumentParser) -> None:
    """The options of ``import``."""
    parser.epilog = _EPILOG
    parser.add_argument('file', metavar='FILE', help='CSV or NDJSON, gzipped or not; - for standard input')
    event = parser.add_argument_group('how a row becomes an event')
    event.add_argument('--pk', required=True, metavar='JSON', help='what is counted: \'["flights", "{carrier}"]\'')
    event.add_argument('--dimensions', '--dimension', metavar='JSON', help='its properties: \'{"hour": "{hour}"}\'')
    event.add_argument('--metrics', '--metric', metavar='JSON', help='amounts \'{"delay": "{dep_delay}"}\', or names')
    event.add_argument('--at', metavar='TIME', help="when it happened: '{time}'; now")
    event.add_argument('--zone', default='UTC', metavar='ZONE', help='the zone of times that name no offset; UTC')
    event.add_argument(
        '--missing',
        choices=['0', 'skip', 'refuse'],
        default='0',
        help='an empty amount: 0 counts nothing of that metric, skip leaves the row out, refuse makes it a bad row; 0',
    )
    event.add_argument(
        '--empty', action='append', default=[''], metavar='TEXT', help='also an empty amount, such as NA'
    )
    event.add_argument(
        '--move-to',
        metavar='DAY',
        help='move all times by whole days, the latest to this day in UTC: today, or 2026-11-22',
    )
    file = parser.add_argument_group('the file')
    file.add_argument('--format', choices=['csv', 'ndjson'], help='by default as the name ends')
    file.add_argument('--delimiter', metavar='CHAR', help='between columns; a comma, for .tsv a tab')
    file.add_argument(
        '--columns', metavar='A,B,...', help='names of the columns, where the first line is a row already'
    )
    run = parser.add_argument_group('the import')
    run.add_argument('--name', help='goes on where the import of this name stopped; see below')
    run.add_argument('--again', action='store_true', help='count every row once more')
    run.add_argument('--strict', action='store_true', help='exit with 1 when a row was bad')
    run.add_argument('--increments', type=positive, metavar='N', default=SUPPRESS, help='in one transaction; 100000')
    run.add_argument('--progress', action='store_true', help='show progress even where that is no terminal')
    parser.set_defaults(run=import_file, settings=COUNTING)


def import_file(arguments: Namespace) -> int:
    """Count every row of a file."""
    began = time.monotonic()
    with whale_of(arguments) as whale, Bar('importing', always=arguments.progress) as bar, no_collector():
        bad = _Bad(bar)
        what = _import(arguments, whale)
        what.on_bad, what.on_progress = bad.tell, bar.show
        imported = what.run()
    _tell(imported, time.monotonic() - began)
    if imported.bad > _MOST_SHOWN:
        note(f'bad rows beyond the first {_MOST_SHOWN} are not shown')
    return 1 if arguments.strict and imported.bad else 0


@contextmanager
def no_collector() -> Iterator[None]:
    """Leave cycles alone for a while: an import makes millions of tuples and none, and looking for them costs 7 %."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class _Bad:
    """Tells of bad rows, up to a number of them."""

    def __init__(self, bar: Bar) -> None:
        self._bar = bar
        self._told = 0

    def tell(self, bad: BadRow) -> None:
        self._told += 1
        if self._told <= _MOST_SHOWN:
            self._bar.clear()
            note(f'line {bad.line}: {clean(bad.reason)}')


def _import(arguments: Namespace, whale: Whale) -> Import:
    from hailwhale.importing import Import, Layout

    pk, dimensions, metrics = (_templates(getattr(arguments, name), name) for name in ('pk', 'dimensions', 'metrics'))
    layout = Layout(
        pk, dimensions, metrics, arguments.at, arguments.zone, missing=arguments.missing, empty=tuple(arguments.empty)
    )
    what = Import(
        whale,
        _source(arguments),
        layout,
        name=arguments.name,
        again=arguments.again,
        move_to=_day(arguments.move_to, whale),
    )
    what.increments = getattr(arguments, 'increments', what.increments)
    return what


def _templates(text: str | None, field: str) -> object:
    """A value with columns in it; ``{shop}`` alone is a column, and no mapping that lacks its values."""
    from hailwhale.errors import InvalidText

    if text and text.strip().startswith('{') and ':' not in text and text.strip() != '{}':
        return text.strip()
    try:
        return value_of(text, field)
    except InvalidText as error:
        bare = _BARE_COLUMN.search(text or '')
        hint = f' (a column within a list or mapping stands in quotes: "{bare[0]}")' if bare else ''
        raise InvalidText(f'{error.message}{hint}', field=field) from error


def _source(arguments: Namespace) -> Source:
    from hailwhale.errors import InvalidInput
    from hailwhale.importing import Source

    columns = arguments.columns.split(',') if arguments.columns else None
    if arguments.delimiter is not None and len(arguments.delimiter) != 1:
        raise InvalidInput(f'not one character: {arguments.delimiter!r}', field='delimiter')
    place = sys.stdin.buffer if arguments.file == '-' else Path(arguments.file)
    return Source(place, arguments.format, arguments.delimiter, columns)


def _day(text: str | None, whale: Whale) -> int | None:
    """A day that was asked for, in days since the epoch."""
    from hailwhale.importing import day_of

    return None if text is None else day_of(whale.clock() if text == 'today' else text)


def _tell(imported: Imported, seconds: float) -> None:
    """What became of the rows: the result."""
    if imported.before and not imported.counted:
        print(f'already imported: {imported.before:,} rows (--again counts them once more)', end='')
    else:
        print(f'counted {imported.counted:,} rows in {seconds:.1f} s', end='')
        print(f', {imported.before:,} were counted before' if imported.before else '', end='')
    print(f', left out {imported.left_out:,}' if imported.left_out else '', end='')
    print(f', {imported.bad:,} bad' if imported.bad else '', end='')
    print(f', times moved by {imported.shift // 86_400:+,} days' if imported.shift else '')
