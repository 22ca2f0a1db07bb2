"""A split test and a decision with a real difference, and with names that would do harm as markup."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hailwhale import Whale

#: Names of somebody who means no good, or who writes in another direction.
EVIL = '<img src=x onerror=document.title=1>'
QUOTED, RIGHT = 'say "it\'s" 🐳', 'שלום עולם'


def split(
    visitors: int = 6_000, third: str = EVIL, countries: Sequence[str] = ('UK', 'US', RIGHT, QUOTED)
) -> list[dict[str, Any]]:
    """Visits to a button in three colours, of which one is better; a quarter of them in each country."""
    rng, events = random.Random(1), []
    for _ in range(visitors):
        colour = rng.choice(['blue', 'red', third])
        metrics = {'hits': 1}
        if rng.random() < (0.2 if colour == 'red' else 0.12):
            spent = rng.choice([10, 25, 40])
            metrics |= {'signups': 1, 'earned': spent, 'earned*earned': spent * spent}
        country = rng.choice(countries)
        events.append({'pk': ['page', 'button', colour], 'dimensions': {'country': country}, 'metrics': metrics})
    return events


def lopsided() -> list[dict[str, Any]]:
    """A split that has lost visitors of one version."""
    return [
        {'pk': ['lopsided', name], 'metrics': {'hits': hits, 'signups': signups}}
        for name, hits, signups in (('a', 5_000, 500), ('b', 4_000, 420))
    ]


def early() -> list[dict[str, Any]]:
    """A split that has just begun."""
    return [{'pk': ['early', name], 'metrics': {'hits': 40, 'signups': 2}} for name in 'ab']


def decided(
    now: datetime, visitors: int = 3_000, pk: str = 'front', further: Sequence[str] = (QUOTED, EVIL), last: str = RIGHT
) -> list[dict[str, Any]]:
    """Five days of a decision of headlines: each country likes one of its own, and bold is shown more and more."""
    rng, events = random.Random(2), []
    options = ['bold', 'plain', *further]
    liked = {'DE': 'bold', 'US': 'plain', last: further[-1]}
    for visit in range(visitors):
        at = (now - timedelta(hours=120 * (1 - visit / visitors))).isoformat()
        visitor = {'country': rng.choice(list(liked)), 'device': rng.choice(['phone', 'tablet'])}
        option = rng.choice([*options, *['bold'] * (visit * 4 // visitors)])
        events.append(Whale.decided_event(pk, 'headline', option, visitor, at=at))
        if rng.random() < (0.2 if liked[visitor['country']] == option else 0.05):
            events.append(Whale.decided_event(pk, 'headline', option, visitor, 'signups', at=at))
    return events


def everything(now: datetime) -> list[dict[str, Any]]:
    """All of them."""
    return split() + lopsided() + early() + decided(now)
