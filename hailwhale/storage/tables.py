"""The tables of names, as a whole: they have to outlast every counter whose field is made with one of their numbers."""

from __future__ import annotations

import re
from functools import partial

from hailwhale.storage.keys import era_expires
from hailwhale.storage.redis import Engine
from hailwhale.storage.wire import Reply, Wire, pack, strings

_TABLE = re.compile(rb'hw:\{\d+\}:[nm]:(-?\d+):')
_AT_ONCE = 1_000


def extend(engine: Engine, longest: int) -> None:
    """Let every table end no sooner than counters that end ``longest`` seconds after their chunk began."""
    for shard in engine.one_shard_a_node():
        following: bytes | None = b'0'
        while following is not None:
            following, keys = engine.run(shard, partial(_scan, following), again=True)
            engine.pipeline(shard, [_extension(key, longest) for key in keys])


def _scan(cursor: bytes, wire: Wire) -> tuple[bytes | None, list[bytes]]:
    """Some tables, and where to go on; None at the end."""
    reply: Reply = wire.ask(pack('SCAN', cursor, 'MATCH', 'hw:{*}:[nm]:*', 'COUNT', _AT_ONCE))
    assert isinstance(reply, list)
    following, keys = reply
    assert isinstance(following, bytes)
    return None if following == b'0' else following, [key for key in strings(keys) if _TABLE.match(key)]


def _extension(key: bytes, longest: int) -> bytes:
    found = _TABLE.match(key)
    assert found
    return pack('EXPIREAT', key, era_expires(int(found[1]), longest), 'GT')
