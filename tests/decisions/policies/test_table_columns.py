"""Tables: cells as columns, and their sums."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hailwhale.decisions.policies import Cell, Context, Moments, Sums, Table
from hailwhale.decisions.policies.tables import NOTHING

few = settings(max_examples=40)
CONTEXTS = [Context.of(None), Context.of({'country': 'US'}), Context.of({'country': 'UK'})]
amounts = st.integers(-1000, 1000)
cells = st.lists(st.builds(Cell, st.integers(0, 2), st.integers(0, 1), st.integers(0, 300), amounts, amounts, amounts))


@few
@given(cells, st.booleans())
def test_sums_are_those_of_a_plain_loop_and_leave_out_what_was_not_counted(cells: list[Cell], array: bool) -> None:
    given = np.array(cells, float).reshape(-1, 6) if array else cells
    expected: dict[tuple[str, str], list[int]] = {}
    for place, field in enumerate(('exposure', 'reward', 'times')):
        count: Counter[tuple[str, str]] = Counter()
        for cell in cells:
            count[CONTEXTS[cell.context].text, 'ab'[cell.option]] += int(getattr(cell, field))
        for name, amount in count.items():
            expected.setdefault(name, [0, 0, 0])[place] = amount
    found = Table(CONTEXTS, 'ab', given, Moments(1, 1)).sums()
    assert found == {name: Sums(*sums) for name, sums in expected.items() if any(sums)}


def test_a_table_without_cells_has_columns_without_rows_and_no_sums() -> None:
    table = Table(CONTEXTS, ['a'], [], Moments(0, 0))
    assert table.columns().shape == (len(Cell._fields), 0)
    assert table.sums() == {}


def test_columns_are_the_fields_of_cells() -> None:
    rows = [Cell(0, 1, 2.5, 10, 3, 2), Cell(1, 0, 3.5, 20, 4)]
    table = Table(CONTEXTS, 'ab', rows, Moments(30, 7))
    assert table.columns().T.tolist() == [[0, 1, 2.5, 10, 3, 2], [1, 0, 3.5, 20, 4, 0]]


def test_nothing_is_nothing() -> None:
    assert Sums(0, 0, 0) == NOTHING


def test_an_array_with_other_columns_is_refused() -> None:
    with pytest.raises(ValueError, match='reshape'):
        Table(CONTEXTS, 'ab', np.ones((1, 5)), Moments(1, 1)).columns()
