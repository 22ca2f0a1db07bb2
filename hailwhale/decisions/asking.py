"""Asking: from the arguments of a call to the decision that they ask for."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from hailwhale.decisions.counting import decision_pk, option_pk
from hailwhale.decisions.reading import Asked, formula_of
from hailwhale.errors import InvalidInput, LimitExceeded
from hailwhale.paths import Path
from hailwhale.periods import Period

#: Options of one decision.
MOST_OPTIONS = 1_000


def asked_of(
    pk_base: object,
    decision_name: object,
    options: object,
    formula: object,
    period: object,
    goal: object,
) -> tuple[Sequence[str], Asked]:
    """The options in the order given, and the decision.  Raises `InvalidInput` and `InvalidFormula`."""
    is_least(goal)
    pk = decision_pk(pk_base, decision_name)
    given = tuple(options) if isinstance(options, list) else None
    if given is None or not all(type(text) is str for text in (*given, formula)):
        return _read(pk, options, formula, period)
    # The same few come again and again.
    return _read_texts(pk, given, formula, None if period is None else Period.parse(period))


def _read(pk: Path, options: object, formula: object, period: object) -> tuple[Sequence[str], Asked]:
    reward, exposure = formula_of(formula)
    names = checked_options(options)
    for name in names:
        option_pk(pk, name)
    return names, Asked(pk, tuple(sorted(names)), reward, exposure, None if period is None else Period.parse(period))


_read_texts = lru_cache(maxsize=4_096)(_read)


def checked_options(options: object) -> list[str]:
    """The names of options, in the order given.  Raises `InvalidInput`."""
    if isinstance(options, str) or not isinstance(options, Sequence) or not options:
        raise InvalidInput(f'not options to choose among: {options!r:.80} (a list of names)', field='options')
    if len(options) > MOST_OPTIONS:
        raise LimitExceeded(f'{len(options)} options, more than {MOST_OPTIONS}', field='options')
    names = [option_pk((), option, field='options')[0] for option in options]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        raise InvalidInput(f'the option {twice!r:.80} is there twice (give it once)', field='options')
    return names


def is_least(goal: object) -> bool:
    """Whether the least is best.  Raises `InvalidInput`."""
    if goal not in ('max', 'min'):
        raise InvalidInput(f"not a goal: {goal!r:.80} ('max' or 'min')", field='goal')
    return goal == 'min'
