"""Attribution: whether what was earned says of whom.

A payment that is told of later often comes without what was known of the visitor: the option was shown in
``country/US device/phone``, and it earns in ``country/US``, or where nothing is known at all.  Where most of what was
earned lies in contexts in which hardly anything was shown, it tells nothing of those: they are left aside.  Where next
to nothing is left then, contexts tell nothing: visitors are not told apart, and options are compared by all that was
shown and all that was earned.

Both are settled by counters alone, so that whoever reads them decides alike.  The second takes much more than the
first, and ends for good with a few rewards that say of whom: those tell of their contexts what no sum of all can.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.tables import Cell

#: Hardly anything was shown where more rewards came of a showing than this, or so many times what is usual; all those
#: contexts together have no more than a share of what was shown.
_EVER, _SHOWN = 10.0, 0.01
#: More than this share of what was earned is most of it; of fewer rewards nothing is concluded.
_MOST, _FEWEST = 0.5, 10
#: Visitors are not told apart where more than this share, of what was earned and of how often, is of nobody, and fewer
#: rewards than so many say of whom.
_ALL, _ENOUGH = 0.9, 40


class Unattributed(NamedTuple):
    """What was earned in contexts in which hardly anything was shown."""

    places: NDArray[np.bool_]  #: whether each context is one of those
    example: str  #: the context with most of it
    share: float  #: of all that was earned
    joined: bool  #: whether visitors are not told apart: next to nothing else was earned


def unattributed(columns: Floats, contexts: Sequence[Context], options: int) -> Unattributed | None:
    """Whether that is most of all; ``columns``: the fields of all cells, [field, cell], whose exposures are hits."""
    cells = Cell(*columns)
    context, option = columns[:2].astype(int)
    # How often something was earned, where that was not counted: at least once a cell.
    times = np.maximum(cells.times, cells.reward != 0)
    shown, count = (np.bincount(context, one, len(contexts)) for one in (cells.exposure, times))
    # What was paid back is taken off, in whatever buckets it lies; an option that lost tells as much as another.
    net = np.bincount(context * options + option, cells.reward, len(contexts) * options)
    amount = np.abs(net).reshape(-1, options).sum(axis=1)
    usual = max(count.sum() / max(shown.sum(), 1.0), 1.0)
    places = count > _EVER * usual * np.maximum(shown, 0.0)
    lost = np.where(places, amount, 0.0)
    often, share = float(count[places].sum()), float(lost.sum() / max(amount.sum(), 1e-300))
    if often < _FEWEST or share <= _MOST or shown[places].sum() > _SHOWN * shown.sum():
        return None
    left = float(count.sum()) - often
    joined = left < _ENOUGH and share > _ALL and often > _ALL * count.sum()
    return Unattributed(places, contexts[int(lost.argmax())].text, share, joined)
