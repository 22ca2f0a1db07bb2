"""Looking over all that is stored, while others go on counting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from hailwhale.paths import Path, decode, unescape
from hailwhale.storage import keys
from hailwhale.storage.redis import Engine, evaluate, evaluation
from hailwhale.storage.wire import Reply, Wire, checked, numbers, pack, strings

#: Fields that are read in one step; the engine takes some ten milliseconds for so many.
FIELDS = 50_000
_KEYS_AT_ONCE = 1_000
_COUNTERS = re.compile(r'hw:\{(\d+)\}:([^:]*\d[^:]*):(-?\d+):([^:]*):([^:]*):([^:]*)')
_TABLE = re.compile(r'hw:\{(\d+)\}:n:(-?\d+):([^:]*):([^:]*)')
_METRICS = re.compile(r'hw:\{(\d+)\}:m:(-?\d+):([^:]*)')


class Counters(NamedTuple):
    """A hash of counters, as its key names it."""

    shard: int
    slot: str  #: 'INTERVAL:CHUNK'
    group: str
    metric: str  #: escaped


class Names(NamedTuple):
    """A table of numbers, or of the names of metrics."""

    shard: int
    era: int
    group: str  #: of a table of metrics: the pk


Found = Counters | Names


def look_over(engine: Engine, pk: str | None) -> Iterator[list[tuple[str, Found]]]:
    """All keys of counters and names, some at a time, in no order, each at least once; with ``pk`` (encoded) those of
    one tree."""
    for shard in engine.one_shard_a_node():
        following: bytes | None = b'0'
        while following is not None:
            following, found = engine.run(shard, partial(_scan, following), again=True)
            read = [(key, parsed(key)) for key in map(bytes.decode, found)]
            yield [(key, one) for key, one in read if one and (pk is None or _is_within(one, pk))]


def _scan(cursor: bytes, wire: Wire) -> tuple[bytes | None, list[bytes]]:
    reply = wire.ask(pack('SCAN', cursor, 'MATCH', 'hw:{*}:*', 'COUNT', _KEYS_AT_ONCE))
    assert isinstance(reply, list)
    following, found = reply
    assert isinstance(following, bytes)
    return None if following == b'0' else following, strings(found)


def parsed(key: str) -> Found | None:
    """What a key names; None for what holds no counters.

    >>> parsed('hw:{3}:1d:4:p/q:geo:hits')
    Counters(shard=3, slot='1d:4', group='p/q:geo', metric='hits')
    """
    if match := _TABLE.fullmatch(key):
        return Names(int(match[1]), int(match[2]), f'{match[3]}:{match[4]}')
    if match := _METRICS.fullmatch(key):
        return Names(int(match[1]), int(match[2]), match[3])
    if match := _COUNTERS.fullmatch(key):
        return Counters(int(match[1]), f'{match[2]}:{match[3]}', f'{match[4]}:{match[5]}', match[6])
    return None


def _is_within(found: Found, pk: str) -> bool:
    """Whether all of it belongs to a pk or a longer one."""
    own = found.group.partition(':')[0]
    return own == pk or own.startswith(f'{pk}/')


def place(group: str, child: str) -> tuple[Path, Path]:
    """The pk and the node that a child of a group is."""
    pk, _, parent = group.partition(':')
    name = unescape(child)
    if parent == keys.CHILDREN:
        return (*decode(pk), name), ()
    return decode(pk), (*decode(parent), name)


def lengths(engine: Engine, shard: int, hashes: Sequence[str]) -> list[int]:
    """How many fields each hash has; 0 for one that is not there."""
    return numbers(engine.pipeline(shard, [pack('HLEN', key) for key in hashes]))


def endings(engine: Engine, shard: int, found: Sequence[str]) -> list[int]:
    """The seconds that each key is still there; -1 for ever, -2 where it is gone."""
    return numbers(engine.pipeline(shard, [pack('TTL', key) for key in found]))


def read_whole(engine: Engine, shard: int, hashes: Sequence[str]) -> list[dict[bytes, bytes]]:
    """All fields of some hashes, in one step of the engine."""
    commands = [pack('HGETALL', key) for key in hashes]

    def run(wire: Wire) -> Reply:
        wire.send(b''.join([pack('MULTI'), *commands, pack('EXEC')]))
        refusals, reply = wire.simple(1 + len(commands)), wire.reply()
        for refusal in refusals:
            raise refusal
        return checked(reply)

    replies = engine.run(shard, run, again=True)
    assert isinstance(replies, list)
    found = [strings(checked(reply)) for reply in replies]
    return [dict(zip(fields[::2], fields[1::2], strict=True)) for fields in found]


def read_fields(engine: Engine, shard: int, wanted: Mapping[str, Sequence[int]]) -> list[dict[bytes, bytes]]:
    """Some fields of some hashes, in one step of the engine."""
    args = [arg for fields in wanted.values() for arg in (len(fields), *fields)]
    data = evaluation('fields', list(wanted), args)
    values = iter(strings(engine.run(shard, partial(evaluate, name='fields', data=data), again=True)))
    read = [{b'%d' % field: next(values) for field in fields} for fields in wanted.values()]
    return [{field: value for field, value in each.items() if value} for each in read]
