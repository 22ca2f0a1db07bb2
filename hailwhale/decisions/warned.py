"""What callers of decisions are warned of."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from hailwhale.choices import CostWarning
from hailwhale.decisions.attribution import Unattributed
from hailwhale.decisions.reading import Asked, Taken
from hailwhale.metrics import DEFAULT_METRIC
from hailwhale.products import is_product
from hailwhale.whale import Whale

_COSTS = frozenset({'bounce', 'bounces', 'cost', 'costs', 'errors', 'refunds', 'spend', 'spent', 'unsubscribes'})
#: Names that a warning lists.
_LISTED = 5


def cost_warning(asked: Asked, goal: object) -> str | None:
    """A warning where what is to be large has the name of a cost."""
    if goal != 'max' or asked.reward not in _COSTS:
        return None
    message = (
        f"the option with the most {asked.reward} is chosen, which sounds like a cost: say goal='min' for the least"
    )
    warnings.warn(message, CostWarning, stacklevel=5)
    return message


def missing(whale: Whale, asked: Asked, taken: Taken) -> str | None:
    """What was never counted of a decision, where something else was: a name that was misspelt, or not given.

    Asks the engine only where one side of the formula is 0.
    """
    moments = taken.table.moments
    if taken.unshown and not moments.exposure:
        return f'something was earned, and nothing was counted of {asked.exposure!r} (count what is shown, too)'
    unshown = [_unshown(taken.unshown, asked)] if taken.unshown else []
    mixed = [_unattributed(taken.unattributed, asked)] if taken.unattributed else []
    if unshown or mixed:
        return '; '.join([*unshown, *mixed])
    if moments.exposure and moments.reward:
        return None
    options = sorted({path[-1] for path in whale.pks(asked.pk)})
    if not options:
        return None
    if not set(options) & set(asked.options):
        return f'nothing was counted of {_listed(asked.options)}; there are {_listed(options)} (give those options)'
    names = [name for name in whale.metric_names(asked.pk) if not is_product(name)]
    lacking = [repr(name) for name in (asked.reward, asked.exposure) if name not in names]
    there = [name for name in names if name not in (DEFAULT_METRIC, asked.reward, asked.exposure)]
    if lacking and there:
        return f'nothing was counted of {_listed(lacking)}; there are {_listed(there)} (give the formula)'
    return None


def _unshown(options: Sequence[str], asked: Asked) -> str:
    of = f'{asked.reward!r} was counted of {_listed(options)}, and no {asked.exposure!r}'
    return f'{of}: that tells nothing of what is to be earned, and is left aside (count what is shown, too)'


def _unattributed(found: Unattributed, asked: Asked) -> str:
    if found.example:
        where = f'in contexts such as {found.example!r:.80}, where'
    else:
        where = 'of visitors of whom nothing is known, to whom'
    of = f'{found.share:.0%} of {asked.reward!r} was counted {where} hardly anything was shown'
    so = 'visitors are not told apart' if found.joined else 'that tells nothing of visitors, and is left aside'
    return f'{of}: {so} (say of a reward what was known of the visitor when the option was shown)'


def _listed(names: Sequence[str]) -> str:
    more = [f'{len(names) - _LISTED} more'] if len(names) > _LISTED else []
    return ', '.join([*(name[:80] for name in names[:_LISTED]), *more])
