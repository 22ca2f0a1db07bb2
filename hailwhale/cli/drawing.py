"""Graphs made of characters.  Pure: numbers in, lines of text out."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BLOCKS = '▁▂▃▄▅▆▇█'
_EIGHTHS = ' ▏▎▍▌▋▊▉█'
_PLAIN = {'█': '#', '│': '|', '┤': '+', '└': '+', '─': '-', '├': '+', '┼': '+', '●': 'o', '◂': '<', '▸': '>'}
# The bits of the dots of a braille character, by row from the top and column.
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))


def line(values: Sequence[float], width: int, height: int) -> list[str]:
    """A line in braille, ``height`` lines of ``width`` characters, over an axis that includes 0.

    Where values are more than dots, a stroke spans all values that fall on it, so that no peak is lost.

    >>> line([0, 1, 2, 3], 4, 1)
    ['⣀⠤⠒⠉']
    """
    low, high = limits(values)
    columns, rows = 2 * width, 4 * height
    cells = [[0] * width for _ in range(height)]
    before: tuple[int, int] | None = None
    for x in range(columns):
        first = x * len(values) // columns
        part = values[first : max(first + 1, (x + 1) * len(values) // columns)]
        bottom, top = (_row(value, low, high, rows) for value in (min(part), max(part)))
        from_, to = _joined(bottom, top, before)
        before = bottom, top
        for y in range(from_, to + 1):
            row = rows - 1 - y
            cells[row // 4][x // 2] |= _DOTS[row % 4][x % 2]
    return [''.join(chr(0x2800 + cell) for cell in row) for row in cells]


def _joined(bottom: int, top: int, before: tuple[int, int] | None) -> tuple[int, int]:
    """A stroke, made longer so that it touches the one before it."""
    if before is None:
        return bottom, top
    return min(bottom, before[1] + 1), max(top, before[0] - 1)


def _row(value: float, low: float, high: float, rows: int) -> int:
    return min(rows - 1, int((value - low) / (high - low) * rows))


def limits(values: Sequence[float]) -> tuple[float, float]:
    """The ends of an axis that shows all values and 0."""
    low, high = min(0, *values, 0), max(0, *values, 0)
    return low, high if high > low else low + 1


def sparkline(values: Sequence[float], width: int) -> str:
    """A small graph of one line: the mean of the values that fall on each character, from the least to the greatest.

    >>> sparkline([1, 2, 3, 4], 4)
    '▁▃▆█'
    """
    width = min(width, len(values))
    parts = [values[x * len(values) // width : (x + 1) * len(values) // width] for x in range(width)]
    means = [sum(part) / len(part) for part in parts]
    low, high = min(means), max(means)
    span = (high - low) or 1
    return ''.join(_BLOCKS[round((mean - low) / span * (len(_BLOCKS) - 1))] for mean in means)


def levels(values: Sequence[float], top: float, width: int) -> str:
    """A small graph of one line from 0 to ``top``, so that several can be compared; blank where there is nothing.

    >>> levels([8, 4, 1, 0], 8, 4)
    '█▄▁'
    """
    width = min(width, len(values))
    parts = [values[x * len(values) // width : (x + 1) * len(values) // width] for x in range(width)]
    heights = [sum(part) / len(part) / top * len(_BLOCKS) for part in parts]
    return ''.join(f' {_BLOCKS}'[min(len(_BLOCKS), math.ceil(round(height, 6)))] for height in heights).rstrip()


def bar(share: float, width: int) -> str:
    """A bar of up to ``width`` characters, exact to an eighth of one; for less than nothing, none.

    >>> bar(0.5, 5)
    '██▌'
    """
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    return (_EIGHTHS[8] * (eighths // 8) + _EIGHTHS[eighths % 8]).strip()


def span(low: float, middle: float, high: float, axis: tuple[float, float], width: int) -> str:
    """An interval with its middle over an axis, ``width`` characters wide, and where 0 is; an arrow where it goes on.

    >>> span(1, 2, 4, (-1, 4), 11), span(-9, 0, 1, (-2, 3), 11)
    ('  │ ├─●───┤', '◂───●─┤')
    """

    def place(value: float) -> int:
        return round((min(max(value, axis[0]), axis[1]) - axis[0]) / ((axis[1] - axis[0]) or 1) * (width - 1))

    cells = [' '] * width
    cells[place(0)] = '│'
    first, last = place(low), place(high)
    cells[first : last + 1] = '─' * (last + 1 - first)
    if axis[0] <= 0 <= axis[1] and first < place(0) < last:
        cells[place(0)] = '┼'
    cells[first], cells[last] = '├' if low >= axis[0] else '◂', '┤' if high <= axis[1] else '▸'
    cells[place(middle)] = '●'
    return ''.join(cells).rstrip()


def plain(text: str) -> str:
    """The same drawing for terminals that have neither braille nor blocks.

    >>> plain('⣀⠔ █▏')
    '** #-'
    """
    return ''.join(_plain(char) for char in text)


def _plain(char: str) -> str:
    if '\u2800' <= char <= '\u28ff':
        return ' ' if char == '\u2800' else '*'
    if char in _BLOCKS[:-1]:
        return '_.,-=+*'[_BLOCKS.index(char)]
    return _PLAIN.get(char, '-' if char in _EIGHTHS[1:] else char)
