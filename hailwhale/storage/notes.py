"""Annotations as the engine keeps them: for each pk, and for all, a sorted set of texts by their moments.

Whatever is done twice is there once: the moment and the text are the member.
"""

from __future__ import annotations

from collections.abc import Iterable

from hailwhale.paths import Path, prefixes
from hailwhale.storage import keys
from hailwhale.storage.redis import Engine
from hailwhale.storage.wire import pack, strings

#: Of each its pk, its moment and its text.
Notes = list[tuple[Path, int, str]]


def add(engine: Engine, pk: Path, at: int, text: str, *, most: int, now: int, kept: int) -> bool:
    """Keep one, and of all of that pk the ``most`` latest that are no older than ``kept`` seconds; False where it was
    there already, or has no place among those.

    The key ends when nothing in it would be told any more.
    """
    shard, key = keys.notes_key(pk)
    added, *_, place = engine.pipeline(
        shard,
        [
            pack('ZADD', key, at, _member(at, text)),
            pack('ZREMRANGEBYSCORE', key, '-inf', f'({now - kept}'),
            pack('ZREMRANGEBYRANK', key, 0, -most - 1),
            pack('EXPIREAT', key, max(now, at) + kept),
            pack('ZSCORE', key, _member(at, text)),
        ],
    )
    return added == 1 and place is not None


def remove(engine: Engine, pk: Path, found: Iterable[tuple[int, str]]) -> int:
    """Forget some of a pk, by moment and text; how many were there."""
    shard, key = keys.notes_key(pk)
    removed = engine.pipeline(shard, [pack('ZREM', key, _member(at, text)) for at, text in found])
    return sum(int(reply) for reply in removed if isinstance(reply, int))


def read(engine: Engine, pk: Path, since: int, until: int) -> Notes:
    """Those of all pks, of the pks above one and of itself between two moments, both included; the earliest first."""
    paths = ((), *prefixes(pk))
    places = [keys.notes_key(path) for path in paths]
    replies = engine.everywhere([(shard, pack('ZRANGEBYSCORE', key, since, until)) for shard, key in places])
    found = [
        (path, *_read(member.decode()))
        for path, members in zip(paths, map(strings, replies), strict=True)
        for member in members
    ]
    return sorted(found, key=lambda each: each[1:])


def _member(at: int, text: str) -> str:
    return f'{at}:{text}'


def _read(member: str) -> tuple[int, str]:
    at, _, text = member.partition(':')
    return int(at), text
