"""An answer that is looked at again and again: what has changed of it since any earlier look, as server-sent events.

Nothing of earlier looks is kept but the version in which each number last changed; so whoever is late costs no more
than who is not, and learns of each number only the newest.
"""

from __future__ import annotations

from collections import defaultdict
from hashlib import blake2b
from typing import Any, NamedTuple

from hailwhale.servers.web import json

#: ``{dimension: {metric: [[milliseconds, number], ...]}}``; of all series the same buckets.
Found = dict[str, dict[str, list[list[Any]]]]

#: An id is a moment in milliseconds, followed by so many digits that tell one answer from another.
_DIGITS = 12


class Event(NamedTuple):
    """What is to be told: ``kind`` is ``all``, ``points`` or ``problem``, ``text`` is how that is sent."""

    kind: str
    text: bytes


class Versions:
    """The versions of an answer, from 1 on; 0 is that of somebody who knows nothing.

    >>> versions = Versions()
    >>> versions.look({'_': {'hits': [[0, 1], [60000, 1]]}}, 5)
    True
    >>> versions.look({'_': {'hits': [[0, 1], [60000, 2]]}}, 6)
    True
    >>> print(versions.since(1).text.decode().partition('event: ')[2].strip())
    points
    data: {"_":{"hits":[[60000,2]]}}
    >>> versions.since(2)
    """

    def __init__(self) -> None:
        self.number = 0
        self.id = 0  #: of this version; it grows
        self._found: Found = {}
        self._whole = 0  # the version that only the whole answer brings somebody to
        # By dimension, metric and place of the bucket: the version in which the number last changed.
        self._changed: defaultdict[str, defaultdict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
        self._told: dict[int, Event] = {}  # by what somebody knows: what is told of this version

    def look(self, found: Found, moment: int) -> bool:
        """See the answer as it is now, at a moment in milliseconds; whether anything has changed."""
        before = self._found
        if found == before and list(found) == list(before):
            return False
        self._begin(moment)
        self._found = found
        data = json(found).body
        if list(found) != list(before) or _starts(found) != _starts(before):
            self._changed.clear()
            self._whole = self.number
        else:
            self._compare(found, before)
        digest = int.from_bytes(blake2b(data, digest_size=16).digest(), 'big')
        # Those of 0 are of no answer.
        self.id += 1 + digest % (10**_DIGITS - 1)
        self._tell(0, 'all', data)
        return True

    def interrupt(self, problem: bytes, moment: int) -> None:
        """Nobody knows what the answer is: that is told to all, and after it the whole answer."""
        self._begin(moment)
        self._found = {}
        self._whole = self.number
        self._tell(0, 'problem', problem)

    def knows(self, last_id: str) -> int:
        """The version that somebody knows who was told an id last, by anybody: this one, or 0."""
        same = len(last_id) > _DIGITS and last_id.isdecimal() and last_id[-_DIGITS:] == str(self.id)[-_DIGITS:]
        return self.number if same and self._found else 0

    def since(self, version: int) -> Event | None:
        """What somebody is to be told who knows a version; None: nothing has changed since."""
        if version == self.number:
            return None
        if version < self._whole:
            return self._told[0]
        return self._told.get(version) or self._tell(version, 'points', json(self._points(version)).body)

    def _begin(self, moment: int) -> None:
        """A new version."""
        self.number += 1
        self._told = {}
        self.id = max(moment, self.id // 10**_DIGITS + 1) * 10**_DIGITS

    def _tell(self, version: int, kind: str, data: bytes) -> Event:
        """What those are told who know a version: made once, however many they are."""
        told = self._told[version] = Event(kind, b'id: %d\nevent: %b\ndata: %b\n\n' % (self.id, kind.encode(), data))
        return told

    def _compare(self, found: Found, before: Found) -> None:
        for dimension, by_metric in found.items():
            for metric, points in by_metric.items():
                old = before[dimension][metric]
                if points == old:
                    continue
                changed = self._changed[dimension][metric]
                for place, (point, was) in enumerate(zip(points, old, strict=True)):
                    if point != was:
                        changed[place] = self.number

    def _points(self, version: int) -> Found:
        """The buckets whose numbers have changed since a version."""
        points: defaultdict[str, dict[str, list[list[Any]]]] = defaultdict(dict)
        for dimension, by_metric in self._changed.items():
            for metric, changed in by_metric.items():
                places = sorted(place for place, number in changed.items() if number > version)
                if places:
                    points[dimension][metric] = [self._found[dimension][metric][place] for place in places]
        return points


def _starts(found: Found) -> list[Any]:
    """The starts of all buckets."""
    points = next(iter(next(iter(found.values())).values()))
    return [start for start, _ in points]
