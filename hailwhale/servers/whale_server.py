"""The whale server: count, ask, look, over HTTP.

::

    /count_now /update_count_to           GET, POST   OK, or {"counted": true}
    /totals                               GET, POST   {period: {dimension: {metric: number}}}
    /plotpoints                           GET, POST   {dimension: {metric: [[milliseconds, number], ...]}}
    /rank                                 GET, POST   {"rows": [...]}
    /subdimensions                        GET, POST   {"subdimensions": [[name, ...], ...]}
    /pks                                  GET, POST   {"pks": [{"pk": [...], "metrics": [...], "children": number}]}
    /reset                                POST        {"reset": number of nodes}
    /healthz                              GET         {"status": "ok"}
    / and /static/NAME                    GET         the page

Parameters are those of `hailwhale.whale.Whale`, by the same names.  By GET they stand in the address line, spelled
leniently; by POST in a JSON object or a form.
"""

from __future__ import annotations

from typing import Any

from hailwhale.errors import InvalidInput
from hailwhale.servers.params import Parameters, flag, formulas, one_of, raw, share, value, whole, word
from hailwhale.servers.static import Static
from hailwhale.servers.web import FOR_A_SECOND, TEXT, Answer, Application, Request, Route, json
from hailwhale.settings import Settings
from hailwhale.whale import Whale

_READ = ('GET', 'HEAD', 'POST')
# No HEAD: whoever sends it wants to look, not to count.
_WRITE = ('GET', 'POST')

_COUNT = Parameters(pk=value, dimensions=value, metrics=value, at=value, id=raw)
_LEVEL = Parameters(pk=value, dimensions=value, metrics=value, at=value)
_TOTALS = Parameters(pk=value, dimensions=value, metrics=formulas, periods=value, tz=value)
_PLOTPOINTS = Parameters(
    pk=value,
    dimensions=value,
    metrics=formulas,
    period=value,
    depth=whole,
    sort=word,
    limit=whole,
    tz=value,
    points=one_of('ms', 'dict'),
    descending=flag,
    totals=flag,
)
_RANK = Parameters(
    pk=value, metric=word, dimension=value, period=value, depth=whole, important=share, limit=whole, tz=value
)
_SUBDIMENSIONS = Parameters(pk=value, dimensions=value, recursive=flag)
_PKS = Parameters(under=value)
_RESET = Parameters(pk=value, dimensions=value, metrics=value)


class WhaleServer(Application):
    """The WSGI application that serves a whale.

    Safe for threads and greenlets as far as the whale is.  The engine is not asked for anything before the first
    request.
    """

    def __init__(self, whale: Whale, settings: Settings) -> None:
        self._whale = whale
        page = Static('hailwhale', 'static')
        routes = (
            Route('/count_now', self._count_now, _COUNT, _WRITE),
            Route('/update_count_to', self._update_count_to, _LEVEL, _WRITE),
            Route('/totals', self._totals, _TOTALS, _READ),
            Route('/plotpoints', self._plotpoints, _PLOTPOINTS, _READ),
            Route('/rank', self._rank, _RANK, _READ),
            Route('/subdimensions', self._subdimensions, _SUBDIMENSIONS, _READ),
            Route('/pks', self._pks, _PKS, _READ),
            Route('/reset', self._reset, _RESET, ('POST',), own_pages=True),
            Route('/healthz', self._healthz),
            Route('/', page.page),
            Route('/static/<name>', page.file),
        )
        super().__init__(routes, cors=settings.cors, max_body=settings.max_body)

    # -- counting ----------------------------------------------------------------------------------------------------

    def _count_now(self, request: Request) -> Answer:
        return _counted(request, self._whale.count_now(**request.given))

    def _update_count_to(self, request: Request) -> Answer:
        self._whale.update_count_to(**request.given)
        return _counted(request, True)

    def _reset(self, request: Request) -> Answer:
        if 'pk' not in request.given:
            raise InvalidInput("nothing to clear is named (give its pk; '_' is the one without a name)", field='pk')
        return json({'reset': self._whale.reset(**request.given)})

    # -- asking ------------------------------------------------------------------------------------------------------

    def _totals(self, request: Request) -> Answer:
        return json(self._whale.totals(**request.given), cache=FOR_A_SECOND)

    def _plotpoints(self, request: Request) -> Answer:
        given = request.given
        shape = given.pop('points', 'ms')
        found = self._whale.plotpoints(**given, points='ms')
        if shape == 'dict':
            for by_metric in found.values():
                by_metric.update({metric: _as_mapping(drawn) for metric, drawn in by_metric.items()})
        return json(found, cache=FOR_A_SECOND)

    def _rank(self, request: Request) -> Answer:
        rows = self._whale.rank(**request.given)
        return json({'rows': [row.to_dict() for row in rows]}, cache=FOR_A_SECOND)

    def _subdimensions(self, request: Request) -> Answer:
        given = request.given
        below = self._whale.all_subdimensions if given.get('recursive') else self._whale.get_subdimensions
        found = below(given.get('pk'), given.get('dimensions'))
        return json({'subdimensions': found}, cache=FOR_A_SECOND)

    def _pks(self, request: Request) -> Answer:
        whale = self._whale
        found = [
            {'pk': pk, 'metrics': whale.metric_names(pk), 'children': len(whale.pks(pk))}
            for pk in whale.pks(request.given.get('under') or None)
        ]
        return json({'pks': found}, cache=FOR_A_SECOND)

    # -- looking after -----------------------------------------------------------------------------------------------

    def _healthz(self, _: Request) -> Answer:
        self._whale.storage.ping()
        return json({'status': 'ok'})


def _counted(request: Request, counted: bool) -> Answer:
    return Answer(b'OK', TEXT) if request.method == 'GET' else json({'counted': counted})


def _as_mapping(drawn: Any) -> Any:
    """Pairs of milliseconds and numbers as a mapping; with totals, those within."""
    return drawn | {'points': dict(drawn['points'])} if isinstance(drawn, dict) else dict(drawn)
