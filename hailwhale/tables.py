"""Numbers as pages show them, and plotpoints as an HTML table, without JavaScript.

For templates: what `table` answers knows that it is HTML (``__html__``), so Jinja and Django do not escape it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from html import escape
from typing import Any

from hailwhale.errors import InvalidInput
from hailwhale.paths import parse_path_name
from hailwhale.points import Number

#: Of decimals, which keep every digit of a large whole number.
FORMATS: dict[str, Callable[[Decimal], str]] = {
    'int': lambda value: f'{value:.0f}',
    'float': lambda value: f'{value:.2f}',
    'grouped': lambda value: f'{value:,.0f}',
    'percent': lambda value: f'{value:.1%}',
    'money': lambda value: f'{"-" if value < 0 else ""}${abs(value):,.2f}',
}


class Html(str):
    """A text that is HTML already."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


def format_number(value: Number, format: str = 'grouped') -> str:
    """A number in one of `FORMATS`; -0 is 0.

    >>> format_number(1234.5), format_number(0.0525, 'percent'), format_number(-1234.5, 'money')
    ('1,234', '5.2%', '-$1,234.50')
    """
    shape = FORMATS.get(format)
    if shape is None:
        raise InvalidInput(f'not a format of numbers: {format!r} (one of {", ".join(FORMATS)})', field='format')
    text = shape(Decimal(value))
    return text.removeprefix('-') if text.strip('-$0.,%') == '' else text


def table(
    points: Mapping[str, Mapping[str, Mapping[datetime, Number]]],
    *,
    format: str | Mapping[str, str] = 'grouped',
    caption: str = '',
    date_format: str = '%Y-%m-%d %H:%M',
) -> Html:
    """Plotpoints (``points=dict``, as `Whale.plotpoints` answers them) as a table: a row a bucket, a column a series.

    ``format`` is for all metrics, or by metric.  Every name is escaped.
    """
    columns = [(name, metric, values) for name, metrics in points.items() for metric, values in metrics.items()]
    starts = list(columns[0][2]) if columns else []
    head = ''.join(f'<th scope="col">{escape(_title(name, metric))}</th>' for name, metric, _ in columns)
    rows = ''.join(_row(start, columns, format, date_format) for start in starts)
    title = f'<caption>{escape(caption)}</caption>' if caption else ''
    return Html(
        f'<table class="hailwhale">{title}<thead><tr><th scope="col">Time</th>{head}</tr></thead>'
        f'<tbody>{rows}</tbody></table>'
    )


def _row(
    start: datetime, columns: list[tuple[str, str, Any]], format: str | Mapping[str, str], date_format: str
) -> str:
    cells = ''
    for _, metric, values in columns:
        shape = format if isinstance(format, str) else format.get(metric, 'grouped')
        cells += f'<td data-value="{values[start]}">{escape(format_number(values[start], shape))}</td>'
    when = f'<time datetime="{start.isoformat()}">{escape(start.strftime(date_format))}</time>'
    return f'<tr><th scope="row">{when}</th>{cells}</tr>'


def _title(name: str, metric: str) -> str:
    path = parse_path_name(name)
    return f'{metric}: {" / ".join(path)}' if path else metric
