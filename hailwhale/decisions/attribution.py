"""Attribution: whether what was earned says of whom.

A payment that is told of later often comes without what was known of the visitor: the option was shown in
``country/US device/phone``, and it earns in ``country/US``, or where nothing is known at all.  Where much of what was
earned cannot come of what was shown in the same context, contexts tell nothing: visitors are not told apart then, and
options are compared by all that was shown and all that was earned.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.contexts import Context
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.tables import Cell

#: This share of what was earned is too much.
_TOO_MUCH = 0.1
#: A showing earns no more often than once, or than so many times what is usual.
_UNUSUAL = 3.0


class Unattributed(NamedTuple):
    """What was earned that cannot come of what was shown in the same context."""

    example: str  #: the context with most of it
    share: float  #: of all that was earned


def unattributed(columns: Floats, contexts: Sequence[Context]) -> Unattributed | None:
    """Whether too much cannot; ``columns``: the fields of all cells, [field, cell], with exposures that are hits."""
    cells = Cell(*columns)
    context = columns[0].astype(int)
    shown, earned, times = (
        np.bincount(context, column, len(contexts)) for column in (cells.exposure, np.abs(cells.reward), cells.times)
    )
    usual = times.sum() / max(shown.sum(), 1.0)
    if usual > 0:
        earned, most = times, np.maximum(shown, 0) * max(1.0, _UNUSUAL * usual)
    else:
        # How often was not counted: a showing may have earned any amount.
        most = np.where(shown > 0, np.inf, 0.0)
    over = np.maximum(earned - most, 0.0)
    if not over.sum() > _TOO_MUCH * earned.sum():
        return None
    return Unattributed(contexts[int(over.argmax())].text, float(over.sum() / earned.sum()))
