"""Attribution: whether what was earned says of whom.

A payment that is told of later often comes without what was known of the visitor: the option was shown in
``country/US device/phone``, and it earns in ``country/US``, or where nothing is known at all.  Where most of what was
earned lies in contexts in which hardly anything was shown, contexts tell nothing: visitors are not told apart then, and
options are compared by all that was shown and all that was earned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.tables import Cell

#: More than this share of what was earned is most of it; of fewer rewards nothing is concluded.
_MOST, _FEWEST = 0.5, 10
#: Who is shown something earns at most so many times for it, or so many times what is usual.
_EVER = 30.0


class Unattributed(NamedTuple):
    """What was earned in contexts in which hardly anything was shown."""

    example: str  #: the context with most of it
    share: float  #: of all that was earned


def unattributed(columns: Floats, contexts: Sequence[Context]) -> Unattributed | None:
    """Whether that is most of all; ``columns``: the fields of all cells, [field, cell], whose exposures are hits."""
    cells = Cell(*columns)
    context = columns[0].astype(int)
    earned = np.abs(cells.reward)
    # How often something was earned, where that was not counted: at least once a cell.
    times = np.maximum(cells.times, earned > 0)
    shown, amount, count = (np.bincount(context, one, len(contexts)) for one in (cells.exposure, earned, times))
    usual = max(count.sum() / max(shown.sum(), 1.0), 1.0)
    hardly = count > _EVER * usual * np.maximum(shown, 0.0)
    lost = np.where(hardly, amount, 0.0)
    if count[hardly].sum() < _FEWEST or lost.sum() <= _MOST * amount.sum():
        return None
    return Unattributed(contexts[int(lost.argmax())].text, float(lost.sum() / amount.sum()))
