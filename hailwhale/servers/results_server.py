"""Results of split tests over HTTP.

::

    /results    GET, POST   {"overall": {"goals": [...]}, "segments": [...], "reading": [...], ...}

Parameters are those of `hailwhale.experiments.results.results`, by the same names.
"""

from __future__ import annotations

from hailwhale.servers.params import Parameters, formulas, one_of, share, value, whole, word
from hailwhale.servers.web import FOR_A_SECOND, Answer, Request, Route, json
from hailwhale.whale import Whale

_RESULTS = Parameters(
    pk=value,
    goals=formulas,
    control=word,
    variants=value,
    split=value,
    dimension=value,
    by=value,
    limit=whole,
    period=value,
    tz=value,
    kind=one_of('binomial', 'mean', 'ratio'),
    goal=one_of('max', 'min'),
    exposures=word,
    weights=value,
    allocation=one_of('fixed', 'adaptive'),
    alpha=share,
    power=share,
    lift=value,
    correction=word,
)


def results_routes(whale: Whale) -> tuple[Route, ...]:
    """The route of results."""

    def answer(request: Request) -> Answer:
        return json(whale.results(**request.given).as_dict(), cache=FOR_A_SECOND)

    return (Route('/results', answer, _RESULTS, ('GET', 'HEAD', 'POST'), scope='read', below=True),)
