"""Decisions over HTTP.

::

    /decide            GET, POST   {"option": name, "propensity": number, "weights": {option: number}, "by": "policy"}
                       POST        with "visitors": {"decisions": [...]}
    /count_decision    GET, POST   OK, or {"counted": true}

``by_metric`` is the formula.  Who calls itself a bot gets an option that is as likely as all others, and nothing of it
is counted; ``bot=0`` says that a program asks for a visitor.  ``visitors`` are sent by servers, so that the
``User-Agent`` of the request says nothing of them: of each it may be said that it is a ``bot``.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hailwhale.choices import MOST_VISITORS
from hailwhale.errors import InvalidInput
from hailwhale.servers.bots import is_bot
from hailwhale.servers.params import Parameters, flag, formulas, one_of, raw, share, value, visitor, whole
from hailwhale.servers.web import COUNTED, TEXT, Answer, Request, Route, json
from hailwhale.whale import Whale

#: As many visitors as are decided for at once, with some dimensions of each.
_MOST_VALUES = MOST_VISITORS * 16
#: What arguments of `Whale.decision` and `Whale.count_decided_now` are called here.
_NAMES = {'formula': 'by_metric', 'decision_name': 'decision', 'pk_base': 'pk'}

_DECIDE = Parameters(
    pk=value,
    decision=value,
    options=value,
    dimensions=value,
    by_metric=formulas,
    period=value,
    goal=one_of('max', 'min'),
    visitor=visitor,
    seed=whole,
    holdout=share,
    explain=flag,
    visitors=value,
    bot=flag,
).with_many('visitors', _MOST_VALUES)
_COUNT = Parameters(
    pk=value,
    decision=value,
    option=value,
    dimensions=value,
    metrics=value,
    at=value,
    id=raw,
    visitor=visitor,
    holdout=share,
    bot=flag,
)


def decision_routes(whale: Whale) -> tuple[Route, ...]:
    """The routes of decisions."""
    server = _DecisionServer(whale)
    return (
        Route('/decide', server.decide, _DECIDE, ('GET', 'HEAD', 'POST'), scope='read', below=True),
        Route('/count_decision', server.count, _COUNT, ('GET', 'POST'), scope='write', below=True),
    )


class _DecisionServer:
    """What answers at the routes."""

    def __init__(self, whale: Whale) -> None:
        self._whale = whale

    def decide(self, request: Request) -> Answer:
        """Choose an option for a visitor, or for each of many."""
        with _named_as_given():
            return self._decide(request)

    def _decide(self, request: Request) -> Answer:
        given = dict(request.given)
        for name in ('pk', 'options'):
            if name not in given:
                raise InvalidInput(f'{name} is missing (a decision is between options, under a pk)', field=name)
        place = given.pop('pk'), given.pop('decision', None), given.pop('options')
        given['formula'] = given.pop('by_metric', 'value/hits')
        if 'visitors' in given:
            return self._decide_many(place, given)
        bot = given.pop('bot', None)
        given['bot'] = is_bot(request.visit.agent) if bot is None else bot
        given['known_data'] = given.pop('dimensions', None)
        return json(self._whale.decision(*place, **given).as_dict())

    def _decide_many(self, place: tuple[Any, Any, Any], given: dict[str, Any]) -> Answer:
        for name in ('dimensions', 'visitor', 'seed', 'bot'):
            if name in given:
                raise InvalidInput(f'{name} is for one visitor (say it in visitors, for each)', field=name)
        found = self._whale.decide_many(*place, given.pop('visitors'), **given)
        return json({'decisions': [one.as_dict() for one in found]})

    def count(self, request: Request) -> Answer:
        """Count what an option did."""
        with _named_as_given():
            return self._count(request)

    def _count(self, request: Request) -> Answer:
        given = dict(request.given)
        for name in ('pk', 'option'):
            if name not in given:
                raise InvalidInput(f'{name} is missing (what did which option of which decision do)', field=name)
        place = given.pop('pk'), given.pop('decision', None), given.pop('option')
        bot = given.pop('bot', None)
        if is_bot(request.visit.agent) if bot is None else bot:
            return Answer(COUNTED, TEXT) if request.method == 'GET' else json({'counted': False})
        counted = self._whale.count_decided_now(*place, **given)
        return Answer(COUNTED, TEXT) if request.method == 'GET' else json({'counted': counted})


@contextmanager
def _named_as_given() -> Iterator[None]:
    """Errors name the parameter that was given."""
    try:
        yield
    except InvalidInput as error:
        error.field = _NAMES.get(error.field or '', error.field)
        raise
