"""Who may write, read and administer, as the engine keeps it: one text an access key, when each was last used, and what
its rate has left.

What the texts say is not known here (`hailwhale.access.keys`).  All of it lies in shard 0, except the rates, which are
asked with every request and spread over the shards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache

from hailwhale.storage import keys
from hailwhale.storage.redis import Engine, evaluate, evaluation
from hailwhale.storage.wire import NoScript, Reply, Wire, pack, strings


def read_keys(engine: Engine) -> dict[str, str]:
    """The text of every key, by id."""
    return _read(engine, keys.KEYS)


def read_used(engine: Engine) -> dict[str, int]:
    """When each key was last used, by id, in epoch seconds; a key that was never used is not there."""
    return {name: int(at) for name, at in _read(engine, keys.KEYS_USED).items()}


def add_key(engine: Engine, name: str, text: str) -> bool:
    """Keep a new key; False, and nothing kept, when there is one of this id."""
    return engine.ask(0, 'HSETNX', keys.KEYS, name, text, again=False) == 1


def change_key(engine: Engine, name: str, text: str, *, before: str) -> bool:
    """Change a key whose text was ``before``; False, and nothing changed, when it is that no more.

    A key that was revoked meanwhile stays revoked.
    """
    data = evaluation('swap', [keys.KEYS], [name, before, text])
    return engine.run(0, lambda wire: evaluate(wire, 'swap', data)) == 1


def delete_keys(engine: Engine, names: Sequence[str]) -> None:
    """Forget keys, and when they were used; those that are not there are passed over."""
    if names:
        engine.pipeline(0, [pack('HDEL', key, *names) for key in (keys.KEYS, keys.KEYS_USED)])


def mark_used(engine: Engine, used: Mapping[str, int]) -> None:
    """Note when keys were used, by id, in epoch seconds."""
    engine.ask(0, 'HSET', keys.KEYS_USED, *(part for name, at in used.items() for part in (name, at)))


def _read(engine: Engine, key: str) -> dict[str, str]:
    fields = [field.decode() for field in strings(engine.ask(0, 'HGETALL', key))]
    return dict(zip(fields[::2], fields[1::2], strict=True))


# -- rates -----------------------------------------------------------------------------------------------------------


def take(engine: Engine, name: str, script: bytes, args: Sequence[int]) -> bool:
    """Run the script of a sliding window over the two keys of a rate: whether it let through.

    What a broken connection leaves unknown is not repeated: it would be taken twice.
    """
    shard, before, current = keys.rate_keys(name)
    known = pack('EVALSHA', _digest(script), 2, before, current, *args)

    def run(wire: Wire) -> Reply:
        try:
            return wire.ask(known)
        except NoScript:
            return wire.ask(pack('EVAL', script, 2, before, current, *args))

    return engine.run(shard, run) == 1


def window(engine: Engine, name: str) -> tuple[int, int, int, int]:
    """What a rate's window before the current one holds and for how long, and the same of the current one; lengths in
    milliseconds."""
    shard, before, current = keys.rate_keys(name)
    asked = [pack(command, key) for key in (before, current) for command in ('GET', 'PTTL')]
    # A key that is not there has the length -2.
    numbers = [max(0, int(reply or 0)) for reply in engine.pipeline(shard, asked)]  # type: ignore[arg-type]
    return numbers[0], numbers[1], numbers[2], numbers[3]


@cache
def _digest(script: bytes) -> bytes:
    return hashlib.sha1(script, usedforsecurity=False).hexdigest().encode()
