"""Choosing: from the weights of options to the one that a visitor gets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple

from hailwhale.choices import Decision, chance, checked_seed
from hailwhale.decisions.counting import context_of
from hailwhale.decisions.known import Seen
from hailwhale.decisions.policies import Context, even, picked
from hailwhale.decisions.reading import Asked
from hailwhale.decisions.visitors import in_holdout, number_of, read_visitor, visitor_name
from hailwhale.errors import InvalidInput
from hailwhale.paths import path_name

#: Why chance alone chooses for a visitor, where it does.
Apart = Literal['bot', 'holdout'] | None


class Who(NamedTuple):
    """A visitor."""

    context: Context
    name: str | None
    bot: bool
    seed: int | None


def read_many(
    asked: Asked, holdout: object, most: int, visitors: Sequence[tuple[int, object]]
) -> list[tuple[Who, Apart]]:
    """Each of many visitors, given with their places, and whether chance alone chooses for that one.

    ``most``: bytes of a context.  Raises `InvalidInput`, which says for whom.
    """
    return [_one_of_many(asked, place, given, holdout, most) for place, given in visitors]


def _one_of_many(asked: Asked, place: int, given: object, holdout: object, most: int) -> tuple[Who, Apart]:
    try:
        visitor = read_visitor(given)
        context = context_of(visitor.dimensions, most=most)
        who = Who(context, visitor_name(visitor.name), visitor.bot, checked_seed(visitor.seed))
        return who, apart_of(asked, who, holdout)
    except InvalidInput as error:
        raise type(error)(f'visitors[{place}]: {error.message}', field='visitors') from error


def apart_of(asked: Asked, who: Who, holdout: object) -> Apart:
    """Whether chance alone chooses for a visitor, and why."""
    return 'bot' if who.bot else 'holdout' if in_holdout(asked.pk, who.name, holdout) else None


def by_chance(
    asked: Asked, names: Sequence[str], who: Who, by: Literal['bot', 'holdout'], warning: str | None
) -> Decision:
    """A decision by the visitor's name alone."""
    # Bots without a name all get the same option, which costs nobody anything.
    option = picked(even(asked.options), number_of(asked.pk, who.name or '', 'option'))
    weights = even(names)
    return Decision(option, weights[option], weights, by, who.name is not None, warning=warning)


def chosen(asked: Asked, names: Sequence[str], who: Who, seen: Seen, explain: bool, warning: str | None) -> Decision:
    """A decision by the weights in the visitor's context."""
    sticky = who.name is not None and who.seed is None
    number = number_of(asked.pk, who.name, 'option') if who.name is not None and sticky else chance(who.seed)
    option, model = picked(seen.weights, number), seen.model
    weights = {name: seen.weights[name] for name in names}
    found = Decision(option, weights[option], weights, 'policy', sticky, who.seed, warning=warning)
    if not explain:
        return found
    return replace(
        found,
        paths=tuple(map(path_name, dict.fromkeys([*model.paths(seen.context), *seen.context.paths]))),
        reasons=tuple(model.reasons(seen.context, asked.options, seen.live)),
    )
