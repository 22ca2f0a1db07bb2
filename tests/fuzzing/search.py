"""The search in one target, in a process of its own: ``python -m tests.fuzzing.search NAME SECONDS [OPTIONS]``.

With options, which are libFuzzer's, atheris guides it; without, inputs are changed at random.
"""

from __future__ import annotations

import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from tests.fuzzing.seeds import mutated

if TYPE_CHECKING:
    from tests.fuzzing.parsers import Target

#: The parts of what is imported whose lines are watched.
_WATCHED = ['hailwhale', 'gevent.pywsgi', 'email.feedparser', 'http.client', 'json']


@contextmanager
def opened(name: str) -> Iterator[Target]:
    """The target of a name, with the engine that it needs."""
    from tests import engines
    from tests.fuzzing import parsers, requests

    alone = {**parsers.TARGETS, 'plain_requests': requests.plain_requests}
    if name in alone:
        yield alone[name]
        return
    with (
        tempfile.TemporaryDirectory() as directory,
        engines.redis_server(Path(directory)) as server,
        requests.arena(server) as arena,
    ):
        yield requests.targets(arena)[name]


def guided(name: str, options: Sequence[str]) -> None:
    """Search until atheris ends the process."""
    import atheris  # type: ignore[import-untyped, import-not-found, unused-ignore]

    # Only what is imported from here on is watched.
    with atheris.instrument_imports(include=_WATCHED):
        import hailwhale.wsgi.express  # noqa: F401
    with opened(name) as target:
        atheris.Setup([sys.argv[0], *options], target)
        atheris.Fuzz()


def at_random(name: str, seconds: float) -> int:
    """Search without a guide; 1 where something was found."""
    dice, end = Random(), time.monotonic() + seconds
    with opened(name) as target:
        while time.monotonic() < end:
            data = mutated(dice, name)
            try:
                target(data)
            except Exception:
                traceback.print_exc()
                print(f'add to tests/fuzzing/corpus/{name}.txt:\n{data!r}', flush=True)
                return 1
    return 0


if __name__ == '__main__':
    if sys.argv[3:]:
        guided(sys.argv[1], sys.argv[3:])
    raise SystemExit(at_random(sys.argv[1], float(sys.argv[2])))
