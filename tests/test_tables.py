"""Numbers and plotpoints as HTML."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest

from hailwhale import InvalidInput
from hailwhale.tables import format_number, table

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.mark.parametrize(
    ('value', 'format', 'text'),
    [
        (1234.5678, 'int', '1235'),
        (1234.5678, 'float', '1234.57'),
        (1234567, 'grouped', '1,234,567'),
        (0.1234, 'percent', '12.3%'),
        (1234.5, 'money', '$1,234.50'),
        (-1234.5, 'money', '-$1,234.50'),
        (-0.001, 'money', '$0.00'),
        (-0.4, 'int', '0'),
        (-7, 'int', '-7'),
        (2**63 - 1, 'grouped', '9,223,372,036,854,775,807'),
        (2**53 + 1, 'money', '$9,007,199,254,740,993.00'),
    ],
)
def test_numbers_are_written_as_pages_show_them(value: float, format: str, text: str) -> None:
    assert format_number(value, format) == text


def test_a_format_that_there_is_not_is_refused_by_name() -> None:
    with pytest.raises(InvalidInput, match=r"not a format of numbers: 'roman' .*money"):
        format_number(1, 'roman')


class Text(HTMLParser):
    """The texts and tags of a page, as a browser reads it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_a_table_has_a_row_for_each_bucket_and_a_column_for_each_series() -> None:
    points: dict[str, dict[str, dict[datetime, float]]] = {
        '_': {'dollars': {MIDNIGHT: 5.25}, 'hits': {MIDNIGHT: 2}},
        '["geo", "UK"]': {'dollars': {MIDNIGHT: 1000}, 'hits': {MIDNIGHT: 1}},
    }
    html = table(points, format={'dollars': 'money'}, caption='Sales', date_format='%d %b')
    assert Text(html).texts == [
        *('Sales', 'Time', 'dollars', 'hits', 'dollars: geo / UK', 'hits: geo / UK'),
        *('22 Nov', '$5.25', '2', '$1,000.00', '1'),
    ]
    assert html.__html__() == html


def test_names_from_outside_stay_text() -> None:
    evil = '<script>alert(1)</script>'
    html = table({evil: {evil + '"': {MIDNIGHT: 1}}}, caption=evil)
    assert 'script' not in Text(html).tags
    assert evil in Text(html).texts


def test_a_table_of_nothing_is_empty() -> None:
    assert Text(table({})).texts == ['Time']
