"""Strays: rewards that were counted in a context where the option was never shown.

A payment that is told of later often comes without what was known of the visitor: the option was shown in
``country/US device/phone``, and it earns in ``country/US``, or where nothing is known at all.  Such a reward belongs
to one of the contexts within that one, and is shared out among them as the option was shown there: first among those
of the same hour or day, where there are any.  What fits none of them tells nothing, and is left aside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats, Ints
from hailwhale.decisions.policies.tables import Cell
from hailwhale.paths import Path

_CONTEXT, _OPTION, _AGE, _EXPOSURE, _REWARD = range(5)
#: Contexts of strays that are looked at, those with most of them: others are left aside.
_MOST = 200
_NONE = np.array([], int)


class Strays(NamedTuple):
    """What was counted where nothing was shown."""

    example: str  #: the context with most of it
    share: float  #: of all rewards
    placed: bool  #: whether at least half of it was shared out


def placed(columns: Floats, contexts: Sequence[Context], options: int) -> tuple[Floats, Strays | None]:
    """The fields of all cells, [field, cell], with strays where they belong; None where there are none.

    ``columns``: the same as they were counted, with exposures that are hits.  None is changed that is no stray.
    """
    if not columns.size:
        return columns, None
    pair = _pairs(columns, options)
    astray = np.bincount(pair, columns[_EXPOSURE])[pair] <= 0
    amount = np.abs(columns[_REWARD])
    by_context = np.bincount(pair[astray] // options, amount[astray], len(contexts))
    most = np.argsort(-by_context, kind='stable')[:_MOST].tolist()
    if not by_context[most[0]]:
        return columns, None
    found, strays, looked_at, put = columns[:, ~astray], columns[:, astray], set(most), 0.0
    shown = _Shown(found, contexts, options)
    for number, some in _groups(pair[astray]):
        place, option = divmod(number, options)
        cells = shown.within(contexts[place], option) if place in looked_at else _NONE
        if len(cells):
            _share_out(found, cells, strays[:, some])
            put += float(amount[astray][some].sum())
    lost = float(by_context.sum())
    return found, Strays(contexts[most[0]].text, lost / float(amount.sum()), put >= lost / 2)


def _pairs(columns: Floats, options: int) -> Ints:
    """A number for the context and the option of each cell."""
    return np.asarray(columns[_CONTEXT] * options + columns[_OPTION], int)


def _groups(numbers: Ints) -> Iterator[tuple[int, Ints]]:
    """Each of some numbers, and the places where it stands."""
    order = np.argsort(numbers, kind='stable')
    found, first = np.unique(numbers[order], return_index=True)
    return zip(found.tolist(), np.split(order, first)[1:], strict=True)


class _Shown:
    """The cells in which options were shown, by the paths above their contexts."""

    def __init__(self, columns: Floats, contexts: Sequence[Context], options: int) -> None:
        self._options = options
        places = np.nonzero(columns[_EXPOSURE] > 0)[0]
        self._cells = {number: places[some] for number, some in _groups(_pairs(columns[:, places], options))}
        self._below: defaultdict[Path, set[int]] = defaultdict(set)
        for place in sorted({number // options for number in self._cells}):
            for path in contexts[place].above:
                self._below[path].add(place)

    def within(self, context: Context, option: int) -> Ints:
        """The places of the cells of an option in contexts that tell of a visitor all that this one does."""
        inside = set.intersection(*(self._below.get(path, set()) for path in context.paths or [()]))
        pairs = [place * self._options + option for place in sorted(inside)]
        return np.concatenate([_NONE, *(self._cells[pair] for pair in pairs if pair in self._cells)])


def _share_out(columns: Floats, cells: Ints, strays: Floats) -> None:
    """Add rewards of strays to some cells, in proportion to what was shown there."""
    ages, age = np.unique(columns[_AGE, cells], return_inverse=True)
    exposure = columns[_EXPOSURE, cells]
    shown = np.bincount(age, exposure)
    same = np.searchsorted(ages, strays[_AGE]).clip(max=len(ages) - 1)
    then = ages[same] == strays[_AGE]
    for row in range(_REWARD, len(Cell._fields)):
        of_age = np.bincount(same[then], strays[row, then], len(ages))
        anytime = strays[row, ~then].sum() / exposure.sum()
        columns[row, cells] += exposure * ((of_age / shown)[age] + anytime)
