"""How the engine is by its own account: memory and keys, without a look at any of them."""

from __future__ import annotations

from typing import NamedTuple

from hailwhale.intervals import DAY
from hailwhale.storage import keys
from hailwhale.storage.keys import SHARDS
from hailwhale.storage.redis import Engine
from hailwhale.storage.wire import numbers, pack


class Condition(NamedTuple):
    """All nodes of an engine together."""

    memory: int  #: bytes that it uses
    limit: int  #: bytes that it may use: what its ``maxmemory`` says, else what its machines have; 0: nobody knows
    keys: int


def condition(engine: Engine) -> Condition:
    """See `hailwhale.storage.Storage.condition`."""
    shards = engine.one_shard_a_node()
    replies = engine.everywhere(
        [(shard, pack('INFO', 'memory')) for shard in shards] + [(shard, pack('DBSIZE')) for shard in shards]
    )
    told = [read_info(reply) for reply in replies[: len(shards)]]
    limits = [_amount(info, 'maxmemory') or _amount(info, 'total_system_memory') for info in told]
    return Condition(
        sum(_amount(info, 'used_memory') for info in told),
        sum(limits) if all(limits) else 0,
        sum(numbers(replies[len(shards) :])),
    )


def names(engine: Engine, now: int) -> list[int]:
    """See `hailwhale.storage.Storage.names`."""
    era, group = now // (keys.ERA_DAYS * DAY), keys.pk_group(())
    lengths = numbers(
        engine.everywhere([(shard, pack('HLEN', keys.names_key(shard, era, group))) for shard in range(SHARDS)])
    )
    # Beside the names such a table has the number that the next one gets.
    return [max(0, length - 1) for length in lengths]


def read_info(reply: object) -> dict[str, str]:
    """The fields of what INFO answers."""
    assert isinstance(reply, bytes)
    pairs = (line.partition(':') for line in reply.decode(errors='replace').splitlines() if not line.startswith('#'))
    return {name: value for name, colon, value in pairs if colon}


def _amount(info: dict[str, str], name: str) -> int:
    """A number of an engine that may not know it."""
    text = info.get(name, '')
    return int(text) if text.isdigit() else 0
