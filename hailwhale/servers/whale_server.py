"""The whale server: count, ask, look, over HTTP.

::

    /count_now                            GET, POST   OK, or {"counted": true}
    /update_count_to                      POST        {"counted": true}
    /totals                               GET, POST   {period: {dimension: {metric: number}}}
    /plotpoints                           GET, POST   {dimension: {metric: [[milliseconds, number], ...]}}
    /stream                               GET         the same live, as `hailwhale.servers.streams` says
    /rank                                 GET, POST   {"rows": [...]}
    /subdimensions                        GET, POST   {"subdimensions": [[name, ...], ...]}
    /pks                                  GET, POST   {"pks": [{"pk": [...], "metrics": [...], "children": number}]}
    /annotate                             POST        {"annotated": true} or {"removed": number}
    /annotations                          GET         {"annotations": [{"pk": [...], "at": milliseconds, "text": ...}]}
    /decide, /count_decision              GET, POST   as `hailwhale.servers.decision_server` says
    /results                              GET, POST   as `hailwhale.servers.results_server` says
    /spy                                  GET, POST   {"events": [...]}, newest first
    /reset                                POST        {"reset": number of nodes}
    /flush_hail                           POST        {"drained": number of events}
    /boards, /boards/NAME                 GET         as `hailwhale.servers.boards` says
    /graph.js, /table_graph.js            GET         scripts that draw where their tag stands
    /embed, /oembed                       GET         as `hailwhale.servers.embeds` says
    / and /static/NAME                    GET         the page

Parameters are those of `hailwhale.whale.Whale`, by the same names.  By GET they stand in the address line, spelled
leniently; by POST in a JSON object or a form.  What changes what was counted is for POST and for keys that may
administer.
"""

from __future__ import annotations

from typing import Any

from hailwhale.access import Grant
from hailwhale.errors import InvalidInput
from hailwhale.hail import Hail
from hailwhale.paths import Path
from hailwhale.servers.boards import boards_routes
from hailwhale.servers.decision_server import decision_routes
from hailwhale.servers.embeds import embed_routes
from hailwhale.servers.params import Parameters, flag, formulas, one_of, raw, share, under, value, whole, word
from hailwhale.servers.results_server import results_routes
from hailwhale.servers.shows import annotations_asked, plotpoints_asked
from hailwhale.servers.static import Static
from hailwhale.servers.streams import Streams
from hailwhale.servers.web import COUNTED, FOR_A_SECOND, TEXT, Answer, Request, Route, Stream, json
from hailwhale.whale import Whale

#: Events that a look at the spy logs answers, unless it says how many; and how many at the most.
_SPIED, _MOST_SPIED = 1_000, 10_000

_READ = ('GET', 'HEAD', 'POST')
# No HEAD: whoever sends it wants to look, not to count.
_WRITE = ('GET', 'POST')
_CHANGE = ('POST',)

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
# Milliseconds, always.
_STREAM = Parameters(
    pk=value, dimensions=value, metrics=formulas, period=value, depth=whole, sort=word, limit=whole, tz=value
)
_RANK = Parameters(
    pk=value, metric=word, dimension=value, period=value, depth=whole, important=share, limit=whole, tz=value
)
_SUBDIMENSIONS = Parameters(pk=value, dimensions=value, recursive=flag)
_PKS = Parameters(under=under)
_ANNOTATE = Parameters(text=raw, pk=value, at=value, remove=flag).about_all()
_ANNOTATIONS = Parameters(pk=value, since=value, until=value)
_SPY = Parameters(pk=value, uid=raw, limit=whole).about_all()
_RESET = Parameters(pk=value, dimensions=value, metrics=value)


def whale_routes(whale: Whale, hail: Hail | None = None, streams: Streams | None = None) -> tuple[Route, ...]:
    """The routes of the whale server; those of ``hail`` are left out without it."""
    server, page = _WhaleServer(whale, streams or Streams(whale)), Static('hailwhale', 'static')
    return (
        Route('/count_now', server.count_now, _COUNT, _WRITE, scope='write'),
        Route('/update_count_to', server.update_count_to, _LEVEL, _CHANGE, scope='admin', own_pages=True),
        Route('/totals', server.totals, _TOTALS, _READ, scope='read'),
        Route('/plotpoints', server.plotpoints, _PLOTPOINTS, _READ, scope='read', shows=plotpoints_asked),
        Route('/stream', server.stream, _STREAM, ('GET',), scope='read', shows=plotpoints_asked),
        Route('/rank', server.rank, _RANK, _READ, scope='read'),
        Route('/subdimensions', server.subdimensions, _SUBDIMENSIONS, _READ, scope='read'),
        Route('/pks', server.pks, _PKS, _READ, scope='read'),
        Route('/annotate', server.annotate, _ANNOTATE, _CHANGE, scope='admin', own_pages=True),
        Route('/annotations', server.annotations, _ANNOTATIONS, scope='read', shows=annotations_asked),
        *decision_routes(whale),
        *results_routes(whale),
        Route('/reset', server.reset, _RESET, _CHANGE, scope='admin', own_pages=True, below=True),
        *(_of_hail(hail) if hail else ()),
        *boards_routes(whale.settings.boards),
        Route('/', page.page),
        Route('/static/<name>', page.file),
        Route('/graph.js', page.named('graph.js')),
        Route('/table_graph.js', page.named('table_graph.js')),
        *embed_routes(page),
    )


def _of_hail(hail: Hail) -> tuple[Route, ...]:
    def spy(request: Request) -> Answer:
        limit = request.given.get('limit', _SPIED)
        if not 1 <= limit <= _MOST_SPIED:
            raise InvalidInput(f'not a number of events: {limit} (from 1 to {_MOST_SPIED})', field='limit')
        return json({'events': hail.spy(request.given.get('pk'), request.given.get('uid'), limit)})

    def flush(request: Request) -> Answer:
        # Of all pks: whoever asks must be for all of them.
        request.grant.check(())
        return json({'drained': hail.drain()})

    return (
        Route('/spy', spy, _SPY, _READ, scope='read', below=True),
        Route('/flush_hail', flush, Parameters(), _CHANGE, scope='admin', own_pages=True),
    )


class _WhaleServer:
    """What answers at the routes."""

    def __init__(self, whale: Whale, streams: Streams) -> None:
        self._whale = whale
        self._streams = streams

    # -- counting ----------------------------------------------------------------------------------------------------

    def count_now(self, request: Request) -> Answer:
        """Count one event now."""
        counted = self._whale.count_now(**request.given)
        return Answer(COUNTED, TEXT) if request.method == 'GET' else json({'counted': counted})

    def update_count_to(self, request: Request) -> Answer:
        """Set a level."""
        self._whale.update_count_to(**request.given)
        return json({'counted': True})

    def reset(self, request: Request) -> Answer:
        """Clear a pk, or a part of it."""
        if 'pk' not in request.given:
            raise InvalidInput("nothing to clear is named (give its pk; '_' is the one without a name)", field='pk')
        return json({'reset': self._whale.reset(**request.given)})

    def annotate(self, request: Request) -> Answer:
        """Let graphs show a word, or show it no more."""
        given = request.given
        if 'text' not in given:
            raise InvalidInput('nothing is said (give a text, such as: release 2.1)', field='text')
        if given.pop('remove', False):
            return json({'removed': self._whale.forget_annotation(**given)})
        return json({'annotated': self._whale.annotate(**given)})

    # -- asking ------------------------------------------------------------------------------------------------------

    def totals(self, request: Request) -> Answer:
        """Sums over periods."""
        return json(self._whale.totals(**request.given), cache=FOR_A_SECOND)

    def plotpoints(self, request: Request) -> Answer:
        """Numbers over time."""
        given = request.given
        shape = given.pop('points', 'ms')
        found = self._whale.plotpoints(**given, points='ms')
        if shape == 'dict':
            for by_metric in found.values():
                by_metric.update({metric: _as_mapping(drawn) for metric, drawn in by_metric.items()})
        return json(found, cache=FOR_A_SECOND)

    def stream(self, request: Request) -> Stream:
        """Numbers over time, and what changes of them."""
        return Stream(self._streams.open(request.given, request.visit.last_event))

    def rank(self, request: Request) -> Answer:
        """Children by what they have."""
        rows = self._whale.rank(**request.given)
        return json({'rows': [row.to_dict() for row in rows]}, cache=FOR_A_SECOND)

    def subdimensions(self, request: Request) -> Answer:
        """The names below."""
        given = request.given
        below = self._whale.all_subdimensions if given.get('recursive') else self._whale.get_subdimensions
        found = below(given.get('pk'), given.get('dimensions'))
        return json({'subdimensions': found}, cache=FOR_A_SECOND)

    def annotations(self, request: Request) -> Answer:
        """What graphs of a pk show."""
        found = self._whale.annotations(**request.given)
        return json({'annotations': [each.to_dict() for each in found]}, cache=FOR_A_SECOND)

    def pks(self, request: Request) -> Answer:
        """The pks below one that the key is for or that lead to such; below none, the topmost that it is for."""
        grant = request.grant
        above, topmost = request.given.get('under', ()), grant.topmost()
        if not above and topmost != [()]:
            listed = [list(pk) for pk in topmost if self._whale.metric_names(pk)]
        else:
            grant.check_below(above)
            listed = self._below(above, grant)
        found = [
            {
                'pk': pk,
                'metrics': self._whale.metric_names(pk) if grant.is_for(tuple(pk)) else [],
                'children': len(self._below(tuple(pk), grant)),
            }
            for pk in listed
        ]
        return json({'pks': found}, cache=FOR_A_SECOND)

    def _below(self, pk: Path, grant: Grant) -> list[list[str]]:
        return [found for found in self._whale.pks(pk or None) if grant.shows(tuple(found))]


def _as_mapping(drawn: Any) -> Any:
    """Pairs of milliseconds and numbers as a mapping; with totals, those within."""
    return drawn | {'points': dict(drawn['points'])} if isinstance(drawn, dict) else dict(drawn)
