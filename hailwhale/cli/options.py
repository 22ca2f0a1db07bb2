"""What commands share: options, the whale that they work on, and values as people read them."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from hailwhale.settings import SETTINGS, Settings

if TYPE_CHECKING:
    from hailwhale.whale import Whale

#: What decides how events are counted and asked about.
COUNTING = ('zones', 'keep', 'timeout')
ASKING = (*COUNTING, 'week_start')
_NARROWEST = 40


class Version(argparse.Action):
    """``--version``, looked up only when it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        import hailwhale

        print(f'hailwhale {hailwhale.__version__}')
        parser.exit()


class _Arguments(Protocol):
    def add_argument(self, name: str, /, *, dest: str, metavar: str, default: str, help: str) -> argparse.Action: ...


def add_settings(parser: _Arguments, *names: str) -> None:
    """Options for settings, with the help of their table."""
    by_name = {setting.name: setting for setting in SETTINGS}
    for name in dict.fromkeys(names):
        setting = by_name[name]
        parser.add_argument(
            '--' + name.replace('_', '-'),
            dest=f'setting_{name}',
            metavar=name.upper(),
            # Not given: not there.  A None from a command would hide what stood before the command.
            default=argparse.SUPPRESS,
            help=f'{setting.help} ({setting.env})'.replace('``', '').replace('%', '%%'),
        )


def given_settings(arguments: argparse.Namespace) -> dict[str, Any]:
    """The settings that stand on the command line, by name."""
    return {
        name.removeprefix('setting_'): value for name, value in vars(arguments).items() if name.startswith('setting_')
    }


def settings_of(arguments: argparse.Namespace) -> Settings:
    """The settings of a command: its options, else the environment, else the defaults."""
    return Settings.load(**given_settings(arguments))


def whale_of(arguments: argparse.Namespace) -> Whale:
    """The whale that a command works on; close it."""
    from hailwhale.whale import Whale

    return Whale(settings=settings_of(arguments))


def value_of(text: str | None, field: str) -> object:
    """A value as people write it, JSON or nearly; None stays None, and a number alone the text it is, as over HTTP."""
    from hailwhale.lenient import read_value

    if text is None:
        return None
    value = read_value(text, field=field)
    return text.strip() if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    if not text.isascii() or not text.isdigit() or int(text[:9]) < 1:
        raise argparse.ArgumentTypeError(f'not a number from 1 on: {text!r}')
    return int(text[:9])


def natural(text: str) -> int:
    """A whole number from 0, for argparse."""
    return 0 if text == '0' else positive(text)


def width_of_terminal(wanted: int | None = None) -> int:
    """Columns to draw in."""
    return max(_NARROWEST, wanted or shutil.get_terminal_size().columns)


def clean(text: str) -> str:
    """A name without what would steer a terminal."""
    return ''.join(char if char.isprintable() else '\N{REPLACEMENT CHARACTER}' for char in text)


def shown(number: float) -> str:
    """A number for people.

    >>> shown(336776), shown(12.329263), shown(0.000123456), shown(-2.5)
    ('336,776', '12.3293', '0.0001235', '-2.5')
    """
    if isinstance(number, int) or number == 0:
        return f'{number:,}'
    if abs(number) < 0.01:
        return f'{number:.4g}'
    return f'{number:,.4f}'.rstrip('0').rstrip('.')


def table(rows: Iterable[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Lines with aligned columns; ``right`` says which columns are aligned to the right."""
    rows = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        '  '.join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def draw(lines: Sequence[str]) -> None:
    """Print a drawing, in characters that the terminal has."""
    from hailwhale.cli import drawing

    text = '\n'.join(cells.rstrip(' \u2800') for cells in lines)
    try:
        text.encode(sys.stdout.encoding or 'ascii')
    except UnicodeEncodeError:
        text = drawing.plain(text)
    print(text)


def note(text: str) -> None:
    """Tell something that is no result."""
    print(text, file=sys.stderr, flush=True)
