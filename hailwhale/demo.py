"""The demo: 336,776 departures from New York in a year, from the package, as a year until today.

Each row is a flight: pk ``['flights', carrier]``, dimensions ``{'route': {origin: dest}, 'hour': hour}``, metrics
``flights``, ``delay`` (minutes; nothing where it is not known) and ``miles``.  All times are moved by whole days, so
that the last one lies on today's date in UTC and all of them within ``period=year``.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import as_file, files

from hailwhale.importing import Import, Imported, Layout, Source, day_of, mark_of
from hailwhale.whale import Whale

#: Its days are counted as such.
ZONE = 'America/New_York'
NAME = 'demo'
LAYOUT = Layout(
    pk=['flights', '{carrier}'],
    dimensions={'route': {'{origin}': '{dest}'}, 'hour': '{hour}'},
    metrics={'flights': 1, 'delay': '{dep_delay}', 'miles': '{distance}'},
    at='{time_hour}',
)
FLIGHTS = 336_776
#: When the last flight left, in days since the epoch.
LAST_DAY = day_of('2014-01-01T04:00:00Z')

#: What to ask, and the path that asks it.
QUESTIONS = (
    ('How many flights in the last year, and how late were they on average?',
     '/totals?pk=flights&metrics=["flights","delay/flights"]&period=year'),
    ('From JFK to LAX with Delta?',
     '/totals?pk=["flights","DL"]&dimensions=["route","JFK","LAX"]&metrics=["flights","delay/flights"]&period=year'),
    ('How many on each of the last seven days in New York?',
     '/plotpoints?pk=flights&metrics=flights&period=seven&tz=America/New_York'),
)  # fmt: skip


def count_flights(whale: Whale, *, again: bool = False, progress: Callable[[Imported], None] | None = None) -> Imported:
    """Count the flights, unless they are: exactly once, also where an earlier call was killed.

    Flights that were counted on an earlier day, and so lie a day or more back, are cleared and counted anew for today;
    ``again`` does that in any case.  ``progress`` is told how far it has come.
    """
    today = day_of(whale.clock())
    mark = mark_of(whale, NAME)
    stale = mark is not None and (again or mark.shift != (today - LAST_DAY) * 86_400)
    if mark and mark.rows == FLIGHTS and not stale:
        return Imported(rows=FLIGHTS, before=FLIGHTS, share=1.0, shift=mark.shift)
    if stale:
        whale.reset('flights')
    with as_file(files('hailwhale') / 'data' / 'flights.csv.gz') as path:
        what = Import(whale, Source(path), LAYOUT, name=NAME, again=stale, move_to=today)
        what.on_progress = progress or what.on_progress
        return what.run()
