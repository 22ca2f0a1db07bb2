"""Annotations: moments worth a line and a word on graphs, such as a release, or the start of a campaign.

One belongs to a pk and is shown with all below it, or to all pks.  Each pk keeps the latest 500, for as long as the
longest-kept counters; counting and clearing counters change none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hailwhale.arguments import naming
from hailwhale.errors import InvalidInput, LimitExceeded
from hailwhale.paths import DEFAULT_PK, Path, pk_path
from hailwhale.storage import Storage, notes
from hailwhale.times import EARLIEST, LATEST, parse_time, shown

#: Characters of one text, and annotations of one pk.
MOST_CHARACTERS = 200
MOST = 500


@dataclass(frozen=True, slots=True)
class Annotation:
    """What happened, when (epoch seconds), and for which pk; ``()`` for all."""

    pk: Path
    at: int
    text: str

    def to_dict(self) -> dict[str, Any]:
        """The same for JSON, and for the widget: ``at`` in milliseconds."""
        return {'pk': list(self.pk), 'at': self.at * 1_000, 'text': self.text}


def annotate(storage: Storage, pk: object, at: object, text: object, *, now: float, kept: int) -> bool:
    """Keep one; ``pk`` None is for all.  False where it was there already, or 500 later ones are."""
    subject, moment = _subject(pk), parse_time(at, now)
    if not now - kept <= moment <= now + kept:
        raise InvalidInput(
            f'no counters are kept so far from now: {shown(at)} (at most {kept // 86_400} days)', field='at'
        )
    return notes.add(storage.engine, subject, moment, _text(text), most=MOST, now=int(now), kept=kept)


def forget(storage: Storage, pk: object, at: object, text: object, *, now: float) -> int:
    """Forget those of just this pk with a text, of any moment where none is given; how many there were."""
    subject, words = _subject(pk), _text(text)
    since, until = (EARLIEST, LATEST) if at is None else (parse_time(at, now),) * 2
    known = notes.read(storage.engine, subject, since, until)
    found = [(moment, said) for path, moment, said in known if path == subject and said == words]
    return notes.remove(storage.engine, subject, found)


def annotated(storage: Storage, pk: object, since: object, until: object, *, now: float) -> list[Annotation]:
    """Those that are shown with a pk, the earliest first; ``since`` and ``until`` are both included."""
    with naming('since'):
        first = EARLIEST if since is None else parse_time(since, now)
    with naming('until'):
        last = LATEST if until is None else parse_time(until, now)
    path = DEFAULT_PK if pk is None else pk_path(pk)
    return [Annotation(*found) for found in notes.read(storage.engine, path, first, last)]


def _subject(pk: object) -> Path:
    return () if pk is None else pk_path(pk)


def _text(text: object) -> str:
    if not isinstance(text, str) or not text.strip():
        raise InvalidInput(f'nothing is said: {shown(text)} (a few words, such as: release 2.1)', field='text')
    words = text.strip()
    if len(words) > MOST_CHARACTERS:
        raise LimitExceeded(f'more than {MOST_CHARACTERS} characters: {len(words)}', field='text')
    # What has no UTF-8 is no text, and what ends a line none of a graph.
    if not words.isprintable():
        raise InvalidInput(
            f'not what can be printed on a graph: {shown(words)} (leave out control characters)', field='text'
        )
    return words
