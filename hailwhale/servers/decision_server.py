"""Decisions over HTTP.

::

    /decide            GET, POST   {"option": name, "propensity": number, "weights": {option: number}, "by": "policy"}
                       POST        with "visitors": {"decisions": [...]}
    /count_decision    GET, POST   OK, or {"counted": true}

``by_metric`` is the formula.  Who calls itself a bot gets an option that is as likely as all others, and nothing of it
is counted; ``bot=0`` says that a program asks for a visitor.
"""

from __future__ import annotations

from typing import Any

from hailwhale.errors import InvalidInput
from hailwhale.servers.bots import is_bot
from hailwhale.servers.params import Parameters, flag, formulas, one_of, raw, share, value, whole
from hailwhale.servers.web import COUNTED, TEXT, Answer, Request, Route, json
from hailwhale.whale import Whale

_DECIDE = Parameters(
    pk=value,
    decision=value,
    options=value,
    dimensions=value,
    by_metric=formulas,
    period=value,
    goal=one_of('max', 'min'),
    visitor=raw,
    seed=whole,
    holdout=share,
    explain=flag,
    visitors=value,
    bot=flag,
)
_COUNT = Parameters(
    pk=value,
    decision=value,
    option=value,
    dimensions=value,
    metrics=value,
    at=value,
    id=raw,
    visitor=raw,
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
