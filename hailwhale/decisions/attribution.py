"""Attribution: whether what was earned says of whom.

A payment that is told of later often comes without what was known of the visitor: the option was shown in
``country/US device/phone``, and it earns in ``country/US``, or where nothing is known at all.  Where most of what was
earned lies in contexts in which hardly anything was shown, it tells nothing of those: they are left aside.  Where next
to nothing is left then, contexts tell nothing: visitors are not told apart, and options are compared by all that was
shown and all that was earned.

Both are settled by counters alone, so that whoever reads them decides alike.  The second takes much more than the
first, and no longer holds where some hundred rewards say of whom: those tell of their contexts what no sum of all can.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from hailwhale.decisions.contexts import NOBODY
from hailwhale.decisions.policies.arrays import Floats
from hailwhale.decisions.policies.tables import Cell, Moments, Table

#: Hardly anything was shown where more rewards came of a showing than this, and so many times what is usual; those
#: contexts together, first those with the fewest showings, have no more than a share of what was shown.
_EVER, _SHOWN = 10.0, 0.01
#: More than this share of what was earned is most of it; of fewer rewards nothing is concluded.
_MOST, _FEWEST = 0.5, 10
#: Visitors are not told apart where more than this share, of what was earned and of how often, is of nobody, and fewer
#: rewards than so many say of whom.
_ALL, _ENOUGH = 0.9, 400


class Unattributed(NamedTuple):
    """What was earned in contexts in which hardly anything was shown."""

    contexts: frozenset[str]  #: their texts
    example: str  #: the one with most of it
    share: float  #: of all that was earned
    joined: bool  #: whether visitors are not told apart: next to nothing else was earned


def unattributed(table: Table) -> Unattributed | None:
    """What that is, where it is most of all; exposures are hits."""
    contexts, options = len(table.contexts), len(table.options)
    cells = Cell(*(columns := table.columns()))
    context, option = columns[:2].astype(int)
    # How often something was earned, where that was not counted: at least once a cell.
    times = np.maximum(cells.times, cells.reward != 0)
    shown, count = (np.bincount(context, one, contexts) for one in (cells.exposure, times))
    # What was paid back is taken off, in whatever buckets it lies; an option that lost tells as much as another.
    net = np.bincount(context * options + option, cells.reward, contexts * options)
    amount = np.abs(net).reshape(-1, options).sum(axis=1)
    usual = max(count.sum() / max(shown.sum(), 1.0), 1.0)
    shown = np.maximum(shown, 0.0)
    hardly = count > _EVER * usual * shown
    room = _SHOWN * float(shown.sum())
    # In an order that does not depend on the one in which they were read.
    for _, _, _, place in sorted(
        (shown[place], -count[place], table.contexts[place].text, place) for place in np.flatnonzero(hardly).tolist()
    ):
        room -= shown[place]
        hardly[place] = room >= 0
    lost = np.where(hardly, amount, 0.0)
    total, often = float(count.sum()), float(count[hardly].sum())
    share = float(lost.sum() / max(amount.sum(), 1e-300))
    if often < _FEWEST or share <= _MOST:
        return None
    joined = total - often < _ENOUGH and share > _ALL and often > _ALL * total
    texts = frozenset(table.contexts[place].text for place in np.flatnonzero(hardly).tolist())
    return Unattributed(texts, table.contexts[int(lost.argmax())].text, share, joined)


def together(table: Table) -> Table:
    """The same with all contexts as one."""
    columns = table.columns().copy()
    columns[0] = 0
    return Table([NOBODY], table.options, columns.T, table.moments)


def without(table: Table, contexts: Collection[str]) -> Table:
    """What is left without some contexts; exposures are hits."""
    columns = table.columns()
    aside = np.array([context.text in contexts for context in table.contexts], bool)[columns[0].astype(int)]
    left = columns[:, ~aside]
    places, left[0] = np.unique(left[0], return_inverse=True)
    kept = [table.contexts[place] for place in places.astype(int).tolist()]
    return Table(kept, table.options, left.T, _moments(table.moments, left, columns[:, aside]))


def _moments(moments: Moments, left: Floats, aside: Floats) -> Moments:
    """The moments of those cells that are left, by the moments of all.

    Squares are not counted by context: how much the rewards within a cell differ, for their size, is taken to be the
    same in all cells.
    """
    exposure, reward = left[3:5].sum(axis=1).tolist()
    # How often something was earned is counted where squares are.
    if moments.squares is None or (reward and not left[5].any()):
        return Moments(exposure, reward)
    (least, spread), (other, spread_aside) = _squares(left), _squares(aside)
    beyond = max(moments.squares - least - other, 0.0)
    return Moments(exposure, reward, least + beyond * spread / max(spread + spread_aside, 1e-300))


def _squares(cells: Floats) -> tuple[float, float]:
    """What the squares of the rewards of some cells sum to, were all in a cell alike; and how much more, in units of
    what they differ by."""
    reward, times = cells[4:6, cells[5] > 0]
    each = np.square(reward / times)
    return float((times * each).sum()), float((np.maximum(times - 1, 0.0) * each).sum())
