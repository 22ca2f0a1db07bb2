"""The keys that seal tokens, as the engine keeps them: texts by number, and which of them is the first."""

from __future__ import annotations

from typing import NamedTuple

from hailwhale.errors import StorageRefused
from hailwhale.storage import keys
from hailwhale.storage.redis import Engine, evaluate, evaluation
from hailwhale.storage.wire import strings

_FIRST = 'first'


class Secrets(NamedTuple):
    """What is kept: texts by number, and the number of the one that seals; None where there is none yet."""

    keys: dict[int, str]
    first: int | None

    def __repr__(self) -> str:
        return f'Secrets(keys={sorted(self.keys)}, first={self.first})'


def read(engine: Engine) -> Secrets:
    """All of them."""
    fields = [field.decode() for field in strings(engine.ask(0, 'HGETALL', keys.SECRETS))]
    found = dict(zip(fields[::2], fields[1::2], strict=True))
    first = found.pop(_FIRST, None)
    whole = first in found if found else first is None
    if not whole or not all(number.isdecimal() for number in found):
        raise StorageRefused(f'the key {keys.SECRETS} was damaged: its fields are {sorted(found)}, and first {first}')
    return Secrets({int(number): text for number, text in found.items()}, None if first is None else int(first))


def add(engine: Engine, number: int, text: str, *, first: int | None) -> bool:
    """Keep a new key, which is the first from now on.

    False, and nothing done, unless ``first`` (None: none at all) is the first until now and the number is free: of two
    that make one at once only one does, and both then `read` the same.
    """
    return _run(engine, number, text, first)


def forget(engine: Engine, number: int, *, first: int) -> bool:
    """Forget a key: tokens of it are refused from now on.

    False, and nothing done, where ``first`` is the first no more, where it is the one to be forgotten, or where there
    is none of that number.
    """
    return _run(engine, number, '', first)


def _run(engine: Engine, number: int, text: str, first: int | None) -> bool:
    data = evaluation('secret', [keys.SECRETS], [number, text, '' if first is None else first])
    return engine.run(0, lambda wire: evaluate(wire, 'secret', data)) == 1
