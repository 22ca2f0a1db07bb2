"""Events on their way: the list in which each shard's events wait, those put aside, and the spy logs.

An event is a text here; `hailwhale.waiting` knows what it says.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from hailwhale.errors import BacklogFull, StorageError, StorageRefused, StorageUnavailable
from hailwhale.intervals import DAY
from hailwhale.storage import keys
from hailwhale.storage.bounds import Bounds
from hailwhale.storage.keys import SHARDS
from hailwhale.storage.redis import Engine, Replies, evaluate, evaluation
from hailwhale.storage.wire import Reply, Wire, checked, numbers, pack, strings, text


class Use(NamedTuple):
    """That an event came by a sealed pixel which may be used so many times."""

    name: str  #: of the pixel
    most: int
    expires: int  #: epoch seconds after which nobody asks any more how often it was used; 0 for never


class Arrival(NamedTuple):
    """An event to be pushed."""

    text: bytes
    at: int = 0  #: when it came, in epoch milliseconds
    spied: tuple[str, ...] = ()  #: keys of the spy logs that it is written to, all of its shard
    use: Use | None = None
    id: bool = False  #: whether it has an id, which will be remembered once it is counted


#: What the script answers.
_KEPT, _NO_ROOM, _NO_ROOM_FOR_IDS = 1, 0, -1
#: The share of the time for an answer that the engine itself may wait for its replicas.
_SHARE = 0.8


def push(
    engine: Engine, arrivals: Mapping[int, Sequence[Arrival]], bounds: Bounds
) -> dict[int, list[bool] | StorageError]:
    """See `hailwhale.storage.Storage.push`."""
    calls = {shard: _call(shard, of_shard, bounds) for shard, of_shard in arrivals.items() if of_shard}

    def replicated(wire: Wire, found: Replies) -> None:
        if bounds.replicas:
            _replicated(wire, found, bounds.replicas, engine.timeout)

    replies = engine.evaluate_each('push', calls, replicated)
    return {shard: _outcome(shard, of_shard, replies.get(shard), bounds) for shard, of_shard in arrivals.items()}


def _call(shard: int, arrivals: Sequence[Arrival], bounds: Bounds) -> bytes:
    """The call of `scripts/push.lua`."""
    spied = _spied(arrivals, bounds.spy) if bounds.spy else {}
    uses: defaultdict[Use, list[int]] = defaultdict(list)
    ids = newest = 0
    for place, arrival in enumerate(arrivals, 1):
        if arrival.use:
            uses[arrival.use].append(place)
        if arrival.id:
            ids += 1
            newest = max(newest, arrival.at)
    args: list[bytes | int] = [len(arrivals), bounds.backlog, ids, bounds.ids, len(uses), bounds.spy, bounds.spy_kept]
    args += [arrival.text for arrival in arrivals]
    if spied:
        args += [arrival.at for arrival in arrivals]
    for use, places in uses.items():
        args += (use.most, use.expires, _packed(places))
    args += map(_packed, spied.values())
    pixels = [keys.uses_key(shard, use.name) for use in uses]
    ids_of_day = keys.ids_key(shard, newest // (DAY * 1_000))
    touched = [keys.hits_key(shard), ids_of_day, keys.spied_logs_key(shard), *pixels, *spied]
    return evaluation('push', touched, args)


def _spied(arrivals: Sequence[Arrival], most: int) -> dict[str, list[int]]:
    """For each spy log the places of its events: the last of them, as many as it has room for."""
    found: defaultdict[str, list[int]] = defaultdict(list)
    for place, arrival in enumerate(arrivals, 1):
        for key in arrival.spied:
            found[key].append(place)
    return {key: places[-most:] for key, places in found.items()}


def _packed(places: Sequence[int]) -> bytes:
    return struct.pack(f'<{len(places)}I', *places)


def _outcome(shard: int, arrivals: Sequence[Arrival], reply: Reply, bounds: Bounds) -> list[bool] | StorageError:
    """What became of each event of a shard, as the script tells it."""
    if isinstance(reply, StorageError):
        return reply
    kept = [True] * len(arrivals)
    if reply is None:
        return kept
    what, count, *used_up = numbers(reply)
    if what == _NO_ROOM:
        return BacklogFull(
            f'{count} events wait in shard {shard}, and {bounds.backlog} may: none of {len(arrivals)} more was kept '
            '(let hailwhale drain run, and try again; HAILWHALE_MAX_BACKLOG allows more)'
        )
    if what == _NO_ROOM_FOR_IDS:
        return StorageRefused(
            f'{count} ids of today are remembered in shard {shard}, and {bounds.ids} may be: none of {len(arrivals)} '
            'events was kept (HAILWHALE_MAX_IDS allows more; events without ids need no room)'
        )
    for place in used_up:
        kept[place - 1] = False
    return kept


def _replicated(wire: Wire, found: Replies, replicas: int, timeout: float) -> None:
    """Wait until so many replicas have what was just kept; otherwise it is an error after all."""
    kept = [shard for shard, reply in found.items() if isinstance(reply, list) and reply[0] == _KEPT]
    if not kept:
        return
    try:
        reached = wire.ask(pack('WAIT', replicas, max(1, int(_SHARE * timeout * 1_000))))
        assert isinstance(reached, int)
        if reached >= replicas:
            return
        has = f'only {reached} of {replicas} replicas had it in time'
    except StorageError as cause:
        has = f'perhaps not {replicas} of its replicas have it ({cause})'
    for shard in kept:
        found[shard] = StorageUnavailable(
            f'{wire.address} has taken it, but {has}: it counts unless {wire.address} is lost (do its replicas run? '
            'HAILWHALE_REPLICAS says how many must have it)'
        )


def waiting(engine: Engine, shard: int, limit: int, after: int) -> tuple[str | None, list[bytes]]:
    """See `hailwhale.storage.Storage.waiting`."""
    asked = pack('GET', keys.sequence_key(shard)) + pack('LRANGE', keys.hits_key(shard), after, after + limit - 1)

    def read(wire: Wire) -> tuple[str | None, list[bytes]]:
        wire.send(asked)
        sequence = wire.reply()
        events = wire.texts()
        return text(checked(sequence)), events

    return engine.run(shard, read, again=True)


def backlog(engine: Engine) -> list[int]:
    """See `hailwhale.storage.Storage.backlog`."""
    return numbers(engine.everywhere([(shard, pack('LLEN', keys.hits_key(shard))) for shard in range(SHARDS)]))


def sequences(engine: Engine) -> list[int]:
    """See `hailwhale.storage.Storage.sequences`."""
    replies = engine.everywhere([(shard, pack('GET', keys.sequence_key(shard))) for shard in range(SHARDS)])
    return [int(reply or 0) for reply in strings(replies)]


def spied(engine: Engine, logs: Iterable[str], limit: int) -> list[bytes]:
    """See `hailwhale.storage.Storage.spied`."""
    asked = [(keys.shard_within(key), pack('LRANGE', key, 0, limit - 1)) for key in logs]
    entries = [entry for reply in engine.everywhere(asked) for entry in strings(reply)]
    return sorted(entries, key=_moment, reverse=True)[:limit]


def spied_logs(engine: Engine) -> list[str]:
    """See `hailwhale.storage.Storage.spied_logs`."""
    asked = [(shard, pack('SMEMBERS', keys.spied_logs_key(shard))) for shard in range(SHARDS)]
    return [key.decode() for reply in engine.everywhere(asked) for key in strings(reply)]


def _moment(entry: bytes) -> int:
    return int(entry.partition(b'\t')[0])


def dead(engine: Engine, shards: Iterable[int], limit: int) -> dict[int, list[bytes]]:
    """See `hailwhale.storage.Storage.dead`."""
    asked = [(shard, pack('LRANGE', keys.dead_key(shard), -limit, -1)) for shard in shards]
    replies = map(strings, engine.everywhere(asked))
    return {shard: entries[::-1][:limit] for (shard, _), entries in zip(asked, replies, strict=True) if entries}


def put_aside(engine: Engine) -> list[int]:
    """See `hailwhale.storage.Storage.put_aside`."""
    return numbers(engine.everywhere([(shard, pack('LLEN', keys.dead_key(shard))) for shard in range(SHARDS)]))


def revive(engine: Engine, shard: int, entries: Sequence[tuple[bytes, bytes]]) -> int:
    """See `hailwhale.storage.Storage.revive`."""
    data = evaluation('dead', [keys.dead_key(shard), keys.hits_key(shard)], [part for each in entries for part in each])
    taken = engine.run(shard, lambda wire: evaluate(wire, 'dead', data))
    assert isinstance(taken, int)
    return taken
