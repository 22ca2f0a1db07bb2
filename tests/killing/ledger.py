"""The books: events as they are pushed, what was acknowledged of them, and what the engine has made of them.

Every event that must be told from others has a name of its own among its dimensions, so the counters themselves say how
often it was counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hailwhale.paths import Path
from hailwhale.storage import Slots, series
from tests.engines import Server
from tests.storage.stores import KEEP, NOW, ONE, Happening, Place, counters, dump, expected

#: What is kept in all rounds, as a setting; `KEEP` says the same.
SETTINGS: dict[str, Any] = {'keep': '1m:1d 1h:31d 1d:1y'}
#: The name that events share which nobody must tell apart: their texts are equal, and add up before they are read.
ALIKE = 'alike'
PKS = [
    ['shop', 'tea'],
    ['shop', 'mugs'],
    ['signup'],
    ['a', 'b', 'c'],
    ['mail', '42'],
    ['shop||tea'],
    ['shop', 'tea||'],
]
_PLACES = [('UK', 'London'), ('UK', 'Leeds'), ('US', 'New York'), ('*', "d'Évora"), ('a||b', 'c'), ('a', 'b||c')]


@dataclass(frozen=True)
class Sale:
    """One event."""

    pk: tuple[str, ...]
    place: tuple[str, str] | None
    name: str
    micros: int
    at: int
    id: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """As a caller gives it."""
        dimensions: dict[str, Any] = {'event': self.name}
        if self.place:
            country, city = self.place
            dimensions['geo'] = {country: city}
        given = {'pk': list(self.pk), 'dimensions': dimensions, 'metrics': {'cents': self.cents}, 'at': self.at}
        return given | ({'id': self.id} if self.id else {})

    @property
    def cents(self) -> str:
        """The amount as a decimal."""
        whole, rest = divmod(abs(self.micros), ONE)
        return f'{"-" * (self.micros < 0)}{whole}.{rest:06}'

    @property
    def happening(self) -> Happening:
        """What it counts."""
        nodes: tuple[Path, ...] = ((), ('event',), ('event', self.name))
        if self.place:
            country, city = self.place
            nodes += (('geo',), ('geo', country), ('geo', country, city))
        return Happening(self.pk, nodes, {'cents': self.micros, 'hits': ONE}, self.at, self.id)

    @property
    def own(self) -> Place:
        """The counter that says how often it was counted."""
        _, group, child = series(self.pk, ('event', self.name))
        day = KEEP[-1].at(KEEP[-1].interval.floor(self.at))
        return day.name, group, child, 'hits', day.offset


def few(dice: Random) -> list[Sale]:
    """A handful that needs few commands and yet has all that matters: two shards, an id, and two of the same text."""
    own = [
        Sale((pk,), None, f'e{number}', dice.randrange(10**9), NOW - 60 * dice.randrange(3), id)
        for number, (pk, id) in enumerate([('signup', 'i1'), ('signup', None), ('mail', 'i2')])
    ]
    return [*own, *[Sale(('signup',), None, ALIKE, ONE, NOW)] * 2]


def flood(dice: Random, count: int = 4_500) -> list[Sale]:
    """Many of one shard, as they come in: of 1,500 pks without order, some of them with ids."""
    found = []
    for number in range(count):
        id = f'flood-{number}' if number % 10 == 0 else None
        found.append(Sale(('flood', f'{dice.randrange(1_500)}'), None, ALIKE, dice.randrange(100) * ONE, NOW, id))
    return found


def sales(
    dice: Random,
    count: int,
    *,
    ids: float = 0.0,
    alike: float = 0.0,
    first: int = 0,
    plain: bool = False,
    pks: Sequence[Sequence[str]] = PKS,
) -> list[Sale]:
    """Events of the last day, which every interval keeps: a share with an id, and a share of the others alike."""
    found = []
    for number in range(first, first + count):
        name, id = f'e{number}', None
        if dice.random() < ids:
            id = f'id-{number}'
        elif dice.random() < alike:
            name = ALIKE
        at = NOW - (60 if name == ALIKE else dice.choice((0, 61, 3_600, 70_000)))
        pk, place = dice.choice(pks), None if plain else dice.choice(_PLACES)
        micros = 1_500_000 if name == ALIKE else dice.choice((0, ONE, 9_990_000, -250_000, 1, dice.randrange(10**12)))
        found.append(Sale(tuple(pk), place, name, micros, at, id))
    return found


@dataclass
class Verdict:
    """What a round came to."""

    acknowledged: int = 0
    counted: int = 0  #: of those
    besides: int = 0  #: sent, not acknowledged, and counted nevertheless
    lost: int = 0
    doubled: int = 0
    wrong: list[str] = field(default_factory=list)
    missing: list[Sale] = field(default_factory=list)  #: acknowledged, and not counted

    @property
    def good(self) -> bool:
        return not (self.lost or self.doubled or self.wrong)

    def __add__(self, other: Verdict) -> Verdict:
        return Verdict(
            self.acknowledged + other.acknowledged,
            self.counted + other.counted,
            self.besides + other.besides,
            self.lost + other.lost,
            self.doubled + other.doubled,
            self.wrong + other.wrong,
            self.missing + other.missing,
        )

    def __str__(self) -> str:
        return f'acknowledged {self.acknowledged}, counted {self.counted}, lost {self.lost}, doubled {self.doubled}'


def audit(
    server: Server,
    sure: Collection[Sale],
    unsure: Collection[Sale] = (),
    *,
    dead: int = 0,
    waiting: int = 0,
    keep: Sequence[Slots] = KEEP,
) -> Verdict:
    """Hold all that an engine has against what was acknowledged, and what was only sent.

    An event that was acknowledged has been counted once; one that was only sent, once or not at all.  Every counter is
    the sum of what was counted: no event is counted by half.  So many events are dead, so many still wait.  Only the
    counters of ``keep`` are looked at.
    """
    found = dump(server)
    cells = counters(found)
    verdict = Verdict(acknowledged=len(sure))
    times: Counter[Place] = Counter()
    for place in {sale.own for sale in (*sure, *unsure)}:
        times[place] = cells.get(place, 0) // ONE
    sent = Counter(sale.own for sale in sure)
    maybe = Counter(sale.own for sale in unsure)
    counted, known = [], set(sure)
    left = times.copy()
    for sale in (*sure, *unsure):
        if left[sale.own] > 0:
            left[sale.own] -= 1
            counted.append(sale)
        elif sale in known:
            verdict.missing.append(sale)
    for place in times:
        verdict.counted += min(times[place], sent[place])
        verdict.besides += min(max(0, times[place] - sent[place]), maybe[place])
        verdict.lost += max(0, sent[place] - times[place])
        verdict.doubled += max(0, times[place] - sent[place] - maybe[place])
    names = tuple(f'{slots.name}:' for slots in keep)
    verdict.wrong = _differences(
        {
            place: amount
            for place, amount in expected(sale.happening for sale in counted).items()
            if place[0].startswith(names)
        },
        {place: amount for place, amount in cells.items() if place[0].startswith(names)},
    )
    verdict.wrong += _leftovers(found, dead, waiting)
    return verdict


def _differences(wanted: Mapping[Place, int], cells: Mapping[Place, int]) -> list[str]:
    places = [place for place in {*wanted, *cells} if wanted.get(place, 0) != cells.get(place, 0)]
    return [f'{place}: {cells.get(place, 0)} instead of {wanted.get(place, 0)}' for place in sorted(places)[:20]]


def _leftovers(found: Mapping[str, Any], dead: int, waiting: int) -> list[str]:
    """What should not be there: keys that never end and are none of the permanent ones, or too much that waits."""
    permanent = ('store', 'epoch', 'hits', 'dead', 'seq', 'secrets', 'keys', 'used')
    wrong = [f'{key} never ends' for key, entry in found.items() if entry.expires < 0 and _kind(key) not in permanent]
    for kind, most in (('hits', waiting), ('dead', dead)):
        lists = [entry.value for key, entry in found.items() if _kind(key) == kind]
        if sum(map(len, lists)) != most:
            shown = json.dumps(lists, default=repr)[:500]
            wrong.append(f'{sum(map(len, lists))} events in {kind} instead of {most}: {shown}')
    return wrong


def _kind(key: str) -> str:
    return key.split(':')[2]
