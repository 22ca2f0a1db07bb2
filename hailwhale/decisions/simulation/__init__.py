"""Situations whose rates are known, and ways to choose in them: what each way loses.

`drawn` makes a situation of `SITUATIONS`, `play` sends the same visitors to any way, and what comes of it is `Played`.
`Counted` is the policy that ships, over counters that live in memory.
"""

from hailwhale.decisions.simulation.counted import Counted
from hailwhale.decisions.simulation.playing import Played, play
from hailwhale.decisions.simulation.situations import Lag, Situation, Stage
from hailwhale.decisions.simulation.stock import SITUATIONS, drawn
from hailwhale.decisions.simulation.visits import Visit, visits
from hailwhale.decisions.simulation.ways import Even, Way

__all__ = [
    'SITUATIONS',
    'Counted',
    'Even',
    'Lag',
    'Played',
    'Situation',
    'Stage',
    'Visit',
    'Way',
    'drawn',
    'play',
    'visits',
]
